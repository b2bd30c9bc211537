import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { base64url, hex, utf8 } from '../base/bytes.ts'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import {
  bucketDigest,
  bucketHashes,
  bucketOf,
  bucketsOf,
  bucketsToFetch,
  differingBuckets,
  isListDigest,
  knownBuckets,
  listBehind,
  listDigest,
  type ListedMirror,
} from './list-digest.ts'

function mirror(i: number, change: Partial<ListedMirror> = {}): ListedMirror {
  const id = base64url(nodeCrypto.digest('sha256', `mirror ${i}`))
  return {
    ip: `198.51.${i >> 8}.${i & 255}`,
    port: 443,
    id,
    region: 'RIPE-DE',
    active: true,
    ...change,
  }
}
const mirrors = (count: number): ListedMirror[] =>
  Array.from({ length: count }, (_, i) => mirror(i))
const ids = (list: readonly ListedMirror[]): readonly string[] =>
  list.map(({ id }) => id).toSorted()

test('a bucket is the first octet of the id', () => {
  for (const first of [0, 1, 127, 128, 255]) {
    const id = base64url(Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? first : 0xff)))
    assert.equal(bucketOf(id), first)
  }
  assert.equal(bucketOf('~~~~'), 0)
})

test('the digest of a bucket is that of its lines in order', () => {
  const [a, b] = [
    mirror(1),
    mirror(2, { ip: '2001:db8::1', port: 8443, region: null, active: false }),
  ]
  const lines = [
    `${a.id} 198.51.0.1 443 RIPE-DE active\n`,
    `${b.id} 2001:db8::1 8443 - inactive\n`,
  ].toSorted()
  assert.equal(
    hex(bucketDigest(nodeCrypto, [a, b])),
    hex(nodeCrypto.digest('sha256', utf8(lines.join('')))),
  )
  assert.deepEqual(bucketDigest(nodeCrypto, [b, a]), bucketDigest(nodeCrypto, [a, b]))
})

test('one change touches one bucket, whatever changes', () => {
  const list = mirrors(500)
  const digest = listDigest(nodeCrypto, list)
  assert.ok(isListDigest(digest))
  assert.equal(digest.length, 8_192)
  assert.deepEqual(differingBuckets(digest, listDigest(nodeCrypto, list.toReversed())), [])
  for (const change of [
    { ip: '203.0.113.1' },
    { port: 8443 },
    { region: null },
    { active: false },
  ] satisfies readonly Partial<ListedMirror>[]) {
    const changed = list.with(7, mirror(7, change))
    const differing = differingBuckets(digest, listDigest(nodeCrypto, changed))
    assert.deepEqual(differing, [bucketOf(mirror(7).id)], JSON.stringify(change))
  }
  assert.throws(() => differingBuckets(digest, digest.subarray(1)), /256 times 32/)
})

test('lists that are told by digests come out as they are, each content fetched once', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 80 }), { maxLength: 6 }),
      (rows) => {
        const lists = rows.map((row) => [...new Set(row)].map((i) => mirror(i)))
        const digests = lists.map((list, i) => ({
          from: `${i}`,
          digest: listDigest(nodeCrypto, list),
        }))
        const whole = knownBuckets(nodeCrypto, lists.slice(0, 2))
        const fetches = bucketsToFetch(digests, whole)
        const contents = fetches.map(
          ({ from, bucket }) => bucketsOf(lists[Number(from)] ?? [])[bucket] ?? [],
        )
        assert.equal(new Set(fetches.map(({ hash }) => hash)).size, fetches.length)
        for (const { from, bucket, hash } of fetches) {
          const first = digests.find((one) => bucketHashes(one.digest)[bucket] === hash)
          assert.equal(from, first?.from)
          assert.ok(Number(from) >= 2)
        }
        const known = new Map([...whole, ...knownBuckets(nodeCrypto, contents)])
        assert.deepEqual(bucketsToFetch(digests, known), [])
        digests.forEach(({ digest }, i) => {
          assert.deepEqual(ids(listBehind(digest, known)), ids(lists[i] ?? []))
        })
      },
    ),
    { numRuns: 30 },
  )
})

test('who announces one content and sends another has named nothing there', () => {
  const announced = mirrors(40)
  const digest = listDigest(nodeCrypto, announced)
  const known = knownBuckets(nodeCrypto, [announced.map((one) => ({ ...one, ip: '203.0.113.9' }))])
  assert.deepEqual(listBehind(digest, known), [])
  assert.equal(bucketHashes(digest).length, 256)
})
