import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { countIndependent, type Origin } from './independent.ts'

const origin = (domain: string, nsSet: string): Origin => ({ domain, nsSet })

for (const [what, origins, count] of [
  ['nothing', [], 0],
  ['one', [origin('a', '1')], 1],
  ['one domain, two sets of name servers', [origin('a', '1'), origin('a', '2')], 1],
  ['two domains, one set of name servers', [origin('a', '1'), origin('b', '1')], 1],
  ['two of each', [origin('a', '1'), origin('b', '2')], 2],
  ['two that a third ties', [origin('a', '1'), origin('b', '2'), origin('a', '2')], 1],
  ['a domain that is called like a set', [origin('a', 'b'), origin('b', 'a')], 2],
] as const)
  test(`independent findings: ${what}`, () => {
    assert.equal(countIndependent(origins), count)
  })

const originArbitrary = fc.record({
  domain: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'),
  nsSet: fc.constantFrom('1', '2', '3', '4', '5', '6', '7'),
})

test('no more than domains, no more than sets of name servers, in any order and number', () => {
  fc.assert(
    fc.property(fc.array(originArbitrary), (origins) => {
      const count = countIndependent(origins)
      assert.ok(count <= new Set(origins.map(({ domain }) => domain)).size)
      assert.ok(count <= new Set(origins.map(({ nsSet }) => nsSet)).size)
      assert.equal(countIndependent(origins.toReversed()), count)
      assert.equal(countIndependent([...origins, ...origins]), count)
    }),
  )
})

test('whoever owns one domain, or runs one set of name servers, adds at most one', () => {
  fc.assert(
    fc.property(
      fc.array(originArbitrary),
      fc.array(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 1 }),
      (others, names) => {
        const before = countIndependent(others)
        const oneSet = names.map((domain) => origin(`x${domain}`, 'mine'))
        const oneDomain = names.map((nsSet) => origin('mine', `x${nsSet}`))
        assert.equal(countIndependent([...others, ...oneSet]), before + 1)
        assert.equal(countIndependent([...others, ...oneDomain]), before + 1)
      },
    ),
  )
})
