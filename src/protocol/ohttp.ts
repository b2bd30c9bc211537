// Oblivious HTTP (RFC 9458): key configurations, and messages sealed for a gateway, which a relay carries without reading them.

import { concat, equalBytes, utf8 } from '../base/bytes.ts'
import { invariant } from '../base/invariant.ts'
import type { Crypto, Random, SealKey } from '../runtime/runtime.ts'
import {
  hkdfExpand,
  hkdfExtract,
  hpkeKeyBytes,
  hpkePublicKey,
  hpkeSuite,
  setUpReceiver,
  setUpSender,
  type HpkeContext,
} from './hpke.ts'

/** The media types of sealed messages (RFC 9458 §9). */
export const obliviousTypes = {
  request: 'message/ohttp-req',
  response: 'message/ohttp-res',
} as const

/** What a client must know of a gateway. */
export interface KeyConfiguration {
  /** From 0 to 255. */
  readonly keyId: number
  /** X25519, 32 bytes. */
  readonly publicKey: Uint8Array
}

/** A gateway's key pair. */
export interface GatewayKey extends KeyConfiguration {
  readonly privateKey: Uint8Array
}

/** Key identifier, KEM, KDF, AEAD. */
const headerBytes = 7
const tagBytes = 16
/** max(Nn, Nk) of AES-128-GCM (RFC 9458 §4.4). */
const responseNonceBytes = 16

/** A sealed request is longer than its message by this much, a sealed response by 32. */
export const sealedRequestOverhead = headerBytes + hpkeKeyBytes + tagBytes
export const sealedResponseOverhead = responseNonceBytes + tagBytes

type KeyNeeds = { readonly crypto: Crypto; readonly random: Random }

/** A new key pair. Its identifier comes from the key, so that a new key seldom has the old one's. */
export function createGatewayKey({ crypto, random }: KeyNeeds): GatewayKey {
  const privateKey = random.bytes(hpkeKeyBytes)
  const publicKey = hpkePublicKey(crypto, privateKey)
  return { keyId: crypto.digest('sha256', publicKey)[0] ?? 0, publicKey, privateKey }
}

/** The key configuration in bytes (RFC 9458 §3.1), with the one pair of symmetric algorithms that we use. */
export function writeKeyConfiguration({ keyId, publicKey }: KeyConfiguration): Uint8Array {
  const { kem, kdf, aead } = hpkeSuite
  return concat(Uint8Array.of(keyId), uint16(kem), publicKey, uint16(4), uint16(kdf), uint16(aead))
}

/** The key configuration in `bytes`; null when they are none, or when it does not offer our algorithms. */
export function readKeyConfiguration(bytes: Uint8Array): KeyConfiguration | null {
  const algorithmsAt = 3 + hpkeKeyBytes + 2
  const [keyId = 0] = bytes
  const algorithms = bytes.subarray(algorithmsAt)
  const isWhole =
    bytes.length > algorithmsAt &&
    algorithms.length % 4 === 0 &&
    equalBytes(bytes.subarray(algorithmsAt - 2, algorithmsAt), uint16(algorithms.length))
  if (!isWhole || !equalBytes(bytes.subarray(1, 3), uint16(hpkeSuite.kem))) return null
  for (let at = 0; at < algorithms.length; at += 4)
    if (equalBytes(algorithms.subarray(at, at + 4), ourAlgorithms))
      return { keyId, publicKey: new Uint8Array(bytes.subarray(3, 3 + hpkeKeyBytes)) }
  return null
}

const ourAlgorithms = concat(uint16(hpkeSuite.kdf), uint16(hpkeSuite.aead))

/** A sealed request, and the way to read its response. */
export interface SealedRequest {
  readonly bytes: Uint8Array
  /** The message of the gateway's response to this very request; null for anything else. */
  open(response: Uint8Array): Uint8Array | null
}

/** `message` sealed for the gateway of `configuration` (RFC 9458 §4.3). Null when its key is none. */
export function sealRequest(
  { crypto, random }: KeyNeeds,
  configuration: KeyConfiguration,
  message: Uint8Array,
): SealedRequest | null {
  const header = headerOf(configuration.keyId)
  // A key of its own for each request: nothing tells that two requests have one sender.
  const ephemeral = random.bytes(hpkeKeyBytes)
  const { publicKey } = configuration
  const sender = setUpSender(crypto, { publicKey, info: requestInfo(header), ephemeral })
  if (sender === null) return null
  const { encapsulated, context } = sender
  return {
    bytes: concat(header, encapsulated, crypto.seal(context.first, message)),
    open: (response) => {
      const nonce = response.subarray(0, responseNonceBytes)
      if (nonce.length < responseNonceBytes) return null
      const key = responseKey(crypto, context, concat(encapsulated, nonce))
      return crypto.unseal(key, response.subarray(responseNonceBytes))
    },
  }
}

/** What a gateway reads of a sealed request. */
export interface OpenedRequest {
  readonly message: Uint8Array
  /** Different for every request that some client made, so that a repeated one is told by it. */
  readonly encapsulated: Uint8Array
  /** The response with `message`, which the sender of this request alone can read (RFC 9458 §4.4). */
  seal(random: Random, message: Uint8Array): Uint8Array
}

/** Why a request was not opened: it has not the form of one, or it is for none of our keys. */
export type Unopened = 'malformed' | 'key-unknown'

/** The request that was sealed for one of `keys`. */
export function openRequest(
  crypto: Crypto,
  keys: readonly GatewayKey[],
  bytes: Uint8Array,
): OpenedRequest | Unopened {
  if (bytes.length < sealedRequestOverhead) return 'malformed'
  const [keyId = 0] = bytes
  const header = bytes.subarray(0, headerBytes)
  if (!equalBytes(header, headerOf(keyId))) return 'key-unknown'
  const encapsulated = new Uint8Array(bytes.subarray(headerBytes, headerBytes + hpkeKeyBytes))
  const sealed = bytes.subarray(headerBytes + hpkeKeyBytes)
  const info = requestInfo(header)
  for (const { privateKey, publicKey } of keys.filter((key) => key.keyId === keyId)) {
    const context = setUpReceiver(crypto, { privateKey, publicKey, info, encapsulated })
    const message = context === null ? null : crypto.unseal(context.first, sealed)
    if (context === null || message === null) continue
    return {
      message,
      encapsulated,
      seal: (random, response) => {
        const nonce = random.bytes(responseNonceBytes)
        const key = responseKey(crypto, context, concat(encapsulated, nonce))
        return concat(nonce, crypto.seal(key, response))
      },
    }
  }
  return 'key-unknown'
}

/** The key of one response; `salt` is what the request was encapsulated with and the response's nonce. */
function responseKey(crypto: Crypto, context: HpkeContext, salt: Uint8Array): SealKey {
  const secret = context.export(utf8('message/bhttp response'), responseNonceBytes)
  const pseudorandom = hkdfExtract(crypto, salt, secret)
  return {
    key: hkdfExpand(crypto, pseudorandom, { info: utf8('key'), length: 16 }),
    nonce: hkdfExpand(crypto, pseudorandom, { info: utf8('nonce'), length: 12 }),
  }
}

function headerOf(keyId: number): Uint8Array {
  return concat(Uint8Array.of(keyId), uint16(hpkeSuite.kem), ourAlgorithms)
}

function requestInfo(header: Uint8Array): Uint8Array {
  return concat(utf8('message/bhttp request'), Uint8Array.of(0), header)
}

function uint16(value: number): Uint8Array {
  invariant(value >>> 16 === 0, 'two bytes hold what they are given')
  return Uint8Array.of(value >> 8, value & 255)
}
