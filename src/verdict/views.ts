// The rule for sites whose owner names no key (protocol §6.3): vantages must have been shown the same key.

import { completed, count, type Ballot } from './ballot.ts'
import type { OwnChain } from './own-chains.ts'
import type { Round } from './verdict.ts'

/** How a vantage's view supports what this client saw. */
export type Support =
  /** The same key at an address that the vantage found itself. */
  | 'same-key'
  /** The same key at the address given here, which enough other vantages were given as well. */
  | 'same-key-same-address'
  /** Another key of the same issuing CA, where vantages themselves see several keys. */
  | 'same-issuer'

/** What the comparison of keys comes to. */
export interface ViewsCount {
  readonly support: ReadonlyMap<string, Support>
  readonly dissenting: readonly string[]
  /** Vantages without a completed handshake. */
  readonly blind: readonly string[]
  /** Vantages per key that they were shown. */
  readonly keys: ReadonlyMap<string, number>
  readonly standing: 'same' | 'other' | 'blind' | 'open'
}

/** What `countViews` must know beside the ballots. */
export interface ViewsContext {
  readonly chains: readonly OwnChain[]
  /** True when the leaf is for the target's name and within its dates: asked for by the issuer rule. */
  readonly leafFits: boolean
  readonly round: Pick<Round, 'asked' | 'needed'>
  readonly pending: number
}

/** Compares what `ballots` were shown with what this client was shown. */
export function countViews(ballots: readonly Ballot[], context: ViewsContext): ViewsCount {
  const { needed, asked } = context.round
  const seeing = ballots.filter((ballot) => completed(ballot, 'own').length > 0)
  const keys = count(seeing.flatMap((ballot) => [...new Set(completed(ballot, 'own').map(leafOf))]))
  const support = supportBy(ballots, context, 0)
  const blind = ballots.filter(
    (ballot) => !support.has(ballot.vantage.id) && completed(ballot, 'own').length === 0,
  )
  const dissenting = seeing.filter((ballot) => !support.has(ballot.vantage.id))
  return {
    support,
    keys,
    dissenting: dissenting.map((ballot) => ballot.vantage.id),
    blind: blind.map((ballot) => ballot.vantage.id),
    standing: standingOf(),
  }

  function standingOf(): ViewsCount['standing'] {
    if (support.size >= needed) return 'same'
    // An answer that is still out also tells what those that are in are worth.
    const possible = supportBy(ballots, context, context.pending)
    if (context.pending > 0 && possible.size + context.pending >= needed) return 'open'
    // An alarm needs more dissent than the policy puts up with: whoever saw nothing is no evidence of another key.
    const certain = seeing.filter((ballot) => !possible.has(ballot.vantage.id)).length
    if (asked - certain < needed && support.size + dissenting.length >= needed) return 'other'
    return context.pending > 0 ? 'open' : 'blind'
  }
}

/** The ballots that support what was shown here, if `further` vantages beside them said what serves it best. */
function supportBy(
  ballots: readonly Ballot[],
  context: ViewsContext,
  further: number,
): ReadonlyMap<string, Support> {
  const { asked, needed } = context.round
  // Who names an address turns what all others see there into support for it. Were less than a majority enough,
  // fewer liars than a quorum could make everybody vouch for a poisoned resolver.
  const knownFrom = Math.floor(asked / 2) + 1
  const named = count(ballots.flatMap((ballot) => [...new Set(ballot.addresses)]))
  // More vantages than the policy lets lie, so that an honest one among them saw another key than the rest.
  const variedFrom = Math.max(2, asked - needed + 1)
  const told = {
    ...context,
    isKnown: (address: string) => (named.get(address) ?? 0) + further >= knownFrom,
    isFleet: (issuer: string) => variety(ballots, issuer) + further >= variedFrom,
  }
  return new Map(
    ballots.flatMap((ballot) => {
      const found = supportOf(ballot, told)
      return found === null ? [] : [[ballot.vantage.id, found] as const]
    }),
  )
}

/** How many ballots saw another key of `issuer` than the one that most saw; those of other issuers tell nothing. */
function variety(ballots: readonly Ballot[], issuer: string): number {
  const shown = ballots.flatMap((ballot) => {
    const keys = completed(ballot, 'own').filter((one) => issuerOf(one) === issuer)
    return keys.length === 0 ? [] : [new Set(keys.map(leafOf))]
  })
  const otherThan = (key: string): number =>
    shown.filter((keys) => keys.size > 1 || !keys.has(key)).length
  return Math.min(shown.length, ...shown.flatMap((keys) => [...keys].map(otherThan)))
}

type SupportContext = ViewsContext & {
  readonly isKnown: (address: string) => boolean
  readonly isFleet: (issuer: string) => boolean
}

/** The weakest support that the ballot gives to all chains shown here; null when it lacks for one. */
function supportOf(ballot: Ballot, context: SupportContext): Support | null {
  const order: readonly Support[] = ['same-key', 'same-key-same-address', 'same-issuer']
  let weakest = -1
  for (const chain of context.chains) {
    const found = supportForChain(ballot, chain, context)
    if (found === null) return null
    weakest = Math.max(weakest, order.indexOf(found))
  }
  return order[weakest] ?? null
}

function supportForChain(ballot: Ballot, chain: OwnChain, context: SupportContext): Support | null {
  const own = completed(ballot, 'own')
  if (own.some((handshake) => leafOf(handshake) === chain.leafSpki)) return 'same-key'
  const there = completed(ballot).find((handshake) => handshake.address === chain.address)
  if (there !== undefined && leafOf(there) === chain.leafSpki && context.isKnown(chain.address))
    return 'same-key-same-address'
  // The issuer rule holds only for sites that visibly have several keys: for others it would let any certificate
  // of the same public authority pass, which is the attack that we are here to catch.
  const { issuerSpki } = chain
  if (issuerSpki === null || !own.some((handshake) => issuerOf(handshake) === issuerSpki))
    return null
  return context.leafFits && context.isFleet(issuerSpki) ? 'same-issuer' : null
}

/** The next other certificate of the chain: some servers send their own twice. */
function issuerOf(handshake: {
  readonly chain: readonly { readonly spki: string }[]
}): string | undefined {
  const leaf = leafOf(handshake)
  return handshake.chain.find((link) => link.spki !== leaf)?.spki
}

function leafOf(handshake: { readonly chain: readonly { readonly spki: string }[] }): string {
  return handshake.chain[0]?.spki ?? ''
}
