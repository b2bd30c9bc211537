import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parameters } from './parameters.ts'
import {
  eventsOf,
  isForgotten,
  nextStanding,
  retestMs,
  unknownStanding,
  type Standing,
  type StandingEvent,
  type StandingState,
} from './standing.ts'

const [hour, day] = [3_600_000, 86_400_000]
const start = Date.UTC(2026, 0, 1)

/** Plays events as short text: `joined`, `+72h`, `+3d`, one after the other. */
function play(script: string, from: { readonly standing: Standing; readonly now: number } = begin) {
  let { standing, now } = from
  for (const word of script.split(' ').filter((one) => one !== '')) {
    const wait = /^\+(\d+)([hd])$/.exec(word)
    if (wait !== null) now += Number(wait[1]) * (wait[2] === 'h' ? hour : day)
    else standing = nextStanding(standing, word as StandingEvent, { now, parameters })
  }
  return { standing, now }
}
const begin = { standing: unknownStanding, now: start }

const toActive = 'joined checked +72h series-passed'
const removed = `${toActive} voted-out`
const threeClean = '+24h series-passed +24h series-passed +24h series-passed'

for (const [what, script, state] of [
  ['every request to join is taken', 'joined', 'candidate'],
  ['a rumour is taken for what it is', 'announced', 'candidate'],
  [
    'nothing else makes anybody known',
    'checked series-passed voted-out unreachable seen',
    'unknown',
  ],
  ['a checked candidate is tested', 'joined checked', 'probation'],
  ['an unchecked one is not made active', 'joined +72h series-passed', 'candidate'],
  ['too short a test', 'joined checked +71h series-passed', 'probation'],
  ['a long enough test', toActive, 'active'],
  [
    'a day is enough for who is announced by others',
    'announced checked +24h series-passed',
    'active',
  ],
  ['who founds a network need not be tested first', 'vouched', 'active'],
  ['… nor who is being tested', 'joined checked vouched', 'active'],
  ['… but does not come back so after a vote', `${removed} vouched`, 'inactive'],
  ['a day is not enough for who joins here', 'joined checked +24h series-passed', 'probation'],
  ['a failed test begins anew', 'joined checked +71h series-failed +1h series-passed', 'probation'],
  ['… and can be passed then', 'joined checked +72h series-failed +72h series-passed', 'active'],
  ['no vote touches who is not active yet', 'joined checked voted-out', 'probation'],
  ['our own failed audit removes nobody', `${toActive} series-failed`, 'active'],
  ['a vote removes', removed, 'inactive'],
  ['two clean series are too few', `${removed} +24h series-passed +24h series-passed`, 'inactive'],
  ['three bring it back', `${removed} ${threeClean}`, 'active'],
  [
    'three in a minute are none',
    `${removed} series-passed series-passed series-passed`,
    'inactive',
  ],
  [
    'a failed one in between begins anew',
    `${removed} +24h series-passed +24h series-passed +24h series-failed +24h series-passed`,
    'inactive',
  ],
  ['who joins again is not active for that', `${removed} joined`, 'inactive'],
  ['unreachable for less than a month', `${toActive} unreachable +29d unreachable`, 'active'],
  ['unreachable for a month', `${toActive} unreachable +30d unreachable`, 'gone'],
  ['away for a day after a long time', `${toActive} +90d unreachable +1d unreachable`, 'active'],
  ['seen in between', `${toActive} unreachable +29d seen +2d unreachable`, 'active'],
  ['an inactive one can go too', `${removed} unreachable +30d unreachable`, 'gone'],
  ['a candidate that never was', 'announced unreachable +30d unreachable', 'gone'],
  [
    'rumours do not bring back the dead',
    `announced unreachable +30d unreachable announced`,
    'gone',
  ],
  ['… but after its time', `announced unreachable +30d unreachable +90d announced`, 'candidate'],
  ['who is seen is not dead', `announced unreachable +30d unreachable seen`, 'candidate'],
  ['who joins is not dead', `announced unreachable +30d unreachable joined`, 'candidate'],
] as const)
  test(`standing: ${what}`, () => {
    assert.equal(play(script).standing.state, state)
  })

test('who is removed again is tested less often, and never less than monthly', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 60].map((strikes) => retestMs(strikes, parameters) / day),
    [1, 2, 4, 8, 16, 30, 30],
  )
  const twice = play(`${removed} ${threeClean} voted-out`)
  assert.equal(twice.standing.strikes, 2)
  assert.equal(twice.standing.testAt, twice.now + 2 * day)
  assert.equal(play(threeClean, twice).standing.cleanSeries, 1)
})

test('who joins again is tested sooner, once a day at most', () => {
  const often = play(`${removed} ${threeClean} voted-out +48h series-failed`)
  const { standing, now } = play('+24h joined', often)
  assert.equal(standing.testAt, now)
  assert.equal(play('joined', often).standing.testAt, often.now + day)
  // A second request changes nothing more.
  const again = play('joined joined', often)
  assert.equal(again.standing.testAt, often.now + day)
  // Who has waited is not made to wait longer.
  assert.equal(play('+47h joined', often).standing.testAt, often.now + 47 * hour)
})

test('a tombstone has its time', () => {
  const gone = play('announced unreachable +30d unreachable')
  assert.equal(isForgotten(gone.standing, { now: gone.now + 90 * day - 1, parameters }), false)
  assert.equal(isForgotten(gone.standing, { now: gone.now + 90 * day, parameters }), true)
  assert.equal(isForgotten(play(toActive).standing, { now: start + 999 * day, parameters }), false)
})

const states: readonly StandingState[] = [
  'unknown',
  'candidate',
  'probation',
  'active',
  'inactive',
  'gone',
]
const events: readonly StandingEvent[] = [
  'joined',
  'announced',
  'checked',
  'vouched',
  'series-passed',
  'series-failed',
  'voted-out',
  'unreachable',
  'seen',
]

test('the table has these events, and none by which an operator keeps a mirror out', () => {
  assert.deepEqual(new Set(states.flatMap((state) => eventsOf(state))), new Set(events))
  // Only a vote makes inactive; only time out of reach makes gone.
  for (const state of states)
    for (const event of events) {
      const known = { ...unknownStanding, state, testAt: 0, testedAt: 0 }
      const next = nextStanding(known, event, { now: start, parameters }).state
      if (next === 'inactive' && state !== 'inactive') assert.equal(event, 'voted-out')
      if (next === 'gone' && state !== 'gone') assert.equal(event, 'unreachable')
    }
})

const stepArbitrary = fc.record({
  event: fc.constantFrom(...events),
  wait: fc.integer({ min: 0, max: 20 * day }),
})

test('whatever happened, a mirror that is reached and passes its tests is active again', () => {
  fc.assert(
    fc.property(fc.array(stepArbitrary, { maxLength: 60 }), (steps) => {
      let now = start
      let standing = unknownStanding
      const apply = (event: StandingEvent): void => {
        standing = nextStanding(standing, event, { now, parameters })
      }
      for (const { event, wait } of steps) {
        now += wait
        apply(event)
      }
      apply('seen')
      apply('joined')
      apply('checked')
      // At the worst three series a month apart.
      for (let i = 0; i < 3; i++) {
        now = Math.max(now, standing.testAt ?? now)
        apply('series-passed')
      }
      assert.equal(standing.state, 'active')
      assert.ok(steps.length > 0 || now === start + 3 * day)
    }),
  )
})

test('what is due is known where it must be, and an event without effect gives back the same object', () => {
  fc.assert(
    fc.property(fc.array(stepArbitrary, { maxLength: 60 }), (steps) => {
      let now = start
      let standing = unknownStanding
      for (const { event, wait } of steps) {
        now += wait
        const next = nextStanding(standing, event, { now, parameters })
        assert.equal(next.testAt !== null, next.state === 'probation' || next.state === 'inactive')
        if (!eventsOf(standing.state).includes(event)) assert.equal(next, standing)
        assert.deepEqual(JSON.parse(JSON.stringify(next)), next)
        standing = next
      }
    }),
  )
})
