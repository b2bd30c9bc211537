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
  readonly port: number
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
        port: handshake.port,
        certificates,
        leafSpki: spkiHash(crypto, leaf),
        issuerSpki: issuer === undefined ? null : spkiHash(crypto, issuer),
        caSpki: ca === undefined ? null : spkiHash(crypto, ca),
      },
    ]
  })
}

// With each answer that comes the same chains are matched again, and a hostile server's keys take milliseconds each.
const knownSignatures = new WeakMap<Certificate, WeakMap<Uint8Array, boolean>>()

/** `crypto`, but no signature of a certificate is verified twice with the same key. */
function rememberSignatures(
  crypto: Crypto,
): Pick<Crypto, 'digest' | 'isSignedBy' | 'readCertificate'> {
  return {
    digest: (algorithm, data) => crypto.digest(algorithm, data),
    readCertificate: (der) => crypto.readCertificate(der),
    isSignedBy: (subject, spki) => {
      const keys = knownSignatures.get(subject) ?? new WeakMap<Uint8Array, boolean>()
      knownSignatures.set(subject, keys)
      const answer = keys.get(spki) ?? crypto.isSignedBy(subject, spki)
      keys.set(spki, answer)
      return answer
    },
  }
}

/** Answers the one question about a set of associations, and remembers it. */
export interface Matcher {
  /**
   * True when every chain is authenticated by some association of the set, also when those of `among` stand beside
   * them, the set itself unless given.
   */
  authorises(associations: readonly string[], among?: readonly string[]): boolean
  /** True when every chain is authenticated by some association of the set, taken alone. */
  mayAuthorise(associations: readonly string[]): boolean
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
  const remembering = rememberSignatures(crypto)
  const inputOf = (chain: OwnChain, associations: readonly string[]) => ({
    chain: chain.certificates,
    associations: associations.map(parseAssociation),
    names: [context.target.host, ...context.names],
    at: context.at,
  })
  const authenticated = (chain: OwnChain, associations: readonly string[]): boolean =>
    matchAssociations(inputOf(chain, associations), remembering).matched !== null
  return {
    authorises: (associations, among = associations) => {
      const key = `${associations.join(',')};${among.join(',')}`
      const answer =
        known.get(key) ??
        (associations.length > 0 &&
          chains.length > 0 &&
          chains.every((chain) =>
            among.length === associations.length
              ? authenticated(chain, associations)
              : matchingAssociations(inputOf(chain, among), remembering).some((one) =>
                  associations.includes(one),
                ),
          ))
      known.set(key, answer)
      return answer
    },
    mayAuthorise: (associations) =>
      chains.length > 0 &&
      chains.every((chain) =>
        // Among hashes of one kind none outdoes another.
        [' 1 ', ' 2 '].some((rival) =>
          authenticated(
            chain,
            associations.filter((association) => association.slice(3, 6) !== rival),
          ),
        ),
      ),
    matching: (associations) => {
      const matched = new Set(
        chains.flatMap((chain) => matchingAssociations(inputOf(chain, associations), remembering)),
      )
      return associations.filter((association) => matched.has(association))
    },
    misses: (associations) => {
      const chain = chains.find((one) => !authenticated(one, associations))
      if (chain === undefined) return []
      const result = matchAssociations(inputOf(chain, associations), remembering)
      return result.matched === null ? result.reasons : []
    },
  }
}
