// Tells apart what a contradiction looks like: hijacked DNS, interception near here, a diverted route, the server's side (B3).

import { completed, type Ballot } from './ballot.ts'
import type { OwnChain } from './own-chains.ts'
import { reason, type Reason } from './reasons.ts'

/** What the vantages' own looks say about the address that was given here; a guess with its grounds, never a verdict. */
export function diagnose(chain: OwnChain, ballots: readonly Ballot[]): readonly Reason[] {
  const { address, leafSpki } = chain
  const known = ballots.filter((ballot) => ballot.addresses.includes(address)).length
  const there = ballots.flatMap((ballot) =>
    completed(ballot).filter((handshake) => handshake.address === address),
  )
  const same = there.filter((handshake) => handshake.chain[0]?.spki === leafSpki).length
  const other = there.length - same
  if (there.length === 0) {
    return known === 0 && ballots.length > 0
      ? [
          reason(
            'dns-hijack-suspected',
            `none of ${ballots.length} vantages was given ${address}, which the local DNS gave`,
          ),
        ]
      : []
  }
  if (same === 0) {
    return [
      reason(
        'interception-suspected',
        `at ${address} all ${other} vantages that looked see another key than this client`,
      ),
    ]
  }
  if (other > 0) {
    return [
      reason(
        'route-hijack-suspected',
        `at ${address} ${same} of ${there.length} vantages see the key that was shown here, ${other} see another`,
      ),
    ]
  }
  return known === 0
    ? [
        reason(
          'dns-hijack-suspected',
          `none of ${ballots.length} vantages was given ${address}, and whoever answers there shows all ${same} of them the same key as here`,
        ),
      ]
    : [
        reason(
          'server-side-suspected',
          `at ${address} all ${same} vantages that looked see the same key as this client`,
        ),
      ]
}
