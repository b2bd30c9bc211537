// Made-up keys and signatures: a keyed hash whose keys one registry holds, so that thousands of mirrors sign in one process.
// Nobody in a simulation can forge one, because all of them ask this registry.

import { equalBytes, fromHex } from '../../src/base/bytes.ts'
import { Failure } from '../../src/base/failure.ts'
import { fromPem, pemOf } from '../../src/base/pem.ts'
import type { Crypto, Random, SignatureName, SigningKey } from '../../src/runtime/runtime.ts'
import { hashBytes, type Words } from './hash.ts'

/** The parts of the Crypto seam that have to do with keys and secrets. */
export type MadeUpKeys = Pick<
  Crypto,
  'generateKey' | 'loadKey' | 'verify' | 'hmac' | 'x25519' | 'seal' | 'unseal'
>

interface Entry {
  readonly key: SigningKey
  readonly secret: Words
}

/** An empty registry; all keys of one world come from it, drawn from `random`. */
export function createMadeUpKeys(random: Random): MadeUpKeys {
  const entries: Entry[] = []
  const entryOf = (spki: Uint8Array): Entry | null => {
    const entry = entries[readIndex(spki, spki.length - indexBytes)]
    return entry !== undefined && equalBytes(entry.key.publicKey.spki, spki) ? entry : null
  }
  const make = (algorithm: SignatureName): Entry => {
    const { prefix, bytes } = forms[algorithm]
    const spki = new Uint8Array(prefix.length + bytes)
    spki.set(prefix)
    spki.set(random.bytes(bytes - indexBytes), prefix.length)
    writeIndex(spki, spki.length - indexBytes, entries.length)
    const secret = hashBytes(random.bytes(16))
    const key: SigningKey = {
      publicKey: { algorithm, spki },
      sign: (data) => signatureOf(data, secret),
    }
    const entry = { key, secret }
    entries.push(entry)
    return entry
  }
  return {
    ...madeUpSecrets,
    generateKey: (algorithm) => {
      const { key } = make(algorithm)
      return { key, pem: pemOf(label, key.publicKey.spki) }
    },
    loadKey: (pem) => {
      const [spki] = fromPem(label, pem) ?? []
      const entry = spki === undefined ? null : entryOf(spki)
      if (entry === null) throw new Failure('key-malformed', { why: 'it is no key of this world' })
      return entry.key
    },
    verify: (key, data, signature) => {
      const entry = entryOf(key.spki)
      return (
        entry !== null &&
        entry.key.publicKey.algorithm === key.algorithm &&
        equalBytes(signatureOf(data, entry.secret), signature)
      )
    },
  }
}

const label = 'SIMULATED PRIVATE KEY'
const indexBytes = 4
const signatureBytes = 64

// What stands before the raw key in real keys of the two kinds (RFC 8410 §4, RFC 5480 §2), and how long that is:
// descriptors carry raw Ed25519 keys.
const forms = {
  Ed25519: { prefix: fromHex('302a300506032b6570032100') ?? new Uint8Array(), bytes: 32 },
  ES256: {
    prefix: fromHex('3059301306072a8648ce3d020106082a8648ce3d03010703420004') ?? new Uint8Array(),
    bytes: 64,
  },
} as const

function signatureOf(data: Uint8Array, secret: Words): Uint8Array {
  return stretched(hashBytes(data, secret), signatureBytes)
}

const digestBytes = { sha256: 32, sha384: 48, sha512: 64 } as const
const tagBytes = 16

/** What needs no registry. Agreed secrets are symmetric, as those of RFC 7748 are, and nothing else. */
const madeUpSecrets: Pick<Crypto, 'hmac' | 'x25519' | 'seal' | 'unseal'> = {
  hmac: (name, key, data) => stretched(hashBytes(data, hashBytes(key)), digestBytes[name]),
  x25519: (privateKey, publicKey) => {
    if (publicKey.length !== 32) return null
    const own = stretched(hashBytes(privateKey), 32)
    if (isBasePoint(publicKey)) return own
    return own.map((byte, i) => byte ^ (publicKey[i] ?? 0))
  },
  seal: ({ key, nonce }, plaintext) => {
    const words = hashBytes(nonce, hashBytes(key))
    const sealed = new Uint8Array(plaintext.length + tagBytes)
    sealed.set(masked(plaintext, words))
    sealed.set(stretched(hashBytes(plaintext, words), tagBytes), plaintext.length)
    return sealed
  },
  unseal: ({ key, nonce }, sealed) => {
    if (sealed.length < tagBytes) return null
    const words = hashBytes(nonce, hashBytes(key))
    const plaintext = masked(sealed.subarray(0, -tagBytes), words)
    const tag = stretched(hashBytes(plaintext, words), tagBytes)
    return equalBytes(tag, sealed.subarray(-tagBytes)) ? plaintext : null
  },
}

function isBasePoint(publicKey: Uint8Array): boolean {
  return publicKey[0] === 9 && publicKey.every((byte, i) => i === 0 || byte === 0)
}

/** `bytes` so that nobody reads them by accident; doing it twice undoes it. */
function masked(bytes: Uint8Array, words: Words): Uint8Array {
  const mask = stretched(words, tagBytes)
  return bytes.map((byte, i) => byte ^ (mask[i & (tagBytes - 1)] ?? 0))
}

/** `length` bytes out of four words, again and again. */
function stretched(words: Words, length: number): Uint8Array {
  const source = new Uint8Array(words.buffer)
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i += source.length) bytes.set(source.subarray(0, length - i), i)
  return bytes
}

/** The number that begins at `at`, least byte first; −1 beyond the bytes' ends. */
export function readIndex(bytes: Uint8Array, at: number): number {
  if (at < 0 || at + indexBytes > bytes.length) return -1
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true)
}

/** Writes what `readIndex` reads. */
export function writeIndex(bytes: Uint8Array, at: number, index: number): void {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(at, index, true)
}
