// One entity, one mirror: who holds which network and domain (R80, R82; protocol §9).

import type { Parameters } from '../../membership/parameters.ts'
import { placesOf, type Claimant } from '../../membership/sybil.ts'
import type { Clock } from '../../runtime/runtime.ts'
import { addressRefusal } from '../../vantage/address.ts'
import type { PeerEntry } from './record.ts'

/** Who holds the places that one entity can have one mirror at. */
export interface Seats {
  /** Id of another mirror that holds a place of `entry`; null when all are free or its own. */
  readonly holder: (entry: PeerEntry) => string | null
  /** Gives `entry` its places, and takes from it what it held before. Only when `holder` is null. */
  readonly take: (entry: PeerEntry) => void
  /** Frees what `id` holds. */
  readonly leave: (id: string) => void
  readonly has: (id: string) => boolean
  /** Notes that somebody found the places of `holder` taken. */
  readonly contest: (holder: string) => void
  /**
   * Frees what `id` holds when others have asked for it lately, and keeps it free of `id` for as long as those may take
   * to ask again.
   */
  readonly yield: (id: string) => void
  readonly hasYielded: (id: string) => boolean
}

/** No place is taken yet. */
export function createSeats(clock: Pick<Clock, 'monotonic'>, parameters: Parameters): Seats {
  const holders = new Map<string, string>()
  const held = new Map<string, readonly string[]>()
  const contested = new Map<string, number>()
  const yielded = new Map<string, number>()
  // Who waits asks again within this time.
  const recent = (at: number | undefined): boolean =>
    at !== undefined && clock.monotonic() - at < 2 * parameters.candidates.retryMaxMs
  const leave = (id: string): void => {
    for (const place of held.get(id) ?? []) holders.delete(place)
    held.delete(id)
    contested.delete(id)
  }
  return {
    leave,
    has: (id) => held.has(id),
    holder: (entry) => {
      for (const place of placesFor(entry, parameters)) {
        const holder = holders.get(place)
        if (holder !== undefined && holder !== entry.id) return holder
      }
      return null
    },
    take: (entry) => {
      leave(entry.id)
      yielded.delete(entry.id)
      const places = placesFor(entry, parameters)
      for (const place of places) holders.set(place, entry.id)
      held.set(entry.id, places)
    },
    contest: (holder) => {
      contested.set(holder, clock.monotonic())
    },
    yield: (id) => {
      if (!recent(contested.get(id))) return
      leave(id)
      for (const [other, at] of yielded) if (!recent(at)) yielded.delete(other)
      yielded.set(id, clock.monotonic())
    },
    hasYielded: (id) => recent(yielded.get(id)),
  }
}

/** Where addresses are not public, as in a test network on one host, they tell nothing about who owns what. */
function placesFor(entry: PeerEntry, parameters: Parameters): readonly string[] {
  const claimant: Claimant = { ...entry, active: false, since: 0 }
  const places = placesOf(claimant, parameters)
  return addressRefusal(entry.ip) === null ? places : places.slice(1)
}
