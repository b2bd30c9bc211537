// Draws mirrors for one name: at random, by bucket and not by node, as different from each other as there are (protocol §3, §9).

import ipaddr from 'ipaddr.js'
import type { ListEntry } from '../protocol/routes.ts'
import type { Random } from '../runtime/runtime.ts'
import type { Policy } from '../verdict/policies.ts'
import { registryOf } from '../verdict/regions.ts'

/** Draws one mirror after the other, never the same twice. */
export interface Draw {
  /** A mirror that fits beside `active`, or null when none is left that the policy allows. */
  next(active: readonly ListEntry[]): ListEntry | null
}

/** What must differ between mirrors of one round; later ones are given up first when the network is small. */
type Rule = (candidate: ListEntry, active: readonly ListEntry[]) => boolean

/** A fresh draw from `candidates`; those in `later` come only when no other is left. */
export function createDraw(
  random: Random,
  candidates: readonly ListEntry[],
  options: { readonly policy: Policy; readonly later?: ReadonlySet<string> },
): Draw {
  const left = new Set(candidates)
  const rules = rulesOf(options.policy)
  const fitting = (active: readonly ListEntry[]): readonly ListEntry[] => {
    const all = [...left]
    const first = all.filter((one) => options.later?.has(one.id) !== true)
    for (const pool of [first, all]) {
      for (const set of rules) {
        const fit = pool.filter((one) => set.every((rule) => rule(one, active)))
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
      (networkOf(one.ip) !== networkOf(gateway.ip) || !isPublic(one.ip)),
  )
  const elsewhere = others.filter((one) => registryOf(one.region) !== registryOf(gateway.region))
  return drawByBucket(random, elsewhere.length > 0 ? elsewhere : others)
}

function isPublic(address: string): boolean {
  return ipaddr.process(address).range() === 'unicast'
}

/** Sets of rules from the strictest to the most that this policy lets a small network do without. */
function rulesOf(policy: Policy): readonly (readonly Rule[])[] {
  const otherRegion: Rule = (one, active) => active.every((other) => other.region !== one.region)
  const otherNetwork: Rule = (one, active) =>
    active.every((other) => networkOf(other.ip) !== networkOf(one.ip))
  const registryHasRoom: Rule = (one, active) =>
    active.filter((other) => registryOf(other.region) === registryOf(one.region)).length <
    policy.perRegistryMax
  const newRegistryWhileFew: Rule = (one, active) => {
    const used = new Set(active.map((other) => registryOf(other.region)))
    return used.size >= policy.registriesMin || !used.has(registryOf(one.region))
  }
  const strict = [registryHasRoom, newRegistryWhileFew, otherRegion, otherNetwork]
  return [
    strict,
    [registryHasRoom, newRegistryWhileFew, otherRegion],
    [registryHasRoom, newRegistryWhileFew],
    [registryHasRoom],
    ...(policy.diversity === 'preferred' ? [[]] : []),
  ]
}

/** Registry, then region, then network, then mirror: an owner of many nodes in one place is drawn as one place. */
function drawByBucket(random: Random, candidates: readonly ListEntry[]): ListEntry | null {
  const keys: readonly ((one: ListEntry) => string)[] = [
    (one) => registryOf(one.region),
    (one) => one.region ?? '',
    (one) => networkOf(one.ip),
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

/** A uniform integer from 0 to `bound` − 1; values that would favour the low ones are drawn again. */
function integerBelow(random: Random, bound: number): number {
  if (bound <= 1) return 0
  const range = 2 ** 32
  const fair = range - (range % bound)
  for (;;) {
    const [a = 0, b = 0, c = 0, d = 0] = random.bytes(4)
    const value = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
    if (value < fair) return value % bound
  }
}

/** The /16 or /32 that an address is in. */
function networkOf(address: string): string {
  const bytes = ipaddr.parse(address).toByteArray()
  return bytes.slice(0, bytes.length === 4 ? 2 : 4).join('.')
}
