import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { base64, base64url, fromBase64, fromBase64url, fromHex, hex } from './bytes.ts'

const anyBytes = fc.uint8Array({ maxLength: 300 })

test('the text forms of bytes are those of RFC 4648, and lead back to the bytes', () => {
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      const oracle = Buffer.from(bytes)
      assert.equal(hex(bytes), oracle.toString('hex'))
      assert.equal(base64(bytes), oracle.toString('base64'))
      assert.equal(base64url(bytes), oracle.toString('base64url'))
      assert.deepEqual(fromHex(hex(bytes)), bytes)
      assert.deepEqual(fromBase64(base64(bytes)), bytes)
      assert.deepEqual(fromBase64url(base64url(bytes)), bytes)
    }),
  )
})

test('bytes have one base64url form only: whatever else is read is refused', () => {
  const letters = fc.constantFrom(...Array.from('ABYZabyz0189-_+/= \n.é\u{1f600}'))
  fc.assert(
    fc.property(fc.string({ unit: letters, maxLength: 12 }), (text) => {
      const bytes = fromBase64url(text)
      if (bytes !== null) assert.equal(base64url(bytes), text)
      const isCanonical = Buffer.from(text, 'base64url').toString('base64url') === text
      assert.equal(bytes !== null, isCanonical)
    }),
  )
})

test('bits left over after the last byte must be zero', () => {
  assert.deepEqual(fromBase64url('AA'), Uint8Array.of(0))
  assert.equal(fromBase64url('AB'), null)
  assert.deepEqual(fromBase64url('AAA'), Uint8Array.of(0, 0))
  assert.equal(fromBase64url('AAB'), null)
  assert.equal(fromBase64url('A'), null)
})
