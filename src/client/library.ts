// What is known of mirrors' lists while they are collected: who signed which digest, and what stands behind the hashes
// (protocol §3). Knows nothing of the network.

import { equalBytes, fromBase64url, hex } from '../base/bytes.ts'
import { Failure } from '../base/failure.ts'
import {
  bucketDigest,
  bucketHashes,
  bucketOf,
  bucketsToFetch,
  knownBuckets,
  listBehind,
  listDigest,
  type ListedMirror,
} from '../membership/list-digest.ts'
import type { ListFrom } from '../membership/list.ts'
import type { Verified } from '../observation/observation.ts'
import { listedOf, type MirrorList } from '../protocol/lists.ts'
import type { Crypto } from '../runtime/runtime.ts'
import { registryOf } from '../verdict/regions.ts'
import type { Author } from './lists.ts'

/** The lists that are being collected. What comes from one mirror counts for all whose digest has the same hash. */
export interface Library {
  /** Begins a shelf for a mirror whose digest has come. */
  open(author: Author): void
  /** Forgets a mirror; what it has told of others' lists stays. */
  close(author: Author): void
  /** @throws Failure mirror-rejected, when the mirror contradicts its own digest */
  takeWhole(author: Author, list: Verified<MirrorList>): void
  /** @throws Failure mirror-rejected, when the mirror contradicts its own digest */
  takeBucket(author: Author, bucket: number, list: Verified<MirrorList>): void
  authors(): readonly Author[]
  /**
   * At most `count` mirrors whose lists have most in common with the others', of different registries as far as there
   * are such.
   */
  mostCentral(count: number): readonly Author[]
  /** Every bucket content that is still unknown, each once, with a mirror to ask for it. */
  missing(): ReadonlyMap<Author, readonly number[]>
  /** The lists as they are known now, each mirror's own entry before the others. */
  lists(): readonly ListFrom[]
}

interface Shelf {
  readonly author: Author
  /** Of its list as it has signed it last. */
  digest: Uint8Array
}

/** An empty library. */
export function createLibrary(crypto: Pick<Crypto, 'digest'>): Library {
  const known = new Map(knownBuckets(crypto, [[]]))
  const shelves = new Map<string, Shelf>()
  const authors = (): readonly Author[] => [...shelves.values()].map(({ author }) => author)
  let turn = 0
  return {
    open: (author) => {
      const digest = fromBase64url(author.digest.digest) ?? new Uint8Array()
      shelves.set(author.mirror.id, { author, digest })
    },
    close: ({ mirror }) => {
      shelves.delete(mirror.id)
    },
    takeWhole: (author, list) => {
      const shelf = shelfOf(shelves, author)
      const entries = list.mirrors.map(listedOf)
      const digest = listDigest(crypto, entries)
      checkAgainst(author, list, equalBytes(digest, shelf.digest))
      shelf.digest = digest
      for (const [hash, content] of knownBuckets(crypto, [entries])) known.set(hash, content)
    },
    takeBucket: (author, bucket, list) => {
      const shelf = shelfOf(shelves, author)
      const entries = list.mirrors.map(listedOf)
      if (entries.some(({ id }) => bucketOf(id) !== bucket))
        throw rejected(author, `its bucket ${bucket} holds mirrors of another one`)
      const digest = bucketDigest(crypto, entries)
      checkAgainst(author, list, bucketHashes(shelf.digest)[bucket] === hex(digest))
      shelf.digest = withPart(shelf.digest, bucket, digest)
      known.set(hex(digest), entries)
    },
    authors,
    mostCentral: (count) => ranked([...shelves.values()]).slice(0, count),
    missing: () => {
      const holders = new Map<string, Author[]>()
      for (const { author, digest } of shelves.values())
        for (const place of placedHashes(digest)) {
          const those = holders.get(place)
          if (those === undefined) holders.set(place, [author])
          else those.push(author)
        }
      const digests = [...shelves].map(([from, { digest }]) => ({ from, digest }))
      const byAuthor = new Map<Author, number[]>()
      for (const { bucket, hash } of bucketsToFetch(digests, known)) {
        // In turn among those who have it: a liar is not asked for everything.
        const those = holders.get(placed(hash, bucket)) ?? []
        const author = those[turn++ % those.length]
        if (author === undefined) continue
        const buckets = byAuthor.get(author) ?? []
        buckets.push(bucket)
        byAuthor.set(author, buckets)
      }
      return byAuthor
    },
    lists: () =>
      [...shelves].map(([from, { author, digest }]) => ({
        from,
        region: author.mirror.region,
        entries: [itself(author), ...listBehind(digest, known)],
      })),
  }
}

/**
 * A mirror lists the others; that it is there itself it has shown by answering. Without this, one liar among three
 * could keep both others from having a majority.
 */
function itself({ mirror: { ip, port, id, region } }: Author): ListedMirror {
  return { ip, port, id, region, active: true }
}

function shelfOf(shelves: ReadonlyMap<string, Shelf>, author: Author): Shelf {
  const shelf = shelves.get(author.mirror.id)
  if (shelf === undefined) throw new Error('a list is taken only for a shelf that is open')
  return shelf
}

/**
 * A list of the digest's own time must be the list of the digest; one that was drawn up later may differ, and is the
 * mirror's newest word.
 */
function checkAgainst(author: Author, list: Pick<MirrorList, 'iat'>, isSame: boolean): void {
  if (list.iat < author.digest.iat) throw rejected(author, 'its list is older than its digest')
  if (list.iat === author.digest.iat && !isSame)
    throw rejected(author, 'its list is not the one of its digest')
}

function rejected({ mirror }: Author, why: string): Failure {
  return new Failure('mirror-rejected', { mirror: mirror.id, why })
}

function withPart(digest: Uint8Array, bucket: number, part: Uint8Array): Uint8Array {
  const changed = digest.slice()
  changed.set(part, bucket * part.length)
  return changed
}

/** Those first that share most with others; the best of each registry before all further ones. */
function ranked(shelves: readonly Shelf[]): readonly Author[] {
  const hashes = shelves.map(({ author, digest }) => ({
    author,
    own: placedHashes(digest),
  }))
  const holders = new Map<string, number>()
  for (const { own } of hashes)
    for (const hash of own) holders.set(hash, (holders.get(hash) ?? 0) + 1)
  const authors = hashes
    .map(({ author, own }) => ({
      author,
      shared: own.reduce((sum, hash) => sum + (holders.get(hash) ?? 0), 0),
    }))
    .toSorted((a, b) => b.shared - a.shared)
    .map(({ author }) => author)
  const byRegistry = Map.groupBy(authors, ({ mirror }) => registryOf(mirror.region))
  const best = [...byRegistry.values()].flatMap(([first]) => first ?? [])
  return [...new Set([...best, ...authors])]
}

/** Hashes with their places: an empty bucket here is not one there, nor is a hash that somebody claims elsewhere. */
function placedHashes(digest: Uint8Array): readonly string[] {
  return bucketHashes(digest).map(placed)
}

function placed(hash: string, bucket: number): string {
  return `${bucket} ${hash}`
}
