import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  createNetworkWorld,
  slowPings,
  type Answer,
  type NetworkMirror,
} from '../../../test/support/network-world.ts'
import { alwaysUp } from '../../membership/failure-detector.ts'
import { noReputation } from '../../membership/reputation.ts'
import { registryOf } from '../../verdict/regions.ts'
import type { PeerRecord } from './record.ts'

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000]

/** How many of `mirrors` see `other` in `state`. */
function count(mirrors: readonly NetworkMirror[], other: NetworkMirror, state: string): number {
  return mirrors.filter((one) => one.sees(other)?.standing.state === state).length
}

function others(mirrors: readonly NetworkMirror[], one: NetworkMirror): readonly NetworkMirror[] {
  return mirrors.filter((other) => other !== one)
}

test('founders list each other at once, with what their descriptors say', async () => {
  const { founders, wait } = await createNetworkWorld({ count: 5 })
  for (const one of founders) {
    const listed = one.served().network.known()
    assert.equal(listed.length, 4)
    assert.ok(listed.every(({ status }) => status === 'active'))
  }
  await wait(hour)
  for (const one of founders)
    for (const other of others(founders, one))
      assert.ok((one.sees(other)?.seq ?? 0) > 0, 'its descriptor was read')
})

test('a newcomer becomes known to all, and all to the newcomer', async () => {
  const { founders, mirror, wait, passAll } = await createNetworkWorld({ count: 20 })
  const [first] = founders
  assert.ok(first !== undefined)
  const newcomer = await mirror({ region: 'APNIC-KR', joins: [first.entry] })
  await wait(minute)
  // R99: who is asked tells eight more, who look for themselves, and do not pass on what they have not tested.
  assert.equal(first.sees(newcomer)?.standing.state, 'probation')
  assert.equal(count(founders, newcomer, 'probation'), 9)
  for (let passed = 0; passed < 80 * hour; passed += hour) {
    await wait(hour)
    passAll()
  }
  // R101: who has tested it tells eight more; the comparison of lists does the rest.
  assert.equal(count(founders, newcomer, 'active'), 20)
  assert.equal(newcomer.peers().active().size, 20)
  const announced = founders.map((one) => one.served().network.counts().announces)
  assert.ok(
    announced.reduce((sum, n) => sum + n, 0) <= 20 * 8 * 2,
    'each mirror forwards at most twice, to eight',
  )
})

test('who was told of a mirror that it knows tells nobody: announcements do not go in circles', async () => {
  const { founders, wait } = await createNetworkWorld({ count: 6 })
  await wait(hour)
  const [one, other] = founders
  assert.ok(one !== undefined && other !== undefined)
  const { ip, port, id } = other.entry
  for (let i = 0; i < 50; i++) {
    const answer: Answer = await one.asked({ path: '/v1/announce', body: { ip, port, id } })
    assert.equal(answer.reply.status, 202)
    assert.equal(answer.value['state'], 'active')
  }
  await wait(hour)
  for (const { served } of founders) assert.equal(served().network.counts().forwardings, 0)
})

test('a dead mirror is noticed within an hour, not listed when down for too long, and gone after a month', async () => {
  const { founders, wait } = await createNetworkWorld({ count: 6 })
  await wait(2 * hour)
  const [dead, ...living] = founders
  assert.ok(dead !== undefined)
  dead.crash()
  await wait(hour + minute)
  for (const one of living) {
    assert.notEqual(one.sees(dead)?.standing.unreachableSince, null)
    assert.equal(one.served().network.known().length, 5, 'an hour is no reason to drop it')
  }
  await wait(7 * hour)
  for (const one of living) {
    assert.equal(one.served().network.known().length, 4)
    assert.equal(one.sees(dead)?.standing.state, 'active', 'uptime is no part of the standing')
    const { value } = await one.asked({ method: 'GET', path: `/v1/standing/${dead.entry.id}` })
    assert.equal(value['listed'], false)
    assert.match(String(value['reason']), /99\.9 %/)
  }
  await wait(30 * day)
  assert.equal(count(living, dead, 'gone'), 5)
  // R128: who was gone can come back as anybody can.
  const [first] = living
  assert.ok(first !== undefined)
  await dead.returns()
  const { ip, port, id } = dead.entry
  await first.asked({ path: '/v1/join', body: { ip, port, id } })
  await wait(minute)
  assert.equal(first.sees(dead)?.standing.state, 'probation')
})

test('one bad path blames nobody: others are asked before a mirror is called down', async () => {
  const { founders, links, wait } = await createNetworkWorld({ count: 6 })
  await wait(hour)
  const [one, other] = founders
  assert.ok(one !== undefined && other !== undefined)
  const pair = new Set([one.node.host, other.node.host])
  links.cut((from, to) => from !== to && pair.has(from as never) && pair.has(to as never))
  await wait(6 * hour)
  for (const [a, b] of [
    [one, other],
    [other, one],
  ] as const) {
    assert.ok(a.served().network.counts().pingsFailed >= 5)
    assert.equal(a.sees(b)?.standing.unreachableSince, null)
    assert.deepEqual(a.sees(b)?.uptime.misses, [])
  }
})

test('who has lost the network blames nobody', async () => {
  const { founders, links, wait } = await createNetworkWorld({ count: 12 })
  await wait(2 * hour)
  const [lonely, ...rest] = founders
  assert.ok(lonely !== undefined)
  const mend = links.cut((from, to) => (from === lonely.node.host) !== (to === lonely.node.host))
  await wait(2 * day)
  for (const other of rest) {
    // Until most of its pings had failed, it could have blamed somebody; but it had nobody to ask.
    assert.equal(lonely.sees(other)?.standing.unreachableSince, null)
    assert.deepEqual(lonely.sees(other)?.uptime.misses, [])
  }
  mend()
  await wait(2 * hour)
  for (const other of rest) assert.equal(other.sees(lonely)?.standing.unreachableSince, null)
})

test('a partition makes nobody gone or inactive, and nothing is left of it when it is mended', async () => {
  const { founders, links, wait } = await createNetworkWorld({ count: 15 })
  await wait(hour)
  const isIn = ({ region }: { readonly region: string | null }): boolean =>
    registryOf(region) === 'RIPE'
  const mend = links.cut((from, to) => isIn(from) !== isIn(to))
  await wait(3 * day)
  mend()
  await wait(2 * hour)
  for (const one of founders)
    for (const other of others(founders, one)) {
      assert.equal(one.sees(other)?.standing.state, 'active')
      assert.equal(one.sees(other)?.standing.unreachableSince, null)
    }
})

test('a flood of join requests does not crowd out a newcomer, and touches nobody else', async () => {
  const { founders, mirror, wait } = await createNetworkWorld({ count: 4, seed: 3 })
  await wait(hour)
  const [first] = founders
  assert.ok(first !== undefined)
  const before = others(founders, first).map((one) => first.sees(one)?.standing)
  const made = (i: number): string => Buffer.from(`${i}`.padStart(32, 'x')).toString('base64url')
  for (let i = 0; i < 6_000; i++) {
    const body = { ip: `8.${i % 200}.${(i >> 8) % 250}.7`, port: 443, id: made(i) }
    const { reply } = await first.asked({ path: '/v1/join', body, from: `198.60.1.${i % 256}` })
    assert.equal(reply.status, 202)
  }
  // One network reaches 64 buckets of 64, whoever is named in its requests.
  assert.ok(first.peers().claimed() <= 64 * 64)
  assert.ok(first.peers().claimed() > 1_000, 'they were all taken in')
  const newcomer = await mirror({ joins: [first.entry] })
  await wait(15 * minute)
  assert.equal(first.sees(newcomer)?.standing.state, 'probation')
  assert.deepEqual(
    others(founders, first).map((one) => first.sees(one)?.standing),
    before,
  )
  assert.equal(first.served().network.known().length, 4)
})

test('a mirror that ends at any moment comes back as it was', async () => {
  const { founders, mirror, wait, passAll, engine } = await createNetworkWorld({
    count: 8,
    seed: 5,
  })
  const [first, second] = founders
  assert.ok(first !== undefined && second !== undefined)
  await mirror({ joins: [first.entry] })
  const unknown = { ip: '9.9.9.9', port: 443, id: 'A'.repeat(43) }
  for (let i = 0; i < 12; i++) {
    await wait(6 * hour + 1_234 * i)
    passAll()
    await first.asked({ path: '/v1/join', body: unknown })
    const kept = standings(first)
    // Whatever else it was about to do, what it had acknowledged is there.
    first.crash()
    await wait(50)
    await first.returns()
    assert.deepEqual(standings(first), kept, `at ${engine.now()}`)
  }
  const kept = new Map([...second.peers().all()].map((one) => [one.entry.id, one]))
  await second.stop()
  await second.returns()
  for (const record of second.peers().all()) assert.deepEqual(record, kept.get(record.entry.id))
})

/** What is written at once; measurements are written now and then. */
function standings(one: NetworkMirror): readonly PeerRecord[] {
  return [...one.peers().all()]
    .map((record) => ({ ...record, reputation: noReputation, uptime: alwaysUp }))
    .toSorted((a, b) => (a.entry.id < b.entry.id ? -1 : 1))
}

test('pings are averaged, and nothing but pings of our own goes into them', async () => {
  const { founders, wait } = await createNetworkWorld({
    count: 4,
    parameters: { ...slowPings, ping: { ...slowPings.ping, everyMs: minute } },
  })
  await wait(6 * hour)
  for (const one of founders)
    for (const other of others(founders, one)) {
      const reputation = one.sees(other)?.reputation
      assert.ok(reputation !== undefined && reputation.pings >= 100)
      const [a, b] = [one.entry.region, other.entry.region].map(registryOf)
      // The way there and back, without the handshake before it.
      const [low, high] = a === b ? [20, 80] : [90, 340]
      assert.ok((reputation.pingMs ?? 0) > low && (reputation.pingMs ?? 0) < high)
      assert.deepEqual([reputation.agreements, reputation.dissents], [0, 0])
    }
})
