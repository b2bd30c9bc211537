import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parameters } from './parameters.ts'
import { placesOf, seatClaimants, whoStays, type Claimant } from './sybil.ts'

function claimant(id: string, change: Partial<Claimant> = {}): Claimant {
  return { id, ip: '198.51.100.7', domain: `${id}.example`, active: true, since: 0, ...change }
}

test('a mirror takes up its prefix and its registrable domain', () => {
  const places = (ip: string, domain: string | null): readonly string[] =>
    placesOf(claimant('a', { ip, domain }), parameters)
  assert.deepEqual(places('198.51.100.7', 'mirror.city.example.co.uk'), [
    'prefix 198.51.100.0/24',
    'domain example.co.uk',
  ])
  assert.deepEqual(places('2001:db8:1:2::3', null), ['prefix 2001:db8:1::/48'])
  // Everybody gets such a name for nothing.
  assert.deepEqual(places('198.51.100.7', 'a.github.io')[1], 'domain github.io')
  assert.deepEqual(places('198.51.100.7', 'localhost')[1], 'domain localhost')
})

for (const [what, one, other, stays] of [
  ['the active one', { active: true, since: 9 }, { active: false, since: 1 }, 'a'],
  ['the older of two active ones', { since: 9 }, { since: 1 }, 'b'],
  ['the older of two others', { active: false, since: 1 }, { active: false, since: 9 }, 'a'],
  ['of equals, the lesser id', {}, {}, 'a'],
] as const)
  test(`of two claimants stays ${what}`, () => {
    const [a, b] = [claimant('a', one), claimant('b', other)]
    assert.equal(whoStays(a, b).id, stays)
    assert.equal(whoStays(b, a).id, stays)
  })

const claimantArbitrary = fc
  .array(
    fc.record({
      ip: fc.constantFrom(
        '198.51.100.1',
        '198.51.100.2',
        '203.0.113.1',
        '2001:db8::1',
        '2001:db8:1::1',
      ),
      domain: fc.constantFrom('a.example', 'www.a.example', 'b.example', null),
      active: fc.boolean(),
      since: fc.nat(3),
    }),
    { maxLength: 12 },
  )
  .map((rows) => rows.map((row, i) => claimant(`m${i}`, row)))

test('every place has one holder, and who yields, yields to a more senior one', () => {
  fc.assert(
    fc.property(claimantArbitrary, (claimants) => {
      const { staying, yielding } = seatClaimants(claimants, parameters)
      const places = staying.flatMap((one) => placesOf(one, parameters))
      assert.equal(new Set(places).size, places.length)
      assert.equal(staying.length + yielding.length, claimants.length)
      for (const { claimant: one, to } of yielding) {
        assert.equal(whoStays(one, to), to)
        assert.ok(staying.includes(to))
        assert.ok(
          placesOf(one, parameters).some((place) => placesOf(to, parameters).includes(place)),
        )
      }
      assert.deepEqual(
        seatClaimants(claimants.toReversed(), parameters).staying,
        seatClaimants(claimants, parameters).staying,
      )
    }),
  )
})
