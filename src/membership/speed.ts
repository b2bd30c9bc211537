// Whether a mirror is fast enough (R72, R73), fair to those who are far away.

import type { Parameters } from './parameters.ts'

/** What was measured of one mirror from one place. Null where there is no measure, or not enough of it. */
export interface Speed {
  /** Quantiles of the time from question to answer. */
  readonly p50Ms: number | null
  readonly p95Ms: number | null
  /** Round trip of the way that the questions took, through a relay if they took one; null: p50 is not judged. */
  readonly roundTripMs: number | null
  /**
   * Average ping, given by neighbours alone: observers of the subject's own region code. R72 asks for the distance to
   * the nearest mirror, and one that is far away says nothing about that.
   */
  readonly neighbourPingMs: number | null
}

/** Which limit is exceeded. */
export type SpeedFault = 'slow-ping' | 'slow-response-p50' | 'slow-response-p95'

/** The limits that `speed` exceeds. */
export function speedFaults(speed: Speed, parameters: Parameters): readonly SpeedFault[] {
  const { pingMs, responseP50Ms, responseP95Ms } = parameters.speed
  const { p50Ms, p95Ms, roundTripMs, neighbourPingMs } = speed
  const faults: SpeedFault[] = []
  if (neighbourPingMs !== null && neighbourPingMs > pingMs) faults.push('slow-ping')
  // Without the way, because a mirror cannot be near to everybody.
  if (p50Ms !== null && roundTripMs !== null && p50Ms - roundTripMs > responseP50Ms)
    faults.push('slow-response-p50')
  if (p95Ms !== null && p95Ms > responseP95Ms) faults.push('slow-response-p95')
  return faults
}

/** The quantile `share` (0 to 1) of `values` by nearest rank; null of nothing. */
export function quantileOf(values: readonly number[], share: number): number | null {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null
}
