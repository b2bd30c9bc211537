// The Crypto seam of a simulation: made-up keys and certificates for thousands of mirrors, or real ones for a few.

import { createECDH, createPrivateKey } from 'node:crypto'
import { base64url, concat, fromHex } from '../../src/base/bytes.ts'
import { pemOf } from '../../src/base/pem.ts'
import { createAuthority, type Authority } from '../../src/identity/issue.ts'
import { nodeCrypto } from '../../src/runtime/node/crypto.ts'
import type { Crypto, Random, Runtime } from '../../src/runtime/runtime.ts'
import { createMadeUpCertificates } from './certificates.ts'
import { createMadeUpKeys } from './keys.ts'

/** Keys and certificates of one world. */
export interface Keys {
  readonly crypto: Crypto
  /** True when bytes that were signed are the same in each run: ECDSA signatures hold chance of their own. */
  readonly isRepeatable: boolean
  /** A CA called `name`. */
  authority(needs: Pick<Runtime, 'clock' | 'random' | 'crypto'>, name: string): Authority
}

/**
 * Made-up keys and certificates. Digests are real, because ids, fingerprints and trees of hashes are compared by their
 * bytes, and native SHA-256 of what is short costs no more than a hash in JavaScript.
 */
export function madeUpKeys(random: Random): Keys {
  const certificates = createMadeUpCertificates(random)
  const { readCertificate, isSignedBy } = certificates
  const crypto: Crypto = {
    ...createMadeUpKeys(random),
    digest: (name, data) => nodeCrypto.digest(name, data),
    readCertificate,
    isSignedBy,
  }
  return {
    crypto,
    isRepeatable: true,
    authority: (needs, name) => certificates.authority(needs, name),
  }
}

/** Real keys and certificates, the keys drawn from `random`. */
export function realKeys(random: Random): Keys {
  return {
    crypto: { ...nodeCrypto, generateKey: (algorithm) => generators[algorithm](random) },
    isRepeatable: false,
    authority: (needs, name) => createAuthority(needs, { name }),
  }
}

type Generated = ReturnType<Crypto['generateKey']>

/** RFC 8410 §7: what comes before the 32 raw bytes of an Ed25519 key in PKCS#8. */
const ed25519Prefix = fromHex('302e020100300506032b657004220420') ?? new Uint8Array()

const generators = {
  Ed25519: (random: Random): Generated =>
    generated(pemOf('PRIVATE KEY', concat(ed25519Prefix, random.bytes(32)))),
  ES256: (random: Random): Generated => {
    const curve = createECDH('prime256v1')
    const d = random.bytes(32)
    // Of 2^256 numbers all but 2^224 are private keys: none that is drawn is refused.
    curve.setPrivateKey(d)
    const point = new Uint8Array(curve.getPublicKey())
    const [x, y] = [point.subarray(1, 33), point.subarray(33)]
    const jwk = { kty: 'EC', crv: 'P-256', d: base64url(d), x: base64url(x), y: base64url(y) }
    const key = createPrivateKey({ key: jwk, format: 'jwk' })
    return generated(key.export({ type: 'pkcs8', format: 'pem' }) as string)
  },
} as const

function generated(pem: string): Generated {
  return { key: nodeCrypto.loadKey(pem), pem }
}
