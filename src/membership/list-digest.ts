// Digests of a list of mirrors, so that two lists are compared by 8 kB and only what differs is fetched (protocol §3).

import { equalBytes, fromBase64url, hex } from '../base/bytes.ts'
import { invariant } from '../base/invariant.ts'
import type { Crypto } from '../runtime/runtime.ts'

/** One mirror as a list names it. */
export interface ListedMirror {
  /** Canonical text of an address. */
  readonly ip: string
  readonly port: number
  readonly id: string
  /** Region code such as `RIPE-DE`, as far as the lister knows. */
  readonly region: string | null
  /** False for a mirror that the lister knows and does not vouch for. */
  readonly active: boolean
}

/** Parts of a list: by the first octet of the id, so that a change of one mirror touches one of them. */
export const listBuckets = 256
const digestOctets = 32

/** The bucket that the mirror `id` is in. An id that is not base64url is in the first. */
export function bucketOf(id: string): number {
  return fromBase64url(id.slice(0, 4))?.[0] ?? 0
}

/** `entries` by bucket, in the order given. */
export function bucketsOf<E extends Pick<ListedMirror, 'id'>>(
  entries: Iterable<E>,
): readonly (readonly E[])[] {
  const buckets = Array.from({ length: listBuckets }, (): E[] => [])
  for (const entry of entries) buckets[bucketOf(entry.id)]?.push(entry)
  return buckets
}

/**
 * SHA-256 of the bucket's entries: one line each, `id ip port region active|inactive` and a line feed, `-` for an
 * unknown region, the lines in the order of their octets. 32 octets; of no entries, the digest of nothing.
 */
export function bucketDigest(
  crypto: Pick<Crypto, 'digest'>,
  entries: readonly ListedMirror[],
): Uint8Array {
  return crypto.digest('sha256', entries.map(lineOf).toSorted().join(''))
}

/** All text is ASCII, so the order of code units is that of octets. */
function lineOf({ id, ip, port, region, active }: ListedMirror): string {
  return `${id} ${ip} ${port} ${region ?? '-'} ${active ? 'active' : 'inactive'}\n`
}

/**
 * The digests of all buckets, one after the other: 8,192 octets. A mirror that keeps `bucketDigest` of each bucket
 * has only the changed ones to make anew.
 */
export function listDigest(
  crypto: Pick<Crypto, 'digest'>,
  entries: Iterable<ListedMirror>,
): Uint8Array {
  const whole = new Uint8Array(listBuckets * digestOctets)
  bucketsOf(entries).forEach((bucket, i) => {
    whole.set(bucketDigest(crypto, bucket), i * digestOctets)
  })
  return whole
}

/** True for octets that have the length of a list digest. */
export function isListDigest(digest: Uint8Array): boolean {
  return digest.length === listBuckets * digestOctets
}

/** Buckets in which two lists differ, ascending. Both must be list digests. */
export function differingBuckets(one: Uint8Array, other: Uint8Array): readonly number[] {
  invariant(isListDigest(one) && isListDigest(other), 'list digests have 256 times 32 octets')
  const differing: number[] = []
  for (let i = 0; i < listBuckets; i++)
    if (!equalBytes(partOf(one, i), partOf(other, i))) differing.push(i)
  return differing
}

function partOf(digest: Uint8Array, bucket: number): Uint8Array {
  return digest.subarray(bucket * digestOctets, (bucket + 1) * digestOctets)
}

/** The digest of each bucket in `digest`, as lower-case hexadecimal digits. */
export function bucketHashes(digest: Uint8Array): readonly string[] {
  return Array.from({ length: listBuckets }, (_, bucket) => hex(partOf(digest, bucket)))
}

/** A mirror and the digest of its list. */
export interface DigestFrom {
  readonly from: string
  readonly digest: Uint8Array
}

/** Buckets whose content is known, by the lower-case hexadecimal digest of it. */
export type KnownBuckets = ReadonlyMap<string, readonly ListedMirror[]>

/**
 * The content of `lists`, and of buckets that were fetched, by the digest that it really has: what comes under another
 * digest than announced is known under its own, and so is nobody's.
 */
export function knownBuckets(
  crypto: Pick<Crypto, 'digest'>,
  lists: Iterable<readonly ListedMirror[]>,
): KnownBuckets {
  const known = new Map<string, readonly ListedMirror[]>()
  for (const list of lists)
    for (const bucket of bucketsOf(list)) known.set(hex(bucketDigest(crypto, bucket)), bucket)
  return known
}

/** One bucket to be fetched from one mirror, and the hash that it should have. */
export interface BucketFetch {
  readonly from: string
  readonly bucket: number
  readonly hash: string
}

/** The fewest fetches that make every list of `digests` known: each content once, from the first mirror that has it. */
export function bucketsToFetch(
  digests: readonly DigestFrom[],
  known: KnownBuckets,
): readonly BucketFetch[] {
  const wanted = new Map<string, BucketFetch>()
  for (const { from, digest } of digests) {
    bucketHashes(digest).forEach((hash, bucket) => {
      if (!known.has(hash) && !wanted.has(hash)) wanted.set(hash, { from, bucket, hash })
    })
  }
  return [...wanted.values()]
}

/**
 * The list behind `digest`; a bucket whose content is not known counts as empty. Lists that agree share their entries
 * in memory, so that a hundred of them take the room of one.
 */
export function listBehind(digest: Uint8Array, known: KnownBuckets): readonly ListedMirror[] {
  return bucketHashes(digest).flatMap((hash) => known.get(hash) ?? [])
}
