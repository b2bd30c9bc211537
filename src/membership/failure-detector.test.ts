import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createSeededRandom } from '../../test/support/seeded-random.ts'
import { assertShare, binomialTail, happens } from '../../test/support/statistics.ts'
import {
  alwaysUp,
  isBelowUptime,
  isOwnOutage,
  nextPing,
  noRound,
  noteOwnPing,
  noteUptime,
  sampleOf,
  type Uptime,
} from './failure-detector.ts'
import { parameters } from './parameters.ts'

const hour = 3_600_000
const start = Date.UTC(2026, 0, 1)

test('every member is pinged once a round, in another order each time', () => {
  const members = new Set(Array.from({ length: 50 }, (_, i) => `m${i}`))
  const random = createSeededRandom(1)
  let round = noRound
  const orders: string[] = []
  for (let r = 0; r < 3; r++) {
    const order: string[] = []
    for (let i = 0; i < members.size; i++) {
      const next = nextPing(round, members, random)
      order.push(next.target ?? '')
      round = next.round
    }
    assert.deepEqual(new Set(order), members)
    orders.push(order.join())
  }
  assert.equal(new Set(orders).size, 3)
})

test('newcomers come with the next round, and who has left is passed over', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(9), fc.boolean()), { maxLength: 200 }), (steps) => {
      const members = new Set<string>()
      const random = createSeededRandom(2)
      let round = noRound
      for (const [who, joins] of steps) {
        if (joins) members.add(`${who}`)
        else members.delete(`${who}`)
        const next = nextPing(round, members, random)
        assert.equal(next.target === null, members.size === 0)
        assert.ok(next.target === null || members.has(next.target))
        round = next.round
      }
      // From any point on, everybody is pinged within two rounds.
      const seen = new Set<string>()
      for (let i = 0; i < 2 * members.size; i++) {
        const next = nextPing(round, members, random)
        if (next.target !== null) seen.add(next.target)
        round = next.round
      }
      assert.deepEqual(seen, members)
    }),
  )
})

for (const [what, direct, indirect, ownOutage, sample] of [
  ['an answer', true, [], false, 'up'],
  ['an answer in an outage of ours', true, [], true, 'up'],
  ['one helper reaches it', false, [false, true, null], false, 'up'],
  ['nobody reaches it', false, [false, false, false], false, 'down'],
  ['two of three helpers say so', false, [false, null, false], false, 'down'],
  ['one helper alone is not believed', false, [false, null, null], false, 'void'],
  ['no helper answers either', false, [null, null, null], false, 'void'],
  ['there are no helpers', false, [], false, 'void'],
  ['the fault is ours', false, [false, false, false], true, 'void'],
] as const)
  test(`a ping: ${what}`, () => {
    assert.equal(sampleOf({ direct, indirect, ownOutage }, parameters), sample)
  })

test('when most of the latest pings fail, the fault is ours', () => {
  const after = (pings: string): boolean =>
    isOwnOutage(
      pings
        .split('')
        .reduce<readonly boolean[]>(
          (recent, ping) => noteOwnPing(recent, ping === '+', parameters),
          [],
        ),
      parameters,
    )
  assert.equal(after(''), false)
  assert.equal(after('-----'), false)
  assert.equal(after('------'), true)
  assert.equal(after('-----+++++'), false)
  assert.equal(after('------++++'), true)
  // Forgotten once ten more have been made.
  assert.equal(after('----------+++++'), false)
})

/** `down` in each of these hours, and up in all others. */
function downAt(hours: readonly number[]): Uptime {
  return hours.reduce(
    (uptime, at) => noteUptime(uptime, 'down', { now: start + at * hour, parameters }),
    alwaysUp,
  )
}
const isBelow = (uptime: Uptime, at: number): boolean =>
  isBelowUptime(uptime, start + at * hour, parameters)

test('four missed hours in thirty days are too many, three are not', () => {
  assert.equal(isBelow(downAt([0, 1, 2]), 2), false)
  assert.equal(isBelow(downAt([0, 1, 2, 3]), 3), true)
  assert.equal(isBelow(downAt([0, 1, 2, 3]), 719), true)
  assert.equal(isBelow(downAt([0, 1, 2, 3]), 720), false)
})

test('an hour is missed once, however often it was tried, and nothing but down is noted', () => {
  assert.equal(isBelow(downAt([0, 0.2, 0.4, 0.6, 0.8, 1, 2]), 2), false)
  for (const sample of ['up', 'void'] as const)
    assert.equal(noteUptime(alwaysUp, sample, { now: start, parameters }), alwaysUp)
})

test('a mirror that is down for a year is remembered by a month', () => {
  const uptime = downAt(Array.from({ length: 8_760 }, (_, i) => i))
  assert.equal(uptime.misses.length, 720)
})

const { samples, missesMin } = parameters.uptime
for (const [missing, trials] of [
  [0.001, 600],
  [0.005, 600],
  [0.01, 300],
] as const) {
  const expected = binomialTail(samples, missesMin, missing)
  test(`who misses ${missing} of the samples is below 99.9 % with a chance of ${expected.toFixed(4)}`, () => {
    const random = createSeededRandom(missing * 10_000)
    let hits = 0
    for (let i = 0; i < trials; i++) {
      const misses = Array.from({ length: samples }, (_, at) => at).filter(() =>
        happens(random, missing),
      )
      if (isBelow(downAt(misses), samples - 1)) hits += 1
    }
    assertShare({ hits, trials }, expected, 'below uptime')
  })
}
