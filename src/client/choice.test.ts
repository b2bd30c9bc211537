import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createSeededRandom } from '../../test/support/seeded-random.ts'
import type { ListEntry } from '../protocol/routes.ts'
import { policies, type Policy } from '../verdict/policies.ts'
import { distinctRegistries, registryOf } from '../verdict/regions.ts'
import { createDraw, drawRelay } from './choice.ts'

function mirror(i: number, region: string | null, ip = `198.${i % 200}.${i >> 8}.1`): ListEntry {
  return { ip, port: 443, id: `${i}`.padStart(43, '0'), region }
}

function drawMany(
  candidates: readonly ListEntry[],
  count: number,
  options: { readonly seed: number; readonly policy?: Policy; readonly ask?: number },
): readonly ListEntry[] {
  const { seed, policy = policies.default, ask = 5 } = options
  const draw = createDraw(createSeededRandom(seed), candidates, { policy, ask })
  const drawn: ListEntry[] = []
  for (let i = 0; i < count; i++) {
    const next = draw.next(drawn)
    if (next !== null) drawn.push(next)
  }
  return drawn
}

const registries = ['ARIN', 'RIPE', 'APNIC', 'LACNIC', 'AFRINIC']
const wide = registries.flatMap((registry, r) =>
  ['AA', 'BB', 'CC'].flatMap((country, c) =>
    [0, 1, 2, 3].map((n) =>
      mirror(100 * r + 10 * c + n, `${registry}-${country}`, `${20 + r}.${10 * c + n}.0.1`),
    ),
  ),
)

test('five mirrors are of five regions, at most two of one registry, and of at least three registries', () => {
  for (let seed = 0; seed < 200; seed++) {
    const drawn = drawMany(wide, 5, { seed: seed })
    assert.equal(new Set(drawn.map((one) => one.region)).size, 5)
    assert.equal(new Set(drawn.map((one) => one.id)).size, 5)
    assert.ok(distinctRegistries(drawn.map((one) => one.region)).length >= 3)
    for (const registry of registries)
      assert.ok(drawn.filter((one) => registryOf(one.region) === registry).length <= 2)
  }
})

test('three mirrors of the literal policy are of three registries', () => {
  for (let seed = 0; seed < 100; seed++) {
    const drawn = drawMany(wide, 3, { seed: seed, policy: policies.literal })
    assert.equal(distinctRegistries(drawn.map((one) => one.region)).length, 3)
  }
})

test('an owner of many mirrors in one network is drawn as one network', () => {
  const crowd = Array.from({ length: 500 }, (_, i) =>
    mirror(i, 'RIPE-DE', `10.0.${i >> 8}.${i & 255}`),
  )
  const others = Array.from({ length: 9 }, (_, i) => mirror(1_000 + i, 'RIPE-DE', `30.${i}.0.1`))
  let hits = 0
  for (let seed = 0; seed < 400; seed++)
    if (drawMany([...crowd, ...others], 1, { seed: seed })[0]?.ip.startsWith('10.')) hits++
  // One network of ten: about 40 of 400, and nowhere near the 393 that their number alone would give.
  assert.ok(hits > 10 && hits < 90, `${hits} of 400`)
})

test('a small network fills the first round, and nobody is drawn twice', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 12 }),
      fc.integer(),
      fc.array(fc.constantFrom(...registries, null), { minLength: 1 }),
      (n, seed, places) => {
        const candidates = Array.from({ length: n }, (_, i) =>
          mirror(i, places[i % places.length] ?? null),
        )
        const drawn = drawMany(candidates, 20, { seed: seed, ask: 20 })
        assert.equal(new Set(drawn.map((one) => one.id)).size, drawn.length)
        // As many as the first round asks; beyond that none whose registry would have more than its part.
        assert.ok(drawn.length >= Math.min(n, 5), `${drawn.length}`)
      },
    ),
  )
})

test('a policy that demands variety draws no third mirror of one registry', () => {
  const candidates = Array.from({ length: 6 }, (_, i) => mirror(i, 'RIPE-DE'))
  assert.equal(drawMany(candidates, 6, { seed: 1, policy: policies.high }).length, 2)
})

test('a round of twice as many takes twice as many of one registry, also where variety is demanded', () => {
  for (const [ask, perRegistry] of [
    [5, 2],
    [10, 4],
    [20, 8],
  ] as const) {
    const drawn = drawMany(wide, ask, { seed: ask, ask, policy: policies.high })
    assert.equal(drawn.length, ask)
    const counts = Map.groupBy(drawn, (one) => registryOf(one.region))
    for (const mirrors of counts.values()) assert.ok(mirrors.length <= perRegistry)
  }
  // All are of one registry: they are no more of a later round than of the first.
  const crowd = Array.from({ length: 40 }, (_, i) => mirror(i, 'RIPE-DE'))
  assert.equal(drawMany(crowd, 20, { seed: 1, ask: 20, policy: policies.high }).length, 2)
})

test('a crowd in one registry stays a minority of a round, though all others were asked before', () => {
  const crowd = Array.from({ length: 100 }, (_, i) => mirror(i, 'RIPE-DE', `${30 + i}.0.0.1`))
  const others = ['ARIN-US', 'APNIC-JP', 'LACNIC-BR', 'AFRINIC-ZA', 'RIPE-FR'].map((region, i) =>
    mirror(1_000 + i, region, `20.${i}.0.1`),
  )
  const later = new Set(others.map((one) => one.id))
  for (const ask of [5, 10, 20])
    for (let seed = 0; seed < 20; seed++) {
      const draw = createDraw(createSeededRandom(seed), [...crowd, ...others], {
        policy: policies.default,
        ask,
        later,
      })
      const drawn: ListEntry[] = []
      for (
        let next = draw.next(drawn);
        next !== null && drawn.length < ask;
        next = draw.next(drawn)
      )
        drawn.push(next)
      const ofRegistry = drawn.filter((one) => registryOf(one.region) === 'RIPE').length
      assert.ok(
        drawn.length >= 5 && ofRegistry / drawn.length <= 2 / 5,
        `${ofRegistry} of ${drawn.length}`,
      )
    }
})

test('a mirror at several addresses has one seat, and another address when the first fails', () => {
  const [first, second] = ['20.0.0.1', '30.0.0.1'].map((ip) => mirror(1, 'RIPE-DE', ip))
  assert.ok(first !== undefined && second !== undefined)
  const draw = createDraw(createSeededRandom(1), [first, second], { policy: policies.default })
  const drawn = draw.next([])
  assert.ok(drawn !== null)
  assert.equal(draw.next([drawn]), null)
  assert.equal(draw.next([])?.id, first.id)
})

test('mirrors that were asked before come last', () => {
  const later = new Set(wide.filter(({ region }) => !region?.endsWith('CC')).map((one) => one.id))
  const options = { policy: policies.default, ask: 10, later }
  const draw = createDraw(createSeededRandom(3), wide, options)
  const drawn: ListEntry[] = []
  for (let i = 0; i < 10; i++) {
    const next = draw.next(drawn)
    if (next !== null) drawn.push(next)
  }
  assert.ok(drawn.every((one) => !later.has(one.id)))
})

test('the same seed draws the same mirrors, another seed others', () => {
  assert.deepEqual(drawMany(wide, 5, { seed: 7 }), drawMany(wide, 5, { seed: 7 }))
  assert.notDeepEqual(drawMany(wide, 5, { seed: 7 }), drawMany(wide, 5, { seed: 8 }))
})

const noneTried: ReadonlySet<string> = new Set()

test('a relay is never the mirror that is asked, nor its neighbour, nor one that was tried', () => {
  const entries = fc.array(
    fc.record({
      network: fc.nat({ max: 5 }),
      host: fc.nat({ max: 3 }),
      region: fc.constantFrom('ARIN-US', 'RIPE-DE', 'RIPE-FR', null),
    }),
    { minLength: 1, maxLength: 12 },
  )
  fc.assert(
    fc.property(entries, fc.nat({ max: 3 }), fc.nat(), (given, triedCount, seed) => {
      const all = given.map((one, i) => mirror(i, one.region, `20.${one.network}.0.${one.host}`))
      const [gateway, ...rest] = all
      assert.ok(gateway !== undefined)
      const tried = new Set(rest.slice(0, triedCount).map((one) => one.id))
      const relay = drawRelay(createSeededRandom(seed), all, { gateway, tried })
      const [, network] = gateway.ip.split('.')
      const fit = rest.filter((one) => one.ip.split('.')[1] !== network && !tried.has(one.id))
      if (relay === null) return assert.deepEqual(fit, [])
      assert.ok(fit.includes(relay))
      const isElsewhere = (one: ListEntry): boolean =>
        registryOf(one.region) !== registryOf(gateway.region)
      assert.equal(isElsewhere(relay), fit.some(isElsewhere))
    }),
  )
})

test('on private addresses, networks say nothing, and any other mirror relays', () => {
  const [gateway, other] = [mirror(0, 'RIPE-DE', '127.0.0.1'), mirror(1, 'RIPE-DE', '127.0.0.1')]
  const options = { gateway, tried: noneTried }
  assert.equal(drawRelay(createSeededRandom(1), [gateway, other], options), other)
  assert.equal(drawRelay(createSeededRandom(1), [gateway], options), null)
})

test('an owner of many relays in one network is drawn as one', () => {
  const gateway = mirror(0, 'ARIN-US', '20.0.0.1')
  const farm = Array.from({ length: 200 }, (_, i) => mirror(i + 1, 'RIPE-DE', `21.1.${i}.1`))
  const honest = [2, 3, 4].map((n) => mirror(1000 + n, 'RIPE-DE', `21.${n}.0.1`))
  let ofFarm = 0
  for (let seed = 0; seed < 400; seed++) {
    const options = { gateway, tried: noneTried }
    const relay = drawRelay(createSeededRandom(seed), [...farm, ...honest], options)
    if (relay !== null && farm.includes(relay)) ofFarm += 1
  }
  assert.ok(ofFarm > 60 && ofFarm < 140, `${ofFarm} of 400`)
})

test('made-up registries are one place together', () => {
  const crowd = ['AA', 'BB', 'CC', 'DD', 'EE', 'FF'].map((region, i) => mirror(500 + i, region))
  const drawn = drawMany([...wide, ...crowd], 5, { seed: 4 })
  assert.ok(drawn.filter((one) => !one.region?.includes('-')).length <= 2)
  assert.equal(distinctRegistries(crowd.map((one) => one.region)).length, 1)
})
