import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parameters } from './parameters.ts'
import { quantileOf, speedFaults, type Speed } from './speed.ts'

const nothing: Speed = { p50Ms: null, p95Ms: null, roundTripMs: null, neighbourPingMs: null }

for (const [what, speed, faults] of [
  ['nothing measured', {}, []],
  ['just fast enough', { p50Ms: 150, p95Ms: 1_500, roundTripMs: 0, neighbourPingMs: 100 }, []],
  ['a slow ping of a neighbour', { neighbourPingMs: 101 }, ['slow-ping']],
  ['slow answers', { p95Ms: 1_501 }, ['slow-response-p95']],
  ['a slow median', { p50Ms: 151, roundTripMs: 0 }, ['slow-response-p50']],
  ['a mirror at the other end of the world', { p50Ms: 440, roundTripMs: 300, p95Ms: 900 }, []],
  ['a median over a way of unknown length', { p50Ms: 1_000 }, []],
  [
    'all of them',
    { p50Ms: 900, p95Ms: 2_000, roundTripMs: 10, neighbourPingMs: 500 },
    ['slow-ping', 'slow-response-p50', 'slow-response-p95'],
  ],
] as const)
  test(`speed: ${what}`, () => {
    assert.deepEqual(speedFaults({ ...nothing, ...speed }, parameters), faults)
  })

test('a quantile is a value that was measured, by nearest rank', () => {
  const values = [5, 1, 4, 2, 3]
  assert.equal(quantileOf(values, 0.5), 3)
  assert.equal(quantileOf(values, 0.95), 5)
  assert.equal(quantileOf(values, 0), 1)
  assert.equal(quantileOf([7], 0.5), 7)
  assert.equal(quantileOf([], 0.5), null)
  assert.deepEqual(values, [5, 1, 4, 2, 3])
  // Five of a hundred may be slow.
  const mostly = (slow: number): readonly number[] =>
    Array.from({ length: 100 }, (_, i) => (i < slow ? 9_000 : 10))
  assert.equal(quantileOf(mostly(5), 0.95), 10)
  assert.equal(quantileOf(mostly(6), 0.95), 9_000)
})
