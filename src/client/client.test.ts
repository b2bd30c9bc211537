import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  createOrganisation,
  createWorld,
  scriptedProbe,
  type Scene,
  type World,
} from '../../test/support/world.ts'
import { limits } from '../base/limits.ts'
import { policies } from '../verdict/policies.ts'
import type { Report } from './client.ts'

const site = '203.0.113.10'

/** A site of one organisation as everybody honest sees it, and a second organisation that is the attacker. */
function stage(
  count = 7,
  options: { readonly regions?: readonly string[]; readonly seed?: number } = {},
) {
  const clockOnly = createWorld({ count: 0, scene: { addresses: [], tlsa: [], servers: {} } }).clock
  const owner = createOrganisation(clockOnly, 1)
  const thief = createOrganisation(clockOnly, 2)
  const server = owner.server()
  const honest: Scene = { addresses: [site], tlsa: [owner.tlsa], servers: { [site]: server } }
  const world = createWorld({ count, scene: honest, ...options })
  return { owner, thief, server, honest, world }
}

function codes(report: Report): readonly string[] {
  return [...new Set(report.reasons.map((reason) => reason.code))]
}

function setAll(world: World, scene: Scene): void {
  for (const mirror of world.mirrors) mirror.scene = scene
}

test('an honest site is corroborated by four of five, without waiting for the fifth', async () => {
  const { world, honest } = stage()
  const report = await world.verify(honest)
  assert.equal(report.outcome, 'corroborated')
  assert.equal(report.mode, 'authority')
  assert.deepEqual([report.quorum.asked, report.quorum.needed], [5, 4])
  assert.ok(report.quorum.agreeing >= 4)
  assert.equal(report.address, 'exact')
  assert.ok(codes(report).includes('ca-authorised'))
  assert.equal(report.observations.length, report.quorum.agreeing)
})

test('a straggler is not waited for: the verdict is there with the fourth answer', async () => {
  const { world, honest } = stage(5)
  const [last] = world.mirrors
  assert.ok(last !== undefined)
  last.latencyMs = 500
  const report = await world.verify(honest)
  assert.equal(report.outcome, 'corroborated')
  assert.equal(report.timings.totalMs < 100, true)
  assert.deepEqual(report.quorum, {
    agreeing: 4,
    dissenting: 0,
    abstaining: 0,
    asked: 5,
    needed: 4,
  })
})

test('the verdict waits for no round trip beyond the own look when mirrors are near', async () => {
  const { world, honest } = stage()
  for (const mirror of world.mirrors) mirror.latencyMs = 0
  // The first question fills the mirrors' caches.
  await world.verify(honest)
  const report = await world.verify(honest)
  assert.equal(report.timings.addedMs, 0)
})

test('a poisoned local resolver is found out, and the way to the real site is shown', async () => {
  const { world, honest, thief } = stage()
  const evil = '192.0.2.66'
  const poisoned = {
    addresses: [evil],
    tlsa: [thief.tlsa],
    servers: { ...honest.servers, [evil]: thief.server() },
  }
  setAll(world, { ...honest, servers: poisoned.servers })
  const report = await world.verify(poisoned)
  assert.equal(report.outcome, 'contradicted')
  assert.deepEqual(report.quorum.agreeing, 0)
  for (const code of [
    'not-authorised',
    'asked-again',
    'dns-hijack-suspected',
    'own-dns-differs',
    'reachable-elsewhere',
  ])
    assert.ok(codes(report).includes(code), `${code} in ${codes(report).join(' ')}`)
})

test('interception near here at the right address is told apart from hijacked DNS', async () => {
  const { world, honest, thief } = stage()
  const report = await world.verify({ ...honest, servers: { [site]: thief.server() } })
  assert.equal(report.outcome, 'contradicted')
  assert.ok(codes(report).includes('interception-suspected'))
  assert.ok(codes(report).includes('certificate-not-matching'))
})

test('a server that shows everybody an unauthorised key is its own case', async () => {
  const { world, honest, thief } = stage()
  const front = { ...honest, servers: { [site]: thief.server() } }
  setAll(world, front)
  const report = await world.verify(front)
  assert.equal(report.outcome, 'contradicted')
  assert.ok(codes(report).includes('server-side-suspected'))
})

test('one liar changes nothing and is named', async () => {
  const { world, honest, thief } = stage(5)
  const [liar] = world.mirrors
  assert.ok(liar !== undefined)
  liar.scene = { ...honest, tlsa: [thief.tlsa] }
  for (const mirror of world.mirrors) mirror.latencyMs = mirror === liar ? 1 : 20
  const report = await world.verify(honest)
  assert.equal(report.outcome, 'corroborated')
  assert.deepEqual(report.quorum, {
    agreeing: 4,
    dissenting: 1,
    abstaining: 0,
    asked: 5,
    needed: 4,
  })
  assert.equal(
    report.reasons.find((reason) => reason.code === 'vantage-dissents')?.vantage,
    liar.entry.id,
  )
})

test('a lying majority of a small network is shown as a split, not believed', async () => {
  const { world, honest, thief } = stage(7)
  for (const liar of world.mirrors.slice(0, 4)) liar.scene = { ...honest, tlsa: [thief.tlsa] }
  const report = await world.verify(honest)
  assert.equal(report.outcome, 'contradicted')
  assert.deepEqual(
    [report.quorum.asked, report.quorum.agreeing, report.quorum.dissenting],
    [7, 3, 4],
  )
  assert.ok(codes(report).includes('vantages-disagree'))
})

test('content networks raise no alarm: other addresses and other leaves under one CA', async () => {
  const { world, owner, honest } = stage()
  world.mirrors.forEach((mirror, i) => {
    const address = `203.0.113.${100 + i}`
    mirror.scene = { ...honest, addresses: [address], servers: { [address]: owner.server() } }
  })
  const report = await world.verify(honest)
  assert.equal(report.outcome, 'corroborated')
  assert.equal(report.address, 'proved')
  assert.ok(codes(report).includes('addresses-vary'))
})

test('an announced roll-over alarms at no step', async () => {
  const { world, owner, thief: next, honest } = stage()
  const both = [owner.tlsa, next.tlsa]
  const renewed = { [site]: next.server() }
  const steps: readonly Scene[] = [
    honest,
    { ...honest, tlsa: both },
    { ...honest, tlsa: both, servers: renewed },
    { ...honest, tlsa: [next.tlsa], servers: renewed },
  ]
  for (const scene of steps) {
    setAll(world, scene)
    await world.clock.advance(61_000)
    assert.equal((await world.verify(scene)).outcome, 'corroborated')
  }
})

test('stale caches of mirrors are cleared up by asking afresh before an alarm', async () => {
  const { world, honest, thief: next } = stage()
  await world.verify(honest)
  const replaced = { ...honest, tlsa: [next.tlsa], servers: { [site]: next.server() } }
  setAll(world, replaced)
  await world.clock.advance(6_000)
  const report = await world.verify(replaced)
  assert.equal(report.outcome, 'corroborated')
  assert.ok(codes(report).includes('asked-again'))
})

test('a revoked CA is refused as soon as DNS says so, though caches still hold it', async () => {
  const { world, honest, thief: next } = stage()
  await world.verify(honest)
  setAll(world, { ...honest, tlsa: [next.tlsa] })
  await world.clock.advance(61_000)
  const report = await world.verify(honest)
  assert.equal(report.outcome, 'contradicted')
})

test('a dead mirror is replaced and never counted', async () => {
  const { world, honest } = stage(7)
  for (const dead of world.mirrors.slice(0, 2)) dead.latencyMs = 'dead'
  const report = await world.verify(honest)
  assert.equal(report.outcome, 'corroborated')
  assert.deepEqual([report.quorum.asked, report.quorum.abstaining], [5, 0])
})

test('a mirror that hangs gets a substitute, and its late answer is not counted', async () => {
  const { world, honest } = stage(6)
  for (const slow of world.mirrors.slice(0, 2)) slow.latencyMs = 'never'
  const report = await world.verify(honest)
  assert.equal(report.outcome, 'corroborated')
  assert.equal(report.quorum.agreeing, 4)
})

test('where every mirror is farther away than the patience, late answers count', async () => {
  const { world, honest } = stage(10)
  for (const far of world.mirrors) far.latencyMs = limits.mirrorReplaceMs + 100
  const report = await world.verify(honest)
  assert.equal(report.outcome, 'corroborated')
  assert.ok(report.timings.totalMs < 2 * limits.mirrorReplaceMs)
  assert.equal(new Set(report.vantages.map((one) => one.id)).size, report.vantages.length)
})

test('with two of three mirrors dead nothing is decided', async () => {
  const { world, honest } = stage(3)
  for (const dead of world.mirrors.slice(0, 2)) dead.latencyMs = 'dead'
  const report = await world.verify(honest)
  assert.equal(report.outcome, 'inconclusive')
  assert.deepEqual(report.quorum, {
    agreeing: 1,
    dissenting: 0,
    abstaining: 2,
    asked: 3,
    needed: 3,
  })
  assert.ok(codes(report).includes('too-few-vantages'))
})

for (const [what, count] of [
  ['none', 0],
  ['one', 1],
  ['two', 2],
] as const) {
  test(`a network of ${what} decides nothing`, async () => {
    const { world, honest } = stage(count)
    const report = await world.verify(honest)
    assert.equal(report.outcome, 'inconclusive')
    assert.equal(report.quorum.needed, 3)
  })
}

test('all mirrors hang: the verdict comes in time, and it is inconclusive', async () => {
  const { world, honest } = stage(7)
  for (const mirror of world.mirrors) mirror.latencyMs = 'never'
  const report = await world.verify(honest, { timeoutMs: 3_000 })
  assert.equal(report.outcome, 'inconclusive')
  assert.equal(report.timings.totalMs <= 3_000, true)
})

test('three mirrors of three regions must be unanimous, and the smallness is said', async () => {
  const { world, honest } = stage(3)
  const report = await world.verify(honest)
  assert.equal(report.outcome, 'corroborated')
  assert.deepEqual(report.quorum, {
    agreeing: 3,
    dissenting: 0,
    abstaining: 0,
    asked: 3,
    needed: 3,
  })
  assert.ok(codes(report).includes('small-network'))
})

test('mirrors of one region only are used by the default policy, with a remark, and not by high', async () => {
  const { world, honest } = stage(6, { regions: ['RIPE-DE'] })
  const report = await world.verify(honest)
  assert.equal(report.outcome, 'corroborated')
  assert.ok(codes(report).includes('few-regions'))
  const strict = await world.verify(honest, { policy: policies.high })
  assert.equal(strict.outcome, 'inconclusive')
})

test('the literal policy wants three of three and equal addresses', async () => {
  const { world, honest, owner } = stage(5)
  const policy = policies.literal
  const same = await world.verify(honest, { policy })
  assert.equal(same.outcome, 'corroborated')
  assert.deepEqual(same.quorum, { agreeing: 3, dissenting: 0, abstaining: 0, asked: 3, needed: 3 })
  for (const mirror of world.mirrors) {
    mirror.scene = {
      ...honest,
      addresses: ['203.0.113.77'],
      servers: { '203.0.113.77': owner.server() },
    }
  }
  await world.clock.advance(61_000)
  const other = await world.verify(honest, { policy })
  assert.equal(other.outcome, 'contradicted')
  assert.ok(codes(other).includes('addresses-differ'))
})

test('the literal policy has nothing to say about a site without records', async () => {
  const { world, honest } = stage(5)
  const bare = { ...honest, tlsa: [] }
  setAll(world, bare)
  const report = await world.verify(bare, { policy: policies.literal })
  assert.equal(report.outcome, 'unverifiable')
  assert.ok(codes(report).includes('no-authority'))
})

test('the mpic policy takes four of five from two registries at least', async () => {
  const { world, honest } = stage(7)
  const report = await world.verify(honest, { policy: policies.mpic })
  assert.equal(report.outcome, 'corroborated')
  assert.equal(report.quorum.needed, 4)
})

test('without records the same key everywhere is believed', async () => {
  const { world, honest } = stage()
  const bare = { ...honest, tlsa: [] }
  setAll(world, bare)
  const report = await world.verify(bare)
  assert.equal(report.outcome, 'corroborated')
  assert.equal(report.mode, 'views')
  assert.ok(codes(report).includes('same-key'))
})

test('without records another key of another issuer near here is an alarm', async () => {
  const { world, honest, thief } = stage()
  const bare = { ...honest, tlsa: [] }
  setAll(world, bare)
  const report = await world.verify({ ...bare, servers: { [site]: thief.server() } })
  assert.equal(report.outcome, 'contradicted')
  assert.ok(codes(report).includes('other-key'))
})

test('a certificate of the same authority does not pass for a site that has one key', async () => {
  const { world, honest, owner } = stage()
  const bare = { ...honest, tlsa: [] }
  setAll(world, bare)
  // The authority was tricked: another key, the same issuer.
  const report = await world.verify({ ...bare, servers: { [site]: owner.server() } })
  assert.equal(report.outcome, 'contradicted')
})

test('a fleet of keys under one issuer raises no alarm', async () => {
  const { world, honest, owner } = stage()
  world.mirrors.forEach((mirror, i) => {
    const address = `203.0.113.${100 + i}`
    mirror.scene = { addresses: [address], tlsa: [], servers: { [address]: owner.server() } }
  })
  const report = await world.verify({ ...honest, tlsa: [] })
  assert.equal(report.outcome, 'corroborated')
  assert.ok(codes(report).includes('same-issuer'))
})

test('a poisoned address is not vouched for by vantages that were sent there', async () => {
  const { world, honest, thief } = stage()
  const evil = '192.0.2.66'
  const servers = { ...honest.servers, [evil]: thief.server() }
  setAll(world, { addresses: [site], tlsa: [], servers })
  const report = await world.verify({ addresses: [evil], tlsa: [], servers })
  assert.equal(report.outcome, 'contradicted')
})

test('one liar who names the poisoned address as his own does not make it known', async () => {
  const { world, honest, thief } = stage(5)
  const evil = '192.0.2.66'
  const servers = { ...honest.servers, [evil]: thief.server() }
  setAll(world, { addresses: [site], tlsa: [], servers })
  const [liar] = world.mirrors
  assert.ok(liar !== undefined)
  liar.scene = { addresses: [evil], tlsa: [], servers }
  const report = await world.verify({ addresses: [evil], tlsa: [], servers })
  assert.equal(report.outcome, 'contradicted')
})

test('one vantage cannot strip a site of its records', async () => {
  const { world, honest, thief } = stage(5)
  const [liar] = world.mirrors
  assert.ok(liar !== undefined)
  liar.scene = { ...honest, tlsa: [] }
  const report = await world.verify({ ...honest, tlsa: [], servers: { [site]: thief.server() } })
  assert.equal(report.outcome, 'contradicted')
  assert.equal(report.mode, 'authority')
})

test('vantages whose DNS fails abstain and are replaced', async () => {
  const { world, honest } = stage(7)
  for (const deaf of world.mirrors.slice(0, 2))
    deaf.scene = { ...honest, tlsa: [], tlsaStatus: 'servfail' }
  const report = await world.verify(honest)
  assert.equal(report.outcome, 'corroborated')
})

test('without a handshake of our own there is nothing to compare', async () => {
  const { world, honest } = stage()
  const report = await world.verify({ ...honest, servers: {} })
  assert.equal(report.outcome, 'inconclusive')
  assert.ok(codes(report).includes('own-handshake-failed'))
  const nameless = await world.verify({ addresses: [], tlsa: [], servers: {} })
  assert.ok(codes(nameless).includes('own-dns-failed'))
})

test('isTrusted says true for a corroborated target alone', async () => {
  const { world, honest, thief } = stage()
  const good = world.client(honest)
  assert.equal(await world.clock.runUntil(good.isTrusted('www.example.test')), true)
  const bad = world.client({ ...honest, servers: { [site]: thief.server() } })
  assert.equal(await world.clock.runUntil(bad.isTrusted('www.example.test')), false)
})

test('each name is asked of a fresh draw of mirrors', async () => {
  const { world, honest } = stage(10)
  for (let i = 0; i < 12; i++) await world.verify(honest, { target: `n${i}.example.test` })
  assert.ok(world.mirrors.every((mirror) => mirror.asked > 0))
})

test('one liar cannot make a site look like a fleet, for which another key of the issuer would do', async () => {
  const { world, owner, thief, honest } = stage(5)
  const [liar] = world.mirrors
  assert.ok(liar !== undefined)
  const plain = { ...honest, tlsa: [] }
  setAll(world, plain)
  liar.scene = { ...plain, servers: { [site]: thief.server() } }
  const report = await world.verify({ ...plain, servers: { [site]: owner.server() } })
  assert.equal(report.outcome, 'contradicted')
})

test('fewer liars than a majority cannot make a poisoned address known', async () => {
  const { world, thief, honest } = stage(10)
  const evil = '192.0.2.66'
  const trap = thief.server()
  setAll(world, { ...honest, tlsa: [], servers: { ...honest.servers, [evil]: trap } })
  const poisoned = { addresses: [evil], tlsa: [], servers: { [evil]: trap } }
  for (const liar of world.mirrors.slice(0, 3)) liar.scene = poisoned
  assert.notEqual((await world.verify(poisoned)).outcome, 'corroborated')
})

test('one liar beside vantages that saw nothing raises no alarm', async () => {
  const { world, thief, honest } = stage(5)
  const plain = { ...honest, tlsa: [] }
  setAll(world, plain)
  const [liar, blind] = world.mirrors
  assert.ok(liar !== undefined && blind !== undefined)
  liar.scene = { ...plain, servers: { [site]: thief.server() } }
  blind.scene = { ...plain, servers: {} }
  const report = await world.verify(plain)
  assert.equal(report.outcome, 'inconclusive')
  assert.ok(codes(report).includes('too-few-vantages'))
})

test('whoever has many mirrors in one registry does not gain by the rounds that an attack brings about', async () => {
  const honestAt = [
    'ARIN-US',
    'APNIC-JP',
    'LACNIC-BR',
    'AFRINIC-ZA',
    'RIPE-FR',
    'ARIN-CA',
    'APNIC-AU',
  ]
  const regions = [...honestAt, ...Array.from({ length: 20 }, () => 'RIPE-DE')]
  const { world, thief, honest } = stage(regions.length, { regions })
  const forged = { ...honest, tlsa: [thief.tlsa], servers: { [site]: thief.server() } }
  for (const liar of world.mirrors.slice(honestAt.length)) liar.scene = forged
  assert.equal((await world.verify(forged)).outcome, 'contradicted')
})

test('after an alarm no liars send this machine into its own network', async () => {
  const { world, thief, honest } = stage(7)
  const ours = '8.8.8.8'
  const tried: string[] = []
  for (const liar of world.mirrors.slice(0, 3))
    liar.scene = { ...honest, addresses: ['192.168.0.1', '9.9.9.9'] }
  const own = { addresses: [ours], tlsa: [thief.tlsa], servers: { [ours]: thief.server() } }
  const probe = scriptedProbe(world.clock, () => own)
  const shake: typeof probe.shake = (target, addresses, signal) => {
    tried.push(...addresses.map((one) => one.address))
    return probe.shake(target, addresses, signal)
  }
  const report = await world.verify(own, { probe: { ...probe, shake } })
  assert.equal(report.outcome, 'contradicted')
  assert.deepEqual(tried, ['9.9.9.9'])
})

test('where all mirrors are dead, not all are tried', async () => {
  const { world, honest } = stage(200)
  for (const dead of world.mirrors) dead.latencyMs = 'dead'
  const report = await world.verify(honest)
  assert.equal(report.outcome, 'inconclusive')
  // Twenty votes of the last round, five mirrors for each.
  assert.ok(report.vantages.length <= 100, `${report.vantages.length}`)
})
