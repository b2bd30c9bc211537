import assert from 'node:assert/strict'
import test from 'node:test'
import { X509Certificate } from 'node:crypto'
import { hex } from '../base/bytes.ts'
import { limits } from '../base/limits.ts'
import { fromPem } from '../base/pem.ts'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import { createVirtualClock } from '../../test/support/virtual-clock.ts'
import { createAuthority, issueServer } from './issue.ts'

const now = Date.UTC(2026, 5, 15, 12)
const day = 86_400_000

/** A world that stands still; every byte of chance is `chance`. */
const world = (options: { readonly now?: number; readonly chance?: number } = {}) => ({
  clock: createVirtualClock({ now: options.now ?? now }),
  random: { bytes: (length: number) => new Uint8Array(length).fill(options.chance ?? 0xa5) },
  crypto: nodeCrypto,
})

test('a CA signs server certificates and no further CA', () => {
  const { certificate, key, spkiHash } = createAuthority(world(), { name: 'Example Corp' })
  assert.deepEqual(certificate.basicConstraints, { ca: true, pathLength: 0 })
  assert.deepEqual(certificate.keyUsage, ['keyCertSign', 'cRLSign'])
  assert.equal(certificate.extendedKeyUsage, null)
  assert.equal(certificate.nameConstraints, null)
  assert.deepEqual(certificate.commonNames, ['Example Corp'])
  assert.deepEqual(certificate.subjectDer, certificate.issuerDer)
  assert.deepEqual(certificate.unknownCritical, [])
  assert.equal(certificate.version, 3)
  assert.deepEqual(certificate.spki, key.publicKey.spki)
  assert.deepEqual(spkiHash, nodeCrypto.digest('sha256', certificate.spki))
  assert.equal(certificate.notBefore, now - limits.certificateBackdateMs)
  assert.equal(certificate.notAfter, now + 3_650 * day)
  assert.ok(nodeCrypto.isSignedBy(certificate, certificate.spki))
})

test('name constraints permit the names given and exclude the form that is not', () => {
  const constraints = (names: readonly string[]) =>
    createAuthority(world(), { name: 'X', names }).certificate.nameConstraints
  const bytes = (digits: string) => Uint8Array.from(Buffer.from(digits, 'hex'))
  assert.deepEqual(constraints(['a.test', 'B.test']), {
    permittedDns: ['a.test', 'b.test'],
    excludedDns: [],
    permittedIp: [],
    excludedIp: [new Uint8Array(8), new Uint8Array(32)],
    hasOtherForms: false,
  })
  assert.deepEqual(constraints(['10.2.3.4/8']), {
    permittedDns: [],
    excludedDns: [''],
    permittedIp: [bytes('0a000000ff000000')],
    excludedIp: [],
    hasOtherForms: false,
  })
})

test('a server certificate holds its names and nothing that it does not need', () => {
  const authority = createAuthority(world(), { name: 'Example Corp' })
  const { certificate, key, keyPem, chainPem } = issueServer(world(), authority, {
    names: ['A.test', '*.a.test', '192.0.2.1', '2001:db8::1', 'a.test'],
  })
  assert.deepEqual(certificate.dnsNames, ['a.test', '*.a.test'])
  assert.deepEqual(certificate.ipAddresses, ['192.0.2.1', '2001:db8::1'])
  assert.deepEqual(certificate.commonNames, [])
  assert.equal(certificate.basicConstraints, null)
  assert.deepEqual(certificate.keyUsage, ['digitalSignature'])
  assert.deepEqual(certificate.extendedKeyUsage, ['1.3.6.1.5.5.7.3.1'])
  assert.deepEqual(certificate.issuerDer, authority.certificate.subjectDer)
  assert.deepEqual(certificate.authorityKeyId, authority.certificate.subjectKeyId)
  assert.notDeepEqual(certificate.spki, authority.certificate.spki)
  assert.deepEqual(nodeCrypto.loadKey(keyPem).publicKey, key.publicKey)
  assert.ok(nodeCrypto.isSignedBy(certificate, authority.certificate.spki))
  assert.deepEqual(fromPem('CERTIFICATE', chainPem), [certificate.der, authority.certificate.der])
})

test('serial numbers are positive and carry 126 bits of chance', () => {
  for (const chance of [0, 0xff]) {
    const { certificate } = createAuthority(world({ chance }), { name: 'X' })
    const rest = hex(new Uint8Array(15).fill(chance))
    assert.equal(certificate.serial, `${chance === 0 ? '40' : '7f'}${rest}`)
  }
})

test('signatures verify whatever the leading bytes of r and s are', () => {
  // One in 128 needs a byte more or less than the rest: 400 signatures meet each case but with chance 0.04.
  const authority = createAuthority(world(), { name: 'X' })
  for (let i = 0; i < 400; i++) {
    const { certificate } = issueServer(world(), authority, { names: ['a.test'] })
    assert.ok(
      new X509Certificate(certificate.der).verify(
        new X509Certificate(authority.certificate.der).publicKey,
      ),
    )
  }
})

test('a server certificate lasts 90 days, and never longer than its CA', () => {
  const authority = createAuthority(world(), { name: 'X', days: 100 })
  const until = (at: number, days?: number) =>
    issueServer(world({ now: at }), authority, {
      names: ['a.test'],
      ...(days !== undefined && { days }),
    }).certificate
  assert.equal(until(now).notAfter, now + 90 * day)
  assert.equal(until(now, 1).notAfter, now + day)
  assert.equal(until(now + 50 * day).notAfter, authority.certificate.notAfter)
  assert.equal(until(now).notBefore, authority.certificate.notBefore)
  assert.equal(until(now + day).notBefore, now + day - limits.certificateBackdateMs)
  for (const at of [now + 100 * day, now - 2 * limits.certificateBackdateMs])
    assert.throws(() => until(at), { code: 'certificate-unusable' })
})

test('dates from 2050 on are written in the long form', () => {
  const authority = createAuthority(world(), { name: 'X', days: 36_500 })
  assert.equal(authority.certificate.notAfter, now + 36_500 * day)
  const text = Buffer.from(authority.certificate.der).toString('latin1')
  assert.ok(text.includes('21260522120000Z'))
  assert.ok(text.includes('260615110000Z'))
})

test('a CA signs nothing outside of its names', () => {
  const authority = createAuthority(world(), { name: 'X', names: ['a.test', '10.0.0.0/8'] })
  assert.ok(issueServer(world(), authority, { names: ['x.a.test', '10.1.1.1'] }))
  for (const name of ['b.test', '192.0.2.1', '::1'])
    assert.throws(() => issueServer(world(), authority, { names: ['a.test', name] }), {
      code: 'name-refused',
      message: new RegExp(
        `^issue for "${name}": the CA is held to names: .*(not permitted|excluded)`,
      ),
    })
})

test('what makes no sense is refused before a key is made', () => {
  const needs = {
    ...world(),
    crypto: { ...nodeCrypto, generateKey: () => assert.fail('a key was made') },
  }
  const authority = createAuthority(world(), { name: 'X' })
  const many = Array.from({ length: limits.certificateNamesMax + 1 }, (_, i) => `a${i}.test`)
  for (const [run, code] of [
    [() => createAuthority(needs, { name: '' }), 'name-malformed'],
    [() => createAuthority(needs, { name: 'x'.repeat(65) }), 'name-malformed'],
    [() => createAuthority(needs, { name: 'a\u001b[31m' }), 'name-malformed'],
    [() => createAuthority(needs, { name: 'X', names: ['*.a'] }), 'name-malformed'],
    [() => createAuthority(needs, { name: 'X', names: many }), 'certificate-unusable'],
    [() => createAuthority(needs, { name: 'X', days: 0 }), 'certificate-unusable'],
    [() => issueServer(needs, authority, { names: [] }), 'certificate-unusable'],
    [() => issueServer(needs, authority, { names: many }), 'certificate-unusable'],
    [() => issueServer(needs, authority, { names: ['https://x'] }), 'name-malformed'],
    [() => issueServer(needs, authority, { names: ['a.test'], days: 1.5 }), 'certificate-unusable'],
  ] as const)
    assert.throws(run, { code })
})
