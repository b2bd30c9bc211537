// The vote on a removal: who is asked, how votes are counted, and when one may ask again (R121 to R125; protocol §8).

import type { Random } from '../runtime/runtime.ts'
import type { Parameters } from './parameters.ts'
import { drawPeers, type Peer, type PeerIndex } from './peers.ts'
import type { Opinion } from './quiz.ts'

/** Who must not sit on a panel, and chance. */
export interface PanelOptions {
  readonly random: Random
  /** Id of the mirror that asks. */
  readonly initiator: string
  /** Id of the mirror that the vote is on. */
  readonly subject: string
  /** Panellists of a vote that came to nothing: the next one is held with others. */
  readonly earlier?: ReadonlySet<string>
  readonly parameters: Parameters
}

/**
 * The mirrors to be asked, of different networks, out of the initiator's active ones. Reputation has no part in it: a
 * panel of friends would be none. When the reason is the ping alone, the index holds the subject's region only,
 * because others cannot judge it.
 */
export function choosePanel<P extends Peer>(
  active: PeerIndex<P>,
  { random, initiator, subject, earlier, parameters }: PanelOptions,
): readonly P[] {
  const except = new Set([initiator, subject, ...(earlier ?? [])])
  return drawPeers(active, parameters.panel.size, { random, except })
}

/** Mirrors to be told of a removal, beside those that voted: they test for themselves, and then vote (R125). */
export function chooseInformed<P extends Peer>(
  active: PeerIndex<P>,
  { random, initiator, subject, earlier, parameters }: PanelOptions,
): readonly P[] {
  const except = new Set([initiator, subject, ...(earlier ?? [])])
  return drawPeers(active, parameters.panel.fanOut, { random, except })
}

/** One vote, after its signature has been verified. */
export interface Vote {
  readonly from: string
  readonly opinion: Opinion
  /** When it came, ms since 1970 UTC, by our own clock. */
  readonly at: number
}

/** A vote under way. */
export interface Poll {
  readonly panel: readonly string[]
  /** Votes that come later are not counted. */
  readonly deadline: number
  /** In the order in which they came. */
  readonly votes: readonly Vote[]
}

/** Why a vote is not counted. */
export type VoteFault = 'not-asked' | 'twice' | 'late'

/** What the votes come to. */
export interface Tally {
  readonly outcome:
    /** The majority says so, and the initiator is bound by it (R124). */
    | 'remove'
    /** No majority for removal. */
    | 'keep'
    /** Too few votes in time: ask a new panel. */
    | 'retry'
    /** Votes that are still out can decide. */
    | 'open'
  readonly remove: number
  readonly keep: number
  readonly ignored: readonly { readonly vote: Vote; readonly fault: VoteFault }[]
}

/** Counts the votes at `now`: of those asked, the first of each, in time. A tie is no majority. */
export function tally(
  { panel, deadline, votes }: Poll,
  now: number,
  parameters: Parameters,
): Tally {
  const asked = new Set(panel)
  const counted = new Map<string, Opinion>()
  const ignored: { readonly vote: Vote; readonly fault: VoteFault }[] = []
  for (const vote of votes) {
    const fault = faultOf(vote)
    if (fault === null) counted.set(vote.from, vote.opinion)
    else ignored.push({ vote, fault })
  }
  const opinions = [...counted.values()]
  const remove = opinions.filter((opinion) => opinion === 'remove').length
  const keep = opinions.length - remove
  return { outcome: outcomeOf(), remove, keep, ignored }

  function faultOf({ from, at }: Vote): VoteFault | null {
    if (!asked.has(from)) return 'not-asked'
    if (at > deadline) return 'late'
    return counted.has(from) ? 'twice' : null
  }

  function outcomeOf(): Tally['outcome'] {
    const pending = now > deadline ? 0 : asked.size - counted.size
    if (opinions.length < parameters.panel.votesMin) return pending > 0 ? 'open' : 'retry'
    if (remove > keep + pending) return 'remove'
    return keep >= remove + pending ? 'keep' : 'open'
  }
}

/** Until when panellists may answer a request made at `at`: the time of a series, and half of that to be late. */
export function voteDeadline(at: number, parameters: Parameters): number {
  return at + Math.round(1.5 * parameters.panel.seriesMs)
}

/** How long an initiator waits between two requests about a subject that it has removed `strikes` times (§8). */
export function coolDownMs(strikes: number, parameters: Parameters): number {
  return parameters.panel.coolDownMs * (1 + strikes)
}

/** Whether a request may be made; `lastRequestAt` is null when there was none about this subject. */
export function mayRequestRemoval(
  { lastRequestAt, strikes }: { readonly lastRequestAt: number | null; readonly strikes: number },
  now: number,
  parameters: Parameters,
): boolean {
  return lastRequestAt === null || now - lastRequestAt >= coolDownMs(strikes, parameters)
}

/** Whether a series that ended at `doneAt` still serves further votes about the same subject. */
export function isSeriesValid(doneAt: number, now: number, parameters: Parameters): boolean {
  return now - doneAt < parameters.panel.resultValidMs
}
