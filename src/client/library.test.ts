import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSeededRandom } from '../../test/support/seeded-random.ts'
import { createWorld } from '../../test/support/world.ts'
import { base64url } from '../base/bytes.ts'
import { limits } from '../base/limits.ts'
import { bucketOf } from '../membership/list-digest.ts'
import type { KnownMirror } from '../protocol/lists.ts'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import { createLibrary } from './library.ts'
import { createListDesk, type Author } from './lists.ts'

const { signal } = new AbortController()
const random = createSeededRandom(11)
const newcomer = (): KnownMirror => ({
  ip: '5.9.0.1',
  port: 443,
  id: base64url(random.bytes(32)),
  region: 'RIPE-DE',
  since: 0,
  status: 'active',
})

/** Two mirrors that list the same, a desk to ask them, and a library with their digests. */
async function stage() {
  const scene = { addresses: [], tlsa: [], servers: {} }
  const { mirrors, clock, runtime } = createWorld({ count: 2, scene })
  const [one, other] = mirrors
  assert.ok(one !== undefined && other !== undefined)
  one.known = [newcomer(), newcomer(), newcomer()]
  other.known = [...one.known].toReversed()
  const desk = createListDesk(runtime)
  const library = createLibrary(nodeCrypto)
  const open = async (mirror: typeof one): Promise<Author> => {
    const author = await clock.runUntil(desk.digest(mirror.entry, signal))
    library.open(author)
    return author
  }
  const authors = [await open(one), await open(other)] as const
  const whole = (author: Author) => clock.runUntil(desk.list(author, null, signal))
  const bucket = (author: Author, n: number) =>
    clock.runUntil(desk.list(author, n.toString(16).padStart(2, '0'), signal))
  return { one, other, clock, library, authors, whole, bucket }
}

const idsIn = (entries: readonly { readonly id: string }[]) =>
  entries.map(({ id }) => id).toSorted()

test('what one mirror sends counts for all whose digest names it', async () => {
  const { library, authors, whole, one } = await stage()
  assert.equal(library.missing().size, 2)
  library.takeWhole(authors[0], await whole(authors[0]))
  assert.equal(library.missing().size, 0)
  const [first, second] = library.lists()
  assert.deepEqual(idsIn(first?.entries.slice(1) ?? []), idsIn(one.known))
  assert.deepEqual(idsIn(second?.entries.slice(1) ?? []), idsIn(one.known))
  assert.equal(first?.entries[0]?.id, one.entry.id)
})

test('each content is asked for once, of both in turn', async () => {
  const { library, one } = await stage()
  const asked = [...library.missing().values()].flat()
  const wanted = one.known.map(({ id }) => bucketOf(id))
  assert.equal(asked.length, 3)
  assert.deepEqual(new Set(asked), new Set(wanted))
})

test('a list that was drawn up after the digest is the newest word of its mirror, and of nobody else', async () => {
  const { library, authors, whole, one, other, clock } = await stage()
  const before = one.known
  one.known = [...before, newcomer()]
  await clock.advance(limits.listRefreshMs)
  library.takeWhole(authors[0], await whole(authors[0]))
  library.takeWhole(authors[1], await whole(authors[1]))
  const [first, second] = library.lists()
  assert.deepEqual(idsIn(first?.entries.slice(1) ?? []), idsIn(one.known))
  assert.deepEqual(idsIn(second?.entries.slice(1) ?? []), idsIn(other.known))
})

test('a bucket that changed after the digest is taken for itself', async () => {
  const { library, authors, bucket, one, clock } = await stage()
  const [gone] = one.known
  assert.ok(gone !== undefined)
  one.known = one.known.slice(1)
  await clock.advance(limits.listRefreshMs)
  for (const n of new Set(
    authors.flatMap(() => [gone, ...one.known].map(({ id }) => bucketOf(id))),
  ))
    library.takeBucket(authors[0], n, await bucket(authors[0], n))
  assert.deepEqual(idsIn(library.lists()[0]?.entries.slice(1) ?? []), idsIn(one.known))
  // The other one stands by its digest, whose content is known but for the bucket that changed.
  assert.deepEqual(library.missing(), new Map([[authors[1], [bucketOf(gone.id)]]]))
})

test('a mirror that is given up has no list, and what it told of others stays', async () => {
  const { library, authors, whole } = await stage()
  library.takeWhole(authors[0], await whole(authors[0]))
  library.close(authors[0])
  assert.equal(library.lists().length, 1)
  assert.equal(library.missing().size, 0)
})

test('a hash that a mirror claims at another place is asked of that mirror alone', async () => {
  const { library, authors, one } = await stage()
  const [honest, liar] = authors
  library.close(liar)
  // The liar's digest has the honest mirror's buckets, each one place further.
  const octets = Buffer.from(liar.digest.digest, 'base64url')
  const shifted = Buffer.concat([octets.subarray(-32), octets.subarray(0, -32)])
  library.open({ ...liar, digest: { ...liar.digest, digest: shifted.toString('base64url') } })
  library.close(honest)
  library.open(honest)
  const places = new Set(one.known.map(({ id }) => bucketOf(id)))
  for (const [author, buckets] of library.missing())
    for (const bucket of buckets)
      assert.equal(places.has(bucket), author.mirror.id === honest.mirror.id)
})
