import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createSeededRandom } from '../../test/support/seeded-random.ts'
import { assertShare } from '../../test/support/statistics.ts'
import { inRandomOrder, integerBelow, sample } from './chance.ts'

test('a random order holds every value once', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.integer(), (values, seed) => {
      const ordered = [...inRandomOrder(createSeededRandom(seed), values)]
      assert.deepEqual(
        ordered.toSorted((a, b) => a - b),
        values.toSorted((a, b) => a - b),
      )
    }),
  )
})

test('every order of four has the same chance', () => {
  const random = createSeededRandom(5)
  const counts = new Map<string, number>()
  const trials = 24_000
  for (let i = 0; i < trials; i++) {
    const order = [...inRandomOrder(random, ['a', 'b', 'c', 'd'])].join('')
    counts.set(order, (counts.get(order) ?? 0) + 1)
  }
  assert.equal(counts.size, 24)
  for (const [order, hits] of counts) assertShare({ hits, trials }, 1 / 24, order)
})

test('the first of many cost as many draws, not a pass over all', () => {
  let drawn = 0
  const random = createSeededRandom(1)
  const counting = {
    bytes: (length: number): Uint8Array => {
      drawn += 1
      return random.bytes(length)
    },
  }
  const values = Array.from({ length: 100_000 }, (_, i) => i)
  assert.equal(new Set(sample(counting, values, 9)).size, 9)
  assert.ok(drawn < 20, `${drawn}`)
})

test('a sample is no larger than what there is', () => {
  const random = createSeededRandom(1)
  assert.deepEqual(sample(random, [], 3), [])
  assert.deepEqual(sample(random, ['a'], 3), ['a'])
  assert.deepEqual(sample(random, ['a', 'b'], 0), [])
  assert.deepEqual(sample(random, ['a', 'b'], -1), [])
})

test('values that would favour the low numbers are drawn again', () => {
  const bytes = [
    [255, 255, 255, 255],
    [0, 0, 0, 7],
  ]
  const random = { bytes: () => Uint8Array.from(bytes.shift() ?? []) }
  assert.equal(integerBelow(random, 3), 1)
})
