// Draws mirrors for one name: at random, by bucket and not by node, as different from each other as there are (protocol §3, §9).

import ipaddr from 'ipaddr.js'
import { integerBelow } from '../membership/chance.ts'
import type { ListEntry } from '../protocol/routes.ts'
import type { Random } from '../runtime/runtime.ts'
import type { Policy } from '../verdict/policies.ts'
import { registryOf } from '../verdict/regions.ts'

/** Draws one mirror after the other, never the same twice. */
export interface Draw {
  /** A mirror that fits beside `active`, or null when none is left that the policy allows. */
  next(active: readonly ListEntry[]): ListEntry | null
}

/** Where a mirror is, as far as draws compare it. */
interface Place {
  readonly registry: string
  readonly region: string | null
  /** The /16 or /32 that its address is in. */
  readonly network: string
}

/** Places of the mirrors that a round has already. */
interface Taken {
  readonly regions: ReadonlySet<string | null>
  readonly networks: ReadonlySet<string>
  /** How many there are of each registry. */
  readonly registries: ReadonlyMap<string, number>
}

/** What must differ between mirrors of one round; later ones are given up first when the network is small. */
type Rule = (place: Place, taken: Taken) => boolean

/** How a round draws. */
export interface DrawOptions {
  readonly policy: Policy
  /** How many the round asks; as many as the policy's first unless given. Of twice as many, twice as many may be of one registry. */
  readonly ask?: number
  /** Ids of mirrors that come only when no other is left. */
  readonly later?: ReadonlySet<string>
}

/** A fresh draw from `candidates`. */
export function createDraw(
  random: Random,
  candidates: readonly ListEntry[],
  options: DrawOptions,
): Draw {
  const { policy } = options
  const left = new Set(candidates)
  const { seats, perRegistryMax } = roomOf(candidates, options)
  const rules = rulesOf(policy, perRegistryMax)
  // A network that can fill the first round as the policy wants it is never drawn from without that bound. Whoever has
  // many mirrors in one registry would bring about later rounds, for which all others have been asked before, and be
  // drawn alone.
  const isBounded =
    policy.diversity === 'required' ||
    seats >= Math.min(policy.stages[0]?.ask ?? 0, candidates.length)
  const fitting = (active: readonly ListEntry[]): readonly ListEntry[] => {
    const taken = takenBy(active)
    const ids = new Set(active.map((one) => one.id))
    // A mirror at several addresses is one vantage, and has one vote.
    const all = [...left].filter((one) => !ids.has(one.id))
    const first = all.filter((one) => options.later?.has(one.id) !== true)
    const fitsOf = (pool: readonly ListEntry[], set: readonly Rule[]): readonly ListEntry[] =>
      pool.filter((one) => {
        const place = placeOf(one)
        return set.every((rule) => rule(place, taken))
      })
    for (const pool of [first, all]) {
      for (const set of rules) {
        const fit = fitsOf(pool, set)
        if (fit.length > 0) return fit
      }
    }
    if (isBounded) return []
    return first.length > 0 ? first : all
  }
  return {
    next: (active) => {
      const drawn = drawByBucket(random, fitting(active))
      if (drawn !== null) left.delete(drawn)
      return drawn
    },
  }
}

/**
 * A relay for questions to `gateway`, who must not be its neighbour: one that sees both ends of a question knows who
 * asks what. Of another registry region where there is one, and always of another network; where addresses are private,
 * networks say nothing. Who runs a mirror is in no list.
 */
export function drawRelay(
  random: Random,
  candidates: readonly ListEntry[],
  options: { readonly gateway: ListEntry; readonly tried: ReadonlySet<string> },
): ListEntry | null {
  const { gateway, tried } = options
  const others = candidates.filter(
    (one) =>
      one.id !== gateway.id &&
      !tried.has(one.id) &&
      (placeOf(one).network !== placeOf(gateway).network || !isPublic(one.ip)),
  )
  const elsewhere = others.filter((one) => placeOf(one).registry !== placeOf(gateway).registry)
  return drawByBucket(random, elsewhere.length > 0 ? elsewhere : others)
}

function isPublic(address: string): boolean {
  return ipaddr.process(address).range() === 'unicast'
}

/** Sets of rules from the strictest to what every policy holds to where there are mirrors enough. */
function rulesOf(policy: Policy, perRegistryMax: number): readonly (readonly Rule[])[] {
  const otherRegion: Rule = ({ region }, { regions }) => !regions.has(region)
  const otherNetwork: Rule = ({ network }, { networks }) => !networks.has(network)
  const registryHasRoom: Rule = ({ registry }, { registries }) =>
    (registries.get(registry) ?? 0) < perRegistryMax
  const newRegistryWhileFew: Rule = ({ registry }, { registries }) =>
    registries.size >= policy.registriesMin || !registries.has(registry)
  const strict = [registryHasRoom, newRegistryWhileFew, otherRegion, otherNetwork]
  return [
    strict,
    [registryHasRoom, newRegistryWhileFew, otherRegion],
    [registryHasRoom, newRegistryWhileFew],
    [registryHasRoom],
  ]
}

/**
 * How many mirrors a round can have while none of the registries has a larger part of them than in the policy's first
 * round, and how many of one registry that is.
 */
function roomOf(
  candidates: readonly ListEntry[],
  { policy, ask = 0 }: DrawOptions,
): { readonly seats: number; readonly perRegistryMax: number } {
  const first = policy.stages[0]?.ask ?? ask
  const ids = new Map(candidates.map((one) => [one.id, placeOf(one).registry]))
  const sizes = [...Map.groupBy(ids.values(), (registry) => registry).values()].map(
    (all) => all.length,
  )
  for (let wanted = Math.max(ask, first); ; wanted--) {
    const share = Math.floor((policy.perRegistryMax * wanted) / first)
    const perRegistryMax = Math.max(policy.perRegistryMax, share)
    const seats = sizes.reduce((sum, size) => sum + Math.min(size, perRegistryMax), 0)
    if (seats >= wanted || wanted <= first) return { seats, perRegistryMax }
  }
}

function takenBy(active: readonly ListEntry[]): Taken {
  const places = active.map(placeOf)
  const registries = new Map<string, number>()
  for (const { registry } of places) registries.set(registry, (registries.get(registry) ?? 0) + 1)
  return {
    regions: new Set(places.map((place) => place.region)),
    networks: new Set(places.map((place) => place.network)),
    registries,
  }
}

/** Registry, then region, then network, then mirror: an owner of many nodes in one place is drawn as one place. */
function drawByBucket(random: Random, candidates: readonly ListEntry[]): ListEntry | null {
  const keys: readonly ((one: ListEntry) => string)[] = [
    (one) => placeOf(one).registry,
    (one) => one.region ?? '',
    (one) => placeOf(one).network,
    (one) => one.id,
  ]
  let pool = candidates
  for (const key of keys) {
    const buckets = [...new Set(pool.map(key))]
    const bucket = buckets[integerBelow(random, buckets.length)]
    pool = pool.filter((one) => key(one) === bucket)
  }
  return pool[0] ?? null
}

// A client draws from the same list again and again, and reading an address costs more than all the rest of a draw.
const places = new WeakMap<ListEntry, Place>()

function placeOf(entry: ListEntry): Place {
  const known = places.get(entry)
  if (known !== undefined) return known
  const { region, ip } = entry
  const bytes = ipaddr.parse(ip).toByteArray()
  const network = bytes.slice(0, bytes.length === 4 ? 2 : 4).join('.')
  const place = { registry: registryOf(region), region, network }
  places.set(entry, place)
  return place
}
