import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { compactVerify } from 'jose'
import { base64url, fromBase64url, utf8 } from '../base/bytes.ts'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import type { PublicKey, SignatureName } from '../runtime/runtime.ts'
import {
  batchHeader,
  isStatementSigned,
  readStatement,
  signBatch,
  signStatement,
  type Statement,
} from './jws.ts'

function read(text: string): Statement {
  const statement = readStatement(text, 100_000)
  assert.ok(typeof statement !== 'string', JSON.stringify(statement))
  return statement
}

const keyOf = (key: PublicKey) =>
  createPublicKey({ key: Buffer.from(key.spki), format: 'der', type: 'spki' })

for (const algorithm of ['Ed25519', 'ES256'] as const satisfies readonly SignatureName[]) {
  test(`jose verifies what we sign with ${algorithm}, and we do`, async () => {
    const { key } = nodeCrypto.generateKey(algorithm)
    const text = signStatement(key, { type: 'smn-obs+jws', keyId: 'k' }, '{"v":1}')
    const { payload, protectedHeader } = await compactVerify(text, keyOf(key.publicKey))
    assert.equal(Buffer.from(payload).toString(), '{"v":1}')
    assert.equal(protectedHeader.typ, 'smn-obs+jws')
    assert.equal(isStatementSigned(nodeCrypto, read(text), key.publicKey), true)
  })

  test(`any changed byte of a statement under ${algorithm} is found out`, () => {
    const { key } = nodeCrypto.generateKey(algorithm)
    const text = signStatement(key, { type: 'smn-obs+jws', keyId: 'k' }, '{"v":1,"nonce":"abc"}')
    fc.assert(
      fc.property(
        fc.nat(text.length - 1),
        fc.constantFrom('A', 'B', 'C', 'a', 'b', 'c', '0', '9', '-', '_', '.'),
        (at, letter) => {
          const changed = text.slice(0, at) + letter + text.slice(at + 1)
          if (changed === text) return
          const statement = readStatement(changed, 100_000)
          assert.ok(
            typeof statement === 'string' ||
              !isStatementSigned(nodeCrypto, statement, key.publicKey),
          )
        },
      ),
    )
  })
}

test('a key of another algorithm verifies nothing', () => {
  const ed = nodeCrypto.generateKey('Ed25519').key
  const es = nodeCrypto.generateKey('ES256').key
  const text = signStatement(ed, { type: 'smn-obs+jws' }, '{}')
  assert.equal(isStatementSigned(nodeCrypto, read(text), es.publicKey), false)
  assert.equal(
    isStatementSigned(nodeCrypto, read(text), { algorithm: 'ES256', spki: ed.publicKey.spki }),
    false,
  )
})

test('every statement of a batch verifies, alone, and none in the place of another', () => {
  const { key } = nodeCrypto.generateKey('Ed25519')
  const header = batchHeader({ type: 'smn-obs+jws', keyId: 'k' })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), (n) => {
      const inputs = Array.from(
        { length: n },
        (_, i) => `${header}.${base64url(utf8(`{"n":${i}}`))}`,
      )
      const signatures = signBatch(nodeCrypto, key, inputs)
      inputs.forEach((input, i) => {
        assert.equal(
          isStatementSigned(nodeCrypto, read(`${input}.${signatures[i]}`), key.publicKey),
          true,
        )
        const other = signatures[(i + 1) % n]
        if (n > 1)
          assert.equal(
            isStatementSigned(nodeCrypto, read(`${input}.${other}`), key.publicKey),
            false,
          )
      })
    }),
    { numRuns: 25 },
  )
})

test('a node of the tree cannot pass for a statement, nor a batch signature for a plain one', () => {
  const { key } = nodeCrypto.generateKey('Ed25519')
  const header = batchHeader({ type: 'smn-obs+jws' })
  const input = `${header}.${base64url(utf8('{}'))}`
  const [signature = ''] = signBatch(nodeCrypto, key, [input])
  const bytes = fromBase64url(signature) ?? new Uint8Array()
  // One level cut off, an index outside of the tree, and the bare signature.
  const wrong = [
    bytes.subarray(0, 64),
    Uint8Array.from([...bytes.subarray(0, 64), 1]),
    Uint8Array.from([...bytes, ...new Uint8Array(32)]),
  ]
  for (const one of wrong)
    assert.equal(
      isStatementSigned(nodeCrypto, read(`${input}.${base64url(one)}`), key.publicKey),
      false,
    )
})

const refusals: readonly (readonly [string, string, RegExp])[] = [
  ['two parts', 'e30.e30', /three parts/],
  ['no base64url', 'e30.e3=.x', /base64url/],
  ['a header that is no object', `${base64url(utf8('[]'))}.e30.AA`, /header/],
  ['a header that is no JSON', `${base64url(utf8('{'))}.e30.AA`, /header/],
  ['the algorithm none', `${base64url(utf8('{"alg":"none","typ":"x"}'))}.e30.AA`, /algorithm/],
  ['the algorithm HS256', `${base64url(utf8('{"alg":"HS256","typ":"x"}'))}.e30.AA`, /algorithm/],
  [
    'a critical extension',
    `${base64url(utf8('{"alg":"EdDSA","typ":"x","crit":["b64"],"b64":false}'))}.e30.AA`,
    /unknown field/,
  ],
  ['no type', `${base64url(utf8('{"alg":"EdDSA"}'))}.e30.AA`, /type/],
  [
    'too many certificates',
    `${base64url(utf8('{"alg":"ES256","typ":"x","x5c":["","","","",""]}'))}.e30.AA`,
    /certificates/,
  ],
]
for (const [what, text, why] of refusals) {
  test(`refuses a statement with ${what}`, () => {
    const read = readStatement(text, 1_000)
    assert.ok(typeof read === 'string')
    assert.match(read, why)
  })
}

test('refuses a statement that is too large before reading it', () => {
  assert.equal(readStatement('x'.repeat(1_001), 1_000), 'it has 1001 bytes, at most 1000 are taken')
})
