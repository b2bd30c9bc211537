// Fuzz target: reading a DNS answer. Whatever the octets, it ends, and says nothing that the message does not hold.

import assert from 'node:assert/strict'
import ipaddr from 'ipaddr.js'
import { limits } from '../../src/base/limits.ts'
import { isCanonicalAssociation, parseAssociation } from '../../src/observation/association.ts'
import type { DnsAnswer } from '../../src/observation/observation.ts'
import {
  isAskable,
  readAnswer,
  type Question,
  type QueryType,
} from '../../src/vantage/dns/message.ts'

const queryTypes: readonly QueryType[] = ['A', 'AAAA', 'TLSA']
const names = ['wWw.ExAmple.tEst', 'a', '_443._tcp.www.example.test'] as const

/**
 * Reads `bytes`: the first octet chooses the question, the rest is the message.
 * @throws AssertionError when a property does not hold
 */
export function fuzzDnsMessage(bytes: Uint8Array): void {
  const choice = bytes[0] ?? 0
  const octets = bytes.subarray(1)
  const question: Question = {
    id: octets.length < 2 ? 0 : ((octets[0] ?? 0) << 8) | (octets[1] ?? 0),
    name: names[(choice >> 2) % names.length] ?? names[0],
    type: queryTypes[(choice + 2) % queryTypes.length] ?? 'A',
  }
  const reading = readAnswer(octets, question, { anyCase: (choice & 0x80) !== 0 })
  assert.deepEqual(readAnswer(octets, question, { anyCase: (choice & 0x80) !== 0 }), reading)
  if (reading.kind === 'alias') {
    assert.ok(reading.cname.length >= 1)
    checkAliases(reading.cname)
    checkTtl(reading.ttl)
  } else if (reading.kind === 'answer') {
    checkAnswer(reading.answer)
    for (const record of reading.answer.records)
      assert.ok(holds(octets, dataOf(record, question.type)), `${record} is not in the message`)
  }
}

function checkAnswer(answer: DnsAnswer): void {
  checkAliases(answer.cname)
  assert.equal(answer.status === 'ok', answer.records.length > 0)
  assert.ok(answer.records.length <= limits.dnsRecordsMax)
  assert.equal(new Set(answer.records).size, answer.records.length)
  if (answer.ttl !== null) checkTtl(answer.ttl)
  if (answer.status === 'ok') assert.notEqual(answer.ttl, null)
  const isAnswer = ['ok', 'nodata', 'nxdomain'].includes(answer.status)
  if (!isAnswer) {
    assert.ok((answer.error ?? '') !== '')
    assert.deepEqual([answer.ttl, answer.ad], [null, false])
  }
  assert.ok((answer.error ?? '').length <= 512)
}

function checkAliases(cname: readonly string[]): void {
  assert.ok(cname.length <= limits.cnameStepsMax)
  assert.equal(new Set(cname).size, cname.length)
  for (const name of cname) assert.ok(isAskable(name) && name === name.toLowerCase(), name)
}

function checkTtl(ttl: number): void {
  assert.ok(Number.isInteger(ttl) && ttl >= 0 && ttl < 2 ** 31, String(ttl))
}

/** The octets that a record's text stands for. */
function dataOf(record: string, type: QueryType): readonly number[] {
  if (type !== 'TLSA') return ipaddr.parse(record).toByteArray()
  const { usage, selector, matching, data } = parseAssociation(record)
  assert.ok(isCanonicalAssociation(record), record)
  return [usage, selector, matching, ...data]
}

function holds(octets: Uint8Array, part: readonly number[]): boolean {
  for (let at = 0; at + part.length <= octets.length; at++)
    if (part.every((octet, i) => octets[at + i] === octet)) return true
  return false
}
