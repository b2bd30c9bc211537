// Lists of mirrors on the wire: what one mirror knows of the others, whole, by bucket, or as a digest of 256 hashes
// (protocol §3, §4). Every form is signed, since a client counts who says what.

import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import { fromBase64url } from '../base/bytes.ts'
import { limits } from '../base/limits.ts'
import { isListDigest, type ListedMirror } from '../membership/list-digest.ts'
import type { Verified } from '../observation/observation.ts'
import type { Crypto } from '../runtime/runtime.ts'
import { listEntrySchema } from './routes.ts'
import { openStatement, rejected, type ExpectedAuthor } from './statements.ts'

/** How a mirror sees another one (protocol §8). */
export const listedStates = ['candidate', 'probation', 'active', 'inactive'] as const

const validMs = limits.listValidMs
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

/**
 * The list in `statement` when the expected mirror signed it lately as an answer to this request.
 * @throws Failure statement-rejected
 */
export function verifyMirrorList(
  crypto: Crypto,
  statement: string,
  expected: ExpectedAuthor & Pick<MirrorList, 'bucket' | 'region' | 'status'>,
): Verified<MirrorList> {
  const kind = {
    type: 'smn-list+jws',
    name: 'list',
    bytesMax: limits.listBytesMax,
    validMs,
  } as const
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
    validMs,
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
    validMs,
  } as const
  const seen = openStatement(crypto, statement, { kind, schema: bootstrapSeenSchema, expected })
  return seen as Verified<BootstrapSeen>
}

function isCanonicalAddress(text: string): boolean {
  // A zone means something on one link alone (RFC 4007 §11).
  return !text.includes('%') && ipaddr.isValid(text) && ipaddr.parse(text).toString() === text
}

function isMirrorId(text: string): boolean {
  return fromBase64url(text)?.length === 32
}

function isDigestText(text: string): boolean {
  const octets = fromBase64url(text)
  return octets !== null && isListDigest(octets)
}
