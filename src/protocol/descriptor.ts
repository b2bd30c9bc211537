// A mirror's statement about itself: its CA vouches for its server key, and that key for its answer keys (protocol §2).

import { z } from 'zod'
import { concat, fromBase64, fromBase64url, fromHex, textOf } from '../base/bytes.ts'
import { Failure } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import { mirrorIdOf } from '../observation/fingerprint.ts'
import { isStatementSigned, readStatement, signStatement } from '../observation/jws.ts'
import type { Verified } from '../observation/observation.ts'
import type { AnswerKey } from '../observation/sign.ts'
import type { Certificate, Crypto, SigningKey } from '../runtime/runtime.ts'
import { readKeyConfiguration, type KeyConfiguration } from './ohttp.ts'

const instant = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)

/** The shape of a descriptor, with its bounds. */
export const descriptorSchema = z.object({
  v: z.literal(1),
  /** base64url of the SHA-256 of the CA's SPKI. */
  id: z.string().length(43),
  /** Grows with each new descriptor of this mirror. */
  seq: z.number().int().min(0),
  iat: instant,
  exp: instant,
  /** Where it answers; the first is its dedicated address (R70). */
  addresses: z
    .array(
      z.object({ address: z.string().min(2).max(45), port: z.number().int().min(1).max(65_535) }),
    )
    .min(1)
    .max(8),
  domain: z.string().max(limits.nameOctetsMax).nullable(),
  /** Claimed registry region and country, such as `RIPE-DE`. */
  region: z.string().max(16).nullable(),
  answerKeys: z
    .array(
      z.object({
        keyId: z.string().length(43),
        alg: z.literal('EdDSA'),
        /** The raw Ed25519 public key in base64url (RFC 8037 §2). */
        x: z.string().length(43),
        exp: instant,
      }),
    )
    .min(1)
    .max(4),
  /**
   * The key configuration (RFC 9458 §3.1) for questions that a relay brings, in base64; null where none are taken. It
   * is signed with the rest, under the id that the client has from its list: a relay cannot put another key in its
   * place. That the mirror itself cannot give each client its own is the doing of relays and clients (`Descriptors`).
   */
  ohttp: z.string().max(128).nullable().default(null),
  protocol: z.array(z.string().max(16)).max(8),
  capabilities: z.array(z.string().max(32)).max(16),
  contact: z.array(z.string().max(256)).max(4),
  software: z.string().max(64),
})

export type Descriptor = z.infer<typeof descriptorSchema>

/** The signed descriptor; `chain` is the server certificate and the CA, DER. */
export function signDescriptor(
  serverKey: SigningKey,
  chain: readonly Uint8Array[],
  descriptor: Descriptor,
): string {
  const head = { type: 'smn-descriptor+jws', certificates: chain } as const
  return signStatement(serverKey, head, JSON.stringify(descriptor))
}

/**
 * The descriptor in `statement` when the mirror `id` itself made it and it is valid at `now`.
 * @throws Failure statement-rejected
 */
export function verifyDescriptor(
  crypto: Crypto,
  statement: string,
  expected: { readonly id: string; readonly now: number },
): Verified<Descriptor> {
  const signed = readStatement(statement, limits.descriptorBytesMax)
  if (typeof signed === 'string') return refuse(signed)
  if (signed.type !== 'smn-descriptor+jws') return refuse(`it is a ${JSON.stringify(signed.type)}`)
  const [server, authority] = signed.certificates.map((der) => crypto.readCertificate(der))
  const chainFault = mirrorChainFault(crypto, [server, authority], { ...expected, address: null })
  if (chainFault !== null || server === undefined)
    return refuse(chainFault ?? 'it has no certificate')
  const key = { algorithm: 'ES256', spki: server.spki } as const
  if (!isStatementSigned(crypto, signed, key)) return refuse('its signature does not verify')
  const descriptor = readDescriptor(signed.payload)
  if (descriptor.id !== expected.id) return refuse('it names another mirror')
  if (descriptor.exp - descriptor.iat > limits.descriptorValidMs)
    return refuse('it claims to be valid for more than 7 days')
  if (descriptor.exp < expected.now) return refuse('it has expired')
  if (descriptor.iat > expected.now + limits.clockSkewMs) return refuse('it is dated in the future')
  return descriptor as Verified<Descriptor>
}

function readDescriptor(payload: Uint8Array): Descriptor {
  const text = textOf(payload)
  if (text === null) return refuse('its content is not text')
  try {
    return descriptorSchema.parse(JSON.parse(text))
  } catch {
    return refuse('its content is not a descriptor')
  }
}

function refuse(why: string): never {
  throw new Failure('statement-rejected', { kind: 'descriptor', why })
}

/**
 * Why `chain` (server certificate, CA) is not the chain of mirror `id` at `now`; null when it is. With an
 * `address`, the server certificate must be for it (R29, R30, R48).
 */
export function mirrorChainFault(
  crypto: Crypto,
  chain: readonly (Certificate | undefined)[],
  expected: { readonly id: string; readonly now: number; readonly address: string | null },
): string | null {
  const [server, authority] = chain
  if (server === undefined || authority === undefined)
    return 'its chain is not a server certificate and a CA'
  if (mirrorIdOf(crypto, authority.spki) !== expected.id)
    return 'its CA is another one than the id names'
  if (authority.basicConstraints?.ca !== true) return 'its CA certificate is not one of a CA'
  if (!crypto.isSignedBy(server, authority.spki))
    return 'its server certificate is not signed by its CA'
  for (const certificate of [server, authority]) {
    if (certificate.notBefore > expected.now + limits.clockSkewMs)
      return 'a certificate of it is not valid yet'
    if (certificate.notAfter < expected.now) return 'a certificate of it has expired'
  }
  if (expected.address !== null && !server.ipAddresses.includes(expected.address))
    return `its server certificate is not for ${expected.address}`
  return null
}

/** The keys that a mirror signs answers with, ready for `verifyObservation`. */
export function answerKeysOf(descriptor: Verified<Descriptor>): readonly AnswerKey[] {
  return descriptor.answerKeys.flatMap((key) => {
    const raw = fromBase64url(key.x)
    return raw === null || raw.length !== 32
      ? []
      : [
          {
            keyId: key.keyId,
            expires: key.exp,
            key: { algorithm: 'Ed25519' as const, spki: ed25519Spki(raw) },
          },
        ]
  })
}

/** What questions to this mirror are sealed with; null where it takes none, or none that we can seal. */
export function keyConfigurationOf(descriptor: Verified<Descriptor>): KeyConfiguration | null {
  const bytes = descriptor.ohttp === null ? null : fromBase64(descriptor.ohttp)
  return bytes === null ? null : readKeyConfiguration(bytes)
}

// RFC 8410 §4: the SubjectPublicKeyInfo of an Ed25519 key is this prefix and the 32 raw bytes.
const ed25519Prefix = fromHex('302a300506032b6570032100') ?? new Uint8Array()

/** DER SubjectPublicKeyInfo of a raw Ed25519 public key. */
export function ed25519Spki(raw: Uint8Array): Uint8Array {
  return concat(ed25519Prefix, raw)
}

/** The 32 raw bytes of an Ed25519 SubjectPublicKeyInfo. */
export function ed25519Raw(spki: Uint8Array): Uint8Array {
  return spki.subarray(ed25519Prefix.length)
}
