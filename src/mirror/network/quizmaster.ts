// Tests other mirrors in series: newcomers, those that were removed, some at random, and those that a vote is held on (R93, R94, R100, R127, R134 to R137; protocol §7, §8).

import { limits } from '../../base/limits.ts'
import type { Replayable } from '../../membership/corpus.ts'
import { drawPeers } from '../../membership/peers.ts'
import type { BlindAsking } from './blind.ts'
import type { Corpus } from './corpus.ts'
import { inBackground, repeat, type Part } from './part.ts'
import type { PeerRecord, SeriesPurpose } from './record.ts'
import { noteOf, resultOf, textOf, type Results, type TestResult } from './results.ts'
import { runSeries, type SeriesEnd } from './series.ts'
import type { TrialCore } from './trial.ts'

/** A test that somebody needs. */
export interface TestWanted {
  readonly subject: string
  readonly purpose: 'audit' | 'panel'
  /** When the result must be there, ms since 1970 UTC; the series is shorter where there is less time. */
  readonly by: number | null
  /** Names that are to be among the replays: those that evidence is about. */
  readonly extra: readonly Replayable[]
}

/** Runs series, at most one of a mirror at a time beside its probation. */
export interface Quizmaster extends Part {
  /** Sees that there is a result: the one of today, the one of a series under way, or one of a new series. */
  want(test: TestWanted): void
  /** Calls `listener` with each result that is durable; the result ends it. */
  onResult(listener: (result: TestResult) => void): () => void
  /** Series under way. */
  readonly underWay: () => number
}

/** What a quizmaster works with. */
export interface QuizParts {
  readonly corpus: Corpus
  readonly blind: BlindAsking
  readonly results: Results
}

/** More replays are asked for than are needed: of some, our own look fails. */
const spareShare = 1.1

/** For each replay so many questions for the time alone. */
const timedShare = 0.2

/** A quizmaster who has begun nothing yet. */
export function createQuizmaster(core: TrialCore, parts: QuizParts): Quizmaster {
  const { clock, parameters, peers } = core
  const listeners = new Set<(result: TestResult) => void>()
  const running = createRunning(core, parts)
  const judge = async (result: TestResult): Promise<void> => {
    await settle(core, parts.results, result)
    for (const listener of listeners) listener(result)
  }
  const begin = (plan: SeriesPlan): void =>
    running.begin(plan, (end) => {
      core.counts.add('seriesEnded')
      inBackground(core, 'judging of a series', judge(resultOf(core, plan, end)))
    })
  const want = ({ subject, purpose, by, extra }: TestWanted): void => {
    if (parts.results.valid(subject) !== null || running.has(subject, purpose)) return
    const { replays } = purpose === 'audit' ? parameters.audit : parameters.panel
    const left = by === null ? Infinity : by - clock.now() - 2 * parameters.dissent.recheckMs
    // Asked faster, it would not look like clients any more.
    if (left < parameters.corpus.delayMaxMs) return
    const withinMs = Math.min(parameters.panel.seriesMs, left)
    begin({ subject, purpose, count: replays, withinMs, extra, notBefore: null })
  }
  const due = repeat(core, 'looking for tests that are due', {
    everyMs: parameters.peers.saveMs,
    run: () => {
      for (const id of peers.met()) {
        const record = peers.record(id)
        const plan = record === null ? null : duePlan(core, record)
        if (plan !== null && !running.has(id, plan.purpose)) begin(plan)
      }
    },
  })
  const audits = repeat(core, 'choosing a mirror to audit', {
    everyMs: parameters.audit.dayMs / parameters.audit.perDay,
    run: () => {
      const subject = drawAudited(core, parts.results)
      if (subject !== null) want({ subject, purpose: 'audit', by: null, extra: [] })
    },
  })
  return {
    want,
    onResult: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    underWay: running.count,
    start: () => {
      running.open()
      due.start()
      audits.start()
    },
    stop: () => {
      due.stop()
      audits.stop()
      running.close()
      parts.blind.close()
    },
  }
}

interface SeriesPlan {
  readonly subject: string
  readonly purpose: SeriesPurpose
  readonly count: number
  readonly withinMs: number
  readonly extra: readonly Replayable[]
  readonly notBefore: number | null
}

/** The series that the standing of a mirror calls for now; null for none. */
function duePlan({ clock, peers, parameters }: TrialCore, record: PeerRecord): SeriesPlan | null {
  const { state, testAt } = record.standing
  const subject = record.entry.id
  if (testAt === null) return null
  const left = testAt - clock.now()
  // Another mirror may hold its place by now; then it is not tested, since it could not come in.
  if (state === 'probation' && peers.seat(subject)) {
    const count = Math.ceil(spareShare * parameters.join.replaysMin)
    return {
      ...none,
      subject,
      purpose: 'probation',
      count,
      withinMs: Math.max(0, left),
      notBefore: testAt,
    }
  }
  if (state !== 'inactive' || left > 0) return null
  const { audit, panel } = parameters
  return { ...none, subject, purpose: 'retest', count: audit.replays, withinMs: panel.seriesMs }
}

const none = { extra: [], notBefore: null } as const

/** A random active mirror without a result of today. */
function drawAudited({ peers, random, self }: TrialCore, results: Results): string | null {
  const drawn = drawPeers(peers.index(), auditedDrawn, { random, except: new Set([self.id]) })
  return drawn.find(({ id }) => results.valid(id) === null)?.id ?? null
}

/** Mirrors that are drawn to find one without a result. */
const auditedDrawn = 4

/** The series under way. A probation takes days, and other tests must not wait for its end. */
function createRunning(core: TrialCore, { corpus, blind }: QuizParts) {
  const cancels = new Map<string, () => void>()
  const keyOf = (subject: string, purpose: SeriesPurpose): string =>
    `${purpose === 'probation' ? 'probation' : 'test'} ${subject}`
  let isOpen = false
  return {
    open: (): void => {
      isOpen = true
    },
    close: (): void => {
      isOpen = false
      for (const cancel of cancels.values()) cancel()
      cancels.clear()
    },
    count: (): number => cancels.size,
    has: (subject: string, purpose: SeriesPurpose): boolean => cancels.has(keyOf(subject, purpose)),
    begin: (plan: SeriesPlan, onEnd: (end: SeriesEnd) => void): void => {
      const { subject, purpose } = plan
      if (!isOpen || cancels.size >= limits.seriesAtOnce) return
      const replays = corpus.draw(plan)
      // Without names there is nothing to ask; it is tried again as long as it is due.
      if (replays.length === 0) return
      const timed = corpus.draw({ ...plan, extra: [], count: Math.ceil(timedShare * plan.count) })
      core.counts.add('seriesBegun')
      const key = keyOf(subject, purpose)
      const cancel = runSeries(core, blind, {
        subject,
        replays,
        timed,
        notBefore: plan.notBefore,
        onEnd: (end) => {
          cancels.delete(key)
          if (end !== null) onEnd(end)
        },
      })
      cancels.set(key, cancel)
    },
  }
}

/** Keeps a result, and lets happen what follows from it for the mirror's standing. */
async function settle(core: TrialCore, results: Results, result: TestResult): Promise<void> {
  const { peers } = core
  const { subject, purpose } = result
  const record = peers.record(subject)
  if (record === null) return
  peers.noteSeries(subject, noteOf(result))
  if (purpose !== 'probation') await results.keep(result)
  const isOurs = purpose === 'probation' || purpose === 'retest'
  if (isOurs && result.result !== 'unclear') {
    const event = result.result === 'passed' ? 'series-passed' : 'series-failed'
    peers.apply(
      subject,
      event,
      event === 'series-failed' ? `failed our test: ${textOf(result.figures)}` : null,
    )
  }
  await peers.saved()
}
