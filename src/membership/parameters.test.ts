import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parameters, scalePeriods } from './parameters.ts'

test('a shorter network has shorter periods, and the same limits on speed and counts', () => {
  const short = scalePeriods(parameters, 1 / 3600)
  assert.equal(short.join.firstHopMs, 72_000)
  assert.equal(short.retest.everyMs, 24_000)
  assert.equal(short.reputation.halfLifeMs, 168_000)
  assert.equal(short.ping.everyMs, 1)
  assert.deepEqual(short.speed, parameters.speed)
  assert.equal(short.dissent.apartMs, parameters.dissent.apartMs)
  assert.equal(short.panel.size, 9)
  assert.equal(short.dissent.othersShareMin, parameters.dissent.othersShareMin)
})

test('scaling by one changes nothing', () => {
  assert.deepEqual(scalePeriods(parameters, 1), parameters)
})

test('the defaults are those of the protocol', () => {
  const hours = (ms: number): number => ms / 3_600_000
  assert.equal(hours(parameters.join.firstHopMs), 72)
  assert.equal(hours(parameters.join.laterHopMs), 24)
  assert.equal(hours(parameters.reputation.halfLifeMs), 7 * 24)
  assert.equal(hours(parameters.panel.coolDownMs), 72)
  assert.equal(hours(parameters.gone.unreachableMs), 30 * 24)
  assert.equal(hours(parameters.gone.tombstoneMs), 90 * 24)
  // Thirty days of samples.
  assert.equal(
    hours(parameters.uptime.sampleMs * parameters.uptime.samples),
    hours(parameters.gone.unreachableMs),
  )
  // A majority of a full panel is within reach of the fewest votes that are counted.
  assert.ok(2 * parameters.panel.votesMin > parameters.panel.size)
  // What others must share is more than half, or two claims could both be shared.
  assert.ok(parameters.dissent.othersShareMin > 0.5)
})
