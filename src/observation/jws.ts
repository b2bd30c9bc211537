// Signed statements as JWS Compact (RFC 7515) with an explicit `typ` (RFC 8725 §3.11), alone or in a signed batch.

import {
  base64,
  base64url,
  concat,
  fromBase64,
  fromBase64url,
  textOf,
  utf8,
} from '../base/bytes.ts'
import type { Crypto, PublicKey, SigningKey } from '../runtime/runtime.ts'

/** Kinds of statements; a statement of one kind can never pass for another. */
export type StatementType =
  | 'smn-obs+jws'
  | 'smn-descriptor+jws'
  | 'smn-list+jws'
  | 'smn-list-digest+jws'
  | 'smn-bootstrap-seen+jws'
  | 'smn-bootstrap+jws'
  | 'smn-head+jws'
  | 'smn-remove+jws'
  | 'smn-vote+jws'
  | 'smn-notice+jws'

/**
 * `EdDSA` (RFC 8037) and `ES256` (RFC 7518 §3.4) as registered. `smn-EdDSA-MT`: one Ed25519 signature over the
 * root of a Merkle tree of signing inputs; the signature part carries it, the leaf's index and the path.
 */
export type StatementAlgorithm = 'EdDSA' | 'ES256' | 'smn-EdDSA-MT'

/** A statement taken apart; nothing in it is trusted yet. */
export interface Statement {
  readonly algorithm: StatementAlgorithm
  readonly type: string
  readonly keyId: string | null
  /** DER certificates of the `x5c` header (RFC 7515 §4.1.6), leaf first. */
  readonly certificates: readonly Uint8Array[]
  readonly payload: Uint8Array
  readonly signingInput: Uint8Array
  readonly signature: Uint8Array
}

/** What `signStatement` needs beside the key. */
export interface StatementHead {
  readonly type: StatementType
  readonly keyId?: string
  readonly certificates?: readonly Uint8Array[]
}

/** The compact form of `payload` signed by `key`. */
export function signStatement(key: SigningKey, head: StatementHead, payload: string): string {
  const algorithm = key.publicKey.algorithm === 'Ed25519' ? 'EdDSA' : 'ES256'
  const input = `${encodeHeader(algorithm, head)}.${base64url(utf8(payload))}`
  return `${input}.${base64url(key.sign(utf8(input)))}`
}

/** The encoded header of a batch-signed statement; the same for every answer of one key. */
export function batchHeader(head: StatementHead): string {
  return encodeHeader('smn-EdDSA-MT', head)
}

function encodeHeader(algorithm: StatementAlgorithm, head: StatementHead): string {
  const header = {
    alg: algorithm,
    typ: head.type,
    ...(head.keyId === undefined ? {} : { kid: head.keyId }),
    ...(head.certificates === undefined ? {} : { x5c: head.certificates.map(base64) }),
  }
  return base64url(utf8(JSON.stringify(header)))
}

/**
 * Takes `text` apart, or says why it is no statement. Only the headers named above may occur, so that no
 * extension can change what a signature means (RFC 7515 §4.1.11).
 */
export function readStatement(text: string, bytesMax: number): Statement | string {
  if (text.length > bytesMax) return `it has ${text.length} bytes, at most ${bytesMax} are taken`
  const parts = text.split('.')
  if (parts.length !== 3) return 'it does not have three parts'
  const [header, payload, signature] = parts.map(fromBase64url)
  if (!header || !payload || !signature) return 'a part is not base64url'
  const fields = readHeader(header)
  if (typeof fields === 'string') return fields
  return {
    ...fields,
    payload,
    signature,
    signingInput: utf8(text.slice(0, text.lastIndexOf('.'))),
  }
}

type HeaderFields = Pick<Statement, 'algorithm' | 'type' | 'keyId' | 'certificates'>

function readHeader(bytes: Uint8Array): HeaderFields | string {
  const header = parseObject(bytes)
  if (header === null) return 'its header is not a JSON object'
  const { alg, typ, kid, x5c, ...rest } = header
  const unknown = Object.keys(rest)[0]
  if (unknown !== undefined) return `its header has the unknown field ${JSON.stringify(unknown)}`
  if (alg !== 'EdDSA' && alg !== 'ES256' && alg !== 'smn-EdDSA-MT')
    return 'its algorithm is not one of ours'
  if (typeof typ !== 'string') return 'its type is missing'
  if (kid !== undefined && typeof kid !== 'string') return 'its key id is not text'
  const certificates = readCertificates(x5c)
  if (certificates === null) return 'its certificates are not base64'
  return { algorithm: alg, type: typ, keyId: kid ?? null, certificates }
}

function readCertificates(x5c: unknown): readonly Uint8Array[] | null {
  if (x5c === undefined) return []
  if (!Array.isArray(x5c) || x5c.length > 4) return null
  const read = x5c.map((text) => (typeof text === 'string' ? fromBase64(text) : null))
  return read.every((der) => der !== null) ? read : null
}

/** The JSON object in UTF-8 `bytes`, or null. */
export function parseObject(bytes: Uint8Array): Readonly<Record<string, unknown>> | null {
  const text = textOf(bytes)
  if (text === null) return null
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : null
  } catch {
    return null
  }
}

/** True when `key` signed the statement, alone or as part of a batch. */
export function isStatementSigned(crypto: Crypto, statement: Statement, key: PublicKey): boolean {
  switch (statement.algorithm) {
    case 'EdDSA':
    case 'ES256': {
      const algorithm = statement.algorithm === 'EdDSA' ? 'Ed25519' : 'ES256'
      return (
        key.algorithm === algorithm &&
        crypto.verify(key, statement.signingInput, statement.signature)
      )
    }
    case 'smn-EdDSA-MT':
      return key.algorithm === 'Ed25519' && isBatchSigned(crypto, statement, key)
  }
}

// The batch: leaves are hashed with 0x00 and nodes with 0x01 before them (as RFC 6962 §2.1, so that a node can
// never pass for a leaf); the tree is filled up to a power of two; the signature part is
// signature(64) ‖ index(1) ‖ path(32 × depth). The signed text cannot be a JWS signing input: it has a space.
const batchContext = utf8('sightline batch v1\n')
const signatureBytes = 64
const hashBytes = 32
const depthMax = 8
const leafTag = Uint8Array.of(0)
const nodeTag = Uint8Array.of(1)
const filler = new Uint8Array(hashBytes)

/** The signature parts of up to 256 `signingInputs` (ASCII), in their order, under one signature of `key`. */
export function signBatch(
  crypto: Pick<Crypto, 'digest'>,
  key: SigningKey,
  signingInputs: readonly string[],
): readonly string[] {
  const levels = buildTree(crypto, signingInputs)
  const root = levels.at(-1)?.[0] ?? filler
  const signature = key.sign(concat(batchContext, root))
  return signingInputs.map((_, index) =>
    base64url(concat(signature, Uint8Array.of(index), ...pathOf(levels, index))),
  )
}

function buildTree(
  crypto: Pick<Crypto, 'digest'>,
  inputs: readonly string[],
): readonly (readonly Uint8Array[])[] {
  let level: Uint8Array[] = inputs.map((input) => crypto.digest('sha256', `\0${input}`))
  while ((level.length & (level.length - 1)) !== 0) level.push(filler)
  const levels = [level]
  while (level.length > 1) {
    const above: Uint8Array[] = []
    for (let i = 0; i < level.length; i += 2)
      above.push(hashNode(crypto, level[i] ?? filler, level[i + 1] ?? filler))
    levels.push(above)
    level = above
  }
  return levels
}

function pathOf(levels: readonly (readonly Uint8Array[])[], index: number): Uint8Array[] {
  return levels.slice(0, -1).map((level, depth) => level[(index >> depth) ^ 1] ?? filler)
}

function hashNode(crypto: Pick<Crypto, 'digest'>, left: Uint8Array, right: Uint8Array): Uint8Array {
  return crypto.digest('sha256', concat(nodeTag, left, right))
}

function isBatchSigned(crypto: Crypto, statement: Statement, key: PublicKey): boolean {
  const { signature } = statement
  const depth = (signature.length - signatureBytes - 1) / hashBytes
  if (!Number.isInteger(depth) || depth < 0 || depth > depthMax) return false
  const index = signature[signatureBytes] ?? 0
  if (index >> depth !== 0) return false
  let hash = crypto.digest('sha256', concat(leafTag, statement.signingInput))
  for (let level = 0; level < depth; level++) {
    const start = signatureBytes + 1 + level * hashBytes
    const sibling = signature.subarray(start, start + hashBytes)
    hash = (index >> level) & 1 ? hashNode(crypto, sibling, hash) : hashNode(crypto, hash, sibling)
  }
  return crypto.verify(key, concat(batchContext, hash), signature.subarray(0, signatureBytes))
}
