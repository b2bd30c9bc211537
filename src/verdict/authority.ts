// The authority rule (protocol §6.1): votes are counted per association, and the chain must match one that won.

import { countAssociations, type Ballot } from './ballot.ts'
import type { Bench } from './bench.ts'
import type { Round } from './verdict.ts'

/** What the votes on the owner's authority come to. */
export interface AuthorityCount {
  /** Associations that enough vantages name. */
  readonly accepted: readonly string[]
  /** Votes for each association. */
  readonly votes: ReadonlyMap<string, number>
  /** Vantages whose own answer authorises the chain. */
  readonly agreeing: readonly string[]
  readonly dissenting: readonly string[]
  /** Vantages that say that there is no authority. */
  readonly none: readonly string[]
  readonly standing:
    /** The chain matches an accepted association. */
    | 'authorised'
    /** Enough vantages say that the owner names no key. */
    | 'absent'
    /** Enough vantages name keys, and the chain has none of them. */
    | 'unauthorised'
    /** No claim has enough votes, and none can get them. */
    | 'split'
    /** Answers that are still out can decide. */
    | 'open'
}

/** Counts `ballots`; `pending` vantages may still vote. */
export function countAuthority(
  ballots: readonly Ballot[],
  { matcher, hopeful }: Pick<Bench, 'matcher' | 'hopeful'>,
  round: { readonly needed: Round['needed']; readonly pending: number },
): AuthorityCount {
  const votes = countAssociations(ballots)
  const withVotes = (least: number): string[] =>
    [...votes].flatMap(([association, n]) => (n >= least ? [association] : []))
  const none = ballots.filter((ballot) => ballot.claim.kind === 'none')
  const accepted = withVotes(round.needed)
  const possible = withVotes(round.needed - round.pending)
  // Whether the answers that are still out could yet authorise the chain, or say that there is no authority.
  const open =
    round.pending > 0 &&
    (round.pending >= round.needed ||
      none.length + round.pending >= round.needed ||
      hopeful.mayAuthorise(possible))
  const standing = standingOf()
  const winning = new Set(standing === 'authorised' ? matcher.matching(accepted) : [])
  /** Votes for what won, or, where nothing did, for what would authorise the chain by itself. */
  const agrees = ({ claim }: Ballot): boolean =>
    claim.kind === 'names' &&
    (winning.size > 0
      ? claim.associations.some((association) => winning.has(association))
      : matcher.authorises(claim.associations))
  return {
    accepted,
    votes,
    none: none.map((ballot) => ballot.vantage.id),
    agreeing: ballots.filter(agrees).map((ballot) => ballot.vantage.id),
    dissenting: ballots.filter((ballot) => !agrees(ballot)).map((ballot) => ballot.vantage.id),
    standing,
  }

  function standingOf(): AuthorityCount['standing'] {
    // A record with a stronger digest that is yet to be accepted would outdo a weaker one (RFC 7671 §9).
    if (matcher.authorises(accepted, possible)) return 'authorised'
    if (none.length >= round.needed) return 'absent'
    if (open) return 'open'
    if (accepted.length > 0) return 'unauthorised'
    return round.pending > 0 ? 'open' : 'split'
  }
}
