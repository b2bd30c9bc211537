// Private and public keys on node:crypto: Ed25519 (RFC 8032) and ECDSA on P-256 with SHA-256 (RFC 7518 §3.4).

import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto'
import { Failure } from '../../base/failure.ts'
import type { Crypto, PublicKey, SignatureName, SigningKey } from '../runtime.ts'

/** The key part of the Crypto seam. */
export const nodeKeys: Pick<Crypto, 'generateKey' | 'loadKey' | 'verify'> = {
  generateKey: (algorithm) => {
    const { privateKey } =
      algorithm === 'Ed25519'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('ec', { namedCurve: 'P-256' })
    return {
      key: signingKey(privateKey),
      pem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    }
  },
  loadKey: (pem) => {
    try {
      return signingKey(createPrivateKey(pem))
    } catch (cause) {
      if (Failure.is(cause)) throw cause
      throw new Failure('key-malformed', { why: 'it is not a PEM private key' }, { cause })
    }
  },
  verify: (key, data, signature) => {
    const publicKey = publicKeyOf(key)
    if (publicKey === null) return false
    return key.algorithm === 'Ed25519'
      ? verify(null, data, publicKey, signature)
      : verify('sha256', data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)
  },
}

function signingKey(key: KeyObject): SigningKey {
  const algorithm = algorithmOf(key)
  if (algorithm === null) {
    throw new Failure('key-malformed', { why: 'it is neither a P-256 nor an Ed25519 key' })
  }
  const spki = new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' }))
  return {
    publicKey: { algorithm, spki },
    sign: (data) =>
      new Uint8Array(
        algorithm === 'Ed25519'
          ? sign(null, data, key)
          : sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' }),
      ),
  }
}

function algorithmOf(key: KeyObject): SignatureName | null {
  if (key.asymmetricKeyType === 'ed25519') return 'Ed25519'
  const curve = key.asymmetricKeyDetails?.namedCurve
  return key.asymmetricKeyType === 'ec' && curve === 'prime256v1' ? 'ES256' : null
}

// Reading a key costs as much as verifying with it, and a client verifies with the same few again and again.
const readKeys = new WeakMap<PublicKey, KeyObject | null>()

function publicKeyOf(key: PublicKey): KeyObject | null {
  const known = readKeys.get(key)
  if (known !== undefined) return known
  const read = readPublicKey(key)
  readKeys.set(key, read)
  return read
}

/** Null when the bytes are no key, or a key of another algorithm than claimed. */
function readPublicKey(key: PublicKey): KeyObject | null {
  try {
    const object = createPublicKey({ key: Buffer.from(key.spki), format: 'der', type: 'spki' })
    return algorithmOf(object) === key.algorithm ? object : null
  } catch {
    return null
  }
}
