import assert from 'node:assert/strict'
import { test } from 'node:test'
import { agree, claimOf, isSameClaim, sharedClaim } from './claim.ts'

test('only an answer of DNS is a claim', () => {
  assert.deepEqual(claimOf({ status: 'ok', records: ['2 1 1 aa'] }), ['2 1 1 aa'])
  assert.deepEqual(claimOf({ status: 'nodata', records: [] }), [])
  assert.deepEqual(claimOf({ status: 'nxdomain', records: [] }), [])
  for (const status of ['servfail', 'refused', 'timeout', 'malformed', 'unreachable'] as const)
    assert.equal(claimOf({ status, records: [] }), null)
})

for (const [one, other, agrees, same] of [
  [['old'], ['old', 'new'], true, false],
  [['old'], ['new'], false, false],
  [['a', 'b'], ['b', 'a'], true, true],
  [['a', 'a'], ['a'], true, true],
  [['a'], [], false, false],
  [[], [], true, true],
] as const)
  test(`[${one.join(' ')}] and [${other.join(' ')}]`, () => {
    assert.equal(agree(one, other), agrees)
    assert.equal(agree(other, one), agrees)
    assert.equal(isSameClaim(one, other), same)
    assert.equal(isSameClaim(other, one), same)
  })

for (const [what, claims, needed, shared] of [
  ['a roll-over shares the old key', [['old'], ['old', 'new'], ['old', 'new']], 3, ['old']],
  ['both, when enough name both', [['old'], ['old', 'new'], ['old', 'new']], 2, ['old', 'new']],
  ['nothing in common', [['a'], ['b'], ['c']], 2, null],
  ['that there is none', [[], [], ['a']], 2, []],
  ['nothing of nobody', [], 2, null],
  ['a mirror cannot name a record twice', [['a', 'a'], ['b']], 2, null],
] as const)
  test(`what claims share: ${what}`, () => {
    assert.deepEqual(sharedClaim(claims, needed), shared)
  })
