// One entity, one mirror: who holds which network and domain (R80, R82; protocol §9).

import type { Parameters } from '../../membership/parameters.ts'
import { placesOf, type Claimant } from '../../membership/sybil.ts'
import { addressRefusal } from '../../vantage/address.ts'
import type { PeerEntry } from './record.ts'

/** Who holds the places that one entity can have one mirror at. */
export interface Seats {
  /** Id of another mirror that holds a place of `entry`; null when all are free or its own. */
  holder(entry: PeerEntry): string | null
  /** Gives `entry` its places, and nobody else what it held before. Only when `holder` is null. */
  take(entry: PeerEntry): void
  /** Frees what `id` holds. */
  leave(id: string): void
  has(id: string): boolean
}

/** No place is taken yet. */
export function createSeats(parameters: Parameters): Seats {
  const holders = new Map<string, string>()
  const held = new Map<string, readonly string[]>()
  const leave = (id: string): void => {
    for (const place of held.get(id) ?? []) holders.delete(place)
    held.delete(id)
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
      const places = placesFor(entry, parameters)
      for (const place of places) holders.set(place, entry.id)
      held.set(entry.id, places)
    },
  }
}

/** Where addresses are not public, as in a test network on one host, they tell nothing about who owns what. */
function placesFor(entry: PeerEntry, parameters: Parameters): readonly string[] {
  const claimant: Claimant = { ...entry, active: false, since: 0 }
  const places = placesOf(claimant, parameters)
  return addressRefusal(entry.ip) === null ? places : places.slice(1)
}
