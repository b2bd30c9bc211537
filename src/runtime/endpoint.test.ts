import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { Failure } from '../base/failure.ts'
import { formatEndpoint, parseEndpoint } from './endpoint.ts'

const good: readonly [text: string, address: string, port: number][] = [
  ['192.0.2.1', '192.0.2.1', 53],
  ['192.0.2.1:5353', '192.0.2.1', 5353],
  ['2001:DB8:0::1', '2001:db8::1', 53],
  ['[2001:db8::1]', '2001:db8::1', 53],
  ['[2001:db8::1]:65535', '2001:db8::1', 65_535],
  ['::ffff:192.0.2.1', '192.0.2.1', 53],
  ['fe80::1%eth0', 'fe80::1%eth0', 53],
  ['[fe80::1%eth0]:1', 'fe80::1%eth0', 1],
]
for (const [text, address, port] of good)
  test(`${text} is ${address} with port ${port}`, () =>
    assert.deepEqual(parseEndpoint(text, 53), { address, port }))

const bad: readonly string[] = [
  '',
  ':53',
  'example.com',
  'example.com:53',
  '192.0.2',
  '192.0.2.01',
  '192.0.2.256',
  '0x7f.0.0.1',
  '192.0.2.1:',
  '192.0.2.1:0',
  '192.0.2.1:65536',
  '192.0.2.1:5 3',
  '192.0.2.1:+53',
  '192.0.2.1:٥٣',
  '[192.0.2.1]:53',
  '[]:53',
  '[2001:db8::1',
  '[2001:db8::1]53',
  '[2001:db8::1]:',
  '2001:db8::1]:53',
  '[[::1]]:53',
  '2001:db8:::1',
  '192.0.2.1\n',
]
for (const text of bad)
  test(`${JSON.stringify(text)} is refused`, () =>
    assert.throws(
      () => parseEndpoint(text, 53),
      (error) => Failure.is(error) && error.code === 'address-malformed',
    ))

test('the port may be demanded, and port 0 is for listening alone', () => {
  assert.throws(() => parseEndpoint('192.0.2.1', null), /the port is missing/)
  assert.deepEqual(parseEndpoint('[::1]:0', null, 0), { address: '::1', port: 0 })
})

test('every endpoint survives being written and read, and no text does anything but parse or be refused', () => {
  const port = fc.integer({ min: 1, max: 65_535 })
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), port, (text, number) => {
      const endpoint = parseEndpoint(text, number)
      assert.deepEqual(parseEndpoint(formatEndpoint(endpoint), null), endpoint)
    }),
  )
  const pieces = fc.constantFrom(
    '[',
    ']',
    ':',
    '.',
    '%',
    '1',
    '255',
    'ffff',
    '::',
    'a',
    ' ',
    '65535',
  )
  const text = fc.oneof(
    fc.string(),
    fc.array(pieces).map((list) => list.join('')),
  )
  fc.assert(
    fc.property(text, (some) => {
      try {
        const endpoint = parseEndpoint(some, 53)
        assert.deepEqual(parseEndpoint(formatEndpoint(endpoint), null), endpoint)
      } catch (error) {
        assert.ok(Failure.is(error), String(error))
      }
    }),
  )
})
