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
  const left = new Set(candidates)
  const rules = rulesOf(options)
  const fitting = (active: readonly ListEntry[]): readonly ListEntry[] => {
    const taken = takenBy(active)
    const all = [...left]
    const first = all.filter((one) => options.later?.has(one.id) !== true)
    for (const pool of [first, all]) {
      for (const set of rules) {
        const fit = pool.filter((one) => {
          const place = placeOf(one)
          return set.every((rule) => rule(place, taken))
        })
        if (fit.length > 0) return fit
      }
    }
    return []
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

/** Sets of rules from the strictest to the most that this policy lets a small network do without. */
function rulesOf({ policy, ask = 0 }: DrawOptions): readonly (readonly Rule[])[] {
  const perRegistryMax = policy.perRegistryMax * Math.max(1, ask / (policy.stages[0]?.ask ?? ask))
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
    ...(policy.diversity === 'preferred' ? [[]] : []),
  ]
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
