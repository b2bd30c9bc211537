// Scores a series of replays: what a mirror answered to really asked questions, compared with our own look (R100, R104, R105, R122).

import { agree, type Claim } from './claim.ts'
import { countIndependent, type Origin } from './independent.ts'
import type { Parameters } from './parameters.ts'
import { quantileOf, speedFaults, type Speed, type SpeedFault } from './speed.ts'

/** One replay and what came of it. */
export interface Replayed extends Origin {
  /** Our own fresh look; null when it failed, and then the replay says nothing. */
  readonly expected: Claim | null
  /** Null when there was no answer: none in time, `busy`, or DNS failed there. */
  readonly answer: Claim | null
  /** From question to answer; null when none came. */
  readonly responseMs: number | null
}

/** How a replay went. */
export type Grade = 'agreed' | 'wrong' | 'silent' | 'slow'

/** The grade of `replayed`; null when nothing can be compared. */
export function gradeReplay(replayed: Replayed, parameters: Parameters): Grade | null {
  const { expected, answer, responseMs } = replayed
  if (expected === null) return null
  if (answer === null || responseMs === null) return 'silent'
  if (!agree(answer, expected)) return 'wrong'
  return responseMs > parameters.speed.tooSlowMs ? 'slow' : 'agreed'
}

/** A series of replays of one mirror, scored. */
export interface SeriesScore {
  /** Replays that were asked for, and those that could be compared. */
  readonly asked: number
  readonly replays: number
  readonly agreed: number
  readonly wrong: number
  readonly silent: number
  readonly slow: number
  /** Wrong, silent and slow ones, those that one owner of domains or name servers could have brought about as one. */
  readonly failures: number
  /** Quantiles of the response time, a missing answer as `tooSlowMs`; null without any comparable replay. */
  readonly p50Ms: number | null
  readonly p95Ms: number | null
}

/** The score of `series`. Linear but for the sorting of times. */
export function scoreSeries(series: readonly Replayed[], parameters: Parameters): SeriesScore {
  const graded = series.flatMap((replayed) => {
    const grade = gradeReplay(replayed, parameters)
    return grade === null ? [] : [{ replayed, grade }]
  })
  const countOf = (grade: Grade): number => graded.filter((one) => one.grade === grade).length
  const failed = graded.filter(({ grade }) => grade !== 'agreed')
  const times = graded.map(({ replayed }) => replayed.responseMs ?? parameters.speed.tooSlowMs)
  return {
    asked: series.length,
    replays: graded.length,
    agreed: countOf('agreed'),
    wrong: countOf('wrong'),
    silent: countOf('silent'),
    slow: countOf('slow'),
    failures: countIndependent(failed.map(({ replayed }) => replayed)),
    p50Ms: quantileOf(times, 0.5),
    p95Ms: quantileOf(times, 0.95),
  }
}

/** What is known of the subject's distance beside the series; see `Speed`. */
export type Distance = Pick<Speed, 'roundTripMs' | 'neighbourPingMs'>

/** The limits of speed that the subject of this series exceeds. */
export function seriesFaults(
  { p50Ms, p95Ms }: SeriesScore,
  distance: Distance,
  parameters: Parameters,
): readonly SpeedFault[] {
  return speedFaults({ p50Ms, p95Ms, ...distance }, parameters)
}

/** What a series says; `unclear` when too little of it could be compared to say it. */
export type SeriesResult = 'passed' | 'failed' | 'unclear'

/** Whether a newcomer has passed its tests (R101): at least 200 replays, at most 1 % failures, fast enough. */
export function judgeProbation(
  score: SeriesScore,
  distance: Distance,
  parameters: Parameters,
): SeriesResult {
  const { replaysMin, failureShareMax } = parameters.join
  if (score.replays < replaysMin) return 'unclear'
  return isClean(score, distance, { parameters, failureShareMax }) ? 'passed' : 'failed'
}

/** Whether one series of an inactive mirror is clean (R127). */
export function judgeRetest(
  score: SeriesScore,
  distance: Distance,
  parameters: Parameters,
): SeriesResult {
  const { failureShareMax } = parameters.retest
  if (!isComplete(score, parameters)) return 'unclear'
  return isClean(score, distance, { parameters, failureShareMax }) ? 'passed' : 'failed'
}

/** What a panellist says of the subject, and what an audit comes to. */
export type Opinion = 'remove' | 'keep'

/**
 * The opinion after a panel series or an audit (R123, R137): `remove` at five independent failures of a hundred, or
 * when a limit of speed is exceeded; null when too little could be compared.
 */
export function opinionOf(
  score: SeriesScore,
  distance: Distance,
  parameters: Parameters,
): Opinion | null {
  if (score.failures >= parameters.panel.failuresMin) return 'remove'
  if (!isComplete(score, parameters)) return null
  return seriesFaults(score, distance, parameters).length > 0 ? 'remove' : 'keep'
}

function isComplete({ asked, replays }: SeriesScore, parameters: Parameters): boolean {
  return asked > 0 && replays / asked >= parameters.quiz.completeShareMin
}

function isClean(
  score: SeriesScore,
  distance: Distance,
  rules: { readonly parameters: Parameters; readonly failureShareMax: number },
): boolean {
  const { parameters, failureShareMax } = rules
  return (
    score.failures / score.replays <= failureShareMax &&
    seriesFaults(score, distance, parameters).length === 0
  )
}
