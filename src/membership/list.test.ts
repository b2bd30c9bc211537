import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createSeededRandom } from '../../test/support/seeded-random.ts'
import { assertShare, binomialTail, happens } from '../../test/support/statistics.ts'
import { agreeOnList, type AgreedMirror, type ListFrom } from './list.ts'
import type { ListedMirror } from './list-digest.ts'
import { parameters } from './parameters.ts'

const small = { ...parameters, list: { ...parameters.list, listsMin: 1, registriesMin: 1 } }
const regions = ['ARIN-US', 'RIPE-DE', 'APNIC-JP', 'LACNIC-BR', 'AFRINIC-ZA']

function entry(id: string, change: Partial<ListedMirror> = {}): ListedMirror {
  return { ip: `ip-${id}`, port: 443, id, region: 'RIPE-DE', active: true, ...change }
}

function list(from: number, entries: readonly ListedMirror[]): ListFrom {
  return { from: `${from}`, region: regions[from % 5] ?? null, entries }
}

function agreedOf(lists: readonly ListFrom[], asked = lists.length): readonly AgreedMirror[] {
  const consensus = agreeOnList(lists, asked, small)
  assert.equal(consensus.kind, 'agreed')
  return consensus.kind === 'agreed' ? consensus.mirrors : []
}
const idsOf = (lists: readonly ListFrom[], asked?: number): readonly string[] =>
  agreedOf(lists, asked).map(({ id }) => id)

test('kept is what more than half of all asked call active', () => {
  const lists = [
    list(0, [entry('a'), entry('b'), entry('c', { active: false })]),
    list(1, [entry('a'), entry('b'), entry('c')]),
    list(2, [entry('a'), entry('c')]),
    list(3, [entry('d')]),
  ]
  assert.deepEqual(idsOf(lists), ['a'])
  assert.deepEqual(agreedOf(lists)[0]?.votes, 3)
})

test('mirrors that did not answer count as not listing', () => {
  const lists = [0, 1, 2].map((i) => list(i, [entry('a')]))
  assert.deepEqual(idsOf(lists, 5), ['a'])
  assert.deepEqual(idsOf(lists, 6), [])
})

test('a mirror has one list, and a list one voice for each id', () => {
  const twice = [list(0, [entry('a'), entry('a')]), list(0, [entry('a')]), list(1, [])]
  assert.deepEqual(idsOf(twice, 2), [])
  const contradicting = [list(0, [entry('a', { ip: 'x' }), entry('a')]), list(1, [entry('a')])]
  assert.deepEqual(idsOf(contradicting), [])
})

test('another address or port is another entry', () => {
  const lists = [
    list(0, [entry('a', { ip: 'x' })]),
    list(1, [entry('a', { port: 8443 })]),
    list(2, [entry('a')]),
  ]
  assert.deepEqual(idsOf(lists), [])
})

test('of two ids at one address, the one with most votes is kept; of equals, the lesser', () => {
  const at = { ip: 'x' }
  const lists = [0, 1, 2, 3].map((i) =>
    list(i, [entry('b', at), ...(i < 3 ? [entry('a', at)] : []), entry('c')]),
  )
  assert.deepEqual(idsOf(lists), ['b', 'c'])
  const equal = [0, 1, 2].map((i) => list(i, [entry('b', at), entry('a', at)]))
  assert.deepEqual(idsOf(equal), ['a'])
})

test('the region is what more than half of its listers say, and otherwise none', () => {
  const lists = [
    list(0, [entry('a'), entry('b')]),
    list(1, [entry('a', { region: 'ARIN-US' }), entry('b', { region: null })]),
    list(2, [entry('a'), entry('b', { region: 'ARIN-US' })]),
  ]
  const consensus = agreeOnList(lists, 3, small)
  assert.ok(consensus.kind === 'agreed')
  assert.deepEqual(
    consensus.mirrors.map(({ region }) => region),
    ['RIPE-DE', null],
  )
  assert.deepEqual([...consensus.byRegistry.keys()], ['RIPE', 'unknown'])
})

test('too few lists, or lists from too few regions, are no consensus', () => {
  const make = (count: number, places: readonly (string | null)[]): readonly ListFrom[] =>
    Array.from({ length: count }, (_, i) => ({
      from: `${i}`,
      region: places[i % places.length] ?? null,
      entries: [entry('a')],
    }))
  const wide = ['ARIN-US', 'RIPE-DE', 'APNIC-JP']
  assert.deepEqual(agreeOnList(make(14, wide), 14, parameters), {
    kind: 'too-few-lists',
    lists: 14,
    needed: 15,
  })
  assert.equal(agreeOnList(make(15, wide), 15, parameters).kind, 'agreed')
  for (const places of [
    ['ARIN-US', 'ARIN-CA', 'RIPE-DE'],
    ['ARIN-US', 'RIPE-DE', null],
  ])
    assert.deepEqual(agreeOnList(make(15, places), 15, parameters), {
      kind: 'too-few-regions',
      regions: 2,
      needed: 3,
    })
  // The same list fifteen times is one.
  const repeated = make(15, wide).map((one) => ({ ...one, from: '0' }))
  assert.equal(agreeOnList(repeated, 15, parameters).kind, 'too-few-lists')
})

const entryArbitrary = fc.record({
  ip: fc.constantFrom('ip-a', 'ip-b', 'ip-c', 'x', 'y'),
  port: fc.constantFrom(443, 8443),
  id: fc.constantFrom('a', 'b', 'c', 'evil', 'e2'),
  region: fc.constantFrom('RIPE-DE', 'ARIN-US', null),
  active: fc.boolean(),
})

test('fewer than half liars never add an entry, delete one, or change one', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.array(fc.array(entryArbitrary, { maxLength: 12 }), { maxLength: 8 }),
      fc.integer(),
      (honest, lies, seed) => {
        const truth = [entry('a'), entry('b'), entry('c')]
        const liars = lies.slice(0, honest - 1)
        const lists = [
          ...Array.from({ length: honest }, (_, i) => list(i, truth)),
          ...liars.map((entries, i) => list(honest + i, entries)),
        ]
        const order = createSeededRandom(seed).bytes(lists.length)
        const shuffled = lists.toSorted(
          (one, other) => (order[Number(one.from)] ?? 0) - (order[Number(other.from)] ?? 0),
        )
        assert.deepEqual(
          agreedOf(shuffled).map(({ ip, port, id, region }) => ({
            ip,
            port,
            id,
            region,
            active: true,
          })),
          truth,
        )
      },
    ),
  )
})

test('no order of lists matters', () => {
  fc.assert(
    fc.property(fc.array(fc.array(entryArbitrary, { maxLength: 8 }), { maxLength: 7 }), (rows) => {
      const lists = rows.map((entries, i) => list(i, entries))
      assert.deepEqual(
        agreeOnList(lists.toReversed(), rows.length, small),
        agreeOnList(lists, rows.length, small),
      )
    }),
  )
})

test('a list of one id at very many addresses is heard once', () => {
  const many = Array.from({ length: 20_000 }, (_, i) => entry('a', { ip: `${i}` }))
  const lists = [0, 1, 2].map((i) => list(i, i === 0 ? many : [entry('a')]))
  assert.deepEqual(
    agreedOf(lists).map(({ ip, votes }) => ({ ip, votes })),
    [{ ip: 'ip-a', votes: 2 }],
  )
})

for (const [asked, liars, trials] of [
  [5, 0.1, 20_000],
  [5, 0.3, 10_000],
  [15, 0.3, 10_000],
  [25, 0.4, 5_000],
] as const) {
  const expected = binomialTail(asked, Math.floor(asked / 2) + 1, liars)
  test(`a wrong majority of ${asked} at ${liars} liars: ${expected.toExponential(1)}`, () => {
    const random = createSeededRandom(asked * 100 + liars * 10)
    const [truth, lie] = [[entry('honest')], [entry('evil')]]
    let hits = 0
    for (let i = 0; i < trials; i++) {
      const lists = Array.from({ length: asked }, (_, from) =>
        list(from, happens(random, liars) ? lie : truth),
      )
      if (idsOf(lists).includes('evil')) hits += 1
    }
    assertShare({ hits, trials }, expected, 'wrong majorities')
  })
}
