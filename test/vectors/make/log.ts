// Vectors of a log: leaves, roots, proofs, heads, and whether two heads tell one history (LOG).

import { base64url } from '../../../src/base/bytes.ts'
import { signHead, type Head } from '../../../src/observation/log-head.ts'
import { leafOf } from '../../../src/observation/log-leaf.ts'
import {
  appendLeaves,
  emptyFrontier,
  proveConsistency,
  proveInclusion,
  rootOf,
  type NodeReader,
} from '../../../src/observation/merkle.ts'
import type { DnsAnswer, Sight } from '../../../src/observation/observation.ts'
import {
  accepted,
  contentOf,
  createStage,
  misSigned,
  now,
  refusedBy,
  second,
  type Stage,
  type VectorFile,
} from './stage.ts'

const salt = base64url(new Uint8Array(16).fill(9))
const leafCount = 11

/** All of the log of one mirror. */
export async function logVectors(): Promise<VectorFile> {
  const stage = createStage(7)
  const tree = growTree(stage)
  return {
    name: 'log',
    content: {
      about:
        'Leaves and roots of a log, proofs in it, signed heads, and pairs of heads. Hashes are base64url.',
      now,
      id: stage.mirror.identity.id,
      descriptor: stage.mirror.identity.descriptor,
      sights: sightLeaves(stage),
      leaves: tree.leaves.map(base64url),
      roots: tree.roots.map(base64url),
      inclusion: await inclusionProofs(stage, tree),
      consistency: await consistencyProofs(stage, tree),
      heads: heads(stage, tree),
      pairs: await pairs(stage, tree),
    },
  }
}

const answer: DnsAnswer = {
  status: 'ok',
  records: ['203.0.113.10'],
  ttl: 60,
  ad: false,
  cname: [],
  error: null,
}

/** Observations and the hashes of their leaves: what an asker wished for, and how long things took, changes nothing. */
function sightLeaves({ needs }: Stage) {
  const target = 'https://www.example.test'
  const own = {
    address: '203.0.113.10',
    port: 443,
    origin: 'own',
    outcome: 'completed',
    error: null,
    protocol: 'TLSv1.3',
    cipher: 'TLS_AES_128_GCM_SHA256',
    group: null,
    alpn: 'h2',
    chain: [{ certificate: '11'.repeat(32), spki: '22'.repeat(32) }],
    connectMs: 11,
    handshakeMs: 22,
  } as const
  const sight: Omit<Sight, 'target'> = {
    at: now,
    dns: {
      a: answer,
      aaaa: { ...answer, status: 'nodata', records: [] },
      authority: {
        ...answer,
        records: [`2 1 1 ${'44'.repeat(32)}`],
        origin: 'service',
        owner: '_443._tcp.www.example.test',
        base: 'www.example.test',
      },
    },
    handshakes: [own],
    dnsMs: 8,
  }
  const leaf = (name: string, one: Omit<Sight, 'target'>) => ({
    name,
    target,
    salt,
    sight: one,
    leaf: base64url(leafOf(needs.crypto, { target, salt, sight: one })),
  })
  return [
    leaf('a sight', sight),
    leaf('the same, with an address that the asker wished for', {
      ...sight,
      handshakes: [own, { ...own, address: '192.0.2.66', origin: 'asked' }],
    }),
    leaf('the same, a little quicker', { ...sight, dnsMs: 7 }),
    leaf('another one', { ...sight, at: now + 1 }),
    leaf('one without handshakes', { ...sight, handshakes: [] }),
  ]
}

interface Tree {
  readonly leaves: readonly Uint8Array[]
  /** By size, from 0. */
  readonly roots: readonly Uint8Array[]
  readonly reader: NodeReader
}

function growTree({ needs }: Stage): Tree {
  const leaves = Array.from({ length: leafCount }, (_, i) =>
    needs.crypto.digest('sha256', `\0leaf ${i}`),
  )
  const nodes = new Map<string, Uint8Array>()
  let frontier = emptyFrontier
  const roots = [rootOf(needs.crypto, frontier)]
  for (const leaf of leaves) {
    const grown = appendLeaves(needs.crypto, frontier, [leaf])
    for (const { level, index, hash } of grown.nodes) nodes.set(`${level} ${index}`, hash)
    frontier = grown.frontier
    roots.push(rootOf(needs.crypto, frontier))
  }
  return {
    leaves,
    roots,
    reader: {
      read: async (wanted) =>
        wanted.map(({ level, index }) => nodes.get(`${level} ${index}`) ?? null),
    },
  }
}

async function inclusionProofs({ needs }: Stage, { reader, leaves, roots }: Tree) {
  const places = [
    [0, 1],
    [0, 2],
    [1, 2],
    [0, 11],
    [4, 7],
    [6, 7],
    [10, 11],
  ] as const
  const whole = await Promise.all(
    places.map(async ([index, size]) => ({
      name: `leaf ${index} of ${size}`,
      index,
      size,
      leaf: base64url(leaves[index] ?? new Uint8Array()),
      root: base64url(roots[size] ?? new Uint8Array()),
      path: ((await proveInclusion(needs.crypto, reader, { index, size })) ?? []).map(base64url),
      ...accepted,
    })),
  )
  const model = whole[4]
  const broken = (name: string, change: object) => ({
    ...model,
    name,
    ...change,
    ...refusedBy('LOG-6'),
  })
  const path = model?.path ?? []
  return [
    ...whole,
    broken('another leaf', { leaf: base64url(leaves[5] ?? new Uint8Array()) }),
    broken('at another place', { index: 5 }),
    broken('in a log of another size', { size: 6 }),
    broken('beyond the log', { index: 7 }),
    broken('with a path that is too short', { path: path.slice(1) }),
    broken('with a path that is too long', { path: [...path, ...path] }),
    broken('with a path in another order', { path: path.toReversed() }),
    broken('of another root', { root: base64url(roots[8] ?? new Uint8Array()) }),
  ]
}

async function consistencyProofs({ needs }: Stage, { reader, roots }: Tree) {
  const ranges = [
    [1, 2],
    [1, 11],
    [2, 3],
    [3, 7],
    [4, 8],
    [6, 11],
    [8, 11],
    [11, 11],
  ] as const
  const whole = await Promise.all(
    ranges.map(async ([from, to]) => ({
      name: `from ${from} to ${to}`,
      from,
      to,
      older: base64url(roots[from] ?? new Uint8Array()),
      newer: base64url(roots[to] ?? new Uint8Array()),
      path: ((await proveConsistency(needs.crypto, reader, { from, to })) ?? []).map(base64url),
      ...accepted,
    })),
  )
  const model = whole[5]
  const broken = (name: string, change: object) => ({
    ...model,
    name,
    ...change,
    ...refusedBy('LOG-5'),
  })
  const path = model?.path ?? []
  return [
    ...whole,
    broken('from another root', { older: base64url(roots[5] ?? new Uint8Array()) }),
    broken('to another root', { newer: base64url(roots[10] ?? new Uint8Array()) }),
    broken('from another size', { from: 5 }),
    broken('with a path that is too short', { path: path.slice(1) }),
    broken('with a path that is too long', { path: [...path, ...path] }),
    broken('backwards', { from: 11, to: 6 }),
  ]
}

function headOf(
  { mirror }: Stage,
  { roots }: Tree,
  change: Partial<Head> & { size: number },
): Head {
  const root = base64url(roots[change.size] ?? new Uint8Array())
  return { v: 1, iss: mirror.identity.id, root, at: now, ...change }
}

function heads(stage: Stage, tree: Tree) {
  const { identity } = stage.mirror
  const { exp } = contentOf(stage.mirror)
  const signed = (change: Partial<Head> & { size: number }): string =>
    signHead(identity.answerKey, identity.answerKeyId, headOf(stage, tree, change))
  const other = stage.stranger.identity
  return [
    { name: 'of eleven leaves', statement: signed({ size: 11 }), ...accepted },
    { name: 'of none', statement: signed({ size: 0 }), ...accepted },
    {
      name: 'of none, with a root of its own',
      statement: signed({ size: 0, root: base64url(tree.roots[1] ?? new Uint8Array()) }),
      ...refusedBy('LOG-2'),
    },
    {
      name: 'with a changed signature',
      statement: misSigned(signed({ size: 3 })),
      ...refusedBy('LOG-2'),
    },
    {
      name: 'of another mirror',
      statement: signed({ size: 3, iss: other.id }),
      ...refusedBy('LOG-2'),
    },
    {
      name: 'signed by another mirror',
      statement: signHead(other.answerKey, other.answerKeyId, headOf(stage, tree, { size: 3 })),
      ...refusedBy('LOG-2'),
    },
    {
      name: 'of another time',
      statement: signed({ size: 3, at: now - 121 * second }),
      ...refusedBy('LOG-2'),
    },
    {
      name: 'made when its key had expired',
      now: exp,
      statement: signed({ size: 3, at: exp + 1 }),
      ...refusedBy('LOG-2'),
    },
  ].map((one) => ({ now, ...one }))
}

/** Two heads of one mirror, with what it shows between their sizes. */
async function pairs(stage: Stage, tree: Tree) {
  const { identity } = stage.mirror
  const { crypto } = stage.needs
  const signed = (change: Partial<Head> & { size: number }): string =>
    signHead(identity.answerKey, identity.answerKeyId, headOf(stage, tree, change))
  const proof = async (from: number, to: number) => ({
    root: base64url(tree.roots[from] ?? new Uint8Array()),
    path: ((await proveConsistency(crypto, tree.reader, { from, to })) ?? []).map(base64url),
  })
  const invented = base64url(crypto.digest('sha256', 'another history'))
  return [
    {
      name: 'one grew into the other',
      heads: [signed({ size: 6 }), signed({ size: 11 })],
      proof: await proof(6, 11),
      finding: 'consistent',
    },
    {
      name: 'the later one is named first',
      heads: [signed({ size: 11 }), signed({ size: 6 })],
      proof: await proof(6, 11),
      finding: 'consistent',
    },
    {
      name: 'the same twice',
      heads: [signed({ size: 6 }), signed({ size: 6, at: now + 1 })],
      proof: null,
      finding: 'consistent',
    },
    {
      name: 'from an empty log',
      heads: [signed({ size: 0 }), signed({ size: 6 })],
      proof: null,
      finding: 'consistent',
    },
    {
      name: 'of one size, with two roots',
      heads: [signed({ size: 6 }), signed({ size: 6, root: invented })],
      proof: null,
      finding: 'forked',
    },
    {
      name: 'whose beginning was rewritten',
      heads: [signed({ size: 6, root: invented }), signed({ size: 11 })],
      proof: await proof(6, 11),
      finding: 'forked',
    },
    {
      name: 'without a proof',
      heads: [signed({ size: 6 }), signed({ size: 11 })],
      proof: null,
      finding: 'unproven',
    },
    {
      name: 'with the proof of another size',
      heads: [signed({ size: 6 }), signed({ size: 11 })],
      proof: await proof(5, 11),
      finding: 'unproven',
    },
    {
      name: 'whose end is another one than the proof leads to',
      heads: [signed({ size: 6 }), signed({ size: 11, root: invented })],
      proof: await proof(6, 11),
      finding: 'unproven',
    },
  ]
}
