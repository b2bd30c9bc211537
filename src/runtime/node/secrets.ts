// Shared secrets and sealed bytes on node:crypto: X25519 (RFC 7748) and AES-128-GCM (RFC 5116), both synchronous.

import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type KeyObject,
} from 'node:crypto'
import { invariant } from '../../base/invariant.ts'
import type { Crypto } from '../runtime.ts'

const cipherName = 'aes-128-gcm'
const tagBytes = 16
const keyBytes = 32

/** The part of the Crypto seam that keeps secrets. */
export const nodeSecrets: Pick<Crypto, 'x25519' | 'seal' | 'unseal'> = {
  x25519: (privateKey, publicKey) => {
    invariant(privateKey.length === keyBytes, 'a private key of X25519 has 32 bytes')
    // OpenSSL would read the first 32 bytes of a longer key.
    if (publicKey.length !== keyBytes) return null
    try {
      return new Uint8Array(
        diffieHellman({
          privateKey: privateKeyOf(privateKey),
          publicKey: createPublicKey({
            key: Buffer.concat([spkiPrefix, publicKey]),
            format: 'der',
            type: 'spki',
          }),
        }),
      )
    } catch {
      // OpenSSL refuses the all-zero result that RFC 7748 §6.1 warns of.
      return null
    }
  },
  seal: ({ key, nonce }, plaintext) => {
    const cipher = createCipheriv(cipherName, key, nonce)
    const parts = [cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]
    return new Uint8Array(Buffer.concat(parts))
  },
  unseal: ({ key, nonce }, sealed) => {
    if (sealed.length < tagBytes) return null
    const cipher = createDecipheriv(cipherName, key, nonce, { authTagLength: tagBytes })
    cipher.setAuthTag(sealed.subarray(-tagBytes))
    try {
      const parts = [cipher.update(sealed.subarray(0, -tagBytes)), cipher.final()]
      return new Uint8Array(Buffer.concat(parts))
    } catch {
      return null
    }
  },
}

// RFC 8410 §4, §7: what comes before the 32 raw bytes in a SubjectPublicKeyInfo and in a PKCS#8 key.
const spkiPrefix = Buffer.from('302a300506032b656e032100', 'hex')
const pkcs8Prefix = Buffer.from('302e020100300506032b656e04220420', 'hex')

// Reading a private key costs twice as much as agreeing with it, and a mirror has the same one for a week.
const readKeys = new WeakMap<Uint8Array, KeyObject>()

function privateKeyOf(raw: Uint8Array): KeyObject {
  const known = readKeys.get(raw)
  if (known !== undefined) return known
  const key = Buffer.concat([pkcs8Prefix, raw])
  const read = createPrivateKey({ key, format: 'der', type: 'pkcs8' })
  readKeys.set(raw, read)
  return read
}
