import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  addResponseTime,
  noResponseTimes,
  summariseResponses,
  type ResponseTimes,
} from './response-times.ts'
import { quantileOf } from './speed.ts'

const windowMs = 1_000
const start = 5_000_000

function addAll(values: readonly number[], now = start, times = noResponseTimes): ResponseTimes {
  return values.reduce((sum, ms) => addResponseTime(sum, ms, { now, windowMs }), times)
}

const timesArbitrary = fc.array(fc.double({ min: 1, max: 1_000_000, noNaN: true }), {
  minLength: 1,
  maxLength: 200,
})

test('quantiles are within nine percent of the exact ones', () => {
  fc.assert(
    fc.property(timesArbitrary, (values) => {
      const summary = summariseResponses(addAll(values), { now: start, windowMs })
      for (const [found, share] of [
        [summary.p50Ms, 0.5],
        [summary.p95Ms, 0.95],
      ] as const) {
        const exact = quantileOf(values, share)
        assert.ok(found !== null && exact !== null)
        assert.ok(found / exact < 1.091 && found / exact > 0.916, `${found} for ${exact}`)
      }
      assert.equal(summary.count, values.length)
    }),
  )
})

test('the order of arrival does not matter', () => {
  fc.assert(
    fc.property(timesArbitrary, (values) => {
      assert.deepEqual(addAll(values.toReversed()), addAll(values))
    }),
  )
})

test('what is older than the window is forgotten after at most two', () => {
  const old = addAll([800, 800, 800])
  const count = (times: ResponseTimes, after: number): number =>
    summariseResponses(times, { now: start + after, windowMs }).count
  assert.equal(count(old, 999), 3)
  assert.equal(count(old, 1_999), 3)
  assert.equal(count(old, 2_000), 0)
  const later = addAll([1], start + 1_500, old)
  assert.equal(count(later, 1_500), 4)
  assert.equal(count(later, 2_500), 1)
  assert.equal(count(later, 3_000), 0)
})

test('a clock that was set back does not keep old times for long', () => {
  const ahead = addAll([800], start + 1_000_000)
  const back = addAll([10], start, ahead)
  assert.equal(back.since, start)
  assert.equal(summariseResponses(back, { now: start + 2_000, windowMs }).count, 0)
})

test('room is bounded, whatever comes', () => {
  const times = addAll([0, -5, Number.NaN, Number.POSITIVE_INFINITY, 1e300, 0.001])
  assert.ok(times.running.length < 100)
  assert.equal(summariseResponses(times, { now: start, windowMs }).count, 6)
  assert.deepEqual(JSON.parse(JSON.stringify(times)), times)
})

test('nothing measured has no quantiles', () => {
  assert.deepEqual(summariseResponses(noResponseTimes, { now: start, windowMs }), {
    count: 0,
    p50Ms: null,
    p95Ms: null,
  })
})
