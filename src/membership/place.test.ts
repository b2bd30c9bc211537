import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parameters } from './parameters.ts'
import { networkOf, prefixOf } from './place.ts'

for (const [address, network, prefix] of [
  ['198.51.100.7', '198.51.0.0/16', '198.51.100.0/24'],
  ['2001:db8:1:2::3', '2001:db8::/32', '2001:db8:1::/48'],
  // Mapped addresses are the same place under another text.
  ['::ffff:198.51.100.7', '198.51.0.0/16', '198.51.100.0/24'],
] as const)
  test(`${address} is in ${network} and ${prefix}`, () => {
    assert.equal(networkOf(address, parameters), network)
    assert.equal(prefixOf(address, parameters), prefix)
  })

test('bits need not end at an octet', () => {
  const sybil = { ...parameters.sybil, prefixBitsV4: 30, networkBitsV6: 29, prefixBitsV6: 128 }
  assert.equal(prefixOf('10.1.2.255', { ...parameters, sybil }), '10.1.2.252/30')
  assert.equal(networkOf('2001:dbf::1', { ...parameters, sybil }), '2001:db8::/29')
  assert.equal(prefixOf('2001:db8::1', { ...parameters, sybil }), '2001:db8::1/128')
})
