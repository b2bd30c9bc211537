// Asks of the chains that this client was shown: would these associations authenticate all of them?

import { parseAssociation } from '../observation/association.ts'
import { spkiHash } from '../observation/fingerprint.ts'
import { matchAssociations, matchingAssociations } from '../observation/tlsa.ts'
import type { Target } from '../observation/target.ts'
import type { Certificate, Crypto } from '../runtime/runtime.ts'
import type { OwnLook } from './verdict.ts'

/** One chain that this client was shown, and where. */
export interface OwnChain {
  readonly address: string
  readonly certificates: readonly Certificate[]
  readonly leafSpki: string
  /** SPKI of the certificate that signed the leaf, when it was sent. */
  readonly issuerSpki: string | null
  /** SPKI of the last certificate of the chain, which is the CA's when the owner serves as we ask. */
  readonly caSpki: string | null
}

/** Why one association did not authenticate a chain. */
export interface Miss {
  readonly association: string
  readonly code: string
  readonly text: string
}

// One look is judged again with each answer that comes; what it showed stays the same.
const knownChains = new WeakMap<OwnLook, readonly OwnChain[]>()

/** The chains of `own`, in the order of its handshakes. */
export function ownChains(crypto: Crypto, own: OwnLook): readonly OwnChain[] {
  const chains = knownChains.get(own) ?? readOwnChains(crypto, own)
  knownChains.set(own, chains)
  return chains
}

function readOwnChains(crypto: Crypto, own: OwnLook): readonly OwnChain[] {
  return own.sight.handshakes.flatMap((handshake) => {
    const certificates = own.chains.get(handshake.address) ?? []
    const [leaf] = certificates
    if (handshake.outcome !== 'completed' || leaf === undefined) return []
    const issuer = certificates.find((one) => one !== leaf && crypto.isSignedBy(leaf, one.spki))
    const ca = certificates.length > 1 ? certificates.at(-1) : undefined
    return [
      {
        address: handshake.address,
        certificates,
        leafSpki: spkiHash(crypto, leaf),
        issuerSpki: issuer === undefined ? null : spkiHash(crypto, issuer),
        caSpki: ca === undefined ? null : spkiHash(crypto, ca),
      },
    ]
  })
}

/** Answers the one question about a set of associations, and remembers it. */
export interface Matcher {
  /** True when every chain is authenticated by some association of the set. */
  authorises(associations: readonly string[]): boolean
  /** Associations of the set that authenticate some chain. */
  matching(associations: readonly string[]): readonly string[]
  /** Why the first chain that is not authenticated is not. */
  misses(associations: readonly string[]): readonly Miss[]
}

/** A matcher for `chains` of `target` at the time `at`; `names` are further names that a certificate may be for. */
export function createMatcher(
  crypto: Crypto,
  chains: readonly OwnChain[],
  context: { readonly target: Target; readonly names: readonly string[]; readonly at: number },
): Matcher {
  const known = new Map<string, boolean>()
  const inputOf = (chain: OwnChain, associations: readonly string[]) => ({
    chain: chain.certificates,
    associations: associations.map(parseAssociation),
    names: [context.target.host, ...context.names],
    at: context.at,
  })
  const authenticated = (chain: OwnChain, associations: readonly string[]): boolean =>
    matchAssociations(inputOf(chain, associations), crypto).matched !== null
  return {
    authorises: (associations) => {
      const key = associations.join(',')
      const answer =
        known.get(key) ??
        (associations.length > 0 &&
          chains.length > 0 &&
          chains.every((chain) => authenticated(chain, associations)))
      known.set(key, answer)
      return answer
    },
    matching: (associations) => {
      const matched = new Set(
        chains.flatMap((chain) => matchingAssociations(inputOf(chain, associations), crypto)),
      )
      return associations.filter((association) => matched.has(association))
    },
    misses: (associations) => {
      const chain = chains.find((one) => !authenticated(one, associations))
      if (chain === undefined) return []
      const result = matchAssociations(inputOf(chain, associations), crypto)
      return result.matched === null ? result.reasons : []
    },
  }
}
