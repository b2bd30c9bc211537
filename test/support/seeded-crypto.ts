// Keys and signatures that a seed decides, so that what is made with them is the same bytes each time (RFC 6979). Never for real keys.

import { createECDH, createHash, createHmac, createPrivateKey } from 'node:crypto'
import { concat, fromBase64url, fromHex, hex } from '../../src/base/bytes.ts'
import { nodeCrypto } from '../../src/runtime/node/crypto.ts'
import type { Crypto, Random, SigningKey } from '../../src/runtime/runtime.ts'

/** The real functions, but for keys, which come from `random`, and signatures, which depend on nothing but key and data. */
export function createSeededCrypto(random: Random): Crypto {
  const loadKey = (pem: string): SigningKey => {
    const key = nodeCrypto.loadKey(pem)
    // Ed25519 is deterministic by itself (RFC 8032 §5.1.6).
    if (key.publicKey.algorithm === 'Ed25519') return key
    const { d = '' } = createPrivateKey(pem).export({ format: 'jwk' })
    const secret = fromBase64url(d) ?? new Uint8Array()
    return { publicKey: key.publicKey, sign: (data) => signDeterministic(secret, data) }
  }
  return {
    ...nodeCrypto,
    loadKey,
    generateKey: (algorithm) => {
      const secret = random.bytes(32)
      const pem = algorithm === 'Ed25519' ? pemOf(ed25519Prefix, secret) : pemOf(p256Prefix, secret)
      return { key: loadKey(pem), pem }
    },
  }
}

// PKCS#8 (RFC 5958) of an Ed25519 seed (RFC 8410 §7), and of a P-256 scalar without its public key (RFC 5915 §3).
const ed25519Prefix = '302e020100300506032b657004220420'
const p256Prefix = '3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420'

function pemOf(prefix: string, secret: Uint8Array): string {
  const der = concat(fromHex(prefix) ?? new Uint8Array(), secret)
  const key = createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' })
  return key.export({ format: 'pem', type: 'pkcs8' }) as string
}

/** The order of P-256 (FIPS 186-5). */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** ECDSA on P-256 with SHA-256 and the nonce of RFC 6979 §3.2, as r‖s. */
export function signDeterministic(secret: Uint8Array, data: Uint8Array): Uint8Array {
  const digest = new Uint8Array(createHash('sha256').update(data).digest())
  const z = numberOf(digest) % order
  const d = numberOf(secret)
  for (const k of nonces(secret, octetsOf(z))) {
    const ecdh = createECDH('prime256v1')
    ecdh.setPrivateKey(octetsOf(k))
    // The first byte of an uncompressed point is its form.
    const r = numberOf(ecdh.getPublicKey().subarray(1, 33)) % order
    const s = (inverse(k) * (z + r * d)) % order
    if (r !== 0n && s !== 0n) return concat(octetsOf(r), octetsOf(s))
  }
  throw new Error('there is no end of nonces')
}

function* nonces(secret: Uint8Array, digest: Uint8Array): Generator<bigint> {
  const hmac = (key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array =>
    new Uint8Array(
      createHmac('sha256', key)
        .update(concat(...parts))
        .digest(),
    )
  let value: Uint8Array = new Uint8Array(32).fill(1)
  let key: Uint8Array = new Uint8Array(32)
  for (const round of [0, 1]) {
    key = hmac(key, value, Uint8Array.of(round), secret, digest)
    value = hmac(key, value)
  }
  for (;;) {
    value = hmac(key, value)
    const nonce = numberOf(value)
    if (nonce > 0n && nonce < order) yield nonce
    key = hmac(key, value, Uint8Array.of(0))
    value = hmac(key, value)
  }
}

function inverse(value: bigint): bigint {
  let [a, b] = [value, order]
  let [x, y] = [1n, 0n]
  while (b !== 0n) {
    const quotient = a / b
    ;[a, b] = [b, a % b]
    ;[x, y] = [y, x - quotient * y]
  }
  return ((x % order) + order) % order
}

function numberOf(octets: Uint8Array): bigint {
  return BigInt(`0x${hex(octets)}`)
}

function octetsOf(number: bigint): Uint8Array {
  return fromHex(number.toString(16).padStart(64, '0')) ?? new Uint8Array()
}
