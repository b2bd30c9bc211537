import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createSeededRandom } from '../../test/support/seeded-random.ts'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import {
  addCandidate,
  candidateBucket,
  drawCandidates,
  emptyCandidates,
  removeCandidate,
  type Candidate,
  type CandidateTable,
} from './candidates.ts'
import { parameters } from './parameters.ts'

const key = { crypto: nodeCrypto, secret: new Uint8Array(16).fill(7), parameters }

function candidate(id: string, network: string, source: string): Candidate {
  return { id, ip: '192.0.2.1', port: 443, network, source, heardAt: 0 }
}

function addAll(table: CandidateTable, candidates: readonly Candidate[], seed = 1): CandidateTable {
  const random = createSeededRandom(seed)
  return candidates.reduce((sum, one) => addCandidate(sum, one, { ...key, random }), table)
}
const idsOf = (table: CandidateTable): ReadonlySet<string> =>
  new Set(table.buckets.flat().map(({ id }) => id))

const honest = Array.from({ length: 3_000 }, (_, i) => candidate(`h${i}`, `n${i}`, `s${i % 400}`))

test('a candidate is always taken', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ id: fc.nat(50), network: fc.nat(5), source: fc.nat(2) })),
      fc.integer(),
      (rows, seed) => {
        const random = createSeededRandom(seed)
        let table = emptyCandidates(parameters)
        for (const { id, network, source } of rows) {
          const one = candidate(`${id}`, `${network}`, `${source}`)
          table = addCandidate(table, one, { ...key, random })
          assert.ok(table.buckets[candidateBucket(one, key)]?.includes(one))
        }
        assert.ok(table.buckets.every((bucket) => bucket.length <= 64))
        assert.equal(table.buckets.length, 1_024)
      },
    ),
  )
})

test('a flood from one source reaches its sixteenth of the buckets, and pushes out little else', () => {
  const before = addAll(emptyCandidates(parameters), honest)
  assert.equal(idsOf(before).size, honest.length)
  const flood = Array.from({ length: 20_000 }, (_, i) =>
    candidate(`f${i}`, `f${i % 5_000}`, 'farm'),
  )
  const after = addAll(before, flood, 2)
  const reached = after.buckets.filter((bucket) => bucket.some(({ source }) => source === 'farm'))
  assert.ok(reached.length <= 64, `${reached.length} buckets`)
  const left = [...idsOf(after)].filter((id) => id.startsWith('h')).length
  // All of the others' that share a bucket with it may go: about a sixteenth.
  assert.ok(left / honest.length > 0.88, `${left} of ${honest.length} left`)
})

test('one network that many announce reaches one bucket for each source', () => {
  const bySource = Array.from({ length: 100 }, (_, i) => candidate(`f${i}`, 'farm', `s${i}`))
  const table = addAll(emptyCandidates(parameters), bySource)
  assert.ok(table.buckets.filter((bucket) => bucket.length > 0).length <= 100)
  const oneSource = Array.from({ length: 1_000 }, (_, i) => candidate(`f${i}`, 'farm', 's'))
  const crowded = addAll(emptyCandidates(parameters), oneSource)
  assert.equal(crowded.buckets.filter((bucket) => bucket.length > 0).length, 1)
  assert.equal(idsOf(crowded).size, 64)
})

test('another secret has other places', () => {
  const other = { ...key, secret: new Uint8Array(16).fill(8) }
  const moved = honest.filter((one) => candidateBucket(one, key) !== candidateBucket(one, other))
  assert.ok(moved.length > 0.99 * honest.length)
})

test('who is there already is refreshed, not doubled', () => {
  const one = candidate('a', 'n', 's')
  const table = addAll(emptyCandidates(parameters), [one, { ...one, heardAt: 5 }])
  assert.deepEqual(table.buckets.flat(), [{ ...one, heardAt: 5 }])
})

test('who is taken out is gone, and the table before is as it was', () => {
  const before = addAll(emptyCandidates(parameters), honest.slice(0, 10))
  const [first] = honest
  assert.ok(first)
  const after = removeCandidate(before, first, key)
  assert.equal(idsOf(after).has(first.id), false)
  assert.equal(idsOf(before).has(first.id), true)
  assert.equal(removeCandidate(after, first, key), after)
})

test('the next to be tested come from all buckets alike', () => {
  const crowd = Array.from({ length: 64 }, (_, i) => candidate(`c${i}`, 'crowd', 'crowd'))
  const table = addAll(emptyCandidates(parameters), [...crowd, ...honest.slice(0, 30)])
  const filled = table.buckets.filter((bucket) => bucket.length > 0).length
  const drawn = drawCandidates(table, filled, createSeededRandom(3))
  assert.equal(drawn.length, filled)
  assert.equal(drawn.filter(({ id }) => id.startsWith('c')).length, 1)
  const all = drawCandidates(table, 1_000, createSeededRandom(3))
  assert.deepEqual(new Set(all.map(({ id }) => id)), idsOf(table))
  assert.equal(all.length, 94)
  assert.deepEqual(drawCandidates(table, 0, createSeededRandom(3)), [])
})

test('an id that several announced is drawn once', () => {
  const twice = ['s1', 's2', 's3'].map((source) => candidate('a', 'n', source))
  const table = addAll(emptyCandidates(parameters), twice)
  assert.equal(drawCandidates(table, 5, createSeededRandom(1)).length, 1)
})
