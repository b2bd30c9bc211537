// Changes of how mirrors stand: what is heard, what was found, what happens to them, and who makes way for whom (R97, R101, R128; protocol §8, §9).

import type { Candidate } from '../../membership/candidates.ts'
import { integerBelow } from '../../membership/chance.ts'
import { alwaysUp } from '../../membership/failure-detector.ts'
import type { Parameters } from '../../membership/parameters.ts'
import { networkOf } from '../../membership/place.ts'
import { noReputation } from '../../membership/reputation.ts'
import { isForgotten, nextStanding, unknownStanding } from '../../membership/standing.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import type { Book, PeerChange } from './book.ts'
import type { Claims } from './claims.ts'
import type { Keeper } from './keeper.ts'
import type { DueClaim, Hearsay, Peers, PeersOptions } from './registry.ts'
import { metStates, shortened, type Claim, type PeerEntry, type PeerRecord } from './record.ts'
import type { Seats } from './seats.ts'

/** What the parts of a registry share. */
export interface Shelves {
  readonly needs: Pick<Runtime, 'clock' | 'random'>
  readonly options: PeersOptions
  readonly book: Book
  readonly claims: Claims
  readonly seats: Seats
  readonly keeper: Keeper
}

/** The part of `Peers` that changes standings. */
export type Standings = Pick<
  Peers,
  'hear' | 'vouch' | 'apply' | 'settle' | 'dueClaims' | 'claimFailed' | 'seat'
>

/** Gone mirrors whose ids are remembered; the oldest are forgotten early. */
const goneMax = 10_000

/** The changes of one registry. */
export function createStandings(shelves: Shelves): Standings {
  const { needs, book, claims, seats, options } = shelves
  const { parameters } = options
  const write = createWriter(shelves)
  const apply = createApply(shelves, write)
  const due = (id: string, out: Candidate): DueClaim | null => {
    const claim = book.get(id)?.claims.find((one) => isAt(one, out))
    return claim !== undefined && claim.dueAt <= needs.clock.now() ? { id, claim } : null
  }
  const hear = createHear(shelves, write)
  return {
    apply,
    hear,
    vouch: createVouch(shelves, { apply, hear }),
    settle: (found, seq) => {
      const before = book.get(found.id)
      if (before === null) return false
      const entry = isSameEntry(before.entry, found) ? before.entry : found
      const isSeated = seats.has(entry.id)
      const holder = isSeated || before.standing.state === 'candidate' ? seats.holder(entry) : null
      if (holder !== null) {
        seats.contest(holder)
        write(entry.id, null, { ...before, reason: takenBy(holder) })
        return false
      }
      if (isSeated) seats.take(entry)
      const left = before.claims.filter((one) => !isAt(one, entry))
      for (const claim of before.claims)
        if (!left.includes(claim)) claims.remove(candidateOf(entry.id, claim, parameters))
      write(entry.id, 'moved', { ...before, entry, seq, claims: left })
      apply(entry.id, 'checked')
      return true
    },
    dueClaims: (count) =>
      claims
        .draw(drawnPerPlace * count)
        .flatMap((one) => due(one.id, one) ?? [])
        .slice(0, count),
    claimFailed: createClaimFailed(shelves, { write, apply }),
    seat: (id) => {
      const entry = book.get(id)?.entry
      if (entry === undefined || seats.holder(entry) !== null) return false
      if (seats.has(id)) return true
      if (seats.hasYielded(id)) return false
      seats.take(entry)
      return true
    },
  }
}

/** Claims are drawn from all, and most of them may have to wait. */
const drawnPerPlace = 8

type Write = (id: string, event: PeerChange['event'] | null, after: PeerRecord | null) => void

function createVouch(
  { needs, options, book, seats }: Shelves,
  { apply, hear }: Pick<Peers, 'apply' | 'hear'>,
): Peers['vouch'] {
  return (entries) => {
    for (const { id, ip, port, region } of entries) {
      const known = book.get(id)
      const state = known?.standing.state ?? 'unknown'
      if (id === options.self || state === 'active' || state === 'inactive' || state === 'gone')
        continue
      const hearsay = { id, ip, port, from: ip }
      const record = known ?? unheard(hearsay, needs.clock.now())
      const entry = { ...record.entry, ip, port, region }
      if (seats.holder(entry) !== null) continue
      book.set(id, { ...record, entry })
      apply(id, 'vouched')
      // What else it says of itself is read in its turn.
      hear(hearsay, 'joined')
    }
  }
}

function createClaimFailed(
  { needs, options, book, claims }: Shelves,
  { write, apply }: { readonly write: Write; readonly apply: Peers['apply'] },
): Peers['claimFailed'] {
  const { retryMs, retryMaxMs } = options.parameters.candidates
  return ({ id, claim }, reason) => {
    const before = book.get(id)
    if (before === null) return
    const isMet = metStates.has(before.standing.state)
    // Where else a mirror is that we have met is not worth remembering: it can say so again.
    if (isMet && before.seq > 0) {
      claims.remove(candidateOf(id, claim, options.parameters))
      write(id, null, { ...before, claims: before.claims.filter((one) => !isAt(one, claim)) })
      return
    }
    const failures = claim.failures + 1
    const dueAt = needs.clock.now() + Math.min(retryMaxMs, retryMs * 2 ** (failures - 1))
    const told = before.claims.map((one) => (isAt(one, claim) ? { ...one, failures, dueAt } : one))
    write(id, null, { ...before, claims: told, ...(isMet ? {} : { reason: shortened(reason) }) })
    if (!isMet) apply(id, 'unreachable')
  }
}

/** Puts a record in the place of the one before; with an event, whoever listens is told. */
function createWriter({ book, keeper }: Shelves): Write {
  return (id, event, after) => {
    const before = book.get(id)
    if (before === after) return
    book.set(id, after)
    keeper.soon(id)
    if (event !== null) book.tell({ id, event, before, after })
  }
}

function createApply(shelves: Shelves, write: Write): Peers['apply'] {
  const { needs, book, claims, seats, options } = shelves
  const { parameters } = options
  const forget = (id: string): null => {
    seats.leave(id)
    write(id, 'forgotten', null)
    return null
  }
  const letGo = ({ entry, claims: told }: PeerRecord): void => {
    for (const claim of told) claims.remove(candidateOf(entry.id, claim, parameters))
  }
  return (id, event, reason) => {
    const before = book.get(id)
    if (before === null) return null
    const standing = nextStanding(before.standing, event, { now: needs.clock.now(), parameters })
    // Who failed its tests does not keep others of its network from being tested.
    if (event === 'series-failed' && before.standing.state === 'probation') seats.yield(id)
    if (standing === before.standing) return before
    const [from, to] = [before.standing.state, standing.state]
    if (to === from) {
      write(id, event, { ...before, standing, reason: reasonOf(before, reason) })
      return book.get(id)
    }
    if (to === 'probation' || to === 'active') {
      const holder = seats.holder(before.entry)
      if (holder !== null) {
        seats.contest(holder)
        write(id, null, { ...before, reason: takenBy(holder) })
        return book.get(id)
      }
      seats.take(before.entry)
    } else seats.leave(id)
    if (from === 'candidate') {
      letGo(before)
      // We have never met it: there is nothing to remember.
      if (to === 'gone') return forget(id)
    }
    const claimsLeft = to === 'gone' || from === 'candidate' ? [] : before.claims
    write(id, event, { ...before, standing, claims: claimsLeft, reason: reason ?? null })
    if (to === 'gone') forgetOldest(shelves, forget)
    return book.get(id)
  }
}

function reasonOf(before: PeerRecord, reason: string | null | undefined): string | null {
  return reason === undefined ? before.reason : reason === null ? null : shortened(reason)
}

function takenBy(holder: string): string {
  return `the mirror ${holder} has its network or domain, and each has one mirror`
}

/** Drops tombstones that have had their time, and beyond the bound those that have the least of it left. */
function forgetOldest({ book, needs, options }: Shelves, forget: (id: string) => null): void {
  const moment = { now: needs.clock.now(), parameters: options.parameters }
  for (const id of Array.from(book.gone)) {
    const record = book.get(id)
    if (record !== null && (isForgotten(record.standing, moment) || book.gone.size > goneMax))
      forget(id)
  }
}

function createHear(shelves: Shelves, write: Write): Peers['hear'] {
  const { needs, book, options } = shelves
  const { parameters, self } = options
  const drop = (out: Candidate): void => {
    const before = book.get(out.id)
    if (before === null) return
    const after = withoutClaim(before, out)
    write(out.id, after === null ? 'forgotten' : null, after)
  }
  return (hearsay, how) => {
    const { id } = hearsay
    if (id === self) return false
    const known = book.get(id)
    const record = known ?? unheard(hearsay, needs.clock.now())
    const standing = nextStanding(record.standing, how, { now: needs.clock.now(), parameters })
    if (standing.state === 'unknown' || standing.state === 'gone') return false
    const isNew = !metStates.has(standing.state) && record.standing.state !== 'candidate'
    const base = isNew ? { ...record, standing, reason: null, claims: [] } : { ...record, standing }
    // A mirror that we have met, and that asks for itself, may have something new to say there.
    const isNews =
      !metStates.has(standing.state) || !isAt(record.entry, hearsay) || how === 'joined'
    const claim = isNews ? claimOf(shelves, base, { hearsay, how }) : null
    if (claim === null) {
      if (standing !== record.standing) write(id, how, base)
      return false
    }
    const told = claimsWith(shelves, base, claim)
    write(id, standing === record.standing ? null : how, { ...base, claims: told })
    for (const out of shelves.claims.add(candidateOf(id, claim, parameters))) drop(out)
    return isNew
  }
}

function unheard({ id, ip, port }: Hearsay, now: number): PeerRecord {
  return {
    entry: { id, ip, port, region: null, domain: null },
    seq: 0,
    since: now,
    standing: unknownStanding,
    reason: null,
    reputation: noReputation,
    uptime: alwaysUp,
    claims: [],
    lastSeries: null,
  }
}

/** The claim that `hearsay` makes; null when it is one that we have, and nothing about it is new. */
function claimOf(
  { needs, options }: Shelves,
  record: PeerRecord,
  told: { readonly hearsay: Hearsay; readonly how: 'joined' | 'announced' },
): Claim | null {
  const { parameters } = options
  const { ip, port, from } = told.hearsay
  const now = needs.clock.now()
  const known = record.claims.find((one) => isAt(one, told.hearsay))
  const source = networkOf(from, parameters)
  if (known === undefined) return { ip, port, source, heardAt: now, dueAt: now, failures: 0 }
  // Who asks again has mended something, perhaps; but a request must not make us knock more often than is decent.
  if (told.how !== 'joined' || known.failures === 0) return null
  const { retryMs, retryMaxMs } = parameters.candidates
  const failedAt = known.dueAt - Math.min(retryMaxMs, retryMs * 2 ** (known.failures - 1))
  const dueAt = Math.max(now, failedAt + retryMs)
  return dueAt < known.dueAt ? { ...known, heardAt: now, dueAt } : null
}

/** The claims of `record` with `claim`: in the place of the same one, or of another at random when there are too many. */
function claimsWith(shelves: Shelves, record: PeerRecord, claim: Claim): readonly Claim[] {
  const { claims, needs, options } = shelves
  const others = record.claims.filter((one) => !isAt(one, claim))
  if (others.length < options.parameters.candidates.claimsPerMirror) return [...others, claim]
  const [out] = others.splice(integerBelow(needs.random, others.length), 1)
  if (out !== undefined) claims.remove(candidateOf(record.entry.id, out, options.parameters))
  return [...others, claim]
}

/** `record` without the claim that had to make way; null when it was all that we had of it. */
export function withoutClaim(
  record: PeerRecord | null,
  out: Pick<Candidate, 'ip' | 'port'>,
): PeerRecord | null {
  if (record === null) return null
  const claims = record.claims.filter((one) => !isAt(one, out))
  return claims.length === 0 && record.standing.state === 'candidate' ? null : { ...record, claims }
}

/** The place of a claim in the table. */
export function candidateOf(id: string, claim: Claim, parameters: Parameters): Candidate {
  const { ip, port, source, heardAt } = claim
  return { id, ip, port, network: networkOf(ip, parameters), source, heardAt }
}

function isSameEntry(one: PeerEntry, other: PeerEntry): boolean {
  return isAt(one, other) && one.region === other.region && one.domain === other.domain
}

interface At {
  readonly ip: string
  readonly port: number
}

function isAt(one: At, other: At): boolean {
  return one.ip === other.ip && one.port === other.port
}
