// What our own series of tests have found, kept for a day, so that one series serves all votes (protocol §8).

import { z } from 'zod'
import { limits } from '../../base/limits.ts'
import { isSeriesValid } from '../../membership/panel.ts'
import {
  judgeProbation,
  judgeRetest,
  opinionOf,
  seriesFaults,
  type Opinion,
  type SeriesResult,
} from '../../membership/quiz.ts'
import { seriesFiguresSchema, type SeriesFigures } from '../../protocol/removal.ts'
import { shelfOf, type Shelf } from '../../store/shelves.ts'
import type { MirrorStore } from '../../store/store.ts'
import type { SeriesNote, SeriesPurpose } from './record.ts'
import { openRows, type Rows } from './rows.ts'
import type { SeriesEnd } from './series.ts'
import type { TrialCore } from './trial.ts'

/** One series that ended. */
export interface TestResult {
  readonly subject: string
  readonly purpose: SeriesPurpose
  readonly endedAt: number
  readonly result: SeriesResult
  /** What we would vote; null when too little could be compared. */
  readonly opinion: Opinion | null
  readonly figures: SeriesFigures
}

const resultShelf: Shelf<TestResult> = shelfOf(
  'series',
  z.object({
    subject: z.string().length(43),
    purpose: z.enum(['probation', 'audit', 'retest', 'panel']),
    endedAt: z.number().int(),
    result: z.enum(['passed', 'failed', 'unclear']),
    opinion: z.enum(['remove', 'keep']).nullable(),
    figures: seriesFiguresSchema,
  }),
)

/** Results of series, the latest of each mirror. */
export interface Results {
  /** The opinion that still serves votes (R122: one series in a day); null when a new series is needed. */
  valid(subject: string): (TestResult & { readonly opinion: Opinion }) | null
  /** Resolves when it is durable. */
  keep(result: TestResult): Promise<void>
}

/** The results that the store remembers. @throws Failure of the store */
export function openResults(store: MirrorStore | null): Promise<Rows<TestResult>> {
  return openRows(store, resultShelf)
}

/** The results in `rows`. */
export function createResults(core: TrialCore, rows: Rows<TestResult>): Results {
  const isValid = ({ endedAt }: TestResult): boolean =>
    isSeriesValid(endedAt, core.clock.now(), core.parameters)
  return {
    valid: (subject) => {
      const result = rows.get(subject)
      if (result === undefined || result.opinion === null || !isValid(result)) return null
      return { ...result, opinion: result.opinion }
    },
    keep: async (result) => {
      const old = [...rows.all()].filter(([, one]) => !isValid(one)).slice(0, forgottenAtOnce)
      await core.save([
        ...old.map(([subject]) => rows.remove(subject)),
        rows.put(result.subject, result),
      ])
    },
  }
}

/** Results out of date that go when a new one comes: more than come, so that they do not add up. */
const forgottenAtOnce = 16

/** What a series of `purpose` comes to. */
export function resultOf(
  core: Pick<TrialCore, 'clock' | 'parameters'>,
  series: { readonly subject: string; readonly purpose: SeriesPurpose },
  { score, distance }: SeriesEnd,
): TestResult {
  const { parameters, clock } = core
  const { subject, purpose } = series
  const opinion = purpose === 'probation' ? null : opinionOf(score, distance, parameters)
  const round = (ms: number | null): number | null => (ms === null ? null : Math.round(ms))
  return {
    subject,
    purpose,
    endedAt: clock.now(),
    result: judge(),
    opinion,
    figures: {
      n: score.replays,
      fails: score.failures,
      p50: round(score.p50Ms),
      p95: round(score.p95Ms),
      faults: [...seriesFaults(score, distance, parameters)],
    },
  }

  function judge(): SeriesResult {
    if (purpose === 'probation') return judgeProbation(score, distance, parameters)
    if (purpose === 'retest') return judgeRetest(score, distance, parameters)
    return opinion === null ? 'unclear' : opinion === 'keep' ? 'passed' : 'failed'
  }
}

/** A result in words for the operator of the mirror that was tested. */
export function noteOf({ purpose, endedAt, result, figures }: TestResult): SeriesNote {
  return { purpose, endedAt, result, text: textOf(figures).slice(0, limits.reasonCharsMax) }
}

/** Figures in words. */
export function textOf({ n, fails, p50, p95, faults }: SeriesFigures): string {
  const times =
    p50 === null || p95 === null ? '' : `, half of them within ${p50} ms, 95% within ${p95} ms`
  const slow = faults.length === 0 ? '' : `; too slow: ${faults.join(', ')}`
  return `${fails} independent failures among ${n} questions${times}${slow}`
}
