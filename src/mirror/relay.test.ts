import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clientAddress, createWorld, type WorldMirror } from '../../test/support/world.ts'
import { limits } from '../base/limits.ts'
import { keyConfigurationOf, verifyDescriptor } from '../protocol/descriptor.ts'
import { sealRequest } from '../protocol/ohttp.ts'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import type { HttpQuestion, HttpReply } from '../runtime/runtime.ts'

function stage() {
  const world = createWorld({ count: 3, scene: { addresses: [], tlsa: [], servers: {} } })
  const [relay, gateway, third] = world.mirrors
  assert.ok(relay !== undefined && gateway !== undefined && third !== undefined)
  /** What the gateway was asked. */
  const seen: HttpQuestion[] = []
  const watch = (change: (reply: HttpReply) => HttpReply = (reply) => reply): void => {
    gateway.tamper = (reply, question) => {
      seen.push(question)
      return change(reply)
    }
  }
  watch()
  const start = (
    given: Partial<HttpQuestion> = {},
    id = gateway.entry.id,
  ): HttpReply | Promise<HttpReply> =>
    relay.mirror.handle({
      method: 'POST',
      path: `/v1/relay/${id}`,
      contentType: 'message/ohttp-req',
      body: new Uint8Array(183).fill(7),
      peer: { address: clientAddress, port: 50_000 },
      ...given,
    })
  const ask = (given?: Partial<HttpQuestion>, id?: string): Promise<HttpReply> =>
    world.clock.runUntil(Promise.resolve(start(given, id)))
  const sealed = (to: WorldMirror): Uint8Array => {
    const descriptor = verifyDescriptor(nodeCrypto, to.mirror.identity().descriptor, {
      id: to.entry.id,
      now: world.clock.now(),
    })
    const configuration = keyConfigurationOf(descriptor)
    assert.ok(configuration !== null)
    return sealRequest(world.runtime, configuration, new Uint8Array(128))?.bytes ?? assert.fail()
  }
  return { world, relay, gateway, third, seen, watch, start, ask, sealed }
}

const typeOf = (reply: HttpReply): string => {
  assert.equal(reply.contentType, 'application/problem+json')
  assert.ok(typeof reply.body === 'string')
  return (JSON.parse(reply.body) as { type: string }).type
}

test('what goes on to the gateway is the sealed bytes, and nothing of who sent them', async () => {
  const { ask, seen, relay, gateway, sealed } = stage()
  const body = sealed(gateway)
  const reply = await ask({ body, path: `/v1/relay/${gateway.entry.id}?from=me` })
  assert.equal(reply.status, 200)
  assert.equal(reply.contentType, 'message/ohttp-res')
  assert.deepEqual(seen, [
    {
      method: 'POST',
      path: '/v1/ohttp',
      contentType: 'message/ohttp-req',
      body,
      peer: { address: relay.entry.ip, port: 50_000 },
    },
  ])
  assert.deepEqual(relay.relayed(), { relayed: 1, refused: 0, failed: 0 })
})

const refusals: readonly (readonly [string, number, string, Partial<HttpQuestion>])[] = [
  ['PUT', 405, 'method-not-allowed', { method: 'PUT' }],
  ['JSON', 415, 'media-type-unsupported', { contentType: 'application/json' }],
  ['an endless body', 413, 'question-too-large', { body: null }],
  [
    'a long body',
    413,
    'question-too-large',
    { body: new Uint8Array(limits.obliviousRequestBytesMax + 1) },
  ],
  ['a short body', 400, 'sealed-malformed', { body: new Uint8Array(54) }],
]
for (const [what, status, code, given] of refusals)
  test(`${what} is refused with ${status}, and nothing goes on`, async () => {
    const { ask, seen, relay } = stage()
    const reply = await ask(given)
    assert.equal(reply.status, status)
    assert.equal(typeOf(reply), `urn:sightline:problem:${code}`)
    assert.deepEqual(seen, [])
    // A method that the path does not take never comes as far as the relay.
    const refused = status === 405 ? 0 : 1
    assert.deepEqual(relay.relayed(), { relayed: 0, refused, failed: 0 })
  })

test('nothing is carried to anybody but known mirrors', async () => {
  const { ask, relay, third, world } = stage()
  const ids = ['x'.repeat(43), '', '198.18.1.1', '../v1/list', `${third.entry.id}/..`]
  for (const id of ids) {
    const reply = await ask({}, id)
    assert.equal(typeOf(reply), 'urn:sightline:problem:relay-unknown', id)
  }
  relay.known = relay.known.filter((one) => one.id !== third.entry.id)
  assert.equal((await ask({}, third.entry.id)).status, 404)
  assert.equal((await ask({ method: 'GET' }, third.entry.id)).status, 404)
  assert.deepEqual(
    world.mirrors.map((one) => one.asked),
    [0, 0, 0],
  )
})

test('a mirror carries nothing to itself, even when it lists itself', async () => {
  const { ask, relay } = stage()
  relay.known = [...relay.known, { ...relay.entry, since: 0, status: 'active' }]
  assert.equal(typeOf(await ask({}, relay.entry.id)), 'urn:sightline:problem:relay-unknown')
})

test('a gateway that does not answer is given up in time', async () => {
  const { ask, gateway, world, relay } = stage()
  gateway.latencyMs = 'never'
  const began = world.clock.monotonic()
  assert.equal(typeOf(await ask()), 'urn:sightline:problem:relay-failed')
  assert.equal(world.clock.monotonic() - began, limits.relayTimeoutMs)
  gateway.latencyMs = 'dead'
  assert.equal((await ask()).status, 502)
  assert.deepEqual(relay.relayed(), { relayed: 0, refused: 0, failed: 2 })
})

const strange: readonly (readonly [string, Partial<HttpReply>])[] = [
  ['says hello', { status: 200, contentType: 'text/html', body: '<script>' }],
  ['redirects', { status: 302, contentType: 'message/ohttp-res', body: '' }],
  ['answers 100 MB', { body: new Uint8Array(100_000_000) }],
  ['refuses by a page', { status: 403, contentType: 'text/html', body: 'captcha' }],
  ['has a problem of its own', { contentType: 'application/problem+json', body: '{"type":"x"}' }],
]
for (const [what, change] of strange)
  test(`of a gateway that ${what}, nothing reaches the client`, async () => {
    const { ask, watch } = stage()
    watch((reply) => ({ ...reply, ...change }))
    const reply = await ask()
    assert.equal(typeOf(reply), 'urn:sightline:problem:relay-failed')
    assert.doesNotMatch(String(reply.body), /script|captcha/)
  })

test('a gateway whose certificate is not of its id is sent nothing', async () => {
  const { ask, gateway, third, seen } = stage()
  Object.assign(gateway, { mirror: third.mirror })
  assert.equal(typeOf(await ask()), 'urn:sightline:problem:relay-failed')
  assert.deepEqual(seen, [])
})

test('the descriptor of a gateway is fetched once for all who ask', async () => {
  const { world, start, seen, gateway } = stage()
  const replies = await world.clock.runUntil(
    Promise.all([1, 2, 3].map(async () => start({ method: 'GET', body: new Uint8Array() }))),
  )
  for (const { status, body } of replies) {
    assert.equal(status, 200)
    assert.deepEqual(JSON.parse(String(body)), { descriptor: gateway.mirror.identity().descriptor })
  }
  assert.equal(seen.length, 1)
  await world.clock.advance(limits.relayDescriptorMs)
  await world.clock.runUntil(Promise.resolve(start({ method: 'GET' })))
  assert.equal(seen.length, 2)
})

test('a gateway cannot have its descriptor fetched for each asker, by disowning its key', async () => {
  const { ask, gateway, seen } = stage()
  const { descriptor } = gateway.mirror.identity()
  for (let i = 0; i < 3; i++) {
    const reply = await ask({ method: 'GET' })
    assert.deepEqual(JSON.parse(String(reply.body)), { descriptor })
    gateway.mirror.renew()
    assert.equal((await ask()).status, 422)
  }
  assert.equal(seen.filter((one) => one.method === 'GET').length, 1)
})

test('a descriptor that is not of the gateway is not handed on, nor kept', async () => {
  const { ask, watch, third, seen } = stage()
  const { descriptor } = third.mirror.identity()
  watch((reply) => ({ ...reply, body: JSON.stringify({ descriptor }) }))
  assert.equal(typeOf(await ask({ method: 'GET' })), 'urn:sightline:problem:relay-failed')
  watch()
  assert.equal((await ask({ method: 'GET' })).status, 200)
  assert.equal(seen.length, 2)
})

test('one network cannot take all places, and places come free again', async () => {
  const { world, start, gateway, relay } = stage()
  const bodies = Array.from({ length: limits.relayedPerNetworkMax + 1 }, () => start())
  const last = bodies.at(-1)
  assert.ok(last !== undefined && !(last instanceof Promise))
  assert.equal(typeOf(last), 'urn:sightline:problem:relay-busy')
  const other = start({ peer: { address: '198.19.7.1', port: 1 } })
  assert.ok(other instanceof Promise)
  await world.clock.runUntil(Promise.all([...bodies, other]))
  assert.ok(start() instanceof Promise)
  assert.equal(gateway.asked, limits.relayedPerNetworkMax + 1)
  assert.equal(relay.relayed().refused, 1)
})

test('one gateway cannot take all places', async () => {
  const { start, third, world } = stage()
  const from = (n: number) => ({ peer: { address: `198.19.${n >> 4}.1`, port: 1 } })
  const inside = Array.from({ length: limits.relayedPerGatewayMax }, (_, n) => start(from(n)))
  const next = start(from(limits.relayedPerGatewayMax))
  assert.ok(!(next instanceof Promise))
  assert.equal(next.status, 503)
  inside.push(start(from(0), third.entry.id))
  assert.ok(inside.every((one) => one instanceof Promise))
  await world.clock.runUntil(Promise.all(inside))
})
