// Lists of mirrors on the wire: what one mirror knows of the others, whole, by bucket, or as a digest of 256 hashes
// (protocol §3, §4). Every form is signed, since a client counts who says what.

import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import { fromBase64url, textOf } from '../base/bytes.ts'
import { Failure } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import { isListDigest, type ListedMirror } from '../membership/list-digest.ts'
import { isStatementSigned, readStatement, type StatementType } from '../observation/jws.ts'
import type { Verified } from '../observation/observation.ts'
import type { AnswerKey } from '../observation/sign.ts'
import type { Crypto } from '../runtime/runtime.ts'
import { listEntrySchema } from './routes.ts'

/** How a mirror sees another one (protocol §8). */
export const listedStates = ['candidate', 'probation', 'active', 'inactive'] as const

const instant = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const hash = z.string().regex(/^[A-Za-z0-9_-]{43}$/)

const regionPattern = /^[A-Z]{2,8}(?:-[A-Z]{2})?$/

/** One mirror as another one knows it. Addresses and ids have one text each, so that they can be compared. */
export const knownMirrorSchema = listEntrySchema.extend({
  ip: listEntrySchema.shape.ip.refine(isCanonicalAddress, 'not an IP address in its usual text'),
  id: listEntrySchema.shape.id.refine(isMirrorId, 'not a mirror id'),
  region: z.string().regex(regionPattern).nullable(),
  /** Since when the author knows it, ms since 1970 UTC. */
  since: instant,
  status: z.enum(listedStates),
})

export type KnownMirror = z.infer<typeof knownMirrorSchema>

/** `known` as lists are compared: whether it is vouched for, not since when. A region that no list may name is none. */
export function listedOf({ ip, port, id, region, status }: KnownMirror): ListedMirror {
  const named = region !== null && regionPattern.test(region) ? region : null
  return { ip, port, id, region: named, active: status === 'active' }
}

/** A list or a part of it (typ `smn-list+jws`). */
export const mirrorListSchema = z.object({
  v: z.literal(1),
  iss: hash,
  /** When the list was drawn up; its parts and its digest bear the same time. */
  iat: instant,
  /** The bucket that it is, as two hexadecimal digits; null for all of them. */
  bucket: z
    .string()
    .regex(/^[0-9a-f]{2}$/)
    .nullable(),
  /** Only mirrors of this registry or region; null for all. */
  region: z.string().max(16).nullable(),
  /** Only mirrors in this state; null for all. */
  status: z.enum(listedStates).nullable(),
  mirrors: z.array(knownMirrorSchema).max(limits.listEntriesMax),
})

export type MirrorList = z.infer<typeof mirrorListSchema>

/** The digest of a whole list (typ `smn-list-digest+jws`). */
export const listDigestSchema = z.object({
  v: z.literal(1),
  iss: hash,
  iat: instant,
  /** Mirrors in the list. */
  count: z.number().int().min(0).max(limits.listEntriesMax),
  /** base64url of the SHA-256 of each of the 256 buckets, one after the other (`listDigest`). */
  digest: z.string().refine(isDigestText, 'not the digests of 256 buckets'),
})

export type ListDigest = z.infer<typeof listDigestSchema>

/** The bootstrap files that a mirror has seen (typ `smn-bootstrap-seen+jws`), so that a silent change shows (T1). */
export const bootstrapSeenSchema = z.object({
  v: z.literal(1),
  iss: hash,
  iat: instant,
  files: z
    .array(
      z.object({
        /** Lower-case hexadecimal SHA-256 of the file. */
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
        /** Lower-case hexadecimal SHA-256 of the SPKI of the CA behind it; null where nobody vouches. */
        vendor: z
          .string()
          .regex(/^[0-9a-f]{64}$/)
          .nullable(),
        /** When it was made, as it says itself. */
        made: instant,
        pairs: z.number().int().min(1).max(limits.bootstrapPairsMax),
      }),
    )
    .max(limits.bootstrapsSeenMax),
})

export type BootstrapSeen = z.infer<typeof bootstrapSeenSchema>

/** What `GET /v1/list/digest` answers: the descriptor names the key that the digest, and the lists, are signed with. */
export const digestAnswerSchema = z.object({
  digest: z.string().max(limits.listDigestBytesMax),
  descriptor: z.string().max(limits.descriptorBytesMax),
})

/** What `GET /v1/list` and `/v1/list/bucket/…` answer. */
export const listAnswerSchema = z.object({ list: z.string().max(limits.listBytesMax) })

/** What `GET /v1/bootstrap-seen` answers. */
export const bootstrapSeenAnswerSchema = z.object({
  seen: z.string().max(limits.listDigestBytesMax),
})

/** Who must have signed a statement, and the time that it is judged at. */
export interface ExpectedAuthor {
  readonly id: string
  readonly answerKeys: readonly AnswerKey[]
  /** Our wall time, ms since 1970 UTC. */
  readonly now: number
}

/**
 * The list in `statement` when the expected mirror signed it lately as an answer to this request.
 * @throws Failure statement-rejected
 */
export function verifyMirrorList(
  crypto: Crypto,
  statement: string,
  expected: ExpectedAuthor & Pick<MirrorList, 'bucket' | 'region' | 'status'>,
): Verified<MirrorList> {
  const kind = { type: 'smn-list+jws', name: 'list', bytesMax: limits.listBytesMax } as const
  const list = openStatement(crypto, statement, { kind, schema: mirrorListSchema, expected })
  for (const field of ['bucket', 'region', 'status'] as const)
    if (list[field] !== expected[field])
      throw rejected('list', `it is for ${field} ${JSON.stringify(list[field])}`)
  return list as Verified<MirrorList>
}

/** The digest in `statement` when the expected mirror signed it lately. @throws Failure statement-rejected */
export function verifyListDigest(
  crypto: Crypto,
  statement: string,
  expected: ExpectedAuthor,
): Verified<ListDigest> {
  const kind = {
    type: 'smn-list-digest+jws',
    name: 'list digest',
    bytesMax: limits.listDigestBytesMax,
  } as const
  const digest = openStatement(crypto, statement, { kind, schema: listDigestSchema, expected })
  return digest as Verified<ListDigest>
}

/** What the expected mirror says that it has seen. @throws Failure statement-rejected */
export function verifyBootstrapSeen(
  crypto: Crypto,
  statement: string,
  expected: ExpectedAuthor,
): Verified<BootstrapSeen> {
  const kind = {
    type: 'smn-bootstrap-seen+jws',
    name: 'record of bootstrap files',
    bytesMax: limits.listDigestBytesMax,
  } as const
  const seen = openStatement(crypto, statement, { kind, schema: bootstrapSeenSchema, expected })
  return seen as Verified<BootstrapSeen>
}

interface Kind {
  readonly type: StatementType
  /** For people. */
  readonly name: string
  readonly bytesMax: number
}

/** Signature, author and age, which all three have in common; nothing of the content beyond its shape. */
function openStatement<T extends { readonly iss: string; readonly iat: number }>(
  crypto: Crypto,
  statement: string,
  given: {
    readonly kind: Kind
    readonly schema: z.ZodType<T>
    readonly expected: ExpectedAuthor
  },
): T {
  const { kind, schema, expected } = given
  const refuse = (why: string): never => {
    throw rejected(kind.name, why)
  }
  const signed = readStatement(statement, kind.bytesMax)
  if (typeof signed === 'string') return refuse(signed)
  if (signed.type !== kind.type) return refuse(`it is a ${JSON.stringify(signed.type)}`)
  const answerKey = expected.answerKeys.find((key) => key.keyId === signed.keyId)
  if (answerKey === undefined) return refuse("it is signed with a key that is not its author's")
  if (!isStatementSigned(crypto, signed, answerKey.key))
    return refuse('its signature does not verify')
  const parsed = schema.safeParse(parseJson(textOf(signed.payload)))
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    return refuse(`at ${issue?.path.join('.') || 'the top'}: ${issue?.message ?? 'unreadable'}`)
  }
  const { iss, iat } = parsed.data
  if (iss !== expected.id) return refuse('it names another mirror as its author')
  if (iat > answerKey.expires) return refuse('its key had expired when it was signed')
  if (iat > expected.now + limits.clockSkewMs) return refuse('it is dated in the future')
  if (iat < expected.now - limits.listValidMs - limits.clockSkewMs) return refuse('it is too old')
  return parsed.data
}

function rejected(kind: string, why: string): Failure {
  return new Failure('statement-rejected', { kind, why })
}

function parseJson(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return null
  }
}

function isCanonicalAddress(text: string): boolean {
  return ipaddr.isValid(text) && ipaddr.parse(text).toString() === text
}

function isMirrorId(text: string): boolean {
  return fromBase64url(text)?.length === 32
}

function isDigestText(text: string): boolean {
  const octets = fromBase64url(text)
  return octets !== null && isListDigest(octets)
}
