// The Merkle tree of an append-only log (RFC 9162 §2.1, with the hashes of RFC 6962 §2.1): roots, proofs, and their checks.

import { concat, equalBytes } from '../base/bytes.ts'
import { invariant } from '../base/invariant.ts'
import type { Crypto } from '../runtime/runtime.ts'

type Hasher = Pick<Crypto, 'digest'>

/** The bytes of every hash here. */
export const merkleHashBytes = 32

/** The subtree over the leaves from `index` × 2^`level`, 2^`level` of them: once all are there it never changes. */
export interface NodeId {
  readonly level: number
  readonly index: number
}

/** A subtree with its hash. */
export interface TreeNode extends NodeId {
  readonly hash: Uint8Array
}

/** Where the hashes of whole subtrees are kept. */
export interface NodeReader {
  /** The hash of each of `nodes`, in their order; null for one that is not kept any more. */
  read(nodes: readonly NodeId[]): Promise<readonly (Uint8Array | null)[]>
}

/** All that appending needs to know of a tree: the whole subtrees that its size falls into, the largest first. */
export interface Frontier {
  readonly size: number
  readonly roots: readonly Uint8Array[]
}

/** The frontier of a tree without leaves. */
export const emptyFrontier: Frontier = { size: 0, roots: [] }

const leafTag = Uint8Array.of(0)
const nodeTag = Uint8Array.of(1)

/** The hash of a tree without leaves. */
export function emptyRoot(crypto: Hasher): Uint8Array {
  return crypto.digest('sha256', new Uint8Array())
}

/** The hash of a leaf that stands for `data`. */
export function hashLeaf(crypto: Hasher, data: Uint8Array): Uint8Array {
  return crypto.digest('sha256', concat(leafTag, data))
}

function hashPair(crypto: Hasher, left: Uint8Array, right: Uint8Array): Uint8Array {
  return crypto.digest('sha256', concat(nodeTag, left, right))
}

/** The tree with `leaves` (hashes) behind its last, and every subtree that became whole by them. */
export function appendLeaves(
  crypto: Hasher,
  frontier: Frontier,
  leaves: readonly Uint8Array[],
): { readonly frontier: Frontier; readonly nodes: readonly TreeNode[] } {
  const roots = [...frontier.roots]
  const nodes: TreeNode[] = []
  let size = frontier.size
  for (const leaf of leaves) {
    let node: TreeNode = { level: 0, index: size, hash: leaf }
    nodes.push(node)
    while (node.index % 2 === 1) {
      const left = roots.pop()
      invariant(left !== undefined, 'a frontier holds a root for each bit of its size')
      const hash = hashPair(crypto, left, node.hash)
      node = { level: node.level + 1, index: (node.index - 1) / 2, hash }
      nodes.push(node)
    }
    roots.push(node.hash)
    size += 1
  }
  return { frontier: { size, roots }, nodes }
}

/** The root of a tree. */
export function rootOf(crypto: Hasher, frontier: Frontier): Uint8Array {
  return frontier.roots.length === 0 ? emptyRoot(crypto) : joined(crypto, frontier.roots)
}

/** The hash over neighbouring subtrees of falling size: the smaller are joined first. */
function joined(crypto: Hasher, hashes: readonly Uint8Array[]): Uint8Array {
  return hashes.reduceRight((right, left) => hashPair(crypto, left, right))
}

/** The frontier of the tree of `size` leaves; null when a part of it is not kept any more. */
export async function readFrontier(reader: NodeReader, size: number): Promise<Frontier | null> {
  const roots = await reader.read(wholeSubtrees({ start: 0, end: size }))
  return roots.every((hash) => hash !== null) ? { size, roots } : null
}

/** Leaves from `start` to before `end`, where `start` is a multiple of a power of two that is not below their number. */
interface Range {
  readonly start: number
  readonly end: number
}

/** The whole subtrees that a range falls into, the largest first. */
function wholeSubtrees({ start, end }: Range): readonly NodeId[] {
  const nodes: NodeId[] = []
  for (let at = start; at < end;) {
    let level = 0
    let width = 1
    while (width * 2 <= end - at) {
      level += 1
      width *= 2
    }
    nodes.push({ level, index: at / width })
    at += width
  }
  return nodes
}

/** The largest power of two below `count`, which is at least 2: how many leaves a tree of `count` has on its left. */
function leftOf(count: number): number {
  let width = 1
  while (width * 2 < count) width *= 2
  return width
}

/** The path that proves the leaf at `index` in the tree of `size` leaves; null when parts of it are not kept any more. */
export async function proveInclusion(
  crypto: Hasher,
  reader: NodeReader,
  { index, size }: { readonly index: number; readonly size: number },
): Promise<readonly Uint8Array[] | null> {
  invariant(index >= 0 && index < size, 'a leaf is in the tree that is to prove it')
  const besides: Range[] = []
  let [start, end] = [0, size]
  while (end - start > 1) {
    const middle = start + leftOf(end - start)
    if (index < middle) {
      besides.push({ start: middle, end })
      end = middle
    } else {
      besides.push({ start, end: middle })
      start = middle
    }
  }
  return hashesOf(crypto, reader, besides.toReversed())
}

/**
 * The path that proves the tree of `from` leaves to be the beginning of the tree of `to`; null when parts of it are
 * not kept any more. Empty for no leaves, and for equal sizes.
 */
export async function proveConsistency(
  crypto: Hasher,
  reader: NodeReader,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<readonly Uint8Array[] | null> {
  invariant(from >= 0 && from <= to, 'the older tree is not the larger one')
  if (from === 0) return []
  const parts: Range[] = []
  let [start, end] = [0, to]
  while (end !== from) {
    const middle = start + leftOf(end - start)
    if (from <= middle) {
      parts.push({ start: middle, end })
      end = middle
    } else {
      parts.push({ start, end: middle })
      start = middle
    }
  }
  // A subtree that begins at 0 is the older tree itself, whose root the asker knows.
  if (start > 0) parts.push({ start, end })
  return hashesOf(crypto, reader, parts.toReversed())
}

/** The hash of each range, with one reading. */
async function hashesOf(
  crypto: Hasher,
  reader: NodeReader,
  ranges: readonly Range[],
): Promise<readonly Uint8Array[] | null> {
  const nodes = ranges.map(wholeSubtrees)
  const hashes = await reader.read(nodes.flat())
  if (!hashes.every((hash) => hash !== null)) return null
  let at = 0
  return nodes.map(({ length }) => joined(crypto, hashes.slice(at, (at += length))))
}

/** True when `path` proves the leaf hash `leaf` at `index` of the tree of `size` leaves with `root` (RFC 9162 §2.1.3.2). */
export function verifyInclusion(
  crypto: Hasher,
  proof: {
    readonly leaf: Uint8Array
    readonly index: number
    readonly size: number
    readonly root: Uint8Array
    readonly path: readonly Uint8Array[]
  },
): boolean {
  if (!isCount(proof.index) || !isCount(proof.size) || proof.index >= proof.size) return false
  if (![proof.leaf, ...proof.path].every(isHash)) return false
  const climb = createClimb(proof.index, proof.size - 1)
  let hash = proof.leaf
  for (const beside of proof.path) {
    const side = climb.next()
    if (side === null) return false
    hash = side === 'left' ? hashPair(crypto, beside, hash) : hashPair(crypto, hash, beside)
  }
  return climb.isAtTop() && equalBytes(hash, proof.root)
}

/**
 * The roots that `path` leads to when `root` is taken for that of the older tree: the older one, which is `root` unless
 * the path contradicts it, and the newer (RFC 9162 §2.1.4.2). Null for a path that does not fit the sizes.
 */
export function consistencyRoots(
  crypto: Hasher,
  proof: {
    readonly from: number
    readonly to: number
    readonly root: Uint8Array
    readonly path: readonly Uint8Array[]
  },
): { readonly older: Uint8Array; readonly newer: Uint8Array } | null {
  const { from, to, root, path } = proof
  if (!isCount(from) || !isCount(to) || from < 1 || from > to) return null
  if (![root, ...path].every(isHash)) return null
  if (from === to) return path.length === 0 ? { older: root, newer: root } : null
  const [first, ...rest] = isPowerOfTwo(from) ? [root, ...path] : path
  if (first === undefined) return null
  const climb = createClimb(from - 1, to - 1)
  climb.skipLeft()
  let [older, newer] = [first, first]
  for (const beside of rest) {
    const side = climb.next()
    if (side === null) return null
    if (side === 'left') older = hashPair(crypto, beside, older)
    newer = side === 'left' ? hashPair(crypto, beside, newer) : hashPair(crypto, newer, beside)
  }
  return climb.isAtTop() ? { older, newer } : null
}

/** True when `path` proves the tree of `from` leaves to be the beginning of the tree of `to`. */
export function verifyConsistency(
  crypto: Hasher,
  proof: {
    readonly from: number
    readonly to: number
    readonly older: Uint8Array
    readonly newer: Uint8Array
    readonly path: readonly Uint8Array[]
  },
): boolean {
  const { from, to, older, newer, path } = proof
  if (from === 0 && isCount(to)) return path.length === 0 && equalBytes(older, emptyRoot(crypto))
  const roots = consistencyRoots(crypto, { from, to, root: older, path })
  return roots !== null && equalBytes(roots.older, older) && equalBytes(roots.newer, newer)
}

/**
 * The way from a leaf to the root of a tree whose last leaf is `last`, in the steps of RFC 9162: each names the side on
 * which the path's next hash stands, and is null when the root is reached.
 */
function createClimb(leaf: number, last: number) {
  let [at, end] = [leaf, last]
  const up = (): void => {
    at = Math.floor(at / 2)
    end = Math.floor(end / 2)
  }
  return {
    isAtTop: (): boolean => end === 0,
    /** Passes the levels on which it stands on the right: the subtree that ends there is whole. */
    skipLeft: (): void => {
      while (at % 2 === 1) up()
    },
    next: (): 'left' | 'right' | null => {
      if (end === 0) return null
      const side = at % 2 === 1 || at === end ? 'left' : 'right'
      // The last of its level without a neighbour moves up unchanged.
      if (side === 'left') while (at % 2 === 0 && at !== 0) up()
      up()
      return side
    },
  }
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function isHash(bytes: Uint8Array): boolean {
  return bytes.length === merkleHashBytes
}

function isPowerOfTwo(count: number): boolean {
  return count === 1 || (count % 2 === 0 && isPowerOfTwo(count / 2))
}
