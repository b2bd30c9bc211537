// Whose word about its keys holds for a name (protocol §1): which names are asked, and which answer decides. No I/O.

import { getDomain } from 'tldts'
import { limits } from '../../base/limits.ts'
import { isNoAuthorityMarker, parseAssociation } from '../../observation/association.ts'
import type { Authority, DnsAnswer } from '../../observation/observation.ts'

/** One place where a statement may stand, and what DNS said about it. */
export interface Lookup extends Pick<Authority, 'origin' | 'owner' | 'base'> {
  readonly answer: DnsAnswer
}

/**
 * The names whose `_ca` may speak for `host`, nearest first: the host itself and its ancestors up to the registrable
 * domain. None for a public suffix or a name under none: whoever runs a suffix does not speak for its registrants.
 * Where there are more than `limits.climbLabelsMax`, those nearest to the registrable domain: otherwise a made-up
 * deep name under a wildcard would escape the domain's policy.
 */
export function policyNames(host: string): readonly string[] {
  const domain = getDomain(host, {
    allowPrivateDomains: true,
    detectIp: false,
    extractHostname: false,
    validateHostname: false,
  })
  if (domain === null) return []
  const names = [host]
  for (let name = host; name !== domain;) {
    name = name.slice(name.indexOf('.') + 1)
    names.push(name)
  }
  return names.slice(-limits.climbLabelsMax)
}

/**
 * True when no place farther away may be asked: there are records, or it is not known whether there are. Taking a
 * farther statement for a nearer one that could not be read would let whoever suppresses an answer choose the policy.
 */
export function isDecisive(lookup: Lookup): boolean {
  return lookup.answer.status !== 'nodata' && lookup.answer.status !== 'nxdomain'
}

/**
 * The authority from the lookups, nearest first: what the first decisive one says, or that there is none anywhere.
 * TTL and AD cover the denials on the way, since the outcome rests on them too.
 */
export function decideAuthority(nearest: Lookup, farther: readonly Lookup[]): Authority {
  const lookups = [nearest, ...farther]
  const end = lookups.findIndex(isDecisive)
  const way = end < 0 ? lookups : lookups.slice(0, end + 1)
  const { answer, origin, owner, base } = lookups[end] ?? nearest
  const ad = way.every((lookup) => lookup.answer.ad)
  const ttl = end >= 0 && answer.ttl === null ? null : leastTtl(way)
  const authority = { ...answer, ad, ttl, origin, owner, base }
  if (origin !== 'inherited' || !isEmptyPolicy(answer)) return authority
  return { ...authority, status: 'nodata', records: [], error: `${owner} says: no policy` }
}

/** True when the marker stands alone: then the owner of the name says that nothing holds from here on. */
function isEmptyPolicy(answer: DnsAnswer): boolean {
  const [record, ...more] = answer.records
  return record !== undefined && more.length === 0 && isNoAuthorityMarker(parseAssociation(record))
}

function leastTtl(lookups: readonly Lookup[]): number | null {
  const ttls = lookups.map((lookup) => lookup.answer.ttl).filter((ttl) => ttl !== null)
  return ttls.length === 0 ? null : Math.min(...ttls)
}
