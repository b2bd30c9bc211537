import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { makeChain } from '../../test/support/certificates.ts'
import { listenTcp, listenTls, type Listener } from '../../test/support/listeners.ts'
import { createVirtualClock } from '../../test/support/virtual-clock.ts'
import { limits } from '../base/limits.ts'
import type { DnsAnswer } from '../observation/observation.ts'
import { parseTarget } from '../observation/target.ts'
import { nodeClock } from '../runtime/node/clock.ts'
import { connect } from '../runtime/node/connection.ts'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import { NetworkError, type Connection, type Endpoint } from '../runtime/runtime.ts'
import type { QueryType, Resolver } from './dns/resolver.ts'
import { createProbe, type ProbeOptions } from './probe.ts'

const patient = new AbortController().signal
const target = parseTarget('https://example.test')
const { chain } = makeChain()
const needs = { clock: nodeClock, crypto: nodeCrypto, network: { connect } }

const nodata: DnsAnswer = {
  status: 'nodata',
  records: [],
  ttl: 60,
  ad: false,
  cname: [],
  error: null,
}

/** Answers for `example.test` by type; everything else is absent. */
function resolverOf(table: Partial<Record<QueryType, readonly string[]>>): Resolver {
  return {
    query: (name, type) => {
      const records = name === target.host ? (table[type] ?? []) : []
      return Promise.resolve(records.length === 0 ? nodata : { ...nodata, status: 'ok', records })
    },
  }
}

/** Really connects, but to the listeners that stand for the addresses; an address without one is refused. */
function networkOf(places: Readonly<Record<string, Listener>>): {
  connect: typeof connect
  tried: string[]
} {
  const tried: string[] = []
  return {
    tried,
    connect: (to, signal) => {
      tried.push(`${to.address} ${to.port}`)
      const listener = places[to.address]
      return listener === undefined
        ? Promise.reject(new NetworkError('refused', `nobody is at ${to.address}`))
        : connect(listener.endpoint, signal)
    },
  }
}

const options = (resolver: Resolver): ProbeOptions => ({ resolver, allowPrivate: true })

const quiet = (): Promise<Listener> =>
  listenTcp((socket) => {
    socket.resume()
    socket.on('end', () => socket.end())
  })

test('a look holds DNS, own and asked addresses, and the certificates by address', async () => {
  await using server = await listenTls(chain)
  const network = networkOf({ '192.0.2.1': server, '192.0.2.9': server })
  const resolver = resolverOf({ A: ['192.0.2.1'], AAAA: ['2001:db8::1'] })
  const probe = createProbe({ ...needs, network }, options(resolver))
  const before = Date.now()
  const { sight, chains } = await probe.look(
    { target, asked: ['192.0.2.9', '192.0.2.1', '192.0.2.9'] },
    patient,
  )
  assert.equal(sight.target, 'https://example.test')
  assert.ok(sight.at >= before && sight.at <= Date.now())
  assert.deepEqual(sight.dns.a.records, ['192.0.2.1'])
  assert.deepEqual(
    sight.handshakes.map(({ address, port, origin, outcome }) => [address, port, origin, outcome]),
    [
      ['192.0.2.1', 443, 'own', 'completed'],
      ['2001:db8::1', 443, 'own', 'failed'],
      ['192.0.2.9', 443, 'asked', 'completed'],
    ],
  )
  assert.deepEqual([...chains.keys()].toSorted(), ['192.0.2.1', '192.0.2.9'])
  assert.deepEqual(
    chains.get('192.0.2.1')?.map(({ der }) => der),
    chain.map(({ der }) => der),
  )
  assert.deepEqual(network.tried.toSorted(), ['192.0.2.1 443', '192.0.2.9 443', '2001:db8::1 443'])
})

for (const [family, other, address] of [
  ['A', 'AAAA', '192.0.2.1'],
  ['AAAA', 'A', '2001:db8::1'],
] as const)
  test(`handshakes begin with the answer to ${family}, while ${other} and TLSA are still awaited`, async () => {
    const shown = Promise.withResolvers<void>()
    await using server = await listenTls(chain, {}, () => shown.resolve())
    const inner = resolverOf({ [family]: [address] })
    const resolver: Resolver = {
      query: async (name, type, signal) => {
        if (type !== family) await shown.promise
        return inner.query(name, type, signal)
      },
    }
    const network = networkOf({ [address]: server })
    const { sight } = await createProbe({ ...needs, network }, options(resolver)).look(
      { target },
      patient,
    )
    assert.equal(sight.handshakes[0]?.outcome, 'completed')
    assert.equal(network.tried.length, 1)
  })

test('private addresses get no packet unless that is allowed; what is no address never does', async () => {
  await using server = await listenTls(chain)
  const local = parseTarget(`tls://example.test:${server.endpoint.port}`)
  const resolver = resolverOf({ A: ['127.0.0.1'] })
  const strict = createProbe(needs, { resolver, allowPrivate: false })
  const request = { target: local, asked: ['::1', 'localhost', '::ffff:127.0.0.1'] }
  const refused = await strict.look(request, patient)
  assert.equal(refused.sight.handshakes.length, 4)
  for (const { outcome, address } of refused.sight.handshakes)
    assert.equal(outcome, 'refused-address', address)
  assert.equal(server.accepted, 0)
  const lenient = createProbe(needs, { resolver, allowPrivate: true })
  const [first, , third] = (await lenient.look(request, patient)).sight.handshakes
  assert.equal(first?.outcome, 'completed')
  assert.equal(third?.outcome, 'refused-address')
})

test('connect takes the place of the own addresses, and DNS is asked all the same', async () => {
  await using server = await listenTls(chain)
  const resolver = resolverOf({ A: ['192.0.2.1'] })
  const { sight } = await createProbe(needs, options(resolver)).look(
    { target, connect: server.endpoint },
    patient,
  )
  assert.deepEqual(sight.dns.a.records, ['192.0.2.1'])
  assert.deepEqual(
    sight.handshakes.map(({ address, port, outcome }) => ({ address, port, outcome })),
    [{ ...server.endpoint, outcome: 'completed' }],
  )
})

test('without handshakes there is DNS alone', async () => {
  const network = networkOf({})
  const probe = createProbe({ ...needs, network }, options(resolverOf({ A: ['192.0.2.1'] })))
  const look = await probe.look({ target, handshakes: false, asked: ['192.0.2.2'] }, patient)
  assert.deepEqual(look.sight.dns.a.records, ['192.0.2.1'])
  assert.deepEqual(look.sight.handshakes, [])
  assert.equal(look.chains.size, 0)
  assert.deepEqual(network.tried, [])
})

test('a scheme whose way to TLS is not known here is unsupported, and gets no packet', async () => {
  for (const text of ['smtp://example.test', 'ssh://example.test', 'postgres://example.test']) {
    const network = networkOf({})
    const resolver = resolverOf({ A: ['192.0.2.1'], AAAA: ['2001:db8::1'] })
    const { sight } = await createProbe({ ...needs, network }, options(resolver)).look(
      { target: parseTarget(text) },
      patient,
    )
    assert.deepEqual(
      sight.handshakes.map(({ outcome }) => outcome),
      ['unsupported', 'unsupported'],
    )
    assert.deepEqual(network.tried, [])
  }
})

test('an address as target needs no DNS and no server name', async () => {
  const names: string[] = []
  await using server = await listenTls(chain, {
    SNICallback: (name, done) => {
      names.push(name)
      done(null)
    },
  })
  const { address, port } = server.endpoint
  const silent: Resolver = { query: () => Promise.reject(new Error('DNS was asked')) }
  const { sight } = await createProbe(needs, options(silent)).look(
    { target: parseTarget(`tls://${address}:${port}`) },
    patient,
  )
  assert.equal(sight.handshakes[0]?.outcome, 'completed')
  assert.equal(sight.handshakes[0]?.origin, 'own')
  assert.deepEqual(names, [])
})

test('resolve and shake do their parts alone', async () => {
  await using server = await listenTls(chain)
  const network = networkOf({ '192.0.2.1': server })
  const probe = createProbe({ ...needs, network }, options(resolverOf({ A: ['192.0.2.1'] })))
  const { dns } = await probe.resolve(target, patient)
  assert.deepEqual(dns.a.records, ['192.0.2.1'])
  const { handshakes, chains } = await probe.shake(
    target,
    [
      { address: '192.0.2.7', origin: 'own' },
      { address: '192.0.2.1', origin: 'asked' },
    ],
    patient,
  )
  assert.deepEqual(
    handshakes.map(({ address, origin, outcome }) => [address, origin, outcome]),
    [
      ['192.0.2.7', 'own', 'failed'],
      ['192.0.2.1', 'asked', 'completed'],
    ],
  )
  assert.deepEqual([...chains.keys()], ['192.0.2.1'])
})

test('silence is given up at the deadline of the handshake', async () => {
  const clock = createVirtualClock()
  await using server = await quiet()
  const probe = createProbe(
    { ...needs, clock, network: networkOf({ '192.0.2.1': server }) },
    { ...options(resolverOf({ A: ['192.0.2.1'] })), timeoutMs: 1_000 },
  )
  const looking = probe.look({ target }, patient)
  await clock.advance(1_000)
  const [handshake] = (await looking).sight.handshakes
  assert.equal(handshake?.error?.code, 'timeout')
  await server.allClosed()
  assert.equal(clock.armed, 0)
})

test('once one address has shaken hands, the others have to hurry', async () => {
  const clock = createVirtualClock()
  const shown = Promise.withResolvers<void>()
  await using server = await listenTls(chain, {}, (socket) => socket.once('end', shown.resolve))
  await using silent = await quiet()
  const network = networkOf({ '192.0.2.1': server, '2001:db8::1': silent })
  const resolver = resolverOf({ A: ['192.0.2.1'], AAAA: ['2001:db8::1'] })
  const looking = createProbe({ ...needs, clock, network }, options(resolver)).look(
    { target },
    patient,
  )
  await shown.promise
  await clock.advance(limits.handshakeGraceMs)
  const [first, second] = (await looking).sight.handshakes
  assert.equal(first?.outcome, 'completed')
  assert.equal(second?.error?.code, 'timeout')
  assert.match(second.error.text, /of another address's/)
  assert.equal(clock.armed, 0)
})

test('an abort during DNS is thrown, and ends the handshakes that had begun', async () => {
  const accepted = Promise.withResolvers<void>()
  await using server = await listenTcp((socket) => {
    accepted.resolve()
    socket.resume()
    socket.on('end', () => socket.end())
  })
  const inner = resolverOf({ A: ['192.0.2.1'] })
  const resolver: Resolver = {
    query: (name, type, signal) =>
      type === 'A'
        ? inner.query(name, type, signal)
        : new Promise((_, reject) =>
            signal.addEventListener('abort', () => reject(signal.reason as Error)),
          ),
  }
  const controller = new AbortController()
  const network = networkOf({ '192.0.2.1': server })
  const looking = createProbe({ ...needs, network }, options(resolver)).look(
    { target },
    controller.signal,
  )
  await accepted.promise
  controller.abort(new NetworkError('timeout', 'the whole look took too long'))
  await assert.rejects(looking, /the whole look took too long/)
  await server.allClosed()
})

test('an abort during handshakes is in the sight', async () => {
  await using server = await quiet()
  const controller = new AbortController()
  const network = networkOf({ '192.0.2.1': server })
  const probe = createProbe({ ...needs, network }, options(resolverOf({ A: ['192.0.2.1'] })))
  const shaking = probe.shake(target, [{ address: '192.0.2.1', origin: 'own' }], controller.signal)
  controller.abort(new NetworkError('timeout', 'the whole look took too long'))
  const { handshakes } = await shaking
  assert.equal(handshakes[0]?.error?.code, 'timeout')
})

test('whatever DNS and the asker name: bounded, each once, own before asked', async () => {
  const v4 = fc.uniqueArray(fc.integer({ min: 1, max: 12 }).map((i) => `192.0.2.${i}`))
  const v6 = fc.uniqueArray(fc.integer({ min: 1, max: 12 }).map((i) => `2001:db8::${i}`))
  const max = limits.addressesProbedMax
  await fc.assert(
    fc.asyncProperty(v4, v6, fc.array(fc.oneof(v4, v6)), async (a, aaaa, lists) => {
      const tried: string[] = []
      const nobody = ({ address }: Endpoint): Promise<Connection> => {
        tried.push(address)
        return Promise.reject(new NetworkError('refused', 'nobody is there'))
      }
      const asked = lists.flat()
      const probe = createProbe(
        { ...needs, network: { connect: nobody } },
        options(resolverOf({ A: a, AAAA: aaaa })),
      )
      const { sight } = await probe.look({ target, asked }, patient)
      const seen = sight.handshakes.map(({ address }) => address)
      assert.deepEqual(tried.toSorted(), seen.toSorted())
      assert.equal(new Set(seen).size, seen.length)
      const known = new Set([...a, ...aaaa])
      for (const { address, origin } of sight.handshakes)
        assert.equal(origin, known.has(address) ? 'own' : 'asked')
      const own = seen.slice(0, Math.min(max, known.size))
      assert.ok(own.every((address) => known.has(address)))
      assert.ok(own.filter((one) => a.includes(one)).length >= Math.min(max / 2, a.length))
      assert.ok(own.filter((one) => aaaa.includes(one)).length >= Math.min(max / 2, aaaa.length))
      const wanted = [...new Set(asked)].slice(0, max)
      assert.ok(wanted.every((address) => seen.includes(address)))
      assert.equal(seen.length, own.length + wanted.filter((one) => !own.includes(one)).length)
    }),
  )
})
