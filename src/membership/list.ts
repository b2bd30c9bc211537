// One list out of many by consensus: what more than half of all asked mirrors say, and nothing else (R34, R37; protocol §3).

import { registryOf } from '../verdict/regions.ts'
import type { ListedMirror } from './list-digest.ts'
import { majorityOf } from './majority.ts'
import type { Parameters } from './parameters.ts'

/** The list of one mirror. */
export interface ListFrom {
  /** Id of the mirror that gave it, over a connection under its pinned CA. A second list of the same is left out. */
  readonly from: string
  /** Region of that mirror. */
  readonly region: string | null
  readonly entries: readonly ListedMirror[]
}

/** A mirror that more than half of all asked call active. */
export interface AgreedMirror {
  readonly ip: string
  readonly port: number
  readonly id: string
  /** What more than half of those who list it say; null where they differ. */
  readonly region: string | null
  /** How many lists name it. */
  readonly votes: number
}

/** What the lists come to. */
export type Consensus =
  | {
      readonly kind: 'agreed'
      /** By id. */
      readonly mirrors: readonly AgreedMirror[]
      /** The same by registry region (`registryOf`), as R33 wants them. */
      readonly byRegistry: ReadonlyMap<string, readonly AgreedMirror[]>
    }
  | { readonly kind: 'too-few-lists'; readonly lists: number; readonly needed: number }
  | { readonly kind: 'too-few-regions'; readonly regions: number; readonly needed: number }

/**
 * The master list. Counted are active entries, by address, port and id together, against the number `asked`: mirrors
 * that did not answer count as not listing, so that silencing some gives the others no majority (as Tor counts
 * directory authorities). Of entries that share an address or an id, the one with most votes is kept.
 *
 * Linear in the number of entries of all lists: 100 lists of 10,000 entries take a third of a second, and two seconds
 * when each liar among them names every id at an address of its own.
 */
export function agreeOnList(
  lists: readonly ListFrom[],
  asked: number,
  parameters: Parameters,
): Consensus {
  const { listsMin, registriesMin } = parameters.list
  const distinct = [...new Map(lists.toReversed().map((list) => [list.from, list])).values()]
  if (distinct.length < listsMin)
    return { kind: 'too-few-lists', lists: distinct.length, needed: listsMin }
  const known = distinct.flatMap(({ region }) => (region === null ? [] : [registryOf(region)]))
  const regions = new Set(known).size
  if (regions < registriesMin) return { kind: 'too-few-regions', regions, needed: registriesMin }
  // More lists than were asked for cannot be: whoever says so has miscounted, to the advantage of some.
  const enough = Math.max(asked, distinct.length) / 2
  const supported = countEntries(distinct).filter((tally) => tally.votes > enough)
  const mirrors = withoutConflicts(supported)
    .map(agreed)
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
  return { kind: 'agreed', mirrors, byRegistry: groupByRegistry(mirrors) }
}

/** Votes for one address and id. */
interface Tally {
  readonly ip: string
  readonly port: number
  readonly id: string
  votes: number
  /** One a vote. */
  readonly regions: (string | null)[]
}

/** All that lists say of one id. */
interface IdTallies {
  /** The last list that named it: a list that names an id twice is heard once. */
  list: number
  readonly places: Tally[]
}

function countEntries(lists: readonly ListFrom[]): Tally[] {
  // By id first, which hashes a string that is there instead of making a million new ones.
  const byId = new Map<string, IdTallies>()
  for (const [list, { entries }] of lists.entries()) {
    for (const entry of entries) {
      if (!entry.active) continue
      const known = byId.get(entry.id)
      if (known === undefined) {
        byId.set(entry.id, { list, places: [newTally(entry)] })
      } else if (known.list !== list) {
        known.list = list
        vote(known.places, entry)
      }
    }
  }
  return [...byId.values()].flatMap(({ places }) => places)
}

/** At most one place for each list, because a list is heard once for an id. */
function vote(places: Tally[], entry: ListedMirror): void {
  const same = places.find((place) => place.ip === entry.ip && place.port === entry.port)
  if (same === undefined) {
    places.push(newTally(entry))
    return
  }
  same.votes += 1
  same.regions.push(entry.region)
}

function newTally({ ip, port, id, region }: ListedMirror): Tally {
  return { ip, port, id, votes: 1, regions: [region] }
}

/** Most votes first; equal ones by text, so that all clients choose alike. */
function withoutConflicts(tallies: readonly Tally[]): readonly Tally[] {
  const taken = new Set<string>()
  return tallies
    .map((tally) => ({ tally, address: `${tally.ip} ${tally.port}` }))
    .toSorted(
      (a, b) =>
        b.tally.votes - a.tally.votes ||
        compare(a.tally.id, b.tally.id) ||
        compare(a.address, b.address),
    )
    .flatMap(({ tally, address }) => {
      if (taken.has(address) || taken.has(tally.id)) return []
      taken.add(address).add(tally.id)
      return [tally]
    })
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function agreed({ ip, port, id, votes, regions }: Tally): AgreedMirror {
  return { ip, port, id, votes, region: majorityOf(regions) }
}

function groupByRegistry(
  mirrors: readonly AgreedMirror[],
): ReadonlyMap<string, readonly AgreedMirror[]> {
  return Map.groupBy(mirrors, ({ region }) => registryOf(region))
}
