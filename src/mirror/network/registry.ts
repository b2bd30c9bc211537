// What the registry of known mirrors offers, and what is told to it (protocol §8).

import type { UptimeSample } from '../../membership/failure-detector.ts'
import type { Parameters } from '../../membership/parameters.ts'
import type { PeerIndex } from '../../membership/peers.ts'
import type { Moment, Reputation } from '../../membership/reputation.ts'
import type { StandingEvent } from '../../membership/standing.ts'
import type { KnownMirror } from '../../protocol/lists.ts'
import type { ListEntry } from '../../protocol/routes.ts'
import type { MirrorStore } from '../../store/store.ts'
import type { PeerChange } from './book.ts'
import type { ActivePeer, Claim, PeerEntry, PeerRecord, SeriesNote } from './record.ts'

/** That somebody says where a mirror is. */
export interface Hearsay {
  readonly id: string
  /** Canonical text. */
  readonly ip: string
  readonly port: number
  /** Address of whoever says so. */
  readonly from: string
}

/** A claim that is due to be checked. */
export interface DueClaim {
  readonly id: string
  readonly claim: Claim
}

/** The registry of mirrors. Records are immutable; each call changes at most one. */
export interface Peers {
  /** Null for a mirror that we have never heard of, or have forgotten, and for ourselves. */
  record(id: string): PeerRecord | null
  /** Records of all that we have heard of, candidates and gone ones included. */
  all(): Iterable<PeerRecord>
  /** Where to reach a mirror that we have met; null for all others. */
  find(id: string): PeerEntry | null
  /** Ids of the active ones. */
  active(): ReadonlySet<string>
  /** Ids of the ones in probation, active or inactive: those whose address we have been at. */
  met(): ReadonlySet<string>
  /** The active ones by network. The same object until one joins or leaves them. */
  index(): PeerIndex<ActivePeer>
  /**
   * What our list says (R132): those whom we have met. Candidates are not in it, because that they exist is hearsay,
   * nor is who is up for less than 99.9 % (R74). The same object as long as nothing changes.
   */
  known(): readonly KnownMirror[]
  /** What `listDigest` makes of our list. */
  digest(): Uint8Array
  /**
   * Takes in that a mirror exists, by a join request (R97) or from another mirror (R101), and where. Nothing else of
   * it is believed. @returns true when we had not heard of it
   */
  hear(hearsay: Hearsay, how: 'joined' | 'announced'): boolean
  /**
   * Begins with mirrors that our own operator named: active at once, since somebody must be the first, and tested as
   * all others from then on. Those that were inactive or are gone stay so.
   */
  vouch(entries: readonly ListEntry[]): void
  /** Lets `event` happen to `id`. @returns the record after it; null when there is none */
  apply(id: string, event: StandingEvent, reason?: string | null): PeerRecord | null
  /**
   * Takes over what the mirror's own descriptor of number `seq` says, found at that address, and calls it checked.
   * False when another mirror holds its network or domain: then it stays as it was, with the reason.
   */
  settle(entry: PeerEntry, seq: number): boolean
  /** How many claims wait to be checked, now or later. */
  claimed(): number
  /** Claims that are due, of different ids, at most `count`: every source and network with the same chance. */
  dueClaims(count: number): readonly DueClaim[]
  /** Notes that the mirror was not found at a claimed address as what it is said to be. */
  claimFailed(due: DueClaim, reason: string): void
  /** Whether `id` holds its network and domain, which it takes when they are free: others are not tested meanwhile. */
  seat(id: string): boolean
  noteReputation(id: string, change: (before: Reputation, moment: Moment) => Reputation): void
  noteUptime(id: string, sample: UptimeSample): void
  noteSeries(id: string, series: SeriesNote): void
  /** Calls `listener` after each change, in their order; the result ends it. */
  onChange(listener: (change: PeerChange) => void): () => void
  /** Resolves once every change so far is durable; only then may it be acknowledged. @throws Failure of the store */
  saved(): Promise<void>
  start(): void
  stop(): Promise<void>
}

export interface PeersOptions {
  /** Our own id. */
  readonly self: string
  /** Where we are ourselves: who owns our network and domain has this mirror there. Unknown unless given. */
  readonly place?: PeerEntry
  /** Null keeps nothing beyond the process. */
  readonly store: MirrorStore | null
  readonly parameters: Parameters
}
