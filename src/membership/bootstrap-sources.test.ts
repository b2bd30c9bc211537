import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { differences, mergeSources, type Pair, type Source } from './bootstrap-sources.ts'

function pair(id: string, change: Partial<Pair> = {}): Pair {
  return { ip: `ip-${id}`, port: 443, id, region: 'RIPE-DE', ...change }
}
const idsOf = (pairs: readonly Pair[]): readonly string[] => pairs.map(({ id }) => id)

const sources: readonly Source[] = [
  { signer: 'one', pairs: [pair('a'), pair('b')] },
  { signer: 'two', pairs: [pair('a'), pair('c')] },
  { signer: 'three', pairs: [pair('a'), pair('b')] },
  { signer: null, pairs: [pair('d'), pair('c')] },
]

test('a union takes all, whoever deletes', () => {
  const merged = mergeSources(sources, 0)
  assert.deepEqual(idsOf(merged.taken), ['a', 'b', 'c', 'd'])
  assert.deepEqual(merged.left, [])
})

test('a threshold takes what enough signers name, and shows what it leaves', () => {
  const merged = mergeSources(sources, 2)
  assert.deepEqual(idsOf(merged.taken), ['a', 'b'])
  assert.deepEqual(
    merged.left.map(({ id, signers }) => [id, signers]),
    [
      ['c', ['two']],
      ['d', []],
    ],
  )
  assert.deepEqual(merged.taken[0]?.signers, ['one', 'two', 'three'])
})

test('a threshold asks for no more signers than there are', () => {
  assert.equal(mergeSources(sources, 9).needed, 3)
  const alone = mergeSources(sources.slice(0, 1), 2)
  assert.equal(alone.needed, 1)
  assert.deepEqual(idsOf(alone.taken), ['a', 'b'])
  assert.deepEqual(idsOf(mergeSources(sources.slice(3), 2).taken), ['d', 'c'])
})

test('two files of one signer are one voice', () => {
  const twice = [
    { signer: 'one', pairs: [pair('a')] },
    { signer: 'one', pairs: [pair('a')] },
    { signer: 'two', pairs: [pair('b')] },
  ]
  assert.deepEqual(mergeSources(twice, 2).taken, [])
})

test('another address is another pair, and its region is what most say', () => {
  const merged = mergeSources(
    [
      { signer: 'one', pairs: [pair('a'), pair('b', { region: 'ARIN-US' })] },
      { signer: 'two', pairs: [pair('a', { ip: 'x' }), pair('b', { region: 'APNIC-JP' })] },
      { signer: 'three', pairs: [pair('b', { region: 'ARIN-US' })] },
    ],
    0,
  )
  assert.deepEqual(
    merged.taken.map(({ ip, region }) => [ip, region]),
    [
      ['ip-a', 'RIPE-DE'],
      ['ip-b', 'ARIN-US'],
      ['x', 'RIPE-DE'],
    ],
  )
})

test('differences name what was added, removed and changed', () => {
  const older = [pair('same'), pair('deleted'), pair('moved'), pair('rekeyed'), pair('far')]
  const newer = [
    pair('same'),
    pair('new'),
    pair('moved', { ip: 'elsewhere' }),
    pair('other', { ip: 'ip-rekeyed' }),
    pair('far', { region: 'APNIC-JP' }),
  ]
  const found = differences(older, newer)
  assert.deepEqual(idsOf(found.removed), ['deleted'])
  assert.deepEqual(idsOf(found.added), ['new'])
  assert.deepEqual(
    found.changed.map((change) => [change.older.id, change.newer.id, change.newer.ip]),
    [
      ['moved', 'moved', 'elsewhere'],
      ['far', 'far', 'ip-far'],
      ['rekeyed', 'other', 'ip-rekeyed'],
    ],
  )
})

test('every pair of both files is told of, and nothing is told of a file and itself', () => {
  const pairs = fc.array(
    fc.record({
      ip: fc.constantFrom('x', 'y', 'z'),
      port: fc.constantFrom(443, 8443),
      id: fc.constantFrom('a', 'b', 'c'),
      region: fc.constantFrom('RIPE-DE', null),
    }),
  )
  fc.assert(
    fc.property(pairs, pairs, (older, newer) => {
      const texts = (list: readonly Pair[]): readonly string[] =>
        [...new Set(list.map((one) => JSON.stringify(one)))].toSorted()
      const { added, removed, changed } = differences(older, newer)
      const kept = texts(older).filter((text) => texts(newer).includes(text))
      const olderOnes = [...removed, ...changed.map((change) => change.older)]
      const newerOnes = [...added, ...changed.map((change) => change.newer)]
      assert.deepEqual([...texts(olderOnes), ...kept].toSorted(), texts(older))
      assert.deepEqual([...texts(newerOnes), ...kept].toSorted(), texts(newer))
      assert.equal(olderOnes.length, new Set(olderOnes).size)
      assert.equal(newerOnes.length, new Set(newerOnes).size)
      assert.deepEqual(differences(older, older), { added: [], removed: [], changed: [] })
    }),
  )
})
