// How the addresses given here relate to those that vantages were given (protocol §6.2): shown, never an alarm by itself.

import type { Ballot } from './ballot.ts'
import type { AddressAgreement } from './verdict.ts'

/** `proved` says that the key vouches for addresses which nobody else was given. */
export function addressAgreement(
  own: readonly string[],
  ballots: readonly Ballot[],
  isKeyProved: boolean,
): AddressAgreement {
  const mine = canonical(own)
  if (ballots.length > 0 && ballots.every((ballot) => canonical(ballot.addresses) === mine))
    return 'exact'
  const theirs = new Set(ballots.flatMap((ballot) => ballot.addresses))
  if (own.some((address) => theirs.has(address))) return 'overlap'
  return isKeyProved ? 'proved' : 'disjoint'
}

function canonical(addresses: readonly string[]): string {
  return [...new Set(addresses)].toSorted().join(' ')
}
