// The mirrors that this one knows: how they stand, what was measured of them, and how to reach them (R88, R116; protocol §8).
//
// A standing changes through `apply` alone, and so only as the table in membership/standing.ts says.

import { z } from 'zod'
import { base64url, fromBase64url } from '../../base/bytes.ts'
import { noteUptime } from '../../membership/failure-detector.ts'
import type { Moment } from '../../membership/reputation.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { shelfOf } from '../../store/shelves.ts'
import { put } from '../../store/store.ts'
import { createBook } from './book.ts'
import { createClaims, type Claims } from './claims.ts'
import { createKeeper } from './keeper.ts'
import { peerShelf, shortened, type PeerRecord } from './record.ts'
import type { Peers, PeersOptions } from './registry.ts'
import { createSeats } from './seats.ts'
import { candidateOf, createStandings, withoutClaim, type Shelves } from './standings.ts'

export type { Hearsay, DueClaim, Peers, PeersOptions } from './registry.ts'

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
