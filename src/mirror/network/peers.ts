// The mirrors that this one knows: how they stand, what was measured of them, and how to reach them (R88, R116; protocol §8).
//
// A standing changes through `apply` alone, and so only as the table in membership/standing.ts says.

import { z } from 'zod'
import { base64url, fromBase64url } from '../../base/bytes.ts'
import { noteUptime, type UptimeSample } from '../../membership/failure-detector.ts'
import type { Parameters } from '../../membership/parameters.ts'
import type { PeerIndex } from '../../membership/peers.ts'
import type { Moment, Reputation } from '../../membership/reputation.ts'
import type { StandingEvent } from '../../membership/standing.ts'
import type { KnownMirror } from '../../protocol/lists.ts'
import type { ListEntry } from '../../protocol/routes.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { shelfOf } from '../../store/shelves.ts'
import { put, type MirrorStore } from '../../store/store.ts'
import { createBook, type PeerChange } from './book.ts'
import { createClaims, type Claims } from './claims.ts'
import { createKeeper } from './keeper.ts'
import {
  peerShelf,
  shortened,
  type ActivePeer,
  type Claim,
  type PeerEntry,
  type PeerRecord,
  type SeriesNote,
} from './record.ts'
import { createSeats } from './seats.ts'
import { candidateOf, createStandings, withoutClaim, type Shelves } from './standings.ts'

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

type Needs = Pick<Runtime, 'clock' | 'random' | 'crypto' | 'log'>

const secretShelf = shelfOf('settings', z.string().length(43))
const secretKey = 'candidates-secret'

/** The registry as the store remembers it. @throws Failure of the store */
export async function openPeers(needs: Needs, options: PeersOptions): Promise<Peers> {
  const { store, parameters } = options
  const kept = (await store?.get(secretShelf, secretKey)) ?? null
  const secret = kept ?? base64url(needs.random.bytes(32))
  if (kept === null) await store?.commit([put(secretShelf, { key: secretKey, value: secret })])
  const claims = createClaims(needs, {
    secret: fromBase64url(secret) ?? new Uint8Array(),
    parameters,
  })
  const records = (await store?.load(peerShelf)) ?? new Map<string, PeerRecord>()
  return createPeers(needs, options, { claims, records })
}

interface Parts {
  readonly claims: Claims
  readonly records: ReadonlyMap<string, PeerRecord>
}

function createPeers(needs: Needs, options: PeersOptions, { claims, records }: Parts): Peers {
  const { parameters, store } = options
  const book = createBook(needs, parameters)
  const seats = createSeats(needs.clock, parameters)
  const keeper = createKeeper(needs, {
    store,
    recordOf: book.get,
    everyMs: parameters.peers.saveMs,
  })
  const shelves: Shelves = { needs, options, book, claims, seats, keeper }
  restore(shelves, records)
  const standings = createStandings(shelves)
  const moment = (): Moment => ({ now: needs.clock.now(), parameters })
  const note = (id: string, change: (before: PeerRecord) => PeerRecord): void => {
    const before = book.get(id)
    if (before === null) return
    const after = change(before)
    if (after === before) return
    book.set(id, after)
    keeper.later(id)
  }
  return {
    record: book.get,
    all: book.all,
    find: (id) => (book.met.has(id) ? (book.get(id)?.entry ?? null) : null),
    active: () => book.active,
    met: () => book.met,
    index: book.index,
    claimed: claims.size,
    known: book.known,
    digest: book.digest,
    ...standings,
    noteReputation: (id, change) =>
      note(id, (before) => {
        const reputation = change(before.reputation, moment())
        return reputation === before.reputation ? before : { ...before, reputation }
      }),
    noteUptime: (id, sample) =>
      note(id, (before) => {
        const uptime = noteUptime(before.uptime, sample, moment())
        return uptime === before.uptime ? before : { ...before, uptime }
      }),
    noteSeries: (id, lastSeries) => {
      const before = book.get(id)
      if (before === null) return
      book.set(id, { ...before, lastSeries: { ...lastSeries, text: shortened(lastSeries.text) } })
      keeper.soon(id)
    },
    onChange: book.onChange,
    saved: keeper.saved,
    start: keeper.start,
    stop: keeper.stop,
  }
}

/** Brings the records of the store back to where they were. */
function restore({ book, claims, seats, options }: Shelves, records: Parts['records']): void {
  for (const [id, record] of records) if (id !== options.self) book.set(id, record)
  if (options.place !== undefined) seats.take(options.place)
  const rank = ({ standing }: PeerRecord): number => (standing.state === 'active' ? 0 : 1)
  const seated = [...book.all()]
    .filter(({ standing }) => standing.state === 'active' || standing.state === 'probation')
    .toSorted((a, b) => rank(a) - rank(b) || a.standing.since - b.standing.since)
  for (const { entry } of seated) if (seats.holder(entry) === null) seats.take(entry)
  for (const record of Array.from(book.all()))
    for (const claim of record.claims)
      for (const out of claims.add(candidateOf(record.entry.id, claim, options.parameters)))
        book.set(out.id, withoutClaim(book.get(out.id), out))
}
