// Hybrid public key encryption (RFC 9180) in base mode, with the one suite that is used here: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM.

import { concat, utf8 } from '../base/bytes.ts'
import { invariant } from '../base/invariant.ts'
import type { Crypto, SealKey } from '../runtime/runtime.ts'

/** The registered numbers of the suite (RFC 9180 §7). */
export const hpkeSuite = { kem: 0x0020, kdf: 0x0001, aead: 0x0001 } as const

/** Bytes of a key, public or private, and of what a sender encapsulates (Npk, Nsk, Nenc). */
export const hpkeKeyBytes = 32

/** What sender and receiver share: a key for one message, and secrets of any purpose. */
export interface HpkeContext {
  /** For the message with sequence number 0; there is no second one. */
  readonly first: SealKey
  /** `length` bytes that only the two know, for the purpose `label` (RFC 9180 §5.3). */
  export(label: Uint8Array, length: number): Uint8Array
}

type Needs = Pick<Crypto, 'hmac' | 'x25519'>

/** The public key of an X25519 private key. */
export function hpkePublicKey(crypto: Needs, privateKey: Uint8Array): Uint8Array {
  const publicKey = crypto.x25519(privateKey, basePoint)
  invariant(publicKey !== null, 'the base point has a large order')
  return publicKey
}

/** RFC 7748 §4.1. */
const basePoint = Uint8Array.of(9, ...new Uint8Array(hpkeKeyBytes - 1))

/**
 * The sender's side of SetupBase, and what the receiver needs for its own. `ephemeral` is 32 fresh random bytes for
 * each message: used twice, it would show that two messages have one sender. Null when `publicKey` is none.
 */
export function setUpSender(
  crypto: Needs,
  options: {
    readonly publicKey: Uint8Array
    readonly info: Uint8Array
    readonly ephemeral: Uint8Array
  },
): { readonly encapsulated: Uint8Array; readonly context: HpkeContext } | null {
  const { publicKey, info, ephemeral } = options
  const agreed = crypto.x25519(ephemeral, publicKey)
  if (agreed === null) return null
  const encapsulated = hpkePublicKey(crypto, ephemeral)
  const shared = sharedSecret(crypto, agreed, concat(encapsulated, publicKey))
  return { encapsulated, context: schedule(crypto, shared, info) }
}

/** The receiver's side of SetupBase. Null when `encapsulated` is no key. */
export function setUpReceiver(
  crypto: Needs,
  options: {
    readonly privateKey: Uint8Array
    readonly publicKey: Uint8Array
    readonly info: Uint8Array
    readonly encapsulated: Uint8Array
  },
): HpkeContext | null {
  const { privateKey, publicKey, info, encapsulated } = options
  const agreed = crypto.x25519(privateKey, encapsulated)
  if (agreed === null) return null
  return schedule(crypto, sharedSecret(crypto, agreed, concat(encapsulated, publicKey)), info)
}

/** HKDF-Extract with SHA-256 (RFC 5869 §2.2). */
export function hkdfExtract(crypto: Needs, salt: Uint8Array, secret: Uint8Array): Uint8Array {
  return crypto.hmac('sha256', salt, secret)
}

/** HKDF-Expand with SHA-256 (RFC 5869 §2.3); `length` is at most one digest, which is all that is needed here. */
export function hkdfExpand(
  crypto: Needs,
  pseudorandom: Uint8Array,
  { info, length }: { readonly info: Uint8Array; readonly length: number },
): Uint8Array {
  invariant(length <= 32, 'one block of HKDF with SHA-256 is 32 bytes')
  return crypto.hmac('sha256', pseudorandom, concat(info, Uint8Array.of(1))).subarray(0, length)
}

const version = utf8('HPKE-v1')
const nothing = new Uint8Array()
const kemSuite = concat(utf8('KEM'), uint16(hpkeSuite.kem))
const suite = concat(
  utf8('HPKE'),
  ...[hpkeSuite.kem, hpkeSuite.kdf, hpkeSuite.aead].map((one) => uint16(one)),
)

function uint16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 255)
}

/** ExtractAndExpand (RFC 9180 §4.1). */
function sharedSecret(crypto: Needs, agreed: Uint8Array, kemContext: Uint8Array): Uint8Array {
  const labels = labelled(crypto, kemSuite)
  const pseudorandom = labels.extract(nothing, 'eae_prk', agreed)
  return labels.expand(pseudorandom, 'shared_secret', { info: kemContext, length: 32 })
}

/** KeySchedule of base mode (RFC 9180 §5.1). */
function schedule(crypto: Needs, shared: Uint8Array, info: Uint8Array): HpkeContext {
  const { extract, expand } = labelled(crypto, suite)
  const keys = concat(
    Uint8Array.of(0),
    extract(nothing, 'psk_id_hash', nothing),
    extract(nothing, 'info_hash', info),
  )
  const secret = extract(shared, 'secret', nothing)
  const exporter = expand(secret, 'exp', { info: keys, length: 32 })
  return {
    first: {
      key: expand(secret, 'key', { info: keys, length: 16 }),
      nonce: expand(secret, 'base_nonce', { info: keys, length: 12 }),
    },
    export: (label, length) => expand(exporter, 'sec', { info: label, length }),
  }
}

/** LabeledExtract and LabeledExpand (RFC 9180 §4), which keep the keys of different purposes apart. */
function labelled(crypto: Needs, suiteId: Uint8Array) {
  return {
    extract: (salt: Uint8Array, label: string, secret: Uint8Array): Uint8Array =>
      hkdfExtract(crypto, salt, concat(version, suiteId, utf8(label), secret)),
    expand: (
      pseudorandom: Uint8Array,
      label: string,
      { info, length }: { readonly info: Uint8Array; readonly length: number },
    ): Uint8Array =>
      hkdfExpand(crypto, pseudorandom, {
        info: concat(uint16(length), version, suiteId, utf8(label), info),
        length,
      }),
  }
}
