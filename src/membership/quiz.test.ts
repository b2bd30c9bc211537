import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSeededRandom } from '../../test/support/seeded-random.ts'
import { assertShare, binomialTail, happens } from '../../test/support/statistics.ts'
import { parameters } from './parameters.ts'
import {
  gradeReplay,
  judgeProbation,
  judgeRetest,
  opinionOf,
  scoreSeries,
  type Distance,
  type Replayed,
} from './quiz.ts'

const here: Distance = { roundTripMs: 20, neighbourPingMs: 20 }

function replayed(i: number, change: Partial<Replayed> = {}): Replayed {
  return {
    domain: `d${i}.test`,
    nsSet: `ns ${i}`,
    expected: ['k'],
    answer: ['k'],
    responseMs: 50,
    ...change,
  }
}

const wrong: Partial<Replayed> = { answer: ['evil'] }
const silent: Partial<Replayed> = { answer: null, responseMs: null }
const slow: Partial<Replayed> = { responseMs: 2_001 }
const lost: Partial<Replayed> = { expected: null }

/** `count` replays of which the first ones are changed as given, each of another domain. */
function series(count: number, ...changes: readonly Partial<Replayed>[]): readonly Replayed[] {
  return Array.from({ length: count }, (_, i) => replayed(i, changes[i] ?? {}))
}
const repeat = (n: number, change: Partial<Replayed>): readonly Partial<Replayed>[] =>
  Array.from({ length: n }, () => change)
const score = (replays: readonly Replayed[]) => scoreSeries(replays, parameters)

for (const [what, change, grade] of [
  ['the same', {}, 'agreed'],
  ['another key', wrong, 'wrong'],
  ['no key', { answer: [] }, 'wrong'],
  ['a key where there is none', { expected: [] }, 'wrong'],
  ['behind in a roll-over', { expected: ['k', 'new'] }, 'agreed'],
  ['no answer', silent, 'silent'],
  ['an answer that says that DNS failed', { answer: null }, 'silent'],
  ['just in time', { responseMs: 2_000 }, 'agreed'],
  ['too late', slow, 'slow'],
  ['wrong and too late', { ...wrong, ...slow }, 'wrong'],
  ['our own look failed', lost, null],
  ['our own look failed, and no answer', { ...lost, ...silent }, null],
] as const)
  test(`a replay: ${what}`, () => {
    assert.equal(gradeReplay(replayed(0, change), parameters), grade)
  })

test('a score counts each kind, and failures of one owner once', () => {
  const scored = score(series(100, wrong, wrong, silent, slow, lost))
  assert.deepEqual(
    { ...scored, p50Ms: 0, p95Ms: 0 },
    {
      asked: 100,
      replays: 99,
      agreed: 95,
      wrong: 2,
      silent: 1,
      slow: 1,
      failures: 4,
      p50Ms: 0,
      p95Ms: 0,
    },
  )
  const sameOwner = series(100, ...repeat(30, { ...wrong, domain: 'evil.test' }))
  assert.equal(score(sameOwner).wrong, 30)
  assert.equal(score(sameOwner).failures, 1)
  const sameServers = series(100, ...repeat(30, { ...wrong, nsSet: 'evil ns' }))
  assert.equal(score(sameServers).failures, 1)
})

test('a missing answer weighs like the longest wait', () => {
  assert.equal(score(series(100, ...repeat(6, silent))).p95Ms, 2_000)
  assert.equal(score(series(100, ...repeat(5, silent))).p95Ms, 50)
})

for (const [what, replays, distance, opinion] of [
  ['honest and fast', series(100), here, 'keep'],
  ['four failures', series(100, ...repeat(4, wrong)), here, 'keep'],
  ['five failures', series(100, ...repeat(5, wrong)), here, 'remove'],
  ['five failures in few', series(7, ...repeat(5, wrong)), here, 'remove'],
  ['five of one owner', series(100, ...repeat(5, { ...wrong, domain: 'x' })), here, 'keep'],
  [
    'far away',
    series(100, ...repeat(100, { responseMs: 350 })),
    { ...here, roundTripMs: 300 },
    'keep',
  ],
  ['slow', series(100, ...repeat(100, { responseMs: 350 })), here, 'remove'],
  ['slow to a neighbour', series(100), { ...here, neighbourPingMs: 101 }, 'remove'],
  ['a fifth could not be compared', series(100, ...repeat(20, lost)), here, 'keep'],
  ['more could not be compared', series(100, ...repeat(21, lost)), here, null],
  ['nothing was asked', [], here, null],
] as const)
  test(`a panellist says ${opinion}: ${what}`, () => {
    assert.equal(opinionOf(score(replays), distance, parameters), opinion)
  })

for (const [what, replays, result] of [
  ['200 without fault', series(200), 'passed'],
  ['199', series(199), 'unclear'],
  ['2 failures of 200', series(200, wrong, silent), 'passed'],
  ['3 failures of 200', series(200, wrong, silent, wrong), 'failed'],
  ['3 failures of 300', series(300, wrong, silent, wrong), 'passed'],
  ['200 of which some could not be compared', series(200, lost), 'unclear'],
  ['200 slow ones', series(200, ...repeat(200, { responseMs: 400 })), 'failed'],
] as const)
  test(`probation is ${result}: ${what}`, () => {
    assert.equal(judgeProbation(score(replays), here, parameters), result)
  })

for (const [what, replays, result] of [
  ['without fault', series(100), 'passed'],
  ['one failure', series(100, wrong), 'passed'],
  ['two failures', series(100, wrong, wrong), 'failed'],
  ['too little to compare', series(100, ...repeat(30, lost)), 'unclear'],
  ['too slow', series(100, ...repeat(100, { responseMs: 1_800 })), 'failed'],
] as const)
  test(`a retest is ${result}: ${what}`, () => {
    assert.equal(judgeRetest(score(replays), here, parameters), result)
  })

const { replays: replaysOfPanel, failuresMin } = parameters.panel
for (const [failing, trials] of [
  [0.003, 2_000],
  [0.01, 2_000],
  [0.02, 2_000],
  [0.05, 2_000],
  [0.1, 1_000],
] as const) {
  const expected = binomialTail(replaysOfPanel, failuresMin, failing)
  test(`who fails on ${failing} of all names is voted against with a chance of ${expected.toExponential(1)}`, () => {
    const random = createSeededRandom(failing * 1_000)
    let hits = 0
    for (let i = 0; i < trials; i++) {
      const replays = Array.from({ length: replaysOfPanel }, (_, n) =>
        replayed(n, happens(random, failing) ? wrong : {}),
      )
      if (opinionOf(score(replays), here, parameters) === 'remove') hits += 1
    }
    assertShare({ hits, trials }, expected, 'votes for removal')
  })
}
