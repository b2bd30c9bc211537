import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concat, fromHex, hex, utf8 } from '../base/bytes.ts'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import {
  appendLeaves,
  consistencyRoots,
  emptyFrontier,
  emptyRoot,
  hashLeaf,
  proveConsistency,
  proveInclusion,
  readFrontier,
  rootOf,
  verifyConsistency,
  verifyInclusion,
  type Frontier,
  type NodeReader,
  type TreeNode,
} from './merkle.ts'

const sha256 = (bytes: Uint8Array): Uint8Array => nodeCrypto.digest('sha256', bytes)

/** The tree head of RFC 6962 §2.1, word by word. */
function naiveRoot(leaves: readonly Uint8Array[]): Uint8Array {
  const [first] = leaves
  if (first === undefined) return sha256(new Uint8Array())
  if (leaves.length === 1) return first
  const k = 2 ** Math.floor(Math.log2(leaves.length - 1))
  return sha256(concat(Uint8Array.of(1), naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k))))
}

interface Kept {
  readonly frontier: Frontier
  readonly nodes: readonly TreeNode[]
  readonly reader: NodeReader
  /** Nodes that were asked for. */
  reads: number
}

/** A tree made of `leaves` in steps, with every node kept. */
function grow(leaves: readonly Uint8Array[], steps: readonly number[] = []): Kept {
  const kept = new Map<string, Uint8Array>()
  const nodes: TreeNode[] = []
  let frontier = emptyFrontier
  let at = 0
  for (const step of [...steps, leaves.length]) {
    const made = appendLeaves(nodeCrypto, frontier, leaves.slice(at, at + step))
    at += step
    frontier = made.frontier
    nodes.push(...made.nodes)
  }
  for (const { level, index, hash } of nodes) kept.set(`${level} ${index}`, hash)
  const tree: Kept = {
    frontier,
    nodes,
    reads: 0,
    reader: {
      read: async (ids) => {
        tree.reads += ids.length
        return ids.map(({ level, index }) => kept.get(`${level} ${index}`) ?? null)
      },
    },
  }
  return tree
}

const leavesOf = (count: number): readonly Uint8Array[] =>
  Array.from({ length: count }, (_, i) => hashLeaf(nodeCrypto, utf8(`leaf ${i}`)))

async function inclusion(tree: Kept, index: number, size: number): Promise<readonly Uint8Array[]> {
  const path = await proveInclusion(nodeCrypto, tree.reader, { index, size })
  assert.ok(path !== null)
  return path
}

async function consistency(tree: Kept, from: number, to: number): Promise<readonly Uint8Array[]> {
  const path = await proveConsistency(nodeCrypto, tree.reader, { from, to })
  assert.ok(path !== null)
  return path
}

// The inputs and roots that implementations of Certificate Transparency publish.
const published = [
  ['', '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'],
  ['00', 'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125'],
  ['10', 'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77'],
  ['2021', 'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7'],
  ['3031', '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4'],
  ['40414243', '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef'],
  ['5051525354555657', 'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c'],
  [
    '606162636465666768696a6b6c6d6e6f',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ],
] as const
const publishedLeaves = published.map(([data]) =>
  hashLeaf(nodeCrypto, fromHex(data) ?? new Uint8Array()),
)

test('the published roots of no and of one to eight leaves', () => {
  assert.equal(
    hex(emptyRoot(nodeCrypto)),
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  )
  assert.equal(hex(rootOf(nodeCrypto, emptyFrontier)), hex(emptyRoot(nodeCrypto)))
  published.forEach(([, root], i) => {
    assert.equal(hex(rootOf(nodeCrypto, grow(publishedLeaves.slice(0, i + 1)).frontier)), root)
  })
})

test('the published proofs', async () => {
  const tree = grow(publishedLeaves)
  const hexes = (path: readonly Uint8Array[]): readonly string[] => path.map(hex)
  const first = [
    '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
    '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
    '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
  ]
  assert.deepEqual(hexes(await inclusion(tree, 0, 8)), first)
  assert.deepEqual(hexes(await consistency(tree, 1, 8)), first)
  assert.deepEqual(hexes(await inclusion(tree, 5, 8)), [
    'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  ])
  assert.deepEqual(hexes(await consistency(tree, 6, 8)), [
    '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
    'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  ])
  assert.deepEqual(hexes(await consistency(tree, 2, 5)), [
    '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
    'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
  ])
})

test('a tree grown in any steps has the root of the naive tree, and its frontier is read back', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat({ max: 140 }),
      fc.array(fc.nat({ max: 40 }), { maxLength: 6 }),
      async (count, steps) => {
        const leaves = leavesOf(count)
        const { frontier, reader } = grow(leaves, steps)
        assert.equal(frontier.size, count)
        assert.equal(hex(rootOf(nodeCrypto, frontier)), hex(naiveRoot(leaves)))
        assert.deepEqual(await readFrontier(reader, count), frontier)
      },
    ),
  )
})

test('every leaf of every tree up to 40 leaves is proved, at its own place alone', async () => {
  const leaves = leavesOf(40)
  const tree = grow(leaves)
  for (let size = 1; size <= leaves.length; size++) {
    const root = naiveRoot(leaves.slice(0, size))
    for (let index = 0; index < size; index++) {
      const leaf = leaves[index] ?? root
      const proof = { leaf, index, size, root, path: await inclusion(tree, index, size) }
      assert.ok(verifyInclusion(nodeCrypto, proof), `${index} of ${size}`)
      for (let other = 0; other <= size; other++)
        if (other !== index) assert.ok(!verifyInclusion(nodeCrypto, { ...proof, index: other }))
    }
  }
})

test('every beginning of every tree up to 40 leaves is proved, and for its own sizes alone', async () => {
  const leaves = leavesOf(40)
  const tree = grow(leaves)
  const roots = Array.from({ length: 41 }, (_, size) => naiveRoot(leaves.slice(0, size)))
  const rootAt = (size: number): Uint8Array => roots[size] ?? new Uint8Array()
  for (let to = 0; to <= leaves.length; to++)
    for (let from = 0; from <= to; from++) {
      const path = await consistency(tree, from, to)
      const proof = { from, to, path, older: rootAt(from), newer: rootAt(to) }
      assert.ok(verifyConsistency(nodeCrypto, proof), `${from} of ${to}`)
      if (from > 0) {
        const given = consistencyRoots(nodeCrypto, { from, to, path, root: proof.older })
        assert.deepEqual(given, { older: proof.older, newer: proof.newer })
      }
      if (from === 0 || from === to) continue
      for (const other of [from - 1, from + 1])
        assert.ok(
          !verifyConsistency(nodeCrypto, { ...proof, from: other, older: rootAt(other) }),
          `${other} of ${to} by the path for ${from}`,
        )
    }
})

test('a proof with any changed bit, a hash more or a hash less fails', async () => {
  const leaves = leavesOf(70)
  const tree = grow(leaves)
  const size = fc.integer({ min: 2, max: leaves.length })
  await fc.assert(
    fc.asyncProperty(size, fc.nat(), fc.nat(), async (to, pick, bit) => {
      const index = pick % to
      const from = 1 + (pick % (to - 1))
      const [older, newer] = [from, to].map((count) => naiveRoot(leaves.slice(0, count)))
      assert.ok(older !== undefined && newer !== undefined)
      const leaf = leaves[index] ?? older
      const included = {
        leaf,
        index,
        size: to,
        root: newer,
        path: await inclusion(tree, index, to),
      }
      const consistent = { from, to, older, newer, path: await consistency(tree, from, to) }
      for (const path of damages(included.path, bit))
        assert.ok(!verifyInclusion(nodeCrypto, { ...included, path }))
      for (const path of damages(consistent.path, bit))
        assert.ok(!verifyConsistency(nodeCrypto, { ...consistent, path }))
      const [badLeaf, badRoot, badOlder] = [leaf, newer, older].map((hash) => flip(hash, bit))
      assert.ok(badLeaf !== undefined && badRoot !== undefined && badOlder !== undefined)
      assert.ok(!verifyInclusion(nodeCrypto, { ...included, leaf: badLeaf }))
      assert.ok(!verifyInclusion(nodeCrypto, { ...included, root: badRoot }))
      assert.ok(!verifyConsistency(nodeCrypto, { ...consistent, older: badOlder }))
      assert.ok(!verifyConsistency(nodeCrypto, { ...consistent, newer: badRoot }))
    }),
  )
})

function flip(hash: Uint8Array, bit: number): Uint8Array {
  const at = bit % (8 * hash.length)
  return hash.map((byte, i) => (i === at >> 3 ? byte ^ (1 << (at & 7)) : byte))
}

/** `path` with one bit changed, a hash dropped at either end, doubled, or cut short, and with all of another order. */
function damages(path: readonly Uint8Array[], bit: number): readonly (readonly Uint8Array[])[] {
  const extra = path[0] ?? sha256(new Uint8Array())
  const all = [
    path.map((hash, i) => (i === bit % path.length ? flip(hash, bit >> 5) : hash)),
    path.map((hash, i) => (i === bit % path.length ? hash.subarray(1) : hash)),
    path.slice(1),
    path.slice(0, -1),
    [extra, ...path],
    [...path, extra],
    path.toReversed(),
  ]
  return all.filter(
    (one) => one.length !== path.length || !one.every((hash, i) => hash === path[i]),
  )
}

test('a history that was rewritten has no proof, and its own path tells the other root', async () => {
  const leaves = leavesOf(29)
  const other = leaves.map((leaf, i) => (i === 6 ? flip(leaf, 0) : leaf))
  for (const from of [7, 8, 11, 16, 28]) {
    const older = naiveRoot(leaves.slice(0, from))
    const rewritten = grow(other)
    const path = await consistency(rewritten, from, 29)
    const newer = naiveRoot(other)
    assert.ok(!verifyConsistency(nodeCrypto, { from, to: 29, older, newer, path }))
    const claimed = naiveRoot(other.slice(0, from))
    const roots = consistencyRoots(nodeCrypto, { from, to: 29, root: claimed, path })
    assert.deepEqual(roots, { older: claimed, newer })
  }
})

test('numbers that are no sizes never verify', () => {
  const leaf = sha256(new Uint8Array())
  const wrong = [-1, 0.5, 1.5, Number.NaN, Infinity, 2 ** 53]
  for (const number of wrong) {
    const root = leaf
    assert.ok(!verifyInclusion(nodeCrypto, { leaf, index: number, size: 1, root, path: [] }))
    assert.ok(!verifyInclusion(nodeCrypto, { leaf, index: 0, size: number, root, path: [] }))
    const roots = { older: leaf, newer: leaf, path: [] }
    assert.ok(!verifyConsistency(nodeCrypto, { from: number, to: 1, ...roots }))
    assert.ok(!verifyConsistency(nodeCrypto, { from: 1, to: number, ...roots }))
    assert.ok(!verifyConsistency(nodeCrypto, { from: 0, to: number, ...roots }))
    for (const path of [[leaf], [leaf, leaf]]) {
      assert.equal(consistencyRoots(nodeCrypto, { from: 1, to: number, root: leaf, path }), null)
      assert.equal(consistencyRoots(nodeCrypto, { from: number, to: 2, root: leaf, path }), null)
    }
  }
  assert.ok(!verifyInclusion(nodeCrypto, { leaf, index: 1, size: 1, root: leaf, path: [] }))
  assert.ok(!verifyConsistency(nodeCrypto, { from: 2, to: 1, older: leaf, newer: leaf, path: [] }))
})

test('a huge tree is proved with few readings, and without rounding', async () => {
  const size = 2 ** 53 - 1
  const hash = sha256(new Uint8Array())
  let reads = 0
  const reader: NodeReader = {
    read: async (ids) => {
      reads += ids.length
      for (const { level, index } of ids) assert.ok((index + 1) * 2 ** level <= size)
      return ids.map(() => hash)
    },
  }
  const path = await proveInclusion(nodeCrypto, reader, { index: 2 ** 52 + 12_345, size })
  assert.ok(path !== null && path.length <= 53)
  await proveConsistency(nodeCrypto, reader, { from: 2 ** 52 - 3, to: size })
  assert.ok(reads < 4 * 53, String(reads))
  assert.ok(!verifyInclusion(nodeCrypto, { leaf: hash, index: 5, size, root: hash, path }))
})

test('proofs read a logarithm of nodes, and say when one of them is gone', async () => {
  const tree = grow(leavesOf(1000))
  for (const index of [0, 511, 512, 999]) {
    tree.reads = 0
    await inclusion(tree, index, 1000)
    assert.ok(tree.reads <= 2 * 10, String(tree.reads))
  }
  const forgetful: NodeReader = {
    read: async (ids) =>
      (await tree.reader.read(ids)).map((hash, i) =>
        (ids[i]?.level ?? 0) < 3 && (ids[i]?.index ?? 0) < 8 ? null : hash,
      ),
  }
  const prove = (index: number) => proveInclusion(nodeCrypto, forgetful, { index, size: 1000 })
  assert.equal(await prove(3), null)
  assert.notEqual(await prove(900), null)
  assert.equal(await proveConsistency(nodeCrypto, forgetful, { from: 5, to: 1000 }), null)
  assert.notEqual(await proveConsistency(nodeCrypto, forgetful, { from: 64, to: 1000 }), null)
  assert.equal(await readFrontier(forgetful, 5), null)
})
