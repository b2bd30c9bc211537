import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeCertificate, makeKey, type CertificateShape } from '../../test/support/certificates.ts'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import { matchesName } from './names.ts'

const key = makeKey()

function matches(shape: CertificateShape, host: string): boolean {
  return matchesName(nodeCrypto.readCertificate(makeCertificate({ key, ...shape }).der), host)
}

const patterns: readonly [pattern: string, host: string, matches: boolean][] = [
  ['www.example.test', 'www.example.test', true],
  ['WWW.Example.TEST', 'www.example.test', true],
  ['www.example.test', 'example.test', false],
  ['example.test', 'www.example.test', false],
  ['www.example.test.', 'www.example.test', false],
  ['*.example.test', 'www.example.test', true],
  ['*.EXAMPLE.test', 'my_host.example.test', true],
  ['*.example.test', 'xn--bcher-kva.example.test', true],
  ['*.example.test', 'example.test', false],
  ['*.example.test', 'a.b.example.test', false],
  ['*.example.test', '.example.test', false],
  ['*.test', 'example.test', false],
  ['*', 'localhost', false],
  ['*.', 'localhost', false],
  ['w*.example.test', 'www.example.test', false],
  ['*w.example.test', 'www.example.test', false],
  ['xn--*.example.test', 'xn--bcher-kva.example.test', false],
  ['www.*.test', 'www.example.test', false],
  ['*.*.test', 'www.example.test', false],
  ['xn--bcher-kva.test', 'xn--bcher-kva.test', true],
  ['', 'example.test', false],
  ['www.example.test\0.evil.test', 'www.example.test', false],
  ['192.0.2.1', '192.0.2.1', false],
  ['*.0.2.1', '192.0.2.1', false],
]
for (const [pattern, host, expected] of patterns)
  test(`a certificate for ${JSON.stringify(pattern)} is ${expected ? '' : 'not '}for ${host}`, () => {
    assert.equal(matches({ dnsNames: [pattern] }, host), expected)
  })

test('any of several names will do', () => {
  const dnsNames = ['a.test', 'b.test', '*.c.test']
  for (const host of ['a.test', 'b.test', 'x.c.test']) assert.ok(matches({ dnsNames }, host))
})

test('addresses are compared in canonical form, with addresses only', () => {
  const ipAddresses = ['192.0.2.1', '2001:db8:0:0::1', '::ffff:192.0.2.2']
  assert.ok(matches({ ipAddresses }, '192.0.2.1'))
  assert.ok(matches({ ipAddresses }, '2001:db8::1'))
  assert.equal(matches({ ipAddresses }, '192.0.2.2'), false)
  assert.equal(matches({ ipAddresses, dnsNames: ['a.test'] }, 'b.test'), false)
})

test('a common name is no name, with or without others beside it', () => {
  assert.equal(matches({ subject: ['a.test'] }, 'a.test'), false)
  assert.equal(matches({ subject: ['a.test'], dnsNames: ['b.test'] }, 'a.test'), false)
  assert.equal(matches({ subject: ['192.0.2.1'] }, '192.0.2.1'), false)
})
