import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromHex, hex, utf8 } from '../../src/base/bytes.ts'
import { nodeCrypto } from '../../src/runtime/node/crypto.ts'
import { createSeededCrypto, signDeterministic } from './seeded-crypto.ts'
import { createSeededRandom } from './seeded-random.ts'

test('the signatures of RFC 6979 A.2.5 are made', () => {
  const secret =
    fromHex('C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721') ??
    assert.fail('no key')
  assert.equal(
    hex(signDeterministic(secret, utf8('sample'))),
    'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716' +
      'f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8',
  )
  assert.equal(
    hex(signDeterministic(secret, utf8('test'))),
    'f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367' +
      '019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083',
  )
})

for (const algorithm of ['ES256', 'Ed25519'] as const)
  test(`a seed makes one ${algorithm} key, whose signatures are the same and verify`, () => {
    const [one, other] = [7, 7].map((seed) => {
      const { key } = createSeededCrypto(createSeededRandom(seed)).generateKey(algorithm)
      return { key: key.publicKey, signature: key.sign(utf8('data')) }
    })
    assert.ok(one !== undefined)
    assert.deepEqual(one, other)
    assert.ok(nodeCrypto.verify(one.key, utf8('data'), one.signature))
    assert.ok(!nodeCrypto.verify(one.key, utf8('date'), one.signature))
  })
