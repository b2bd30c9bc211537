// Response times of one mirror as counts by size, over a window of time: quantiles in bounded room, the same for every order of arrival (R119).

/**
 * Counts of the running and of the last window, by size. Plain data; grows with the logarithm of the longest time, to
 * `sizesMax` numbers.
 */
export interface ResponseTimes {
  /** When the running window began, ms since 1970 UTC. */
  readonly since: number
  readonly running: readonly number[]
  readonly last: readonly number[]
}

/** Nothing measured yet. */
export const noResponseTimes: ResponseTimes = { since: 0, running: [], last: [] }

/** Quarters of an octave: a quantile is off by at most 9 %. */
const perOctave = 4
/** The last size holds everything from 18.8 minutes up: nobody waits that long. */
const sizesMax = 20 * perOctave + 2

/** Size 0 is up to 1 ms; size i up to 2^(i/4) ms. */
function sizeOf(ms: number): number {
  if (!(ms > 1)) return 0
  return Math.min(sizesMax - 1, Math.ceil(perOctave * Math.log2(ms)))
}

/** `times` with one more of `ms` milliseconds, at `now`, in windows of `windowMs`. */
export function addResponseTime(
  times: ResponseTimes,
  ms: number,
  { now, windowMs }: { readonly now: number; readonly windowMs: number },
): ResponseTimes {
  const { since, running, last } = turned(times, now, windowMs)
  const size = sizeOf(ms)
  const counts =
    running.length > size ? [...running] : [...running, ...zeros(size + 1 - running.length)]
  counts[size] = (counts[size] ?? 0) + 1
  return { since, running: counts, last }
}

function zeros(length: number): readonly number[] {
  return Array.from({ length }, () => 0)
}

/** What of `times` is still of the running and the last window at `now`. */
function turned(times: ResponseTimes, now: number, windowMs: number): ResponseTimes {
  const age = now - times.since
  // A clock that was set back must not keep old times for as long as it was ahead.
  if (age < 0) return { ...times, since: now }
  if (age < windowMs) return times
  return age < 2 * windowMs
    ? { since: times.since + windowMs, running: [], last: times.running }
    : { since: now, running: [], last: [] }
}

/** What `times` come to at `now`, in windows of `windowMs`. */
export interface ResponseSummary {
  readonly count: number
  /** The geometric middle of the size that the quantile is in; null without any. */
  readonly p50Ms: number | null
  readonly p95Ms: number | null
}

/** Quantiles over the running and the last window. */
export function summariseResponses(
  times: ResponseTimes,
  { now, windowMs }: { readonly now: number; readonly windowMs: number },
): ResponseSummary {
  const { running, last } = turned(times, now, windowMs)
  const counts = Array.from(
    { length: Math.max(running.length, last.length) },
    (_, i) => (running[i] ?? 0) + (last[i] ?? 0),
  )
  const count = counts.reduce((sum, n) => sum + n, 0)
  const quantile = (share: number): number | null => {
    let left = Math.ceil(share * count)
    for (const [size, n] of counts.entries()) {
      left -= n
      if (left <= 0) return 2 ** ((size - 0.5) / perOctave)
    }
    return null
  }
  return count === 0
    ? { count, p50Ms: null, p95Ms: null }
    : { count, p50Ms: quantile(0.5), p95Ms: quantile(0.95) }
}
