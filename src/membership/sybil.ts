// One entity, one mirror, as far as addresses and domains tell (R80, R82; protocol §9).

import { getDomain } from 'tldts'
import type { Parameters } from './parameters.ts'
import { prefixOf } from './place.ts'

/** A mirror that claims a place. */
export interface Claimant {
  readonly id: string
  readonly ip: string
  /** Its domain, checked to point back to it; null when it has none. */
  readonly domain: string | null
  readonly active: boolean
  /** When we first heard of it, ms since 1970 UTC. */
  readonly since: number
}

/**
 * The places that `claimant` takes up: its address prefix and its registrable domain. Names below a provider's domain
 * where everybody gets one for nothing count as the provider's: there, a name shows no entity.
 */
export function placesOf(claimant: Claimant, parameters: Parameters): readonly string[] {
  const prefix = `prefix ${prefixOf(claimant.ip, parameters)}`
  if (claimant.domain === null) return [prefix]
  const registrable = getDomain(claimant.domain, { allowPrivateDomains: false })
  return [prefix, `domain ${registrable ?? claimant.domain}`]
}

/** Orders claimants, who stays first: the active one, then the older one, then by id, so that all decide alike. */
export function bySeniority(one: Claimant, other: Claimant): number {
  if (one.active !== other.active) return one.active ? -1 : 1
  return one.since - other.since || (one.id < other.id ? -1 : one.id > other.id ? 1 : 0)
}

/** Which of two claimants of one place stays. The other may take another place; it is not refused for what it is. */
export function whoStays(one: Claimant, other: Claimant): Claimant {
  return bySeniority(one, other) <= 0 ? one : other
}

/** Who stays, and who has to make way for whom. */
export interface Seating<C extends Claimant> {
  readonly staying: readonly C[]
  readonly yielding: readonly { readonly claimant: C; readonly to: C }[]
}

/** Gives every place to the most senior of its claimants. Sorts once, then linear. */
export function seatClaimants<C extends Claimant>(
  claimants: readonly C[],
  parameters: Parameters,
): Seating<C> {
  const holders = new Map<string, C>()
  const staying: C[] = []
  const yielding: { readonly claimant: C; readonly to: C }[] = []
  for (const claimant of claimants.toSorted(bySeniority)) {
    const places = placesOf(claimant, parameters)
    const to = places.map((place) => holders.get(place)).find((holder) => holder !== undefined)
    if (to !== undefined) {
      yielding.push({ claimant, to })
      continue
    }
    for (const place of places) holders.set(place, claimant)
    staying.push(claimant)
  }
  return { staying, yielding }
}
