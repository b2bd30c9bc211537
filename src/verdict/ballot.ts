// Reads each answer as a vote: which keys the owner names there, and which keys the server showed there.

import { formatAssociation, parseAssociation } from '../observation/association.ts'
import type { Handshake } from '../observation/observation.ts'
import { usable } from '../observation/tlsa.ts'
import type { Answer, Vantage } from './verdict.ts'

/** What one vantage says about the owner's authority. */
export type Claim =
  | { readonly kind: 'names'; readonly associations: readonly string[] }
  /** An answer that there is none, or only records that need public authorities. */
  | { readonly kind: 'none'; readonly onlyUnusable: boolean }

/** One answer that counts. */
export interface Ballot {
  readonly vantage: Vantage
  readonly claim: Claim
  readonly handshakes: readonly Handshake[]
  /** Addresses that this vantage itself was given by its DNS. */
  readonly addresses: readonly string[]
  /** The base domain of the records, when it is not the target's own name. */
  readonly base: string | null
}

/** An answer that does not count, and why: abstention is not dissent (B7). */
export interface Blank {
  readonly vantage: Vantage
  readonly code: string
  readonly text: string
}

/** The vote in `answer`, or why it is none. A vantage whose DNS failed says nothing about the owner. */
export function readBallot(answer: Answer): Ballot | Blank {
  const { vantage, observation } = answer
  if (observation.sight === null) {
    return {
      vantage,
      code: observation.excuse?.code ?? observation.status,
      text: observation.excuse?.text ?? `the vantage is ${observation.status}`,
    }
  }
  const { dns, handshakes } = observation.sight
  const { authority } = dns
  const claim = readClaim(authority.status, authority.records)
  if (claim === null) {
    const text =
      authority.error ?? `its DNS question for the TLSA records ended with ${authority.status}`
    return { vantage, code: `dns-${authority.status}`, text }
  }
  return {
    vantage,
    claim,
    handshakes,
    addresses: [...dns.a.records, ...dns.aaaa.records],
    base: authority.origin === 'expanded' ? authority.base : null,
  }
}

/** True for a vote, false for a blank one. */
export function isBallot(vote: Ballot | Blank): vote is Ballot {
  return 'claim' in vote
}

function readClaim(status: string, records: readonly string[]): Claim | null {
  if (status === 'nodata' || status === 'nxdomain') return { kind: 'none', onlyUnusable: false }
  if (status !== 'ok') return null
  // Usages 0 and 1 need public authorities, and none ships here (R6).
  const associations = usable([...new Set(records)].map(parseAssociation)).map(formatAssociation)
  return associations.length === 0
    ? { kind: 'none', onlyUnusable: true }
    : { kind: 'names', associations }
}

/** How many of `ballots` name each association. */
export function countAssociations(ballots: readonly Ballot[]): ReadonlyMap<string, number> {
  return count(ballots.flatMap(({ claim }) => (claim.kind === 'names' ? claim.associations : [])))
}

/** How often each of `values` occurs, in order of first appearance. */
export function count(values: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}

/** Completed handshakes of `ballot`, optionally only those with addresses of its own resolution. */
export function completed(ballot: Ballot, origin?: 'own'): readonly Handshake[] {
  return ballot.handshakes.filter(
    (handshake) =>
      handshake.outcome === 'completed' && (origin === undefined || handshake.origin === origin),
  )
}
