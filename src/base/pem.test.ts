import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { fromPem, pemOf } from './pem.ts'

test('what is written is read, in order, among other text', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { maxLength: 4 }),
      (ders) => {
        const text = ders.map((der) => `subject: x\r\n${pemOf('CERTIFICATE', der)}`).join('')
        assert.deepEqual(fromPem('CERTIFICATE', text + pemOf('X', Uint8Array.of(1))), ders)
      },
    ),
  )
})

test('lines are 64 characters long', () => {
  const lines = pemOf('KEY', new Uint8Array(100)).split('\n')
  assert.equal(lines[0], '-----BEGIN KEY-----')
  assert.deepEqual(
    lines.slice(1, -2).map((line) => line.length),
    [64, 64, 8],
  )
})

test('an open block and anything but base64 are refused', () => {
  for (const text of [
    '-----BEGIN KEY-----\nAAAA\n',
    '-----BEGIN KEY-----\nA!AA\n-----END KEY-----',
    '-----BEGIN KEY-----\n-----END KEY-----',
  ])
    assert.equal(fromPem('KEY', text), null)
  assert.deepEqual(fromPem('KEY', 'nothing here'), [])
})
