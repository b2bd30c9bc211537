import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { concat } from '../../base/bytes.ts'
import { limits } from '../../base/limits.ts'
import { connect } from '../../runtime/node/connection.ts'
import { openUdp } from '../../runtime/node/udp.ts'
import { NetworkError, type Endpoint } from '../../runtime/runtime.ts'
import {
  flags,
  message,
  name,
  pointer,
  question,
  questionAt,
  record,
  soaData,
  types,
  u16,
  usual,
  type MessageParts,
} from '../../../test/support/dns-bytes.ts'
import {
  startHostileDnsServer,
  type HeardQuery,
  type HostileDnsServer,
} from '../../../test/support/dns-server.ts'
import { freePort } from '../../../test/support/service.ts'
import { createSeededRandom } from '../../../test/support/seeded-random.ts'
import { createVirtualClock, type VirtualClock } from '../../../test/support/virtual-clock.ts'
import { createResolver, type Resolver, type ResolverOptions } from './resolver.ts'

const host = 'www.example.test'
const never = new AbortController().signal
const own = pointer(questionAt)

function answerTo(query: HeardQuery, parts: Partial<MessageParts> = {}): Uint8Array {
  return message({ id: query.id, questions: [question(query.name, query.type)], ...parts })
}

const a = (last: number): Uint8Array =>
  record(own, types.A, { data: Uint8Array.of(192, 0, 2, last) })
const good = (query: HeardQuery, last = 1): Uint8Array => answerTo(query, { answers: [a(last)] })

interface Scene {
  readonly servers: readonly HostileDnsServer[]
  readonly resolver: Resolver
  readonly clock: VirtualClock
}

/** Real sockets, a clock that stands still, and one hostile server for each handler. */
async function sceneOf(
  context: TestContext,
  handlers: readonly ((query: HeardQuery) => void)[],
  options: Omit<ResolverOptions, 'servers'> = {},
): Promise<Scene> {
  const servers = await Promise.all(handlers.map((handle) => startHostileDnsServer(handle)))
  context.after(() => Promise.all(servers.map((server) => server.close())))
  const clock = createVirtualClock()
  const needs = { clock, random: createSeededRandom(1), network: { udp: openUdp, connect } }
  const endpoints = servers.map((server) => server.endpoint)
  return { servers, clock, resolver: createResolver(needs, { servers: endpoints, ...options }) }
}

/** The one server of a scene. */
function only(scene: Scene): HostileDnsServer {
  return scene.servers[0] ?? assert.fail('the scene has a server')
}

const silent = (): void => {}
const ok = { status: 'ok', records: ['192.0.2.1'] }

test('the right answer is taken, and nothing stays armed or open', async (context) => {
  const scene = await sceneOf(context, [(query) => query.reply(good(query))])
  assert.partialDeepStrictEqual(await scene.resolver.query(host, 'A', never), ok)
  assert.equal(scene.clock.armed, 0)
  assert.equal(only(scene).heard.length, 1)
})

test('each question leaves from another port, with another id and another case', async (context) => {
  const scene = await sceneOf(context, [(query) => query.reply(good(query))])
  const count = 32
  for (let i = 0; i < count; i++) await scene.resolver.query(host, 'A', never)
  const heard = only(scene).heard
  assert.equal(new Set(heard.map((query) => query.id)).size, count)
  assert.ok(new Set(heard.map((query) => query.from.port)).size > count / 2)
  assert.equal(new Set(heard.map((query) => query.name)).size, count)
  for (const query of heard) assert.equal(query.name.toLowerCase(), host)
})

/** What somebody who does not see the question may send, or the wrong one from the right place. */
const forgeries: Readonly<Record<string, (query: HeardQuery) => Promise<void> | void>> = {
  'with a wrong id': (query) =>
    query.reply(answerTo(query, { id: query.id ^ 1, answers: [a(66)] })),
  'to another question': (query) =>
    query.reply(answerTo(query, { questions: [question('evil.test', types.A)], answers: [a(66)] })),
  'of another type': (query) =>
    query.reply(answerTo(query, { questions: [question(query.name, types.AAAA)] })),
  'that is a question': (query) => query.reply(query.bytes),
  'of no octets': (query) => query.reply(new Uint8Array()),
}
for (const [what, forge] of Object.entries(forgeries))
  test(`a datagram ${what} is ignored, and the answer behind it taken`, async (context) => {
    const scene = await sceneOf(context, [
      async (query) => {
        await forge(query)
        query.reply(good(query))
      },
    ])
    assert.partialDeepStrictEqual(await scene.resolver.query(host, 'A', never), ok)
    assert.equal(only(scene).heard.length, 1)
  })

for (const what of ['port', 'address'] as const)
  test(`the right answer from another ${what} is ignored`, async (context) => {
    const scene = await sceneOf(context, [
      async (query) => {
        const { port } = only(scene).endpoint
        const elsewhere = what === 'port' ? {} : { address: '127.0.0.2', port }
        await query.replyFromElsewhere(good(query, 66), elsewhere)
        query.reply(good(query))
      },
    ])
    assert.partialDeepStrictEqual(await scene.resolver.query(host, 'A', never), ok)
    assert.equal(only(scene).heard.length, 1)
  })

test('a flood of datagrams that are no answer drives the question to TCP', async (context) => {
  const scene = await sceneOf(context, [
    (query) => {
      if (query.via === 'tcp') return query.reply(good(query))
      const forged = answerTo(query, { id: query.id ^ 1, answers: [a(66)] })
      for (let i = 0; i < limits.dnsStrayDatagramsMax; i++) query.reply(forged)
    },
  ])
  assert.partialDeepStrictEqual(await scene.resolver.query(host, 'A', never), ok)
  assert.deepEqual(
    only(scene).heard.map((query) => query.via),
    ['udp', 'tcp'],
  )
})

test('a server that does not keep the case is asked over TCP at once, and believed there', async (context) => {
  const lower = (query: HeardQuery): Uint8Array =>
    answerTo(query, {
      questions: [question(query.name.toLowerCase(), query.type)],
      answers: [a(1)],
    })
  const scene = await sceneOf(context, [(query) => query.reply(lower(query))])
  assert.partialDeepStrictEqual(await scene.resolver.query('WWW.Example.test', 'A', never), ok)
  assert.deepEqual(
    only(scene).heard.map((query) => query.via),
    ['udp', 'tcp'],
  )
})

// TCP

const truncated = (query: HeardQuery): Uint8Array =>
  answerTo(query, { flags: usual | flags.truncated })

/** A server that truncates by datagram, and does `overTcp` else. */
const truncating =
  (overTcp: (query: HeardQuery) => void) =>
  (query: HeardQuery): void =>
    query.via === 'udp' ? query.reply(truncated(query)) : overTcp(query)

test('a truncated answer is asked for again over TCP: the same question', async (context) => {
  const scene = await sceneOf(context, [truncating((query) => query.reply(good(query)))])
  assert.partialDeepStrictEqual(await scene.resolver.query(host, 'A', never), ok)
  assert.deepEqual(
    only(scene).heard.map((query) => [query.via, query.name.toLowerCase(), query.type]),
    [
      ['udp', host, types.A],
      ['tcp', host, types.A],
    ],
  )
  await only(scene).idle()
})

test('an answer of 64 kB is read whole, and its records are bounded', async (context) => {
  const big = (query: HeardQuery): Uint8Array => {
    const start = answerTo(query)
    const room = limits.dnsMessageBytesMax - start.length
    const each = record(own, types.TLSA, { data: new Uint8Array(1027) }).length
    const last = room - 62 * each - 12
    const answers = [
      ...Array.from({ length: 62 }, (_, i) =>
        record(own, types.TLSA, {
          data: concat(Uint8Array.of(3, 1, 0), new Uint8Array(limits.tlsaDataBytesMax).fill(i)),
        }),
      ),
      record(own, types.TXT, { data: new Uint8Array(last) }),
    ]
    return answerTo(query, { answers })
  }
  const scene = await sceneOf(context, [truncating((query) => query.reply(big(query)))])
  const answer = await scene.resolver.query(host, 'TLSA', never)
  // Whole keys of a kilobyte are 2 054 characters each; more than seven do not fit into an observation.
  assert.deepEqual([answer.status, answer.records.length], ['ok', 7])
  assert.match(answer.error ?? '', /of 62 records the first 7 are kept/)
})

test('an answer that comes octet by octet is put together', async (context) => {
  const drip = async (query: HeardQuery): Promise<void> => {
    const whole = good(query)
    for (const octet of concat(u16(whole.length), whole)) {
      query.write(Uint8Array.of(octet))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const scene = await sceneOf(context, [truncating((query) => void drip(query))])
  assert.partialDeepStrictEqual(await scene.resolver.query(host, 'A', never), ok)
})

test('octets behind the answer over TCP are left alone', async (context) => {
  const more = (query: HeardQuery): void => {
    const whole = good(query)
    query.write(concat(u16(whole.length), whole, u16(9), Uint8Array.of(1, 2, 3)))
  }
  const scene = await sceneOf(context, [truncating(more)])
  assert.partialDeepStrictEqual(await scene.resolver.query(host, 'A', never), ok)
})

const badTcp: Readonly<Record<string, (query: HeardQuery) => void>> = {
  'ends before a length': (query) => query.end(),
  'ends within the answer': (query) => {
    query.write(concat(u16(400), good(query)))
    query.end()
  },
  'is of no octets': (query) => query.reply(new Uint8Array()),
  'is truncated again': (query) => query.reply(truncated(query)),
  'has a wrong id': (query) => query.reply(answerTo(query, { id: query.id ^ 1, answers: [a(66)] })),
  'is to another question': (query) =>
    query.reply(answerTo(query, { questions: [question('evil.test', types.A)], answers: [a(66)] })),
}
for (const [what, overTcp] of Object.entries(badTcp))
  test(`an answer over TCP that ${what} is malformed`, async (context) => {
    const scene = await sceneOf(context, [truncating(overTcp)])
    const answer = await scene.resolver.query(host, 'A', never)
    assert.deepEqual([answer.status, answer.records], ['malformed', []])
    assert.notEqual(answer.error, null)
  })

test('a server that drips over TCP for ever is given up at the deadline', async (context) => {
  const scene = await sceneOf(
    context,
    [truncating((query) => query.write(concat(u16(400), Uint8Array.of(1))))],
    { timeoutMs: 500 },
  )
  const asking = scene.resolver.query(host, 'A', never)
  await only(scene).received(2)
  await scene.clock.advance(499)
  assert.equal(scene.clock.armed > 0, true)
  await scene.clock.advance(1)
  assert.partialDeepStrictEqual(await asking, {
    status: 'timeout',
    error: 'no answer within 500 ms',
  })
})

// Silence and failure

test('a silent server is asked again with growing waits, last over TCP, and the deadline ends it', async (context) => {
  const scene = await sceneOf(context, [silent])
  const server = only(scene)
  const asking = scene.resolver.query(host, 'AAAA', never)
  await server.received(1)
  await scene.clock.advance(limits.dnsRetryMs - 1)
  assert.equal(server.heard.length, 1)
  await scene.clock.advance(1)
  await server.received(2)
  await scene.clock.advance(2 * limits.dnsRetryMs - 1)
  assert.equal(server.heard.length, 2)
  await scene.clock.advance(1)
  await server.received(3)
  assert.deepEqual(
    server.heard.map((query) => query.via),
    ['udp', 'udp', 'tcp'],
  )
  assert.equal(new Set(server.heard.map((query) => query.id)).size, 3)
  await scene.clock.advance(limits.dnsTimeoutMs)
  assert.deepEqual(await asking, {
    status: 'timeout',
    records: [],
    ttl: null,
    ad: false,
    cname: [],
    error: 'no answer within 3000 ms',
  })
  assert.equal(scene.clock.armed, 0)
})

test('a late answer to the first try still counts while the second waits', async (context) => {
  const scene = await sceneOf(context, [silent])
  const server = only(scene)
  const asking = scene.resolver.query(host, 'A', never)
  await server.received(1)
  await scene.clock.advance(limits.dnsRetryMs)
  await server.received(2)
  const [first] = server.heard
  first?.reply(good(first))
  assert.partialDeepStrictEqual(await asking, ok)
})

test('where the first server is silent, the second answers', async (context) => {
  const scene = await sceneOf(context, [silent, (query) => query.reply(good(query))])
  const asking = scene.resolver.query(host, 'A', never)
  await only(scene).received(1)
  await scene.clock.advance(limits.dnsRetryMs)
  assert.partialDeepStrictEqual(await asking, ok)
})

test('where the first server fails, the second is asked at once', async (context) => {
  const failing = (query: HeardQuery): void => query.reply(answerTo(query, { flags: usual | 2 }))
  const scene = await sceneOf(context, [failing, (query) => query.reply(good(query))])
  assert.partialDeepStrictEqual(await scene.resolver.query(host, 'A', never), ok)
})

test('when all servers fail, each is asked once, and what they said is told', async (context) => {
  const scene = await sceneOf(
    context,
    [2, 5].map(
      (code) => (query: HeardQuery) => query.reply(answerTo(query, { flags: usual | code })),
    ),
  )
  assert.partialDeepStrictEqual(await scene.resolver.query(host, 'A', never), {
    status: 'servfail',
    error: 'the resolver answered SERVFAIL; the resolver answered REFUSED',
  })
  assert.deepEqual(
    scene.servers.map((server) => server.heard.length),
    [1, 1],
  )
})

test('a server that fails at its second try is not waited for any longer', async (context) => {
  let count = 0
  const scene = await sceneOf(context, [
    (query) => {
      if (++count === 2) query.reply(answerTo(query, { flags: usual | 2 }))
    },
  ])
  const asking = scene.resolver.query(host, 'A', never)
  await only(scene).received(1)
  await scene.clock.advance(limits.dnsRetryMs)
  assert.partialDeepStrictEqual(await asking, { status: 'servfail' })
})

test('what one server said is told when the other stays silent to the end', async (context) => {
  const scene = await sceneOf(context, [
    (query) => query.reply(answerTo(query, { flags: usual | 2 })),
    silent,
  ])
  const asking = scene.resolver.query(host, 'A', never)
  await scene.servers[1]?.received(1)
  await scene.clock.advance(limits.dnsTimeoutMs)
  assert.partialDeepStrictEqual(await asking, { status: 'servfail' })
})

test('what a server said is told rather than that another could not be reached', async (context) => {
  const scene = await sceneOf(context, [
    (query) => query.reply(answerTo(query, { flags: usual | 2 })),
  ])
  const network = {
    connect,
    udp: (family: 4 | 6, onMessage: Parameters<typeof openUdp>[1]) =>
      family === 4
        ? openUdp(family, onMessage)
        : Promise.reject(new NetworkError('unreachable', 'no IPv6 here')),
  }
  const resolver = createResolver(
    { clock: scene.clock, random: createSeededRandom(4), network },
    { servers: [{ address: '2001:db8::1', port: 53 }, only(scene).endpoint] },
  )
  assert.partialDeepStrictEqual(await resolver.query(host, 'A', never), {
    status: 'servfail',
    error: 'the resolver cannot be reached (unreachable); the resolver answered SERVFAIL',
  })
})

test('an answer is an answer: NXDOMAIN of the first server is not taken to the second', async (context) => {
  const scene = await sceneOf(context, [
    (query) => query.reply(answerTo(query, { flags: usual | 3 })),
    (query) => query.reply(good(query)),
  ])
  assert.partialDeepStrictEqual(await scene.resolver.query(host, 'A', never), {
    status: 'nxdomain',
  })
})

test('a lying answer is malformed at once, without a wait', async (context) => {
  const scene = await sceneOf(context, [
    (query) => query.reply(answerTo(query, { answers: [a(1)], counts: [1, 9, 0, 0] })),
  ])
  assert.partialDeepStrictEqual(await scene.resolver.query(host, 'A', never), {
    status: 'malformed',
  })
})

test('where nothing listens, datagrams are lost and TCP says so', async () => {
  const clock = createVirtualClock()
  const needs = { clock, random: createSeededRandom(2), network: { udp: openUdp, connect } }
  const servers = [{ address: '127.0.0.1', port: await freePort() }]
  const asking = createResolver(needs, { servers }).query(host, 'A', never)
  await clock.advance(3 * limits.dnsRetryMs)
  assert.deepEqual(await asking, {
    status: 'unreachable',
    records: [],
    ttl: null,
    ad: false,
    cname: [],
    error: 'the resolver cannot be reached (refused)',
  })
})

test('a machine without such sockets is a status, not a throw; an error of our own is not hidden', async () => {
  const clock = createVirtualClock()
  const server: Endpoint = { address: '2001:db8::1', port: 53 }
  const resolverWith = (error: Error): Resolver =>
    createResolver(
      {
        clock,
        random: createSeededRandom(3),
        network: { udp: () => Promise.reject(error), connect: () => Promise.reject(error) },
      },
      { servers: [server] },
    )
  const gone = new NetworkError('unreachable', 'no IPv6 here')
  assert.partialDeepStrictEqual(await resolverWith(gone).query(host, 'A', never), {
    status: 'unreachable',
  })
  await assert.rejects(resolverWith(new TypeError('a bug')).query(host, 'A', never), /a bug/)
  assert.equal(clock.armed, 0)
})

// The asker

test('the asker who aborts gets the reason, at once, and nothing stays armed', async (context) => {
  const scene = await sceneOf(context, [silent])
  const asker = new AbortController()
  const asking = scene.resolver.query(host, 'A', asker.signal)
  await only(scene).received(1)
  const reason = new Error('no longer wanted')
  asker.abort(reason)
  await assert.rejects(asking, (error) => error === reason)
  assert.equal(scene.clock.armed, 0)
  for (const name of [host, 'no..name'])
    await assert.rejects(scene.resolver.query(name, 'A', asker.signal), (error) => error === reason)
  assert.equal(only(scene).heard.length, 1)
})

test('a name that DNS does not allow is not asked for: there is none', async (context) => {
  const scene = await sceneOf(context, [silent])
  assert.partialDeepStrictEqual(await scene.resolver.query(`${'a'.repeat(64)}.test`, 'A', never), {
    status: 'nxdomain',
  })
  assert.equal(only(scene).heard.length, 0)
})

// Aliases that the server does not follow

const alias = (query: HeardQuery, target: string, ttl = 300): Uint8Array =>
  answerTo(query, { answers: [record(own, types.CNAME, { data: name(target), ttl })] })

test('the last name of unfollowed aliases is asked for, with all TTLs counted', async (context) => {
  const next: Readonly<Record<string, string>> = { [host]: 'b.test', 'b.test': 'c.test' }
  const scene = await sceneOf(context, [
    (query) => {
      const target = next[query.name.toLowerCase()]
      query.reply(
        target === undefined ? good(query) : alias(query, target, target === 'c.test' ? 5 : 9),
      )
    },
  ])
  assert.deepEqual(await scene.resolver.query(host, 'A', never), {
    status: 'ok',
    records: ['192.0.2.1'],
    ttl: 5,
    ad: false,
    cname: ['b.test', 'c.test'],
    error: null,
  })
})

test('a denial or a failure behind unfollowed aliases keeps the aliases', async (context) => {
  const endings: Readonly<Record<string, (query: HeardQuery) => Uint8Array>> = {
    nodata: (query) =>
      answerTo(query, { authorities: [record(name('test'), types.SOA, { data: soaData(60) })] }),
    servfail: (query) => answerTo(query, { flags: usual | 2 }),
  }
  for (const [status, ending] of Object.entries(endings)) {
    const scene = await sceneOf(context, [
      (query) =>
        query.reply(query.name.toLowerCase() === host ? alias(query, 'b.test', 9) : ending(query)),
    ])
    assert.partialDeepStrictEqual(await scene.resolver.query(host, 'A', never), {
      status,
      cname: ['b.test'],
      ttl: status === 'nodata' ? 9 : null,
    })
  }
})

test('unfollowed aliases that go round, or on and on, are malformed', async (context) => {
  const round = await sceneOf(context, [
    (query) => query.reply(alias(query, query.name.toLowerCase() === host ? 'b.test' : host)),
  ])
  assert.partialDeepStrictEqual(await round.resolver.query(host, 'A', never), {
    status: 'malformed',
    error: 'aliases go round',
  })
  assert.equal(only(round).heard.length, 2)
  let count = 0
  const endless = await sceneOf(context, [(query) => query.reply(alias(query, `n${++count}.test`))])
  assert.partialDeepStrictEqual(await endless.resolver.query(host, 'A', never), {
    status: 'malformed',
    error: 'there are more than 8 aliases',
  })
  assert.equal(count, limits.cnameStepsMax + 1)
})
