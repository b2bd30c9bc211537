// What one mirror thinks of another: pings, response times, agreements against dissents, and nothing else (R116 to R120).
// It stays where it is. There is no form of it for the wire, and no way to take over another's (R112, R117).

import { countIndependent, type Origin } from './independent.ts'
import type { Parameters } from './parameters.ts'
import {
  addResponseTime,
  noResponseTimes,
  summariseResponses,
  type ResponseSummary,
  type ResponseTimes,
} from './response-times.ts'
import { speedFaults } from './speed.ts'

/** Plain data: what is written to the store is what is read back. */
export interface Reputation {
  readonly pings: number
  /** Moving average; null before the first ping. */
  readonly pingMs: number | null
  readonly responses: ResponseTimes
  /** Agreements and dissents as they were at `at`: they decay. */
  readonly agreements: number
  readonly dissents: number
  /** Ms since 1970 UTC. */
  readonly at: number
}

/** Of a mirror that nothing is known of. */
export const noReputation: Reputation = {
  pings: 0,
  pingMs: null,
  responses: noResponseTimes,
  agreements: 0,
  dissents: 0,
  at: 0,
}

/** What the functions here need beside a reputation. */
export interface Moment {
  /** Ms since 1970 UTC. */
  readonly now: number
  readonly parameters: Parameters
}

/** `reputation` after a ping that took `ms` (R118). */
export function notePing(reputation: Reputation, ms: number, { parameters }: Moment): Reputation {
  const { pingWeight } = parameters.reputation
  const { pings, pingMs } = reputation
  return {
    ...reputation,
    pings: pings + 1,
    pingMs: pingMs === null ? ms : pingMs + pingWeight * (ms - pingMs),
  }
}

/** `reputation` after an answer that took `ms` (R119). */
export function noteResponse(reputation: Reputation, ms: number, moment: Moment): Reputation {
  return { ...reputation, responses: addResponseTime(reputation.responses, ms, windowOf(moment)) }
}

/** `reputation` after a comparison that counts: see `admitComparison` (R111, R113). */
export function noteComparison(
  reputation: Reputation,
  outcome: 'agreement' | 'dissent',
  moment: Moment,
): Reputation {
  const { agreements, dissents, at } = decayed(reputation, moment)
  return outcome === 'agreement'
    ? { ...reputation, agreements: agreements + 1, dissents, at }
    : { ...reputation, agreements, dissents: dissents + 1, at }
}

/** `reputation` without the dissent that was noted at `notedAt`: its domain has turned out to be no evidence. */
export function withdrawDissent(
  reputation: Reputation,
  notedAt: number,
  moment: Moment,
): Reputation {
  const { agreements, dissents, at } = decayed(reputation, moment)
  const left = dissents - decay(at - notedAt, moment.parameters)
  return { ...reputation, agreements, dissents: Math.max(0, left), at }
}

function decayed(
  { agreements, dissents, at }: Reputation,
  { now, parameters }: Moment,
): Pick<Reputation, 'agreements' | 'dissents' | 'at'> {
  const factor = decay(now - at, parameters)
  return { agreements: agreements * factor, dissents: dissents * factor, at: now }
}

/** What is left of 1 after `ms`. A clock that was set back makes nothing older, and nothing younger. */
function decay(ms: number, parameters: Parameters): number {
  return ms <= 0 ? 1 : 2 ** (-ms / parameters.reputation.halfLifeMs)
}

function windowOf({ now, parameters }: Moment): {
  readonly now: number
  readonly windowMs: number
} {
  return { now, windowMs: parameters.reputation.responseWindowMs }
}

/**
 * The lower end of the Wilson score interval of a share, of `hits` in `total` (both may be fractions), at `z` standard
 * deviations: what the true share is at least, as far as so few samples tell. 0 without samples.
 */
export function wilsonLowerBound(hits: number, total: number, z: number): number {
  if (total <= 0) return 0
  // In counts instead of shares: what has decayed to nearly nothing must not be divided by.
  const margin = z * Math.sqrt((hits * (total - hits)) / total + z ** 2 / 4)
  return Math.max(0, (hits + z ** 2 / 2 - margin) / (total + z ** 2))
}

/** A reputation as its owner reads it. */
export interface ReputationSummary {
  readonly pings: number
  readonly pingMs: number | null
  readonly responses: ResponseSummary
  /** As far as not decayed. */
  readonly agreements: number
  readonly dissents: number
  /** The share of dissents is at least this, as far as so few comparisons tell. */
  readonly dissentShareMin: number
}

/** What `reputation` comes to now: for its owner's eyes and for `triggersRemoval`. */
export function summarise(reputation: Reputation, moment: Moment): ReputationSummary {
  const { agreements, dissents } = decayed(reputation, moment)
  const { confidence } = moment.parameters.reputation
  return {
    pings: reputation.pings,
    pingMs: reputation.pingMs,
    responses: summariseResponses(reputation.responses, windowOf(moment)),
    agreements,
    dissents,
    dissentShareMin: wilsonLowerBound(dissents, agreements + dissents, confidence),
  }
}

/** What may be held against a mirror. */
export interface Suspicion {
  readonly reputation: Reputation
  /** Whether the last audit (R137) said `remove`: see `opinionOf`. */
  readonly auditFailed: boolean
  /** Signed answers of it that contradict what a quorum said, each of another look: the way to catch a rare liar. */
  readonly contradictions: readonly Origin[]
  /** Whether we are of its own region code; others do not judge its ping. */
  readonly isNeighbour: boolean
}

/** Why a removal is asked for, with the figures that go with the request. */
export type RemovalReason =
  | {
      readonly kind: 'dissent-share'
      readonly agreements: number
      readonly dissents: number
      readonly shareMin: number
    }
  | { readonly kind: 'failed-audit' }
  | { readonly kind: 'slow-response-p95'; readonly p95Ms: number }
  | { readonly kind: 'slow-ping'; readonly pingMs: number }
  | { readonly kind: 'contradictions'; readonly independent: number }

/** Why to ask others for a vote on the removal of a mirror; without a reason, nobody is asked (R121). */
export function triggersRemoval(
  { reputation, auditFailed, contradictions, isNeighbour }: Suspicion,
  moment: Moment,
): readonly RemovalReason[] {
  const { parameters } = moment
  const { reputation: rules, dissent } = parameters
  const summary = summarise(reputation, moment)
  const { agreements, dissents, dissentShareMin, pingMs, responses } = summary
  const reasons: RemovalReason[] = []
  if (agreements + dissents >= rules.comparisonsMin && dissentShareMin > rules.dissentShareMax)
    reasons.push({ kind: 'dissent-share', agreements, dissents, shareMin: dissentShareMin })
  if (auditFailed) reasons.push({ kind: 'failed-audit' })
  const p95Ms = responses.count >= rules.responsesMin ? responses.p95Ms : null
  const neighbourPingMs = isNeighbour && summary.pings >= rules.pingsMin ? pingMs : null
  // The median is left to tests, which know the way that their questions took.
  const faults = speedFaults({ p50Ms: null, p95Ms, roundTripMs: null, neighbourPingMs }, parameters)
  if (p95Ms !== null && faults.includes('slow-response-p95'))
    reasons.push({ kind: 'slow-response-p95', p95Ms })
  if (neighbourPingMs !== null && faults.includes('slow-ping'))
    reasons.push({ kind: 'slow-ping', pingMs: neighbourPingMs })
  const independent = countIndependent(contradictions)
  if (independent >= dissent.contradictionsMin)
    reasons.push({ kind: 'contradictions', independent })
  return reasons
}
