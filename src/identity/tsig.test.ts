import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import test from 'node:test'
import fc from 'fast-check'
import { utf8 } from '../base/bytes.ts'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import { number, signReply, type ReplySigning } from '../../test/support/tsig.ts'
import { decodeReply, encodeRecord, encodeRequest } from './dns-message.ts'
import { checkReply, signMessage, type TsigKey } from './tsig.ts'
import { parseTsigKey } from './tsig-key-file.ts'

const secret = Uint8Array.from({ length: 32 }, (_, i) => i)
const key: TsigKey = { name: 'host.example.', algorithm: 'sha256', secret }
const now = Date.UTC(2026, 5, 15, 12)
const seconds = now / 1000

/** `host.example` and `hmac-sha256` on the wire, written by hand. */
const keyName = Buffer.from('\x04host\x07example\x00', 'latin1')
const algorithmName = Buffer.from('\x0bhmac-sha256\x00', 'latin1')

const request = encodeRequest({
  id: 0x1234,
  opcode: 0,
  question: { name: 'a.test.', type: 6 },
  updates: [],
})

test('a request is signed over the message and the variables of RFC 8945 §4.3.3', () => {
  const signed = signMessage(nodeCrypto, key, { message: request, now })
  const variables = Buffer.concat([
    keyName,
    number(255, 2),
    number(0, 4),
    algorithmName,
    number(seconds, 6),
    number(300, 2),
    number(0, 2),
    number(0, 2),
  ])
  const mac = createHmac('sha256', secret).update(request).update(variables).digest()
  assert.deepEqual(Buffer.from(signed.mac), mac)
  const data = Buffer.concat([
    algorithmName,
    number(seconds, 6),
    number(300, 2),
    number(32, 2),
    mac,
    number(0x1234, 2),
    number(0, 4),
  ])
  const expected = Buffer.concat([
    request,
    keyName,
    number(250, 2),
    number(255, 2),
    number(0, 4),
    number(data.length, 2),
    data,
  ])
  expected.writeUInt16BE(1, 10)
  assert.deepEqual(Buffer.from(signed.message), expected)
})

const answer = Buffer.from(request)
answer.writeUInt16BE(0x8400, 2)

const signedReply = (requestMac: Uint8Array, changes: Partial<ReplySigning> = {}): Buffer =>
  signReply(answer, { secret, keyName, seconds, requestMac, ...changes })

const { mac } = signMessage(nodeCrypto, key, { message: request, now })
const check = (message: Uint8Array, at = now) =>
  checkReply(nodeCrypto, key, { message, mac, now: at })

test('the answer of the server that holds the key is taken', () => {
  assert.deepEqual(check(signedReply(mac)), { outcome: 'valid' })
  assert.deepEqual(check(signedReply(mac), now + 300_000), { outcome: 'valid' })
})

const forgeries: Readonly<Record<string, Uint8Array>> = {
  'another secret': signedReply(mac, { secret: new Uint8Array(32) }),
  'an answer to another request': signedReply(mac, { requestMac: new Uint8Array(32) }),
  'another key': signedReply(mac, { keyName: Buffer.from('\x01x\x00', 'latin1') }),
  'a cut signature': signedReply(mac, { macOctets: 16 }),
  'no signature': Uint8Array.from(request),
  'nothing at all': new Uint8Array(0),
}
for (const [what, message] of Object.entries(forgeries))
  test(`an answer with ${what} is not believed`, () => {
    assert.equal(check(message).outcome, 'invalid')
  })

test('an answer from another time is not believed', () => {
  assert.equal(check(signedReply(mac), now + 301_000).outcome, 'invalid')
  assert.equal(check(signedReply(mac, { seconds: seconds + 301 })).outcome, 'invalid')
})

test('an answer with one bit changed is not believed', () => {
  const whole = signedReply(mac)
  const names = [keyName, algorithmName].map((name) => ({
    from: whole.indexOf(name),
    size: name.length,
  }))
  const changesCase = (at: number, bit: number): boolean =>
    bit === 5 && names.some(({ from, size }) => at >= from && at < from + size)
  fc.assert(
    fc.property(fc.nat(8 * whole.length - 1), (bit) => {
      const changed = Uint8Array.from(whole)
      const at = bit >> 3
      changed[at] = (changed[at] ?? 0) ^ (1 << (bit & 7))
      // The id of the header is not signed: the one in the record stands for it (RFC 8945 §5.3).
      if (at > 1 && !changesCase(at, bit & 7)) assert.notEqual(check(changed).outcome, 'valid')
    }),
    { numRuns: 2_000 },
  )
})

test('a server tells why it refuses a signature, and with BADTIME what time it has', () => {
  const refused = (error: number, serverTime: number | null) => ({
    outcome: 'refused',
    error,
    serverTime,
  })
  const unsigned = (error: number) => signedReply(mac, { error, macOctets: 0 })
  assert.deepEqual(check(unsigned(16)), refused(16, null))
  assert.deepEqual(check(unsigned(17)), refused(17, null))
  const late = { error: 18, other: number(seconds + 3_600, 6) }
  assert.deepEqual(check(signedReply(mac, late)), refused(18, now + 3_600_000))
  assert.equal(check(signedReply(mac, { ...late, secret: new Uint8Array(32) })).outcome, 'invalid')
  assert.equal(check(unsigned(18)).outcome, 'invalid')
})

test('no bytes whatever break the reading of messages', () => {
  const record = encodeRecord({ name: 'a.test.', type: 52, class: 1, ttl: 300, data: utf8('x') })
  const start = fc.constantFrom(new Uint8Array(0), signedReply(mac), record)
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 80 }), fc.nat(300), (bytes, noise, at) => {
      const message = Uint8Array.from(bytes)
      message.set(noise.subarray(0, Math.max(0, message.length - at)), Math.min(at, message.length))
      for (const each of [message, noise]) {
        decodeReply(each)
        assert.notEqual(check(each).outcome, noise.length === 0 ? '' : undefined)
      }
    }),
    { numRuns: 5_000 },
  )
})

const file = (text: string): TsigKey => parseTsigKey('k.key', utf8(text))
const base64Secret = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8='

test('a key file is read as tsig-keygen writes it, and as people do', () => {
  const written = `key "host.example" {\n\talgorithm hmac-sha256;\n\tsecret "${base64Secret}";\n};\n`
  assert.deepEqual(file(written), key)
  const byHand = `# a key
  /* for { us } */ key Host.Example. { // here
    secret ${base64Secret}; algorithm "HMAC-SHA256"; };`
  assert.deepEqual(file(byHand), key)
  for (const algorithm of ['sha384', 'sha512'])
    assert.equal(file(written.replace('sha256', algorithm)).algorithm, algorithm)
})

const clause = (changes: { name?: string; algorithm?: string; secret?: string }): string =>
  `key "${changes.name ?? 'k'}" { algorithm ${changes.algorithm ?? 'hmac-sha256'}; secret "${changes.secret ?? base64Secret}"; };`
const wrongFiles: readonly (readonly [string, RegExp])[] = [
  ['', /not one clause/],
  [`${clause({})}${clause({})}`, /not one clause/],
  [clause({}).replace('secret', 'algorithm'), /not one clause/],
  [clause({}).slice(0, -1), /not one clause/],
  [`${clause({})} options { };`, /not one clause/],
  [`key "k { };`, /not one clause/],
  [clause({ name: 'a b' }), /name of the key/],
  [clause({ name: '' }), /name of the key/],
  [clause({ algorithm: 'hmac-md5' }), /"hmac-md5" is not one of hmac-sha256/],
  [clause({ algorithm: '__proto__' }), /is not one of/],
  [clause({ secret: 'a!' }), /secret is not base64/],
  [clause({ secret: '' }), /secret is not base64/],
  [`${clause({})}${' '.repeat(5_000)}`, /at most 4096/],
]
for (const [text, message] of wrongFiles)
  test(`the key file ${JSON.stringify(text.slice(0, 60))} is refused: ${String(message)}`, () => {
    assert.throws(() => file(text), { code: 'file-malformed', message })
  })
