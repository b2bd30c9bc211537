// Fuzz target: verifying an observation. Whatever comes, it is rejected by name, and nothing unsigned is ever taken.

import assert from 'node:assert/strict'
import { base64url, concat, utf8 } from '../../src/base/bytes.ts'
import {
  isRejection,
  verifyObservation,
  type ExpectedObservation,
} from '../../src/observation/sign.ts'
import { nodeCrypto } from '../../src/runtime/node/crypto.ts'

const { key } = nodeCrypto.generateKey('Ed25519')
const now = Date.UTC(2026, 0, 1)
const header = base64url(utf8('{"alg":"EdDSA","typ":"smn-obs+jws","kid":"k"}'))
const expected: ExpectedObservation = {
  vantage: 'v'.repeat(43),
  answerKeys: [{ keyId: 'k', key: key.publicKey, expires: now + 1_000_000 }],
  target: 'https://a.test',
  nonce: 'n'.repeat(22),
  now,
}

/** The first octet chooses: a statement as it comes, a signed payload, or a signed header. */
export function fuzzObservation(bytes: Uint8Array): void {
  const [choice = 0] = bytes
  const rest = bytes.subarray(1)
  const statement = [raw, signedPayload, signedHeader][choice % 3]?.(rest) ?? ''
  const verified = verifyObservation(nodeCrypto, statement, expected)
  if (isRejection(verified)) {
    assert.ok(verified.text.length > 0 && verified.text.length < 1_000)
    return
  }
  assert.notEqual(choice % 3, 0, 'an unsigned statement was taken')
  assert.equal(verified.target, expected.target)
  assert.equal(verified.nonce, expected.nonce)
  assert.equal(verified.iss, expected.vantage)
}

function raw(bytes: Uint8Array): string {
  return new TextDecoder('latin1').decode(bytes)
}

function signedPayload(bytes: Uint8Array): string {
  const input = `${header}.${base64url(bytes)}`
  return `${input}.${base64url(key.sign(utf8(input)))}`
}

function signedHeader(bytes: Uint8Array): string {
  const input = `${base64url(concat(bytes))}.${base64url(utf8('{}'))}`
  return `${input}.${base64url(key.sign(utf8(input)))}`
}
