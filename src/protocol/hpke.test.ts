import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AEAD_AES_128_GCM, CipherSuite, KDF_HKDF_SHA256, KEM_DHKEM_X25519_HKDF_SHA256 } from 'hpke'
import { concat, fromHex, hex, utf8 } from '../base/bytes.ts'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import { hpkePublicKey, setUpReceiver, setUpSender } from './hpke.ts'

const bytesOf = (digits: string): Uint8Array => fromHex(digits) ?? assert.fail(digits)

/** RFC 9180 A.1.1: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM, base mode. */
const vector = {
  info: bytesOf('4f6465206f6e2061204772656369616e2055726e'),
  ephemeral: bytesOf('52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736'),
  encapsulated: '37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431',
  privateKey: bytesOf('4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8'),
  publicKey: '3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d',
  key: '4531685d41d65f03dc48f6b8302c05b0',
  nonce: '56d890e5accaaf011cff4b7d',
  exports: [
    ['', '3853fe2b4035195a573ffc53856e77058e15d9ea064de3e59f4961d0095250ee'],
    ['00', '2e8f0b54673c7029649d4eb9d5e33bf1872cf76d623ff164ac185da9e88c21a5'],
    ['54657374436f6e74657874', 'e9e43065102c3836401bed8c3c3c75ae46be1639869391d62c61f1ec7af54931'],
  ],
} as const

test('both sides derive what RFC 9180 A.1.1 derives', () => {
  const { info, ephemeral, privateKey } = vector
  assert.equal(hex(hpkePublicKey(nodeCrypto, privateKey)), vector.publicKey)
  const publicKey = bytesOf(vector.publicKey)
  const sender = setUpSender(nodeCrypto, { publicKey, info, ephemeral })
  assert.ok(sender !== null)
  assert.equal(hex(sender.encapsulated), vector.encapsulated)
  const { encapsulated } = sender
  const receiver = setUpReceiver(nodeCrypto, { privateKey, publicKey, info, encapsulated })
  for (const context of [sender.context, receiver]) {
    assert.ok(context !== null)
    assert.equal(hex(context.first.key), vector.key)
    assert.equal(hex(context.first.nonce), vector.nonce)
    for (const [label, secret] of vector.exports)
      assert.equal(hex(context.export(bytesOf(label), 32)), secret)
  }
})

const library = new CipherSuite(KEM_DHKEM_X25519_HKDF_SHA256, KDF_HKDF_SHA256, AEAD_AES_128_GCM)
const key32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
const label = utf8('a label')

test('another implementation opens what we seal, and exports the same', async () => {
  await fc.assert(
    fc.asyncProperty(
      key32,
      fc.uint8Array(),
      fc.uint8Array({ maxLength: 600 }),
      async (ephemeral, info, message) => {
        const pair = await library.GenerateKeyPair(true)
        const publicKey = await library.SerializePublicKey(pair.publicKey)
        const ours = setUpSender(nodeCrypto, { publicKey, info, ephemeral })
        assert.ok(ours !== null)
        const theirs = await library.SetupRecipient(pair, ours.encapsulated, { info })
        const sealed = nodeCrypto.seal(ours.context.first, message)
        assert.deepEqual(await theirs.Open(sealed), message)
        assert.deepEqual(await theirs.Export(label, 16), ours.context.export(label, 16))
      },
    ),
    { numRuns: 25 },
  )
})

test('we open what another implementation seals, and nothing else', async () => {
  await fc.assert(
    fc.asyncProperty(
      key32,
      fc.uint8Array({ maxLength: 600 }),
      fc.nat(),
      async (privateKey, message, at) => {
        const publicKey = hpkePublicKey(nodeCrypto, privateKey)
        const info = utf8('info')
        const { encapsulatedSecret: encapsulated, ctx } = await library.SetupSender(
          await library.DeserializePublicKey(publicKey),
          { info },
        )
        const sealed = await ctx.Seal(message)
        const open = (given: Uint8Array, changed: Partial<{ info: Uint8Array }> = {}) => {
          const [enc, rest] = [given.subarray(0, 32), given.subarray(32)]
          const options = { privateKey, publicKey, info, encapsulated: enc, ...changed }
          const context = setUpReceiver(nodeCrypto, options)
          return context === null ? null : nodeCrypto.unseal(context.first, rest)
        }
        const whole = concat(encapsulated, sealed)
        assert.deepEqual(open(whole), message)
        assert.equal(open(whole, { info: utf8('other') }), null)
        assert.equal(open(whole.with(at % whole.length, (whole[at % whole.length] ?? 0) ^ 1)), null)
        assert.equal(open(whole.subarray(0, at % whole.length)), null)
      },
    ),
    { numRuns: 25 },
  )
})

test('keys that make the same secret with every other key, and what is no key, are refused', () => {
  const [info, ephemeral] = [utf8('info'), new Uint8Array(32).fill(7)]
  // RFC 7748 §6.1: points of small order; then keys of a wrong length.
  for (const publicKey of [
    new Uint8Array(32),
    Uint8Array.of(1, ...new Uint8Array(31)),
    bytesOf('ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'),
    new Uint8Array(31).fill(9),
    new Uint8Array(33).fill(9),
    new Uint8Array(),
  ]) {
    assert.equal(setUpSender(nodeCrypto, { publicKey, info, ephemeral }), null)
    assert.equal(
      setUpReceiver(nodeCrypto, {
        privateKey: ephemeral,
        publicKey: hpkePublicKey(nodeCrypto, ephemeral),
        info,
        encapsulated: publicKey,
      }),
      null,
    )
  }
})
