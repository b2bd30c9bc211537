// What a mirror says of an owner's authority, and when two such statements contradict each other (protocol §6.1, §7).

import type { AssociationText, Authority } from '../observation/observation.ts'

/**
 * The associations that a mirror names for a target, in canonical text. Without any, it says that the owner names none.
 */
export type Claim = readonly AssociationText[]

/** The claim in the DNS part of an answer; null when DNS failed there, which says nothing about the owner. */
export function claimOf(authority: Pick<Authority, 'status' | 'records'>): Claim | null {
  if (authority.status === 'nodata' || authority.status === 'nxdomain') return []
  return authority.status === 'ok' ? authority.records : null
}

/**
 * True when both can be true at once somewhere in DNS: they name a common association, or both name none. So during a
 * roll-over the old set agrees with the one that already holds the new key.
 */
export function agree(one: Claim, other: Claim): boolean {
  if (one.length === 0 || other.length === 0) return one.length === other.length
  return one.some((association) => other.includes(association))
}

/** True when both name the same associations, in whatever order. */
export function isSameClaim(one: Claim, other: Claim): boolean {
  const a = new Set(one)
  const b = new Set(other)
  return a.size === b.size && a.isSubsetOf(b)
}

/**
 * What at least `needed` of `claims` say: the associations that so many name, or none at all; null when they share
 * nothing. `needed` is more than half, so that there is only one such claim.
 */
export function sharedClaim(claims: readonly Claim[], needed: number): Claim | null {
  if (claims.filter((claim) => claim.length === 0).length >= needed) return []
  const votes = new Map<AssociationText, number>()
  for (const claim of claims)
    for (const association of new Set(claim))
      votes.set(association, (votes.get(association) ?? 0) + 1)
  const shared = [...votes].flatMap(([association, n]) => (n >= needed ? [association] : []))
  return shared.length === 0 ? null : shared
}
