// Who is up: pings in turn, others asked before anybody is called down, and the own fault thought of first (SWIM; R74, protocol §8).

import type { Random } from '../runtime/runtime.ts'
import { inRandomOrder } from './chance.ts'
import type { Parameters } from './parameters.ts'

/** One round of pings: every member once, in random order. Plain data. */
export interface PingRound {
  readonly order: readonly string[]
  /** Place of the next one. */
  readonly next: number
}

/** Before the first ping. */
export const noRound: PingRound = { order: [], next: 0 }

/**
 * The member to be pinged next, and the round after it; null without members. Everybody has been pinged before anybody
 * is again, so that the time to notice a failure is bounded. Newcomers come with the next round, and who has left is
 * passed over. Costs the shuffling of a list once a round.
 */
export function nextPing(
  round: PingRound,
  members: ReadonlySet<string>,
  random: Random,
): { readonly target: string | null; readonly round: PingRound } {
  for (let next = round.next; next < round.order.length; next++) {
    const target = round.order[next]
    if (target !== undefined && members.has(target))
      return { target, round: { order: round.order, next: next + 1 } }
  }
  const order = [...inRandomOrder(random, [...members])]
  const [target = null] = order
  return { target, round: { order, next: 1 } }
}

/** What helpers say of a mirror that did not answer us; null from a helper that did not answer either. */
export interface PingResult {
  readonly direct: boolean
  readonly indirect: readonly (boolean | null)[]
  /** `isOwnOutage` of the latest own pings. */
  readonly ownOutage: boolean
}

/** `void`: nothing is known, so nothing is noted. */
export type UptimeSample = 'up' | 'down' | 'void'

/** What a ping, and the helpers after it, come to. Whoever reaches it, it is up; only several may say that it is down. */
export function sampleOf(result: PingResult, parameters: Parameters): UptimeSample {
  const { direct, indirect, ownOutage } = result
  if (direct || indirect.includes(true)) return 'up'
  const answered = indirect.filter((one) => one !== null).length
  return ownOutage || answered < parameters.ping.helperAnswersMin ? 'void' : 'down'
}

/** `recent` own pings, latest last, with one more; no longer than is needed. */
export function noteOwnPing(
  recent: readonly boolean[],
  answered: boolean,
  parameters: Parameters,
): readonly boolean[] {
  return [...recent, answered].slice(-parameters.ping.ownPings)
}

/** True when so many of the latest pings failed that the fault is more likely here than there. */
export function isOwnOutage(recent: readonly boolean[], parameters: Parameters): boolean {
  return recent.filter((answered) => !answered).length >= parameters.ping.ownFailuresMin
}

/** Uptime of one mirror, as the hours in which it was down. Plain data; empty for almost all. */
export interface Uptime {
  /** Numbers of sample periods since 1970 in which it was down, ascending. */
  readonly misses: readonly number[]
}

/** Of a mirror that was never down. */
export const alwaysUp: Uptime = { misses: [] }

/** `uptime` with one more sample at `now`. One miss an hour at most; those of more than 30 days ago are forgotten. */
export function noteUptime(
  uptime: Uptime,
  sample: UptimeSample,
  { now, parameters }: { readonly now: number; readonly parameters: Parameters },
): Uptime {
  if (sample !== 'down') return uptime
  const period = Math.floor(now / parameters.uptime.sampleMs)
  const misses = missesSince(uptime, now, parameters)
  return misses.at(-1) === period ? uptime : { misses: [...misses, period] }
}

/** True when it has missed too many samples for 99.9 %: not listed, whatever else it does (R74). No part of reputation. */
export function isBelowUptime(uptime: Uptime, now: number, parameters: Parameters): boolean {
  return missesSince(uptime, now, parameters).length >= parameters.uptime.missesMin
}

function missesSince({ misses }: Uptime, now: number, parameters: Parameters): readonly number[] {
  const { sampleMs, samples } = parameters.uptime
  const first = Math.floor(now / sampleMs) - samples
  return misses.filter((period) => period > first)
}
