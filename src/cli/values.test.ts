// Kinds of values: what they take, what they refuse, and that they read what they write.

import fc from 'fast-check'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { duration, durationText, endpoint, file, folder } from './values.ts'

const anyTime = duration({ minMs: 1, maxMs: 1e12 })

test('duration() reads every unit', () => {
  for (const [input, value] of [
    ['5s', 5_000],
    ['250ms', 250],
    ['1.5s', 1_500],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['30d', 2_592_000_000],
  ] as const)
    assert.deepEqual(anyTime.parse(input), { success: true, value })
})

test('duration() refuses what is no duration', () => {
  for (const input of [
    '',
    '5',
    's',
    '-5s',
    '5 s',
    '5S',
    '1e3s',
    '0x1s',
    '5s5',
    '٥s',
    '9999999999s',
  ])
    assert.equal(anyTime.parse(input).success, false, input)
})

test('duration() refuses what is out of bounds', () => {
  const bounded = duration({ minMs: 1_000, maxMs: 60_000 })
  assert.equal(bounded.parse('999ms').success, false)
  assert.equal(bounded.parse('61s').success, false)
  assert.equal(bounded.parse('1s').success, true)
})

test('duration() reads what durationText() writes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e11 }), (ms) => {
      assert.deepEqual(anyTime.parse(durationText(ms)), { success: true, value: ms })
    }),
  )
})

test('endpoint() takes addresses with a port, and without one where there is a default', () => {
  const value = { address: '2001:db8::1', port: 53 }
  assert.deepEqual(endpoint({ defaultPort: 53 }).parse('2001:DB8::1'), { success: true, value })
  assert.deepEqual(endpoint().parse('[2001:db8::1]:53'), { success: true, value })
  assert.equal(endpoint().parse('192.0.2.1').success, false)
  assert.equal(endpoint().parse('localhost:443').success, false)
})

test('endpoint() takes port 0 only where the system may choose', () => {
  assert.equal(endpoint({ anyPort: true }).parse('127.0.0.1:0').success, true)
  assert.equal(endpoint({ defaultPort: 53 }).parse('127.0.0.1:0').success, false)
})

test('file() and folder() take any path but an empty one, and let the shell complete it', () => {
  assert.deepEqual(file().parse('a b'), { success: true, value: 'a b' })
  assert.equal(folder().parse('').success, false)
  assert.deepEqual(
    [...(folder().suggest?.('a') ?? [])],
    [{ kind: 'file', type: 'directory', pattern: 'a' }],
  )
})
