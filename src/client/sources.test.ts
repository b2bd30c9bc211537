import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BelievedFile } from './directory.ts'
import { newsOf, remembered, witnessOf } from './sources.ts'

const vendor = 'v'.repeat(64)
const pair = (n: number) => ({
  ip: `5.9.0.${n}`,
  port: 443,
  id: String(n).repeat(43),
  region: null,
})
const file = (given: Partial<BelievedFile> = {}): BelievedFile => ({
  source: 'b.jws',
  sha256: 'a'.repeat(64),
  vendor,
  made: 1_000,
  pairs: [pair(1), pair(2)],
  ...given,
})
const before = (...files: readonly BelievedFile[]) => ({
  v: 1 as const,
  threshold: 0,
  files: files.map((one) => remembered(one, 5_000)),
})

test('what a newer file of the same vendor leaves out is told, wherever it came from', () => {
  const newer = file({ source: 'elsewhere.jws', made: 2_000, pairs: [pair(1), pair(3)] })
  const news = newsOf(newer, before(file({ vendor: null, source: 'other' }), file()))
  assert.equal(news.previous?.source, 'b.jws')
  assert.deepEqual([news.added, news.removed], [[pair(3)], [pair(2)]])
  assert.deepEqual([news.isOlder, news.isOtherSigner], [false, false])
})

test('a moved mirror is told as a change', () => {
  const moved = { ...pair(2), ip: '5.9.0.9' }
  const news = newsOf(file({ pairs: [pair(1), moved] }), before(file()))
  assert.deepEqual(news.changed, [{ older: pair(2), newer: moved }])
  assert.deepEqual([news.added, news.removed], [[], []])
})

test('an older file, another signer and a lost signature are told', () => {
  assert.equal(newsOf(file({ made: 999 }), before(file())).isOlder, true)
  assert.equal(newsOf(file({ vendor: 'w'.repeat(64) }), before(file())).isOtherSigner, true)
  assert.equal(newsOf(file({ vendor: null }), before(file())).isOtherSigner, true)
})

test('a file without one before it has no news', () => {
  for (const known of [null, before(file({ source: 'other', vendor: null }))])
    assert.deepEqual(newsOf(file(), known).previous, null)
  assert.deepEqual(newsOf(file(), before(file())).removed, [])
})

const seen = (sha256: string, made: number, by: string | null = vendor) => ({
  sha256,
  vendor: by,
  made,
  pairs: 100,
})

test('mirrors bear witness: this file, a newer one, another one of the vendor, or nothing', () => {
  const own = seen('a'.repeat(64), 1_000)
  const newer = seen('b'.repeat(64), 2_000)
  const older = seen('c'.repeat(64), 500)
  const foreign = seen('d'.repeat(64), 9_000, 'w'.repeat(64))
  assert.deepEqual(witnessOf(file(), [[own], [own, newer], [older, foreign], [foreign], []]), {
    told: 3,
    seen: 2,
    newer: 1,
  })
})

test('of files that nobody vouches for, only the very same are one', () => {
  const own = seen('a'.repeat(64), 1_000, null)
  const other = seen('b'.repeat(64), 2_000, null)
  assert.deepEqual(witnessOf(file({ vendor: null }), [[own], [other]]), {
    told: 1,
    seen: 1,
    newer: 0,
  })
})
