import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concat, fromHex, utf8 } from '../base/bytes.ts'
import {
  fieldOf,
  readRequest,
  readResponse,
  writeRequest,
  writeResponse,
  type BinaryRequest,
} from './binary-http.ts'

const bytesOf = (digits: string): Uint8Array => fromHex(digits) ?? assert.fail(digits)

const ascii = fc.string({ unit: 'grapheme-ascii', maxLength: 300 })
const fields = fc.array(fc.tuple(fc.stringMatching(/^[a-z-]{1,20}$/), ascii), { maxLength: 16 })
const content = fc.uint8Array({ maxLength: 20_000 })
const plain = { noNullPrototype: true }
const requests: fc.Arbitrary<BinaryRequest> = fc.record(
  { method: ascii, scheme: ascii, authority: ascii, path: ascii, fields, content },
  plain,
)
const responses = fc.record({ status: fc.integer({ min: 200, max: 599 }), fields, content }, plain)
const blocks = fc.integer({ min: 1, max: 500 })

test('a message reads as itself, and fills whole blocks', () => {
  fc.assert(
    fc.property(requests, blocks, (request, block) => {
      const written = writeRequest(request, block)
      assert.equal(written.length % block, 0)
      assert.deepEqual(readRequest(written), request)
      assert.equal(readResponse(written), null)
    }),
  )
  fc.assert(
    fc.property(responses, blocks, (response, block) => {
      const written = writeResponse(response, block)
      assert.equal(written.length % block, 0)
      assert.deepEqual(readResponse(written), response)
      assert.equal(readRequest(written), null)
    }),
  )
})

test('padding adds less than a block', () => {
  fc.assert(
    fc.property(requests, blocks, (request, block) => {
      assert.ok(writeRequest(request, block).length - writeRequest(request).length < block)
    }),
  )
})

test('the request of RFC 9458 A, cut off after its control data, is read', () => {
  assert.deepEqual(readRequest(bytesOf('00034745540568747470730b6578616d706c652e636f6d012f')), {
    method: 'GET',
    scheme: 'https',
    authority: 'example.com',
    path: '/',
    fields: [],
    content: new Uint8Array(),
  })
})

test('the response of RFC 9458 A, which is a status alone, is read', () => {
  assert.deepEqual(readResponse(bytesOf('0140c8')), {
    status: 200,
    fields: [],
    content: new Uint8Array(),
  })
})

test('integers may be longer than they need be (RFC 9000 §16)', () => {
  assert.equal(readResponse(bytesOf('8000000180000000c8'))?.status, undefined)
  assert.equal(readResponse(bytesOf('80000001800000c8'))?.status, 200)
  assert.equal(readResponse(bytesOf('c000000000000001c0000000000000c8'))?.status, 200)
})

const whole = writeRequest({
  method: 'POST',
  scheme: 'https',
  authority: '192.0.2.1',
  path: '/v1/observe',
  fields: [['content-type', 'application/json']],
  content: utf8('{}'),
})

test('a message that is cut off inside of a part is refused', () => {
  // The last two bytes are the end of the content and the absent trailers.
  for (let length = 0; length < whole.length - 1; length++) {
    const cut = readRequest(whole.subarray(0, length))
    // Between parts it may be cut: what follows is empty then.
    if (cut !== null) assert.equal(cut.content.length, 0)
  }
  assert.notEqual(readRequest(whole.subarray(0, -1)), null)
  assert.equal(readRequest(whole.subarray(0, -2)), null)
})

const refused: readonly (readonly [string, Uint8Array])[] = [
  ['empty', new Uint8Array()],
  ['a padding that is not zero', concat(whole, Uint8Array.of(0, 1))],
  ['trailers', concat(whole.subarray(0, -1), Uint8Array.of(4, 1, 97, 1, 98))],
  ['a framing of unknown length', concat(Uint8Array.of(2), whole.subarray(1))],
  ['a field with a capital', bytesOf(`00${'00'.repeat(4)}0401410142`)],
  ['a field without a name', bytesOf(`00${'00'.repeat(4)}03000142`)],
  ['a field that its section cuts off', bytesOf(`00${'00'.repeat(4)}0301610242`)],
  ['a control character', bytesOf('00010a000000')],
  ['a text that is not ASCII', bytesOf('0002c3a4000000')],
  ['too many fields', bytesOf(`00${'00'.repeat(4)}4044${'01610162'.repeat(17)}`)],
  ['a length beyond all numbers', bytesOf('00ffffffffffffffff')],
]
for (const [what, bytes] of refused)
  test(`a request is refused that has, or is, ${what}`, () => {
    assert.equal(readRequest(bytes), null)
  })

for (const [what, digits] of [
  ['an informational response', '01406400'],
  ['no status', '01'],
  ['a status beyond 599', '014258'],
] as const)
  test(`a response is refused that is ${what}`, () => {
    assert.equal(readResponse(bytesOf(digits)), null)
  })

test('a field that is there twice has no value', () => {
  const twice = [
    ['date', 'a'],
    ['date', 'b'],
    ['x', 'c'],
  ] as const
  assert.equal(fieldOf(twice, 'date'), null)
  assert.equal(fieldOf(twice, 'x'), 'c')
  assert.equal(fieldOf(twice, 'y'), null)
})
