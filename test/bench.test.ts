// The arithmetic of the benches: a wrong median would pass unseen for ever.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { quantile, ratio, summarise } from '../bench/lib/statistics.ts'
import { table } from '../bench/lib/table.ts'

test('quantiles lie between neighbours, and the median halves', () => {
  assert.equal(quantile([3, 1, 2], 0.5), 2)
  assert.equal(quantile([4, 1, 3, 2], 0.5), 2.5)
  assert.equal(quantile([10, 20], 0.95), 19.5)
  assert.equal(quantile([7], 0.95), 7)
  assert.ok(Number.isNaN(quantile([], 0.5)))
  const values = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1 })
  fc.assert(
    fc.property(values, (some) => {
      const { median, min, max, count } = summarise(some)
      assert.equal(min, Math.min(...some))
      assert.equal(max, Math.max(...some))
      assert.equal(count, some.length)
      const half = some.length / 2
      assert.ok(some.filter((one) => one < median).length <= half)
      assert.ok(some.filter((one) => one > median).length <= half)
    }),
  )
})

test('a ratio is formed inside each cycle, and cycles that lack one of the two are left out', () => {
  const cycles = [
    new Map([
      ['a', 10],
      ['b', 20],
    ]),
    new Map([
      ['a', 300],
      ['b', 100],
    ]),
    new Map([['a', 5]]),
    new Map([['b', 5]]),
  ]
  assert.deepEqual(ratio(cycles, 'a', 'b'), { median: 1.75, min: 0.5, max: 3, count: 2 })
  assert.equal(ratio(cycles, 'a', 'c').count, 0)
})

test('tables keep their columns', () => {
  assert.equal(
    table([
      ['', 'ratio'],
      ['nginx', '1.00'],
      ['x', '0.5'],
    ]),
    '        ratio\nnginx    1.00\nx         0.5',
  )
})
