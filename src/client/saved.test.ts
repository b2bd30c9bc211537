import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../base/bytes.ts'
import { Failure } from '../base/failure.ts'
import { writeBootstrap } from '../protocol/bootstrap.ts'
import {
  isSavedList,
  mirrorsIn,
  readSavedBootstraps,
  readSavedList,
  savedListOf,
  savedText,
  type SavedBootstraps,
} from './saved.ts'

const mirror = (n: number, region: string | null) => ({
  ip: `5.9.0.${n}`,
  port: 443,
  id: String(n).repeat(43),
  region,
})
const mirrors = [mirror(3, 'RIPE-DE'), mirror(1, null), mirror(2, 'ARIN-US'), mirror(4, 'RIPE-DE')]
const origin = { agreed: 1_000, asked: 5, from: ['9'.repeat(43)] }

test('a list is kept by region, and read again as it was', () => {
  const list = savedListOf(mirrors, origin)
  assert.deepEqual(Object.keys(list.regions), ['ARIN-US', 'RIPE-DE', 'unknown'])
  const read = readSavedList(utf8(savedText(list)), 'mirrors.json')
  assert.deepEqual(read, list)
  assert.deepEqual(
    mirrorsIn(read).toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    mirrors.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
  )
})

test('the same mirrors give the same text, in whatever order they come', () => {
  const text = savedText(savedListOf(mirrors, origin))
  assert.equal(savedText(savedListOf(mirrors.toReversed(), origin)), text)
})

test('a bootstrap file in the place of a list is told from one', () => {
  assert.ok(isSavedList(utf8(savedText(savedListOf(mirrors, origin)))))
  assert.ok(!isSavedList(utf8(writeBootstrap(mirrors, 1))))
  assert.ok(!isSavedList(utf8('garbage')))
})

test('what was remembered of bootstrap files is read again', () => {
  const kept: SavedBootstraps = {
    v: 1,
    threshold: 0,
    files: [
      { source: 'b', sha256: 'a'.repeat(64), vendor: null, made: 1, read: 2, pairs: mirrors },
    ],
  }
  assert.deepEqual(readSavedBootstraps(utf8(savedText(kept)), 'bootstraps.json'), kept)
})

const list = savedListOf(mirrors, origin)
for (const [what, text] of [
  ['nothing', ''],
  ['half a file', savedText(list).slice(0, 100)],
  ['another version', JSON.stringify({ ...list, v: 2 })],
  ['no author', JSON.stringify({ ...list, from: [] })],
  ['a port that is none', savedText(list).replaceAll('443', '70000')],
] as const)
  test(`a list of ${what} is refused by the name of its file`, () => {
    assert.throws(
      () => readSavedList(utf8(text), 'mirrors.json'),
      (error) =>
        Failure.is(error) &&
        error.code === 'file-malformed' &&
        /"mirrors\.json"/.test(error.message),
    )
  })
