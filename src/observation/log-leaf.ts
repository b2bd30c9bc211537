// The leaf that stands for a sight in its vantage's log: it tells nothing by itself, and everything to who holds the answer.

import { utf8 } from '../base/bytes.ts'
import type { Crypto } from '../runtime/runtime.ts'
import { hashLeaf } from './merkle.ts'
import type { DnsAnswer, Handshake, Observation, Sight } from './observation.ts'

/** What a leaf is made of. */
export interface Logged {
  readonly target: string
  /** The observation's salt: without it, whoever reads the log could try targets until one fits. */
  readonly salt: string
  readonly sight: Omit<Sight, 'target'>
}

/**
 * The leaf's hash: that of the RFC 8785 text of an array with the salt, the target, the time, and all that a verdict
 * can rest on. No nonce, nobody who asked, and no handshake that an asker wished for is in it: one sight is one leaf,
 * whoever hears of it.
 */
export function leafOf(
  crypto: Pick<Crypto, 'digest'>,
  { target, salt, sight }: Logged,
): Uint8Array {
  const { a, aaaa, authority } = sight.dns
  const content = [
    'smn-leaf',
    1,
    salt,
    target,
    sight.at,
    claimOf(a),
    claimOf(aaaa),
    [...claimOf(authority), authority.origin, authority.owner, authority.base],
    sight.handshakes.filter((one) => one.origin === 'own').map(factsOf),
  ]
  // Text and whole numbers alone: JSON.stringify writes those as RFC 8785 has them.
  return hashLeaf(crypto, utf8(JSON.stringify(content)))
}

/** The leaf of an observation; null where it has none: it is no sight, or its vantage keeps no log. */
export function leafOfObservation(
  crypto: Pick<Crypto, 'digest'>,
  { target, salt, sight }: Pick<Observation, 'target' | 'salt' | 'sight'>,
): Uint8Array | null {
  return salt === undefined || sight === null ? null : leafOf(crypto, { target, salt, sight })
}

function claimOf({ status, records }: DnsAnswer): readonly unknown[] {
  return [status, records]
}

function factsOf({ address, port, outcome, chain }: Handshake): readonly unknown[] {
  return [address, port, outcome, chain.map(({ certificate, spki }) => [certificate, spki])]
}
