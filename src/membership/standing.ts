// How one mirror stands with another: candidate → probation → active ⇄ inactive → gone, as one table (R97 to R102, R126 to R130; protocol §8).
//
// Nothing here happens because somebody wishes it: there is no event by which an operator keeps a mirror out (R95).

import type { Parameters } from './parameters.ts'

/** `unknown` is the standing of a mirror that we have never heard of, or have forgotten. */
export type StandingState =
  | 'unknown'
  /** Heard of. Its descriptor, address, CA and domain are yet to be checked. */
  | 'candidate'
  /** Being tested. */
  | 'probation'
  /** In good standing: listed, and asked to vote. */
  | 'active'
  /** Removed by a vote; tested again from time to time. */
  | 'inactive'
  /** Not reached for a month. Only its id is remembered. */
  | 'gone'

/** How a mirror stands, and what is due. Plain data. */
export interface Standing {
  readonly state: StandingState
  /** When it came into this state, ms since 1970 UTC. */
  readonly since: number
  /** Removals so far. */
  readonly strikes: number
  /** Clean series in a row, while inactive. */
  readonly cleanSeries: number
  /**
   * Probation: when a passed test makes it active, at the earliest. Inactive: when the next series is due; none before
   * counts. Otherwise null.
   */
  readonly testAt: number | null
  /** Inactive: when it was removed, or last tested. Otherwise null. */
  readonly testedAt: number | null
  /** How long its probation lasts. */
  readonly hop: 'first' | 'later'
  /** Since when it has not been reached; null when it has. */
  readonly unreachableSince: number | null
}

/** Of a mirror that we have never heard of. */
export const unknownStanding: Standing = {
  state: 'unknown',
  since: 0,
  strikes: 0,
  cleanSeries: 0,
  testAt: null,
  testedAt: null,
  hop: 'later',
  unreachableSince: null,
}

/** What can happen to a standing. */
export type StandingEvent =
  /** It sent us a join request (R91), for the first time or again (R130). */
  | 'joined'
  /** Another mirror announced it, a list or a report named it (R101, R114). Only that it exists is believed. */
  | 'announced'
  /** Its descriptor, CA, address and domain have been found to be what it says. */
  | 'checked'
  /** Our own operator begins with it: somebody must be the first, and a newcomer needs others to begin with. */
  | 'vouched'
  /** Our own series of tests ended; see `judgeProbation` and `judgeRetest`. */
  | 'series-passed'
  | 'series-failed'
  /** The panel that we asked said `remove` (R124). */
  | 'voted-out'
  /** Neither we nor those whom we asked have reached it. */
  | 'unreachable'
  /** It answered somebody. */
  | 'seen'

/** What the functions here need beside a standing. */
export interface StandingMoment {
  /** Ms since 1970 UTC. */
  readonly now: number
  readonly parameters: Parameters
}

type Transition = (standing: Standing, moment: StandingMoment) => Standing

/** Every transition there is. An event without an entry changes nothing. */
const transitions: Readonly<
  Record<StandingState, Readonly<Partial<Record<StandingEvent, Transition>>>>
> = {
  unknown: {
    joined: toCandidate('first'),
    announced: toCandidate('later'),
    vouched: toActive,
  },
  candidate: {
    checked: toProbation,
    vouched: toActive,
    unreachable: awayOrGone,
    seen: back,
  },
  probation: {
    vouched: toActive,
    'series-passed': toActiveWhenTestedLongEnough,
    // A failed test is no refusal (R97): it begins anew.
    'series-failed': toProbation,
    unreachable: awayOrGone,
    seen: back,
  },
  active: {
    'voted-out': toInactive,
    unreachable: awayOrGone,
    seen: back,
  },
  inactive: {
    joined: sooner,
    'series-passed': oneCleanSeriesMore,
    'series-failed': noCleanSeries,
    unreachable: awayOrGone,
    seen: back,
  },
  gone: {
    joined: toCandidate('first'),
    seen: toCandidate('later'),
    announced: toCandidateAfterTombstone,
  },
}

/** The standing after `event`; the same object when nothing has changed. */
export function nextStanding(
  standing: Standing,
  event: StandingEvent,
  moment: StandingMoment,
): Standing {
  return transitions[standing.state][event]?.(standing, moment) ?? standing
}

/** Whether the events of `state` are all that can move it: for documents and tests. */
export function eventsOf(state: StandingState): readonly StandingEvent[] {
  return Object.keys(transitions[state]) as StandingEvent[]
}

function toCandidate(hop: Standing['hop']): Transition {
  return (_, { now }) => ({ ...unknownStanding, state: 'candidate', since: now, hop })
}

function toCandidateAfterTombstone(standing: Standing, moment: StandingMoment): Standing {
  return isForgotten(standing, moment) ? toCandidate('later')(standing, moment) : standing
}

function toProbation(standing: Standing, { now, parameters }: StandingMoment): Standing {
  const { firstHopMs, laterHopMs } = parameters.join
  const testAt = now + (standing.hop === 'first' ? firstHopMs : laterHopMs)
  return { ...standing, state: 'probation', since: now, testAt }
}

function toActiveWhenTestedLongEnough(standing: Standing, moment: StandingMoment): Standing {
  return isDue(standing, moment) ? toActive(standing, moment) : standing
}

function toActive(standing: Standing, { now }: StandingMoment): Standing {
  const nothingDue = { cleanSeries: 0, testAt: null, testedAt: null }
  return { ...standing, state: 'active', since: now, ...nothingDue }
}

function toInactive(standing: Standing, moment: StandingMoment): Standing {
  const strikes = standing.strikes + 1
  return tested({ ...standing, state: 'inactive', since: moment.now, strikes }, 0, moment)
}

function oneCleanSeriesMore(standing: Standing, moment: StandingMoment): Standing {
  if (!isDue(standing, moment)) return standing
  const cleanSeries = standing.cleanSeries + 1
  return cleanSeries >= moment.parameters.retest.seriesMin
    ? toActive(standing, moment)
    : tested(standing, cleanSeries, moment)
}

function noCleanSeries(standing: Standing, moment: StandingMoment): Standing {
  return isDue(standing, moment) ? tested(standing, 0, moment) : standing
}

/** Inactive, with the next series due in its time. */
function tested(
  standing: Standing,
  cleanSeries: number,
  { now, parameters }: StandingMoment,
): Standing {
  const testAt = now + retestMs(standing.strikes, parameters)
  return { ...standing, cleanSeries, testAt, testedAt: now }
}

/** Who has mended something need not wait for long; but a request costs us a series, so it brings one a day at most. */
function sooner(standing: Standing, { now, parameters }: StandingMoment): Standing {
  const { testAt, testedAt } = standing
  if (testAt === null || testedAt === null) return standing
  const soonest = Math.max(now, testedAt + parameters.retest.everyMs)
  return soonest < testAt ? { ...standing, testAt: soonest } : standing
}

function awayOrGone(standing: Standing, { now, parameters }: StandingMoment): Standing {
  if (standing.unreachableSince === null) return { ...standing, unreachableSince: now }
  return now - standing.unreachableSince < parameters.gone.unreachableMs
    ? standing
    : { ...unknownStanding, state: 'gone', since: now, unreachableSince: standing.unreachableSince }
}

function back(standing: Standing): Standing {
  return standing.unreachableSince === null ? standing : { ...standing, unreachableSince: null }
}

function isDue({ testAt }: Standing, { now }: StandingMoment): boolean {
  return testAt !== null && now >= testAt
}

/** Time between two series of a mirror that was removed `strikes` times. */
export function retestMs(strikes: number, parameters: Parameters): number {
  const { everyMs, everyMaxMs } = parameters.retest
  return Math.min(everyMaxMs, everyMs * 2 ** Math.max(0, strikes - 1))
}

/** True when the tombstone of a gone mirror has had its time: the caller drops the record. */
export function isForgotten(
  { state, since }: Standing,
  { now, parameters }: StandingMoment,
): boolean {
  return state === 'gone' && now - since >= parameters.gone.tombstoneMs
}
