import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import { signStatement } from './jws.ts'
import type { Observation } from './observation.ts'
import {
  isRejection,
  signObservation,
  verifyObservation,
  type ExpectedObservation,
} from './sign.ts'

const now = Date.UTC(2026, 0, 1)
const { key } = nodeCrypto.generateKey('Ed25519')
const stranger = nodeCrypto.generateKey('Ed25519').key
const vantage = 'v'.repeat(43)
const nonce = 'n'.repeat(22)
const answer = {
  status: 'nodata',
  records: [],
  ttl: 30,
  ad: false,
  cname: [],
  error: null,
} as const

const observation: Observation = {
  v: 1,
  iss: vantage,
  target: 'https://a.test',
  nonce,
  sent: now,
  exp: now + 60_000,
  status: 'answered',
  excuse: null,
  source: 'fresh',
  sight: {
    at: now - 1_000,
    dns: {
      a: answer,
      aaaa: answer,
      authority: { ...answer, origin: 'service', owner: '_443._tcp.a.test', base: 'a.test' },
    },
    handshakes: [],
    dnsMs: 1,
  },
}

const expected: ExpectedObservation = {
  vantage,
  answerKeys: [{ keyId: 'k', key: key.publicKey, expires: now + 1_000_000_000 }],
  target: 'https://a.test',
  nonce,
  now,
}

function codeOf(
  changed: Partial<Observation>,
  expectation: Partial<ExpectedObservation> = {},
): string {
  const statement = signObservation(key, 'k', { ...observation, ...changed })
  const verified = verifyObservation(nodeCrypto, statement, { ...expected, ...expectation })
  return isRejection(verified) ? verified.code : 'verified'
}

const sight = observation.sight
assert.ok(sight !== null)

const cases: readonly (readonly [
  string,
  string,
  Partial<Observation>,
  Partial<ExpectedObservation>?,
])[] = [
  ['the expected answer', 'verified', {}],
  [
    'an answer without nonce that was asked for without',
    'verified',
    { nonce: null },
    { nonce: null },
  ],
  [
    'an answer two minutes off',
    'verified',
    { sent: now - 120_000, sight: { ...sight, at: now - 120_000 } },
  ],
  ['the name of another vantage', 'wrong-vantage', { iss: 'w'.repeat(43) }],
  ['another target', 'wrong-target', { target: 'https://b.test' }],
  ['another nonce', 'wrong-nonce', { nonce: 'm'.repeat(22) }],
  ['no nonce where one was given', 'wrong-nonce', { nonce: null }],
  ['a nonce where none was given', 'wrong-nonce', {}, { nonce: null }],
  [
    'an old time',
    'wrong-time',
    { sent: now - 121_000, exp: now, sight: { ...sight, at: now - 122_000 } },
  ],
  [
    'a time to come',
    'wrong-time',
    { sent: now + 121_000, exp: now + 181_000, sight: { ...sight, at: now + 120_000 } },
  ],
  ['an end before its beginning', 'stale', { exp: now - 1 }],
  ['DNS data of two minutes ago', 'stale', { sight: { ...sight, at: now - 120_000 } }],
  ['DNS data of the future', 'stale', { sight: { ...sight, at: now + 1 } }],
  ['an answer without a sight', 'malformed', { sight: null }],
  ['a sight though it is busy', 'malformed', { status: 'busy' }],
  [
    'a key that had expired',
    'wrong-key',
    {},
    { answerKeys: [{ keyId: 'k', key: key.publicKey, expires: now - 1 }] },
  ],
  [
    'a key of another name',
    'wrong-key',
    {},
    { answerKeys: [{ keyId: 'other', key: key.publicKey, expires: now + 1_000 }] },
  ],
  [
    'the key of a stranger',
    'bad-signature',
    {},
    { answerKeys: [{ keyId: 'k', key: stranger.publicKey, expires: now + 1_000 }] },
  ],
  [
    'an association that is none',
    'malformed',
    {
      sight: {
        ...sight,
        dns: {
          ...sight.dns,
          authority: { ...sight.dns.authority, status: 'ok', records: ['2 1 1 00'] },
        },
      },
    },
  ],
]
for (const [what, code, changed, expectation] of cases) {
  test(`verifying ${what} comes to ${code}`, () => assert.equal(codeOf(changed, expectation), code))
}

test('a wrong time speaks of the two clocks', () => {
  const statement = signObservation(key, 'k', { ...observation, sent: now - 7_200_000 })
  const verified = verifyObservation(nodeCrypto, statement, expected)
  assert.ok(isRejection(verified))
  assert.match(verified.text, /-7200 s; one of the two clocks is wrong/)
})

test('a signed statement of another kind is no observation', () => {
  const statement = signStatement(
    key,
    { type: 'smn-list+jws', keyId: 'k' },
    JSON.stringify(observation),
  )
  const verified = verifyObservation(nodeCrypto, statement, expected)
  assert.ok(isRejection(verified) && verified.code === 'wrong-type')
})

test('a statement that is too large is not read', () => {
  const verified = verifyObservation(nodeCrypto, 'x'.repeat(70_000), expected)
  assert.ok(isRejection(verified) && verified.code === 'malformed')
})
