import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  createOrganisation,
  createWorld,
  scriptedProbe,
  type Scene,
} from '../../test/support/world.ts'
import { createSeededRandom } from '../../test/support/seeded-random.ts'
import { createVirtualClock } from '../../test/support/virtual-clock.ts'
import { base64url } from '../base/bytes.ts'
import type { Observation } from '../observation/observation.ts'
import { isRejection, verifyObservation } from '../observation/sign.ts'
import { answerKeysOf, verifyDescriptor } from '../protocol/descriptor.ts'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import { silentLog } from '../runtime/node/log.ts'
import type { HttpReply } from '../runtime/runtime.ts'
import type { Probe } from '../vantage/probe.ts'
import { createMirrorAuthority } from './identity.ts'
import { createMirror } from './mirror.ts'

const site = '203.0.113.10'

function stage(
  options: { readonly allowPrivate?: boolean; readonly probe?: (probe: Probe) => Probe } = {},
) {
  const clock = createVirtualClock()
  const needs = { clock, random: createSeededRandom(5), crypto: nodeCrypto, log: silentLog }
  const owner = createOrganisation(clock, 1)
  const scene: Scene = {
    addresses: [site],
    tlsa: [owner.tlsa],
    servers: { [site]: owner.server() },
  }
  const calls = { looks: 0, shakes: 0 }
  const probe = scriptedProbe(clock, () => scene)
  const counting: Probe = {
    ...probe,
    look: (...given) => {
      calls.looks += 1
      return probe.look(...given)
    },
    shake: (...given) => {
      calls.shakes += 1
      return probe.shake(...given)
    },
  }
  const mirror = createMirror(needs, {
    authority: createMirrorAuthority(needs),
    description: {
      addresses: [{ address: '198.18.0.1', port: 443 }],
      domain: 'm.example',
      region: 'RIPE-DE',
      contact: [],
    },
    probe: options.probe?.(counting) ?? counting,
    allowPrivate: options.allowPrivate ?? false,
    known: () => [],
  })
  const ask = async (
    path: string,
    given: {
      method?: string
      body?: unknown
      contentType?: string
      raw?: Uint8Array | null
      from?: string
    } = {},
  ): Promise<HttpReply> => {
    const reply = mirror.handle({
      method:
        given.method ?? (given.body === undefined && given.raw === undefined ? 'GET' : 'POST'),
      path,
      contentType: given.contentType ?? 'application/json',
      body:
        given.raw === undefined
          ? new TextEncoder().encode(JSON.stringify(given.body ?? null))
          : given.raw,
      peer: { address: given.from ?? '198.51.100.1', port: 40_000 },
    })
    return clock.runUntil(Promise.resolve(reply))
  }
  const observe = async (question: Readonly<Record<string, unknown>>, from?: string) => {
    const nonce = base64url(needs.random.bytes(16))
    const reply = await ask('/v1/observe', {
      body: { target: 'https://www.example.test', nonce, ...question },
      ...(from === undefined ? {} : { from }),
    })
    assert.equal(reply.status, 200, String(reply.body))
    return check(bodyOf(reply).observation ?? '', {
      nonce,
      target:
        typeof question['target'] === 'string' ? question['target'] : 'https://www.example.test',
    })
  }
  const check = (
    statement: string,
    expected: { nonce: string | null; target: string },
  ): Observation => {
    const descriptor = verifyDescriptor(nodeCrypto, mirror.identity().descriptor, {
      id: mirror.id,
      now: clock.now(),
    })
    const verified = verifyObservation(nodeCrypto, statement, {
      vantage: mirror.id,
      answerKeys: answerKeysOf(descriptor),
      now: clock.now(),
      ...expected,
    })
    assert.ok(!isRejection(verified), JSON.stringify(verified))
    return verified
  }
  return { clock, mirror, ask, observe, check, calls, owner }
}

function bodyOf(reply: HttpReply): {
  observation?: string
  descriptor?: string
  list?: string
  title?: string
  status?: number
  detail?: string
  type?: string
} {
  assert.ok(typeof reply.body === 'string')
  return JSON.parse(reply.body) as ReturnType<typeof bodyOf>
}

test('an answer carries addresses, records and the handshake, signed for this nonce', async () => {
  const { observe, owner } = stage()
  const observation = await observe({})
  assert.equal(observation.status, 'answered')
  assert.deepEqual(observation.sight?.dns.a.records, [site])
  assert.deepEqual(observation.sight?.dns.authority.records, [owner.tlsa])
  assert.equal(observation.sight?.handshakes[0]?.chain.length, 2)
  assert.equal(observation.source, 'fresh')
})

test('a hundred questions at once are one look', async () => {
  const { observe, calls } = stage()
  await Promise.all([observe({}), observe({}), observe({})])
  assert.equal(calls.looks, 1)
  assert.equal((await observe({})).source, 'cache')
  assert.equal(calls.looks, 1)
})

test('a sight is kept as long as its shortest answer, absence for half a minute, and fresh questions share five seconds', async () => {
  const { observe, calls, clock } = stage()
  await observe({})
  await clock.advance(4_000)
  await observe({ fresh: true })
  assert.equal(calls.looks, 1)
  await clock.advance(2_000)
  await observe({ fresh: true })
  assert.equal(calls.looks, 2)
  await clock.advance(29_000)
  await observe({})
  assert.equal(calls.looks, 2)
  await clock.advance(2_000)
  await observe({})
  assert.equal(calls.looks, 3)
})

test('an address that the asker was given is looked at as well, once', async () => {
  const { observe, calls } = stage()
  const observation = await observe({ asked: ['192.0.2.66', site] })
  const origins = observation.sight?.handshakes.map(({ address, origin }) => `${address} ${origin}`)
  assert.deepEqual(origins, [`${site} own`, '192.0.2.66 asked'])
  await observe({ asked: ['192.0.2.66'] })
  assert.equal(calls.shakes, 2)
})

test('the shared variant has no nonce, is the same for all, and says how long it holds', async () => {
  const { ask, check, clock } = stage()
  const path = `/v1/observe?target=${encodeURIComponent('https://www.example.test')}`
  const first = await ask(path)
  await clock.advance(10_000)
  const second = await ask(path)
  assert.equal(bodyOf(first).observation, bodyOf(second).observation)
  assert.equal(
    check(bodyOf(first).observation ?? '', { nonce: null, target: 'https://www.example.test' })
      .nonce,
    null,
  )
  assert.match(first.cacheControl, /max-age=\d+/)
})

test('private and odd targets are refused by a signed answer, unless on a test network', async () => {
  for (const target of [
    'https://127.0.0.1',
    'https://[::1]',
    'https://192.168.1.1',
    'https://169.254.169.254',
    'https://[::ffff:a00:1]',
    'https://[64:ff9b::a00:1]',
  ]) {
    const refused = await stage().observe({ target })
    assert.equal(refused.status, 'refused')
    assert.equal(refused.excuse?.code, 'private-target')
    assert.equal(refused.sight, null)
  }
  assert.equal(
    (await stage().observe({ target: 'tls://www.example.test:179' })).excuse?.code,
    'port-refused',
  )
  assert.equal(
    (await stage({ allowPrivate: true }).observe({ target: 'https://127.0.0.1' })).status,
    'answered',
  )
})

test('a way to TLS that is not known here is said so', async () => {
  const answer = await stage().observe({ target: 'smtp://www.example.test' })
  assert.equal(answer.excuse?.code, 'handshake-unsupported')
})

test('the descriptor verifies under the id, and the ping is empty', async () => {
  const { ask, mirror, clock } = stage()
  const statement = bodyOf(await ask('/.well-known/secure-mirror')).descriptor ?? ''
  const descriptor = verifyDescriptor(nodeCrypto, statement, { id: mirror.id, now: clock.now() })
  assert.equal(descriptor.region, 'RIPE-DE')
  assert.equal((await ask('/v1/ping')).status, 204)
  assert.throws(
    () => verifyDescriptor(nodeCrypto, statement, { id: 'x'.repeat(43), now: clock.now() }),
    /CA is another one/,
  )
  assert.throws(
    () =>
      verifyDescriptor(nodeCrypto, statement, { id: mirror.id, now: clock.now() + 8 * 86_400_000 }),
    /expired/,
  )
})

const good = { target: 'https://www.example.test', nonce: 'A'.repeat(22) }
const bad: readonly (readonly [
  string,
  string,
  Parameters<ReturnType<typeof stage>['ask']>[1],
  number,
  RegExp,
])[] = [
  ['an unknown path', '/v2/observe', {}, 404, /answers at/],
  ['a method that the path does not take', '/v1/observe', { method: 'DELETE' }, 405, /GET or POST/],
  [
    'a question without JSON type',
    '/v1/observe',
    { body: good, contentType: 'text/plain' },
    415,
    /application\/json/,
  ],
  ['a question that is too large', '/v1/observe', { raw: null }, 413, /4096/],
  [
    'a body that is no JSON',
    '/v1/observe',
    { raw: new TextEncoder().encode('{') },
    400,
    /not JSON/,
  ],
  ['a body that is no UTF-8', '/v1/observe', { raw: Uint8Array.of(0xff) }, 400, /UTF-8/],
  ['no nonce', '/v1/observe', { body: { target: good.target } }, 400, /at nonce/],
  ['a short nonce', '/v1/observe', { body: { ...good, nonce: 'AAAA' } }, 400, /at nonce/],
  [
    'a target that is none',
    '/v1/observe',
    { body: { ...good, target: 'https://a..b' } },
    400,
    /empty label/,
  ],
  [
    'a target that is not canonical',
    '/v1/observe',
    { body: { ...good, target: 'WWW.example.test' } },
    400,
    /canonical form/,
  ],
  [
    'too many addresses',
    '/v1/observe',
    { body: { ...good, asked: Array.from({ length: 9 }, () => '192.0.2.1') } },
    400,
    /at asked/,
  ],
  [
    'an address that is none',
    '/v1/observe',
    { body: { ...good, asked: ['example.com'] } },
    400,
    /not an IP address/,
  ],
  ['a shared question without target', '/v1/observe', {}, 400, /target/],
]
for (const [what, path, given, status, why] of bad) {
  test(`${what} gets a problem document with status ${status}`, async () => {
    const reply = await stage().ask(path, given)
    assert.equal(reply.status, status)
    assert.equal(reply.contentType, 'application/problem+json')
    const document = bodyOf(reply)
    assert.match(document.detail ?? '', why)
    assert.match(document.type ?? '', /^urn:sightline:problem:/)
    assert.equal(document.status, status)
  })
}

test('a vantage that breaks is an internal error, told to the operator and not to the asker', async () => {
  const { ask } = stage({
    probe: (probe) => ({ ...probe, look: () => Promise.reject(new Error('a secret of ours')) }),
  })
  const reply = await ask('/v1/observe', { body: good })
  assert.equal(reply.status, 500)
  assert.doesNotMatch(String(reply.body), /secret/)
})

test('a flood of new names under one domain waits, and then hears busy; other domains go on', async () => {
  const { clock, mirror } = stage()
  const ask = (target: string) =>
    Promise.resolve(
      mirror.handle({
        method: 'POST',
        path: '/v1/observe',
        contentType: 'application/json',
        body: new TextEncoder().encode(JSON.stringify({ target, nonce: 'A'.repeat(22) })),
        peer: { address: '198.51.100.1', port: 1 },
      }),
    )
  const flood = Array.from({ length: 200 }, (_, i) => ask(`https://n${i}.flooded.test`))
  const other = await clock.runUntil(ask('https://www.other.test'))
  assert.equal(statusOf(other), 'answered')
  const statuses = (await clock.runUntil(Promise.all(flood))).map(statusOf)
  const busy = statuses.filter((status) => status === 'busy').length
  assert.ok(busy > 100 && busy < 200, `${busy} busy`)
})

function statusOf(reply: HttpReply): string {
  const statement = bodyOf(reply).observation ?? ''
  return (
    JSON.parse(Buffer.from(statement.split('.')[1] ?? '', 'base64url').toString()) as Observation
  ).status
}

test('one world is enough to see that mirrors of several places have several ids', () => {
  const { mirrors } = createWorld({ count: 3, scene: { addresses: [], tlsa: [], servers: {} } })
  assert.equal(new Set(mirrors.map((one) => one.entry.id)).size, 3)
})
