import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { base64url, fromBase64url, utf8 } from '../base/bytes.ts'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import { signStatement } from './jws.ts'
import { checkHeads, signHead, verifyHead, type ExpectedHead, type Head } from './log-head.ts'
import {
  appendLeaves,
  emptyFrontier,
  emptyRoot,
  hashLeaf,
  proveConsistency,
  rootOf,
  type NodeReader,
} from './merkle.ts'
import type { Verified } from './observation.ts'
import { isRejection, type Rejection } from './sign.ts'

const now = Date.UTC(2026, 0, 1)
const { key } = nodeCrypto.generateKey('Ed25519')
const vantage = 'v'.repeat(43)
const expected: ExpectedHead = {
  vantage,
  answerKeys: [{ keyId: 'k', key: key.publicKey, expires: now + 1_000_000 }],
  now,
}
const head: Head = {
  v: 1,
  iss: vantage,
  size: 1,
  root: base64url(nodeCrypto.digest('sha256', 'a')),
  at: now,
}

function codeOf(
  changed: Readonly<Record<string, unknown>>,
  expectation: Partial<ExpectedHead> = {},
): Rejection['code'] | 'verified' {
  const statement = signHead(key, 'k', { ...head, ...changed } as Head)
  const verified = verifyHead(nodeCrypto, statement, { ...expected, ...expectation })
  return isRejection(verified) ? verified.code : 'verified'
}

function verified(changed: Partial<Head> = {}): Verified<Head> {
  const statement = signHead(key, 'k', { ...head, ...changed })
  const made = verifyHead(nodeCrypto, statement, { ...expected, now: null })
  assert.ok(!isRejection(made), JSON.stringify(made))
  return made
}

test('a head is taken from its own vantage, under its own key, at its own time', () => {
  assert.equal(codeOf({}), 'verified')
  assert.equal(codeOf({ iss: 'w'.repeat(43) }), 'wrong-vantage')
  assert.equal(codeOf({ at: now - 119_000 }), 'verified')
  assert.equal(codeOf({ at: now - 121_000 }), 'wrong-time')
  assert.equal(codeOf({ at: now + 121_000 }), 'wrong-time')
  assert.equal(codeOf({ at: now - 10_000_000 }, { now: null }), 'verified')
  assert.equal(codeOf({ at: now + 1_000_001 }, { now: null }), 'wrong-key')
  assert.equal(codeOf({}, { answerKeys: [] }), 'wrong-key')
  const late = verifyHead(nodeCrypto, signHead(key, 'k', { ...head, at: now - 300_000 }), expected)
  assert.ok(isRejection(late) && late.text.includes('by -300 s'))
  const stranger = nodeCrypto.generateKey('Ed25519').key.publicKey
  const answerKeys = [{ keyId: 'k', key: stranger, expires: Infinity }]
  assert.equal(codeOf({}, { answerKeys }), 'bad-signature')
})

test('a head that is no head is refused', () => {
  const wrong: readonly Readonly<Record<string, unknown>>[] = [
    { v: 2 },
    { size: -1 },
    { size: 0.5 },
    { size: 2 ** 48 + 1 },
    { size: '1' },
    { size: 1e300 },
    { root: 'short' },
    { root: `${head.root}A` },
    { root: null },
    { at: -1 },
    { at: 2 ** 60 },
    { size: 0 },
  ]
  for (const changed of wrong) assert.equal(codeOf(changed), 'malformed', JSON.stringify(changed))
  const root = base64url(emptyRoot(nodeCrypto))
  assert.equal(codeOf({ size: 0, root }), 'verified')
  const other = signStatement(key, { type: 'smn-obs+jws', keyId: 'k' }, JSON.stringify(head))
  for (const statement of [other, '', 'a.b.c', 'x'.repeat(2_000)])
    assert.ok(isRejection(verifyHead(nodeCrypto, statement, expected)))
})

test('two heads of one size and different roots are a fork by themselves', () => {
  const root = base64url(nodeCrypto.digest('sha256', 'b'))
  const forked = { outcome: 'forked', how: 'same-size' }
  assert.deepEqual(checkHeads(nodeCrypto, [verified(), verified({ root })], null), forked)
  assert.deepEqual(checkHeads(nodeCrypto, [verified(), verified({ at: now + 5 })], null), {
    outcome: 'consistent',
  })
})

test('heads of two vantages say nothing about each other', () => {
  const other = 'w'.repeat(43)
  const statement = signHead(key, 'k', { ...head, iss: other, size: 2 })
  const theirs = verifyHead(nodeCrypto, statement, { ...expected, vantage: other })
  assert.ok(!isRejection(theirs))
  assert.deepEqual(checkHeads(nodeCrypto, [verified(), theirs], null), {
    outcome: 'unproven',
    why: 'other-vantage',
  })
})

/** A log of `count` leaves; `turn` is where its history turns into another one. */
function logOf(count: number, turn = Infinity) {
  const leaves = Array.from({ length: count }, (_, i) =>
    hashLeaf(nodeCrypto, utf8(`${i}${i >= turn ? ' otherwise' : ''}`)),
  )
  const kept = new Map<string, Uint8Array>()
  for (const { level, index, hash } of appendLeaves(nodeCrypto, emptyFrontier, leaves).nodes)
    kept.set(`${level} ${index}`, hash)
  const reader: NodeReader = {
    read: async (ids) => ids.map(({ level, index }) => kept.get(`${level} ${index}`) ?? null),
  }
  const rootAt = (size: number): Uint8Array =>
    rootOf(nodeCrypto, appendLeaves(nodeCrypto, emptyFrontier, leaves.slice(0, size)).frontier)
  return {
    headAt: (size: number) => verified({ size, root: base64url(rootAt(size)) }),
    prove: async (from: number, to: number) => {
      const path = await proveConsistency(nodeCrypto, reader, { from, to })
      assert.ok(path !== null)
      return { root: rootAt(from), path }
    },
  }
}

test('a log that only grew is consistent, whichever head comes first', async () => {
  const log = logOf(21)
  for (let to = 0; to <= 21; to++)
    for (let from = 0; from < to; from++) {
      const heads = [log.headAt(from), log.headAt(to)] as const
      const proof = from === 0 ? null : await log.prove(from, to)
      assert.deepEqual(checkHeads(nodeCrypto, heads, proof), { outcome: 'consistent' })
      const turned = [heads[1], heads[0]] as const
      assert.deepEqual(checkHeads(nodeCrypto, turned, proof), { outcome: 'consistent' })
    }
})

test('a history that was rewritten is a fork by its own proof, of every size', async () => {
  const honest = logOf(21)
  const other = logOf(21, 3)
  for (let from = 4; from < 21; from++) {
    const heads = [honest.headAt(from), other.headAt(21)] as const
    const forked = { outcome: 'forked', how: 'rewritten' }
    assert.deepEqual(checkHeads(nodeCrypto, heads, await other.prove(from, 21)), forked)
    const withheld = { outcome: 'unproven', why: 'no-proof' }
    assert.deepEqual(checkHeads(nodeCrypto, heads, null), withheld)
  }
  const shared = [honest.headAt(3), other.headAt(21)] as const
  assert.deepEqual(checkHeads(nodeCrypto, shared, await other.prove(3, 21)), {
    outcome: 'consistent',
  })
})

test('no proof that a stranger makes up frames an honest log', async () => {
  const log = logOf(40)
  const anyHash = fc.uint8Array({ minLength: 32, maxLength: 32 })
  const size = fc.integer({ min: 2, max: 40 })
  await fc.assert(
    fc.asyncProperty(
      size,
      fc.nat(),
      fc.array(anyHash, { maxLength: 8 }),
      async (to, pick, made) => {
        const bit = pick >> 4
        const from = 1 + (pick % (to - 1))
        const heads = [log.headAt(from), log.headAt(to)] as const
        const right = await log.prove(from, to)
        const bent = right.path.map((hash, i) =>
          i === bit % right.path.length
            ? hash.map((byte, at) => (at === bit % 32 ? byte ^ 1 : byte))
            : hash,
        )
        const elsewhere = await log.prove(1 + (bit % to), to)
        for (const path of [made, bent, right.path, elsewhere.path, [...right.path, ...made]])
          for (const root of [right.root, ...made, fromBase64url(heads[1].root) ?? right.root]) {
            const { outcome } = checkHeads(nodeCrypto, heads, { root, path })
            assert.notEqual(outcome, 'forked')
          }
      },
    ),
  )
})
