// Join requests, announcements and letters of hostile mirrors: bounded, refused by name, without effect on others.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  createNetworkWorld,
  type NetworkMirror,
  type NetworkWorld,
} from '../../../test/support/network-world.ts'
import { issueServer } from '../../identity/issue.ts'
import { nodeCrypto } from '../../runtime/node/crypto.ts'
import { base64url, fromBase64url, hex } from '../../base/bytes.ts'
import { mirrorIdOf } from '../../observation/fingerprint.ts'
import { problemCodeOf } from '../../protocol/problems.ts'

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000]
const someId = 'b'.repeat(42) + 'A'

/** A network of four, and a door to knock at. */
async function stage(): Promise<NetworkWorld & { readonly door: NetworkMirror }> {
  const world = await createNetworkWorld({ count: 4, seed: 11 })
  await world.wait(hour)
  const [door] = world.founders
  assert.ok(door !== undefined)
  return { ...world, door }
}

/** All that `door` thinks of the other founders. */
function opinions({
  door,
  founders,
}: {
  readonly door: NetworkMirror
  readonly founders: readonly NetworkMirror[]
}) {
  return founders
    .filter((one) => one !== door)
    .map((one) => {
      const record = door.sees(one)
      return {
        standing: record?.standing,
        dissents: record?.reputation.dissents,
        entry: record?.entry,
      }
    })
}

for (const [what, request, code] of [
  ['no JSON', { body: '{' }, 'question-malformed'],
  ['nothing', { body: '' }, 'question-malformed'],
  ['another media type', { body: {}, contentType: 'text/plain' }, 'media-type-unsupported'],
  ['no address', { body: { port: 443, id: someId } }, 'question-malformed'],
  [
    'a name for an address',
    { body: { ip: 'mirror.example', port: 443, id: someId } },
    'question-malformed',
  ],
  [
    'an address in another text',
    { body: { ip: '8.8.8.08', port: 443, id: someId } },
    'question-malformed',
  ],
  [
    'an address with a zone',
    { body: { ip: 'fe80::1%eth0', port: 443, id: someId } },
    'question-malformed',
  ],
  ['no port', { body: { ip: '8.8.8.8', port: 0, id: someId } }, 'question-malformed'],
  [
    'an id that is none',
    { body: { ip: '8.8.8.8', port: 443, id: '!'.repeat(43) } },
    'question-malformed',
  ],
  ['ten megabytes', { body: ' '.repeat(10_000_000) }, 'question-too-large'],
  ['a list', { body: [{ ip: '8.8.8.8', port: 443, id: someId }] }, 'question-malformed'],
] as const)
  test(`a join request or announcement with ${what} is refused with ${code}`, async () => {
    const { door } = await stage()
    for (const path of ['/v1/join', '/v1/announce']) {
      const { reply } = await door.asked({ path, ...request })
      assert.equal(problemCodeOf(String(reply.body)), code)
    }
    assert.equal(door.peers().record(someId), null)
    assert.equal(door.served().network.counts().refusedRequests, 2)
  })

for (const [what, place, reason] of [
  ['a private address', { ip: '10.0.0.7', port: 443 }, /nobody can reach 10\.0\.0\.7: private use/],
  ['its neighbour on loopback', { ip: '127.0.0.1', port: 443 }, /loopback/],
  ['an address that maps to a private one', { ip: '::ffff:a00:7', port: 443 }, /mapped/],
  ['a port of another service', { ip: '8.8.8.8', port: 23 }, /port 23 is not looked at/],
  ['an address where nobody is', { ip: '8.8.8.8', port: 443 }, /does not answer there/],
] as const)
  test(`a mirror that claims to be at ${what} stays a candidate, and is told why`, async () => {
    const { door, wait, founders } = await stage()
    const before = opinions({ door, founders })
    const { reply, value } = await door.asked({ path: '/v1/join', body: { ...place, id: someId } })
    assert.equal(reply.status, 202, 'every request is accepted (R97)')
    assert.equal(value['state'], 'candidate')
    await wait(minute)
    const standing = await door.asked({ method: 'GET', path: `/v1/standing/${someId}` })
    assert.equal(standing.value['state'], 'candidate')
    assert.match(String(standing.value['reason']), reason)
    assert.equal(standing.value['listed'], false)
    assert.equal(door.served().network.known().length, 3)
    assert.deepEqual(opinions({ door, founders }), before)
    assert.ok(founders.every((one) => one === door || one.peers().record(someId) === null))
  })

test('a candidate that is not found for a month is forgotten, and leaves no tombstone', async () => {
  const { door, wait } = await stage()
  await door.asked({ path: '/v1/join', body: { ip: '8.8.8.8', port: 443, id: someId } })
  await wait(29 * day)
  assert.equal(door.peers().record(someId)?.standing.state, 'candidate')
  await wait(3 * day)
  assert.equal(door.peers().record(someId), null)
})

test('a claim to be at the address of another mirror does not touch that one', async () => {
  const { door, founders, wait } = await stage()
  const [, victim] = founders
  assert.ok(victim !== undefined)
  const before = opinions({ door, founders })
  const { ip, port } = victim.entry
  await door.asked({ path: '/v1/join', body: { ip, port, id: someId } })
  await wait(minute)
  assert.match(door.peers().record(someId)?.reason ?? '', /does not answer there under this id/)
  assert.deepEqual(opinions({ door, founders }), before)
})

test('a claim that a known mirror is elsewhere does not move it', async () => {
  const { door, founders, wait } = await stage()
  const [, victim] = founders
  assert.ok(victim !== undefined)
  const before = opinions({ door, founders })
  for (const ip of ['8.8.8.8', '9.9.9.9', '10.1.1.1']) {
    const body = { ip, port: 443, id: victim.entry.id }
    await door.asked({ path: '/v1/join', body })
    await door.asked({ path: '/v1/announce', body, from: '198.60.2.2' })
  }
  await wait(hour)
  assert.deepEqual(opinions({ door, founders }), before)
  assert.deepEqual(door.sees(victim)?.claims, [], 'nor is it remembered')
})

test('a mirror that has moved is found again, under its id', async () => {
  const { door, founders, mirror, ground, wait } = await stage()
  const authority = ground.keys.authority(ground.nowhere, 'a mirror that moves')
  const old = await mirror({ authority, joins: [door.entry] })
  await wait(hour)
  assert.equal(door.sees(old)?.standing.state, 'probation')
  await old.stop()
  const moved = await mirror({ authority, joins: [door.entry] })
  assert.equal(moved.entry.id, old.entry.id)
  await wait(hour)
  assert.equal(door.sees(moved)?.entry.ip, moved.entry.ip)
  assert.equal(door.sees(moved)?.standing.state, 'probation')
  assert.ok(founders.every((one) => one.sees(moved) !== null))
})

test('a descriptor of ten megabytes is not read', async () => {
  const { door, ground, wait } = await stage()
  const node = ground.node('mirrors', { region: 'RIPE-FR' })
  const [ip = ''] = node.host.addresses
  const runtime = node.runtime()
  const authority = ground.keys.authority(runtime, 'a boaster')
  const server = await runtime.network.serveHttps({
    listen: { address: ip, port: 443 },
    bodyBytesMax: 1,
  })
  const shown = issueServer(runtime, authority, { names: [ip] })
  server.show(shown.keyPem, shown.chainPem)
  server.answer(() => ({
    status: 200,
    contentType: 'application/json',
    cacheControl: 'no-store',
    body: JSON.stringify({ descriptor: 'x'.repeat(10_000_000) }),
  }))
  const id = mirrorIdOf(runtime.crypto, authority.certificate.spki)
  await door.asked({ path: '/v1/join', body: { ip, port: 443, id } })
  await wait(minute)
  assert.match(door.peers().record(id)?.reason ?? '', /larger than \d+ bytes/)
})

test("another's domain is of no use, and one's own is", async () => {
  const { door, mirror, names, wait } = await stage()
  const record = (one: NetworkMirror): string =>
    `2 1 1 ${hex(fromBase64url(one.entry.id) ?? new Uint8Array())}`
  const honest = await mirror({ domain: 'mirror.example.test' })
  const thief = await mirror({ domain: 'mirror.example.test' })
  const lost = await mirror({ domain: 'nowhere.example.test' })
  names.set('mirror.example.test', { addresses: [honest.entry.ip], tlsa: [record(honest)] })
  for (const { entry } of [honest, thief, lost]) {
    const { ip, port, id } = entry
    await door.asked({ path: '/v1/join', body: { ip, port, id } })
  }
  await wait(minute)
  assert.equal(door.sees(honest)?.standing.state, 'probation')
  assert.equal(door.sees(honest)?.entry.domain, 'mirror.example.test')
  assert.match(door.sees(thief)?.reason ?? '', /does not lead to/)
  assert.match(door.sees(lost)?.reason ?? '', /does not lead to/)
  // An address in the name is not enough: the name must name the CA.
  names.set('nowhere.example.test', { addresses: [lost.entry.ip], tlsa: [record(honest)] })
  await wait(hour)
  assert.match(door.sees(lost)?.reason ?? '', /has no TLSA record 2 1 1/)
  names.set('nowhere.example.test', { addresses: [lost.entry.ip], tlsa: [record(lost)] })
  const { ip, port, id } = lost.entry
  await door.asked({ path: '/v1/join', body: { ip, port, id } })
  await wait(hour)
  // The two names have one owner, who has one mirror (R80).
  assert.equal(door.sees(lost)?.standing.state, 'candidate')
  assert.match(door.sees(lost)?.reason ?? '', /its network or domain, and each has one mirror/)
})

test('a network has one mirror, and another one when that is gone or fails its tests', async () => {
  const { door, mirror, wait } = await stage()
  const first = await mirror({ crowded: true })
  const second = await mirror({ crowded: true })
  const join = ({ entry: { ip, port, id } }: NetworkMirror) =>
    door.asked({ path: '/v1/join', body: { ip, port, id } })
  assert.equal(first.entry.ip.split('.', 3).join(), second.entry.ip.split('.', 3).join())
  await join(first)
  await wait(minute)
  await join(second)
  await wait(minute)
  assert.equal(door.sees(first)?.standing.state, 'probation')
  assert.equal(door.sees(second)?.standing.state, 'candidate')
  door.peers().apply(first.entry.id, 'series-failed')
  await wait(hour)
  assert.equal(door.sees(second)?.standing.state, 'probation')
  // The first goes on being tested, and cannot become active beside the other.
  await wait(4 * day)
  door.peers().apply(second.entry.id, 'series-passed')
  assert.equal(door.peers().seat(first.entry.id), false)
  assert.equal(door.peers().apply(first.entry.id, 'series-passed')?.standing.state, 'probation')
  assert.equal(door.sees(second)?.standing.state, 'active')
  door.peers().apply(second.entry.id, 'voted-out')
  assert.equal(door.peers().apply(first.entry.id, 'series-passed')?.standing.state, 'active')
})

test('nobody is pinged for others whom we do not know, and none more often than is decent', async () => {
  const { door, founders, engine } = await stage()
  const [, other] = founders
  assert.ok(other !== undefined)
  const ask = async (id: string) =>
    (await door.asked({ path: '/v1/ping-request', body: { id } })).value
  assert.deepEqual(await ask(someId), { answers: null })
  assert.deepEqual(await ask(door.entry.id), { answers: true })
  const before = door.served().network.counts().pings
  const [from, received] = [engine.now(), other.node.host.traffic.received]
  for (let i = 0; i < 200; i++) assert.deepEqual(await ask(other.entry.id), { answers: true })
  assert.ok(engine.now() - from < 10_000)
  assert.ok(door.served().network.counts().pings - before <= 1)
  assert.ok(other.node.host.traffic.received - received <= 2)
  other.crash()
  await engine.advance(11_000)
  assert.deepEqual(await ask(other.entry.id), { answers: false })
})

test('standings are told with their reasons, and without any figure of reputation', async () => {
  const { door, founders } = await stage()
  const [, other] = founders
  assert.ok(other !== undefined)
  for (const id of [other.entry.id, someId]) {
    const { reply, value } = await door.asked({ method: 'GET', path: `/v1/standing/${id}` })
    assert.equal(reply.status, 200)
    const said = 'advice id lastTest listed nextTest reason since state unreachableSince'
    assert.equal(Object.keys(value).toSorted().join(' '), said)
  }
  for (const id of ['', 'x', '%00', `${someId}x`, '!'.repeat(43)]) {
    const { reply } = await door.asked({ method: 'GET', path: `/v1/standing/${id}` })
    assert.equal(problemCodeOf(String(reply.body)), 'not-found')
  }
})

test('a partner that lists strangers makes candidates, and nothing else', async () => {
  const { door, founders, wait } = await stage()
  const [, liar] = founders
  assert.ok(liar !== undefined)
  const before = opinions({ door, founders })
  // It vouches for thousands that are nowhere: by its own word, not ours.
  liar.peers().vouch(
    Array.from({ length: 3_000 }, (_, i) => ({
      ip: `8.${i % 250}.${i >> 8}.9`,
      port: 443,
      id: base64url(nodeCrypto.digest('sha256', `stranger ${i}`)),
      region: 'ARIN-US',
    })),
  )
  await wait(4 * hour)
  assert.equal(door.served().network.known().length, 3)
  assert.ok(door.peers().claimed() > 100 && door.peers().claimed() <= 64 * 64)
  assert.deepEqual(opinions({ door, founders }), before)
})
