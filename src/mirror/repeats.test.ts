import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createRepeats } from './repeats.ts'

const start = Date.UTC(2026, 0, 1)
const windowMs = 120_000
const key = (n: number): Uint8Array => Uint8Array.of(n >> 8, n & 255, ...new Uint8Array(30))

function stage(max?: number) {
  const time = { now: start }
  const clock = { now: () => time.now }
  return { time, repeats: createRepeats(clock, ...(max === undefined ? [] : [{ max }])) }
}

test('a question is new once', () => {
  const { repeats } = stage()
  assert.equal(repeats.check(key(1), start), 'new')
  assert.equal(repeats.check(key(1), start), 'repeated')
  assert.equal(repeats.check(key(2), start), 'new')
})

test('a date is taken within two minutes, before and after', () => {
  const { repeats } = stage()
  assert.equal(repeats.check(key(1), start - windowMs), 'new')
  assert.equal(repeats.check(key(2), start + windowMs), 'new')
  assert.equal(repeats.check(key(3), start - windowMs - 1), 'date')
  assert.equal(repeats.check(key(4), start + windowMs + 1), 'date')
  assert.equal(repeats.check(key(5), 0), 'date')
})

test('what is out of the window is forgotten, and refused by its date', () => {
  const { repeats, time } = stage()
  repeats.check(key(1), start + windowMs)
  time.now += 2 * windowMs
  assert.equal(repeats.check(key(1), start + windowMs), 'repeated')
  time.now += 1
  assert.equal(repeats.check(key(1), start + windowMs), 'date')
  assert.equal(repeats.size, 0)
})

test('a clock that goes back makes no old question new', () => {
  const { repeats, time } = stage()
  repeats.check(key(1), start)
  time.now += windowMs + 1
  assert.equal(repeats.check(key(2), time.now), 'new')
  time.now = start
  assert.equal(repeats.check(key(1), start), 'date')
})

test('a flood of one second closes that second, and no other', () => {
  const { repeats } = stage(100)
  assert.equal(repeats.check(key(0), start), 'new')
  for (let n = 1; n <= 100; n++) assert.equal(repeats.check(key(n), start + 60_000), 'new')
  assert.equal(repeats.check(key(1), start + 60_000), 'date')
  assert.equal(repeats.check(key(200), start + 60_000), 'date')
  assert.equal(repeats.check(key(0), start), 'repeated')
  assert.equal(repeats.check(key(201), start), 'new')
  assert.equal(repeats.size, 2)
})

test('whatever comes in whatever order, no question is new twice, and the memory stays bounded', () => {
  const steps = fc.array(
    fc.record({
      key: fc.nat({ max: 30 }),
      second: fc.integer({ min: -3, max: 3 }),
      passMs: fc.integer({ min: -90_000, max: 90_000 }),
    }),
    { maxLength: 200 },
  )
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 20 }), (list, max) => {
      const { repeats, time } = stage(max)
      const seen = new Set<string>()
      for (const step of list) {
        time.now += step.passMs
        const date = start + step.second * 50_000
        const name = `${step.key} ${date}`
        const answer = repeats.check(key(step.key), date)
        if (answer === 'new') assert.ok(!seen.has(name), `${name} is new again`)
        if (answer === 'new') seen.add(name)
        assert.ok(repeats.size <= max)
      }
    }),
  )
})
