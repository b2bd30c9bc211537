// Medians and spreads of ratios: the only figures that a bench here reports or is judged by.

/** Several measurements of one thing, summed up. */
export interface Summary {
  readonly median: number
  readonly min: number
  readonly max: number
  readonly count: number
}

/** The value below which the share `q` (0 to 1) of `values` lies, by linear interpolation; NaN without values. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const place = (sorted.length - 1) * q
  const below = sorted[Math.floor(place)]
  const above = sorted[Math.ceil(place)]
  if (below === undefined || above === undefined) return Number.NaN
  return below + (above - below) * (place - Math.floor(place))
}

/** Median, least and greatest of `values`. */
export function summarise(values: readonly number[]): Summary {
  return {
    median: quantile(values, 0.5),
    min: quantile(values, 0),
    max: quantile(values, 1),
    count: values.length,
  }
}

/** One cycle: what each contestant reached in it, by name. A contestant whose burst was cut off is missing. */
export type Cycle = ReadonlyMap<string, number>

/**
 * The ratio of `name` to `base`, formed inside each cycle, where both met the same weather on the machine.
 * Cycles that lack one of the two are left out.
 */
export function ratio(cycles: readonly Cycle[], name: string, base: string): Summary {
  const ratios: number[] = []
  for (const cycle of cycles) {
    const own = cycle.get(name)
    const other = cycle.get(base)
    if (own !== undefined && other !== undefined) ratios.push(own / other)
  }
  return summarise(ratios)
}
