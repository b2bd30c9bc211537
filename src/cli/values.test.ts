// Kinds of values: what they take, what they refuse, and that they read what they write.

import fc from 'fast-check'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { duration, durationText, endpoint, endpointText } from './values.ts'

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

test('endpoint() reads addresses and ports of both families', () => {
  const withDefault = endpoint({ defaultPort: 53 })
  for (const [input, address, port] of [
    ['192.0.2.1', '192.0.2.1', 53],
    ['192.0.2.1:5353', '192.0.2.1', 5353],
    ['2001:DB8::1', '2001:db8::1', 53],
    ['[2001:db8:0:0::1]', '2001:db8::1', 53],
    ['[2001:db8::1]:443', '2001:db8::1', 443],
  ] as const)
    assert.deepEqual(withDefault.parse(input), { success: true, value: { address, port } })
})

test('endpoint() refuses names, odd forms of IPv4, zones, and ports out of range', () => {
  const strict = endpoint()
  for (const input of [
    '',
    ':443',
    'localhost:443',
    '1.2.3:443',
    '0x7f.1:443',
    '1.2.3.04:443',
    '1.2.3.4',
    '1.2.3.4:',
    '1.2.3.4:0',
    '1.2.3.4:65536',
    '1.2.3.4:-1',
    '1.2.3.4:4 4',
    '[1.2.3.4]:443',
    '[fe80::1%eth0]:443',
    '[::1:443',
    '::1',
  ])
    assert.equal(strict.parse(input).success, false, input)
})

test('endpoint() takes port 0 only where the system may choose', () => {
  assert.equal(endpoint({ anyPort: true }).parse('127.0.0.1:0').success, true)
  assert.equal(endpoint({ defaultPort: 53 }).parse('127.0.0.1:0').success, false)
})

test('endpoint() reads what endpointText() writes', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.integer({ min: 1, max: 65_535 }), (ip, port) => {
      const first = endpoint().parse(endpointText({ address: ip, port }))
      if (!first.success) return fc.pre(false)
      assert.deepEqual(endpoint().parse(endpointText(first.value)), first)
    }),
  )
})
