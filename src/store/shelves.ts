// What a mirror must not forget, kind by kind: how much of it, how large, and for how long.

import type { z } from 'zod'
import { limits } from '../base/limits.ts'

/** The bounds of one kind of rows. */
export interface ShelfRules {
  readonly rowsMax: number
  /** Characters of a value's JSON. */
  readonly valueCharsMax: number
  /** How long a row is kept at most after it was put; null for as long as nobody removes it. */
  readonly keepMs: number | null
  /** A full shelf refuses new rows, or forgets those whose time would be up first. */
  readonly whenFull: 'refuse' | 'forget-first'
}

/** The shelves of a mirror's store. A new one needs no migration. */
export const shelves = {
  /** What the mirror keeps of itself. */
  settings: {
    rowsMax: limits.storedSettingsMax,
    valueCharsMax: limits.storedSettingCharsMax,
    keepMs: null,
    whenFull: 'refuse',
  },
  /** Other mirrors, by id: standing, and reputation in our own eyes. */
  peers: {
    rowsMax: limits.storedPeersMax,
    valueCharsMax: limits.storedPeerCharsMax,
    keepMs: null,
    whenFull: 'refuse',
  },
  /** Requests of others to vote, or to test, by request id and author. */
  summons: {
    rowsMax: limits.storedPeersMax,
    valueCharsMax: limits.storedPeerCharsMax,
    keepMs: limits.storedProceduresMs,
    whenFull: 'refuse',
  },
  /** Votes that we asked for, by request id. */
  requests: {
    rowsMax: limits.storedRequestsMax,
    valueCharsMax: limits.storedRequestCharsMax,
    keepMs: limits.storedProceduresMs,
    whenFull: 'refuse',
  },
  /** Letters to other mirrors that are not brought yet. */
  letters: {
    rowsMax: limits.storedLettersMax,
    valueCharsMax: limits.storedVoteCharsMax,
    keepMs: limits.storedProceduresMs,
    whenFull: 'forget-first',
  },
  /** The latest series of our own tests of each mirror, with its figures. */
  series: {
    rowsMax: limits.storedPeersMax,
    valueCharsMax: limits.storedVoteCharsMax,
    keepMs: limits.storedProceduresMs,
    whenFull: 'forget-first',
  },
  /** Dissents that are to be looked at again. */
  waiting: {
    rowsMax: limits.dissentsWaitingMax,
    valueCharsMax: limits.storedRequestCharsMax,
    keepMs: limits.storedProceduresMs,
    whenFull: 'forget-first',
  },
  /** Signed contradictions that stood. */
  dissents: {
    rowsMax: limits.storedDissentsMax,
    valueCharsMax: limits.storedRequestCharsMax,
    keepMs: limits.storedProceduresMs,
    whenFull: 'forget-first',
  },
  /** Comparisons that counted lately, by subject and by domain. */
  comparisons: {
    rowsMax: limits.storedNamesMax,
    valueCharsMax: limits.storedRequestCharsMax,
    keepMs: limits.storedProceduresMs,
    whenFull: 'forget-first',
  },
  /** What other mirrors have told us of our own standing. */
  notices: {
    rowsMax: limits.noticesKeptMax,
    valueCharsMax: limits.storedVoteCharsMax,
    keepMs: limits.storedProceduresMs,
    whenFull: 'forget-first',
  },
  /** Votes received, by request id and voter. */
  votes: {
    rowsMax: limits.storedVotesMax,
    valueCharsMax: limits.storedVoteCharsMax,
    keepMs: limits.storedProceduresMs,
    whenFull: 'refuse',
  },
  /** Targets that quizzes may ask for, by target. */
  corpus: {
    rowsMax: limits.storedCorpusMax,
    valueCharsMax: limits.storedCorpusCharsMax,
    keepMs: limits.storedCorpusMs,
    whenFull: 'forget-first',
  },
  /** What owners said over time, by target. */
  names: {
    rowsMax: limits.storedNamesMax,
    valueCharsMax: limits.storedNameCharsMax,
    keepMs: limits.storedNamesMs,
    whenFull: 'forget-first',
  },
  /** Reports that were taken, by hash: each counts once. */
  reports: {
    rowsMax: limits.storedReportsMax,
    valueCharsMax: limits.storedReportCharsMax,
    keepMs: limits.storedReportsMs,
    whenFull: 'forget-first',
  },
} as const satisfies Readonly<Record<string, ShelfRules>>

/** The name of a shelf. */
export type ShelfName = keyof typeof shelves

/** A shelf with the shape of its values. The shape checks and does not change: what is read is what was put. */
export interface Shelf<T> {
  readonly name: ShelfName
  readonly schema: z.ZodType<T>
}

/** The shelf `name` as one that holds values of `schema`. */
export function shelfOf<T>(name: ShelfName, schema: z.ZodType<T>): Shelf<T> {
  return { name, schema }
}
