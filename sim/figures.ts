// The figures that a scenario comes to: counted shares with the interval that they leave open, and sizes, each beside
// what it should be.

import { intervalOf, type Interval } from './closed-forms.ts'

/** One figure, as it is printed and published. */
export interface Figure {
  /** What was measured, and under which conditions: `false accept, policy high, 20 % collude`. */
  readonly name: string
  /** `share` from 0 to 1; `ms` and `count` as they are. */
  readonly unit: 'share' | 'ms' | 'count'
  readonly measured: number
  /** Of a share: how often it was tried, and where the true share lies at 99.9 %. */
  readonly trials: number | null
  readonly interval: Interval | null
  /** What it should be by arithmetic, or at most; null where nothing is known. */
  readonly expected: number | null
  /** False when it is not what it should be. */
  readonly fits: boolean
}

/** Figures as they come in. */
export interface FigureSheet {
  readonly figures: readonly Figure[]
  /** `hits` of `trials`, which arithmetic says is `expected`: it fits when that lies within the interval. */
  share(name: string, counted: Counted & { readonly expected?: number }): void
  /** `hits` of `trials`, of which there may be no more than `most` (a share; 0 for never). */
  shareAtMost(name: string, counted: Counted & { readonly most: number }): void
  /** A size that may be no more than `most`. */
  size(name: string, size: Size): void
}

/** How often something happened. */
export interface Counted {
  readonly hits: number
  readonly trials: number
}

/** A size in its unit. */
export interface Size {
  readonly unit: 'ms' | 'count'
  readonly value: number
  readonly most?: number
}

/** No figures yet; `onFigure` is told of each. */
export function createFigureSheet(onFigure: (figure: Figure) => void = () => {}): FigureSheet {
  const figures: Figure[] = []
  const add = (figure: Figure): void => {
    figures.push(figure)
    onFigure(figure)
  }
  const shareFigure = (name: string, { hits, trials }: Counted) =>
    ({
      name,
      unit: 'share',
      measured: trials === 0 ? 0 : hits / trials,
      trials,
      interval: intervalOf(hits, trials),
    }) as const
  return {
    figures,
    share: (name, { expected, ...counted }) => {
      const figure = shareFigure(name, counted)
      const { low, high } = figure.interval
      const fits = expected === undefined || (low <= expected && expected <= high)
      add({ ...figure, expected: expected ?? null, fits })
    },
    shareAtMost: (name, { most, ...counted }) => {
      const figure = shareFigure(name, counted)
      add({ ...figure, expected: most, fits: figure.interval.low <= most })
    },
    size: (name, { unit, value, most }) =>
      add({
        name,
        unit,
        measured: value,
        trials: null,
        interval: null,
        expected: most ?? null,
        fits: most === undefined || value <= most,
      }),
  }
}

/** The middle of `values`, and the value that 95 % of them do not exceed; NaN where there are none. */
export function quantiles(values: readonly number[]): {
  readonly p50: number
  readonly p95: number
} {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
  return { p50: at(0.5), p95: at(0.95) }
}

/** A measured or expected value for people. */
export function valueText(value: number, unit: Figure['unit']): string {
  if (unit === 'ms') return `${Math.round(value)} ms`
  if (unit === 'count') return Number.isInteger(value) ? `${value}` : value.toFixed(2)
  if (value === 0 || value === 1) return `${value * 100} %`
  if (value >= 0.001) return `${(value * 100).toPrecision(3)} %`
  return value.toExponential(1)
}
