import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concat, fromHex, hex } from '../base/bytes.ts'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import { nodeRandom } from '../runtime/node/random.ts'
import type { Random } from '../runtime/runtime.ts'
import { hpkePublicKey } from './hpke.ts'
import {
  createGatewayKey,
  openRequest,
  readKeyConfiguration,
  sealedRequestOverhead,
  sealedResponseOverhead,
  sealRequest,
  writeKeyConfiguration,
  type GatewayKey,
  type OpenedRequest,
} from './ohttp.ts'

const needs = { crypto: nodeCrypto, random: nodeRandom }
const bytesOf = (digits: string): Uint8Array => fromHex(digits) ?? assert.fail(digits)
/** Chance that gives just this. */
const only = (digits: string): Random => ({ bytes: () => bytesOf(digits) })

function opened(keys: readonly GatewayKey[], bytes: Uint8Array): OpenedRequest {
  const request = openRequest(nodeCrypto, keys, bytes)
  assert.ok(typeof request === 'object')
  return request
}

/** RFC 9458 Appendix A. */
const example = {
  privateKey: '3c168975674b2fa8e465970b79c8dcf09f1c741626480bd4c6162fc5b6a98e1a',
  configuration:
    '01002031e1f05a740102115220e9af918f738674aec95f54db6e04eb705aae8e79815500080001000100010003',
  message: '00034745540568747470730b6578616d706c652e636f6d012f',
  ephemeral: 'bc51d5e930bda26589890ac7032f70ad12e4ecb37abb1b65b1256c9c48999c73',
  request:
    '010020000100014b28f881333e7c164ffc499ad9796f877f4e1051ee6d31bad19dec96c208b4726374e469135906992e1268c594d2a10c695d858c40a026e7965e7d86b83dd440b2c0185204b4d63525',
  answer: '0140c8',
  nonce: 'c789e7151fcba46158ca84b04464910d',
  response: 'c789e7151fcba46158ca84b04464910d86f9013e404feea014e7be4a441f234f857fbd',
} as const

test('the example of RFC 9458 comes out byte by byte', () => {
  const configuration = readKeyConfiguration(bytesOf(example.configuration))
  assert.ok(configuration !== null)
  assert.equal(configuration.keyId, 1)
  const privateKey = bytesOf(example.privateKey)
  assert.deepEqual(configuration.publicKey, hpkePublicKey(nodeCrypto, privateKey))

  const client = { crypto: nodeCrypto, random: only(example.ephemeral) }
  const sealed = sealRequest(client, configuration, bytesOf(example.message))
  assert.ok(sealed !== null)
  assert.equal(hex(sealed.bytes), example.request)

  const request = opened([{ ...configuration, privateKey }], sealed.bytes)
  assert.equal(hex(request.message), example.message)
  const response = request.seal(only(example.nonce), bytesOf(example.answer))
  assert.equal(hex(response), example.response)
  assert.equal(hex(sealed.open(response) ?? assert.fail()), example.answer)
})

const messages = fc.uint8Array({ maxLength: 2_000 })

test('what is sealed is opened, by the right key and the right client alone', () => {
  fc.assert(
    fc.property(messages, messages, (question, answer) => {
      const key = createGatewayKey(needs)
      const sealed = sealRequest(needs, key, question)
      assert.ok(sealed !== null)
      assert.equal(sealed.bytes.length, question.length + sealedRequestOverhead)
      const request = opened([createGatewayKey(needs), key], sealed.bytes)
      assert.deepEqual(request.message, question)
      const response = request.seal(nodeRandom, answer)
      assert.equal(response.length, answer.length + sealedResponseOverhead)
      assert.deepEqual(sealed.open(response), answer)
      // The same question again, even of the same client, has another response.
      assert.equal(sealRequest(needs, key, question)?.open(response), null)
      const otherKey = { ...createGatewayKey(needs), keyId: key.keyId }
      assert.equal(openRequest(nodeCrypto, [otherKey], sealed.bytes), 'key-unknown')
      assert.equal(openRequest(nodeCrypto, [], sealed.bytes), 'key-unknown')
    }),
    { numRuns: 50 },
  )
})

test('no bit can be changed, nothing cut off and nothing added', () => {
  const key = createGatewayKey(needs)
  const sealed = sealRequest(needs, key, bytesOf('00010203'))
  assert.ok(sealed !== null)
  const response = opened([key], sealed.bytes).seal(nodeRandom, bytesOf('040506'))
  const spoilt = (bytes: Uint8Array): Uint8Array[] => [
    ...Array.from({ length: bytes.length * 8 }, (_, bit) =>
      bytes.with(bit >> 3, (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))),
    ),
    ...Array.from({ length: bytes.length }, (_, length) => bytes.subarray(0, length)),
    concat(bytes, Uint8Array.of(0)),
  ]
  for (const bytes of spoilt(sealed.bytes))
    assert.equal(typeof openRequest(nodeCrypto, [key], bytes), 'string', hex(bytes))
  for (const bytes of spoilt(response)) assert.equal(sealed.open(bytes), null, hex(bytes))
  assert.equal(openRequest(nodeCrypto, [key], sealed.bytes.subarray(0, 50)), 'malformed')
})

test('of two keys with one identifier, the right one opens', () => {
  const [one, two] = [createGatewayKey(needs), { ...createGatewayKey(needs), keyId: 7 }]
  const sealed = sealRequest(needs, two, bytesOf('01'))
  assert.deepEqual(
    opened([{ ...one, keyId: 7 }, two], sealed?.bytes ?? bytesOf('')).message,
    bytesOf('01'),
  )
})

test('two requests with one content have nothing in common but the header', () => {
  const key = createGatewayKey(needs)
  const [one, two] = [
    sealRequest(needs, key, bytesOf('aa')),
    sealRequest(needs, key, bytesOf('aa')),
  ]
  assert.ok(one !== null && two !== null)
  assert.deepEqual(one.bytes.subarray(0, 7), two.bytes.subarray(0, 7))
  assert.notDeepEqual(one.bytes.subarray(7, 39), two.bytes.subarray(7, 39))
})

test('a key configuration reads as itself, and every other length is refused', () => {
  const key = createGatewayKey(needs)
  const written = writeKeyConfiguration(key)
  assert.deepEqual(readKeyConfiguration(written), { keyId: key.keyId, publicKey: key.publicKey })
  for (let length = 0; length < written.length; length++)
    assert.equal(readKeyConfiguration(written.subarray(0, length)), null)
  assert.equal(readKeyConfiguration(concat(written, new Uint8Array(4))), null)
})

const key = '31e1f05a740102115220e9af918f738674aec95f54db6e04eb705aae8e798155'
for (const [what, digits] of [
  ['another KEM', `010010${key}000400010001`],
  ['other symmetric algorithms alone', `010020${key}000800010003000100ff`],
  ['no symmetric algorithms', `010020${key}0000`],
  ['half an algorithm', `010020${key}00060001000100ff`],
] as const)
  test(`a key configuration with ${what} is refused`, () => {
    assert.equal(readKeyConfiguration(bytesOf(digits)), null)
  })

test('a key configuration whose key has a small order seals nothing', () => {
  const configuration = { keyId: 1, publicKey: new Uint8Array(32) }
  assert.equal(sealRequest(needs, configuration, bytesOf('00')), null)
})
