import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hex, utf8 } from '../base/bytes.ts'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import { leafOf, leafOfObservation, type Logged } from './log-leaf.ts'
import { hashLeaf } from './merkle.ts'
import type { DnsAnswer, Handshake } from './observation.ts'

const answer: DnsAnswer = {
  status: 'ok',
  records: ['203.0.113.10'],
  ttl: 60,
  ad: false,
  cname: [],
  error: null,
}
const handshake: Handshake = {
  address: '203.0.113.10',
  port: 443,
  origin: 'own',
  outcome: 'completed',
  error: null,
  protocol: 'TLSv1.3',
  cipher: null,
  group: null,
  alpn: null,
  chain: [{ certificate: 'c'.repeat(64), spki: 'd'.repeat(64) }],
  connectMs: 1.25,
  handshakeMs: 2.5,
}
const logged: Logged = {
  target: 'https://a.test',
  salt: 's'.repeat(22),
  sight: {
    at: 1_700_000_000_000,
    dns: {
      a: answer,
      aaaa: { ...answer, status: 'nodata', records: [] },
      authority: {
        ...answer,
        records: ['2 1 1 ab'],
        origin: 'service',
        owner: '_443._tcp.a.test',
        base: 'a.test',
      },
    },
    handshakes: [handshake],
    dnsMs: 3.5,
  },
}

/** `logged` with a part of its sight replaced. */
const withSight = (sight: Partial<Logged['sight']>): Logged => ({
  ...logged,
  sight: { ...logged.sight, ...sight },
})
const withDns = (dns: Partial<Logged['sight']['dns']>): Logged =>
  withSight({ dns: { ...logged.sight.dns, ...dns } })

test('a leaf is the hash of one text that another language writes as well', () => {
  const text =
    `["smn-leaf",1,"${'s'.repeat(22)}","https://a.test",1700000000000,["ok",["203.0.113.10"]],` +
    `["nodata",[]],["ok",["2 1 1 ab"],"service","_443._tcp.a.test","a.test"],` +
    `[["203.0.113.10",443,"completed",[["${'c'.repeat(64)}","${'d'.repeat(64)}"]]]]]`
  assert.equal(hex(leafOf(nodeCrypto, logged)), hex(hashLeaf(nodeCrypto, utf8(text))))
})

test('everything that a verdict rests on is in it', () => {
  const { a, authority } = logged.sight.dns
  const changed: readonly Logged[] = [
    { ...logged, target: 'https://b.test' },
    { ...logged, salt: 't'.repeat(22) },
    withSight({ at: 1_700_000_000_001 }),
    withSight({ handshakes: [] }),
    withSight({ handshakes: [{ ...handshake, outcome: 'failed' }] }),
    withSight({ handshakes: [{ ...handshake, port: 444 }] }),
    withSight({ handshakes: [{ ...handshake, chain: [] }] }),
    withDns({ a: { ...a, records: [] } }),
    withDns({ a: { ...a, status: 'timeout' } }),
    withDns({ aaaa: a }),
    withDns({ authority: { ...authority, records: ['2 1 1 cd'] } }),
    withDns({ authority: { ...authority, origin: 'inherited' } }),
    withDns({ authority: { ...authority, owner: '_ca.a.test' } }),
    withDns({ authority: { ...authority, base: 'b.test' } }),
  ]
  const leaves = [logged, ...changed].map((one) => hex(leafOf(nodeCrypto, one)))
  assert.equal(new Set(leaves).size, leaves.length)
})

test('what an asker adds, and how long things took, is not in it', () => {
  const asked = { ...handshake, origin: 'asked', address: '203.0.113.99' } as const
  const same = withSight({ handshakes: [handshake, asked], dnsMs: 9 })
  assert.equal(hex(leafOf(nodeCrypto, same)), hex(leafOf(nodeCrypto, logged)))
})

test('an observation without a sight, or of a vantage without a log, has no leaf', () => {
  const { target, salt, sight } = logged
  assert.equal(leafOfObservation(nodeCrypto, { target, sight }), null)
  assert.equal(leafOfObservation(nodeCrypto, { target, salt, sight: null }), null)
  assert.deepEqual(leafOfObservation(nodeCrypto, logged), leafOf(nodeCrypto, logged))
})
