import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { concat, equalBytes, utf8 } from '../../base/bytes.ts'
import { Failure } from '../../base/failure.ts'
import { limits } from '../../base/limits.ts'
import {
  asn1,
  makeCertificate,
  makeIntermediate,
  makeKey,
  makeLeaf,
  makeRoot,
  purpose,
  testNow,
  type CertificateShape,
  type RawExtension,
} from '../../../test/support/certificates.ts'
import { build, scenarios } from '../../../test/support/scenarios.ts'
import { isSignedBy, readCertificate } from './certificates.ts'

const key = makeKey()
const root = makeRoot()

function isMalformed(pattern: RegExp): (error: unknown) => boolean {
  return (error) =>
    Failure.is(error) && error.code === 'certificate-malformed' && pattern.test(error.message)
}

function readShape(shape: CertificateShape) {
  return readCertificate(makeCertificate({ key, ...shape }).der)
}

test('every field is read', () => {
  const made = makeCertificate({
    key,
    subject: ['First', 'Zweiter ü'],
    signer: root,
    serial: new Uint8Array([0x7f, 1, 2]),
    notBefore: Date.UTC(1999, 11, 31, 23, 59, 59),
    notAfter: Date.UTC(2050, 0, 1),
    dnsNames: ['a.test', 'B.test'],
    ipAddresses: ['192.0.2.1', '2001:db8:0::1'],
    emails: ['someone@a.test'],
    ca: true,
    pathLength: 3,
    keyUsage: ['keyCertSign', 'cRLSign', 'digitalSignature'],
    extendedKeyUsage: [purpose.serverAuth, purpose.any],
    permitted: [{ dns: 'a.test' }, { ip: '10.0.0.0/8' }],
    excluded: [{ dns: '.b.test' }, { ip: '2001:db8::/32' }],
    subjectKeyId: new Uint8Array([1, 2]),
    authorityKeyId: new Uint8Array([3]),
    authorityIssuer: { name: ['Other'], serial: new Uint8Array([9]) },
    extensions: [
      {
        oid: '2.25.329800735698586629295641978511506172918',
        critical: true,
        value: asn1.nothing(),
      },
      { oid: '1.2.3.4', critical: false, value: asn1.nothing() },
    ],
  })
  const read = readCertificate(made.der)
  const x509 = new X509Certificate(made.der)
  assert.deepEqual(read.der, made.der)
  assert.deepEqual(read.spki, made.spki)
  assert.equal(read.serial, '7f0102')
  assert.equal(read.subject, 'CN=First, CN=Zweiter ü')
  assert.equal(read.issuer, 'CN=Test Root')
  assert.deepEqual(read.issuerDer, readCertificate(root.der).subjectDer)
  assert.equal(read.notBefore, x509.validFromDate.getTime())
  assert.equal(read.notAfter, Date.UTC(2050, 0, 1))
  assert.deepEqual(read.dnsNames, ['a.test', 'B.test'])
  assert.deepEqual(read.ipAddresses, ['192.0.2.1', '2001:db8::1'])
  assert.deepEqual(read.commonNames, ['First', 'Zweiter ü'])
  assert.deepEqual(read.basicConstraints, { ca: true, pathLength: 3 })
  assert.deepEqual(read.keyUsage, ['digitalSignature', 'keyCertSign', 'cRLSign'])
  assert.deepEqual(read.extendedKeyUsage, [purpose.serverAuth, purpose.any])
  assert.deepEqual(read.nameConstraints, {
    permittedDns: ['a.test'],
    excludedDns: ['.b.test'],
    permittedIp: [new Uint8Array([10, 0, 0, 0, 255, 0, 0, 0])],
    excludedIp: [
      new Uint8Array([
        ...concat(new Uint8Array([0x20, 1, 0x0d, 0xb8]), new Uint8Array(12)),
        ...concat(new Uint8Array([255, 255, 255, 255]), new Uint8Array(12)),
      ]),
    ],
    hasOtherForms: false,
  })
  assert.deepEqual(read.subjectKeyId, new Uint8Array([1, 2]))
  assert.deepEqual(read.authorityKeyId, new Uint8Array([3]))
  assert.deepEqual(read.unknownCritical, ['2.25.329800735698586629295641978511506172918'])
  assert.equal(read.version, 3)
})

test('what is absent is null or empty', () => {
  const read = readShape({ subject: [], version: 1 })
  assert.equal(read.version, 1)
  assert.equal(read.subject, '')
  for (const names of [read.commonNames, read.dnsNames, read.ipAddresses, read.unknownCritical])
    assert.deepEqual(names, [])
  const { basicConstraints, keyUsage, extendedKeyUsage, nameConstraints } = read
  const { subjectKeyId, authorityKeyId } = read
  for (const field of [basicConstraints, keyUsage, extendedKeyUsage, nameConstraints])
    assert.equal(field, null)
  for (const field of [subjectKeyId, authorityKeyId]) assert.equal(field, null)
})

test('subtrees of other forms, and subtrees with bounds, are seen', () => {
  const email = readShape({ excluded: [{ email: 'a.test' }] })
  assert.equal(email.nameConstraints?.hasOtherForms, true)
  const directory = readShape({ permitted: [{ dns: 'a.test' }, { directory: ['A'] }] })
  assert.equal(directory.nameConstraints?.hasOtherForms, true)
  // SEQUENCE { [0] { SEQUENCE { [2] "a", [1] 5 } } }: at most five labels below.
  const bounded = [0x30, 0x0a, 0xa0, 0x08, 0x30, 0x06, 0x82, 0x01, 0x61, 0x81, 0x01, 0x05]
  const extensions = [{ oid: '2.5.29.30', critical: true, value: new Uint8Array(bounded) }]
  assert.equal(readShape({ extensions }).nameConstraints?.hasOtherForms, true)
})

test('the reading of random certificates agrees with that of node:crypto', () => {
  fc.assert(
    fc.property(scenarios, (scenario) => {
      for (const { der } of build(scenario).sent) {
        const read = readCertificate(der)
        const x509 = new X509Certificate(der)
        assert.equal(read.notBefore, x509.validFromDate.getTime())
        assert.equal(read.notAfter, x509.validToDate.getTime())
        const spki = x509.publicKey.export({ type: 'spki', format: 'der' })
        assert.ok(equalBytes(read.spki, spki))
        const names = [
          ...read.dnsNames.map((name) => `DNS:${name}`),
          ...read.ipAddresses.map((address) => `IP Address:${address}`),
        ]
        assert.equal(names.join(', '), x509.subjectAltName ?? '')
        // Node's `ca` is X509_check_ca() === 1: basic constraints say so, and key usage does not deny it.
        const mayBe = read.keyUsage === null || read.keyUsage.includes('keyCertSign')
        assert.equal(read.basicConstraints?.ca === true && mayBe, x509.ca)
      }
    }),
    { numRuns: 60 },
  )
})

test('a certificate that carries another one as PEM text is not taken for it', () => {
  const victim = makeLeaf(root, { dnsNames: ['victim.test'] })
  const extension: RawExtension = {
    oid: '1.2.3.4',
    critical: false,
    value: utf8(`\n${victim.pem}`),
  }
  const { der } = makeCertificate({ key, dnsNames: ['evil.test'], extensions: [extension] })
  // What would go wrong: node:crypto reads the victim's certificate out of the attacker's.
  assert.ok(new X509Certificate(der).verify(new X509Certificate(root.der).publicKey))
  assert.throws(() => readCertificate(der), isMalformed(/another certificate as PEM text/))
  const forged = { ...readCertificate(victim.der), der }
  assert.equal(isSignedBy(forged, root.spki), false)
})

test('bytes that are not exactly one certificate are refused', () => {
  const { der } = makeLeaf(root)
  assert.throws(() => readCertificate(new Uint8Array()), isMalformed(/cut off/))
  assert.throws(() => readCertificate(utf8(root.pem)), isMalformed(/bytes follow|cut off/))
  assert.throws(
    () => readCertificate(concat(der, new Uint8Array(1))),
    isMalformed(/1 bytes follow/),
  )
  for (let length = 0; length < der.length; length++)
    assert.throws(() => readCertificate(der.subarray(0, length)), isMalformed(/./))
  const long = new Uint8Array(limits.certificateBytesMax + 1)
  assert.throws(() => readCertificate(long), isMalformed(/at most 65536 are taken/))
})

test('the bytes read are a copy: what becomes of the caller’s buffer does not matter', () => {
  const der = new Uint8Array(makeLeaf(root).der)
  const read = readCertificate(der)
  der.fill(0)
  assert.equal(read.der[0], 0x30)
  assert.equal(read.spki[0], 0x30)
})

const malformedExtensions: readonly [string, string, readonly number[], RegExp][] = [
  ['basic constraints that are no sequence', '2.5.29.19', [0x04, 0x00], /tag 0x4, not 0x30/],
  ['a negative path length', '2.5.29.19', [0x30, 0x06, 1, 1, 255, 2, 1, 0x80], /negative/],
  ['a boolean of 2 octets', '2.5.29.19', [0x30, 0x04, 1, 2, 255, 255], /not one octet/],
  ['key usage of nine unused bits', '2.5.29.15', [0x03, 0x02, 0x09, 0x80], /not a bit string/],
  ['key usage without any octet', '2.5.29.15', [0x03, 0x00], /not a bit string/],
  ['an address of 5 octets', '2.5.29.17', [0x30, 0x07, 0x87, 5, 1, 2, 3, 4, 5], /has 5 octets/],
  [
    'a constraint of 4 octets',
    '2.5.29.30',
    [48, 10, 160, 8, 48, 6, 135, 4, 1, 2, 3, 4],
    /4 octets/,
  ],
  ['an indefinite length', '2.5.29.17', [0x30, 0x80, 0, 0], /indefinite/],
  ['a long form of no length', '2.5.29.17', [0x30, 0x81, 0x00], /shortest form/],
  ['a long form of a length under 128', '2.5.29.17', [0x30, 0x81, 0x02, 0x82, 0], /shortest form/],
  ['a length over the end', '2.5.29.17', [0x30, 0x05, 0x82], /4 bytes are missing/],
  ['a length over 4 GB', '2.5.29.17', [0x30, 0x85, 1, 0, 0, 0, 0], /over 4 GB/],
  ['a high tag', '2.5.29.17', [0x30, 0x03, 0x1f, 0x81, 0x00], /tag over 30/],
  ['bytes behind it', '2.5.29.14', [0x04, 0x01, 0x01, 0x05, 0x00], /2 bytes follow/],
  [
    'an endless purpose',
    '2.5.29.37',
    [0x30, 0x03, 0x06, 0x01, 0x80],
    /identifier is empty, cut off/,
  ],
]
for (const [what, oid, value, pattern] of malformedExtensions)
  test(`an extension with ${what} is refused`, () => {
    const extensions = [{ oid, critical: false, value: new Uint8Array(value) }]
    assert.throws(() => readShape({ extensions }), isMalformed(pattern))
  })

test('an extension that appears twice is refused', () => {
  const twice = { oid: '1.2.3.4', critical: false, value: asn1.nothing() }
  assert.throws(
    () => readShape({ extensions: [twice, twice] }),
    isMalformed(/1\.2\.3\.4 appears twice/),
  )
})

test('a boolean of 01, which is in use though it is no DER, is true', () => {
  const value = new Uint8Array([0x30, 0x03, 0x01, 0x01, 0x01])
  const read = readShape({ extensions: [{ oid: '2.5.29.19', critical: true, value }] })
  assert.deepEqual(read.basicConstraints, { ca: true, pathLength: null })
})

test('a signature verifies with the key that made it, and with no other', () => {
  for (const kind of ['P-256', 'RSA-2048', 'Ed25519'] as const) {
    const ca = makeRoot({ key: makeKey(kind) })
    const leaf = readCertificate(makeLeaf(ca).der)
    assert.equal(isSignedBy(leaf, ca.spki), true, kind)
    assert.equal(isSignedBy(leaf, makeKey(kind).spki), false, kind)
    assert.equal(isSignedBy(leaf, makeKey(kind === 'P-256' ? 'Ed25519' : 'P-256').spki), false)
    const spoilt = readCertificate(makeLeaf(ca, { wrongSignature: true }).der)
    assert.equal(isSignedBy(spoilt, ca.spki), false, kind)
  }
})

test('a key that does not parse has signed nothing', () => {
  const leaf = readCertificate(makeLeaf(root).der)
  for (const spki of [new Uint8Array(), new Uint8Array([0]), root.spki.subarray(1), root.der])
    assert.equal(isSignedBy(leaf, spki), false)
})

test('broken digests and short keys do not count as signatures', () => {
  const rsa = makeRoot({ key: makeKey('RSA-2048') })
  const short = makeRoot({ key: makeKey('RSA-1024') })
  const isSigned = (by: typeof rsa, signature?: 'sha1' | 'pss' | 'pss-sha1'): boolean =>
    isSignedBy(readCertificate(makeLeaf(by, { ...(signature && { signature }) }).der), by.spki)
  assert.equal(isSigned(rsa), true)
  assert.equal(isSigned(rsa, 'pss'), true)
  assert.equal(isSigned(rsa, 'sha1'), false)
  assert.equal(isSigned(rsa, 'pss-sha1'), false)
  assert.equal(isSigned(root, 'sha1'), false)
  assert.equal(isSigned(short), false)
  // They are signatures to OpenSSL, so that it is our rule that refuses them.
  for (const [by, signature] of [
    [rsa, 'sha1'],
    [rsa, 'pss-sha1'],
    [root, 'sha1'],
  ] as const) {
    const { der } = makeLeaf(by, { signature })
    assert.ok(new X509Certificate(der).verify(new X509Certificate(by.der).publicKey), signature)
  }
})

test('random damage is refused by name or leaves a certificate that can be asked', () => {
  const { der } = makeIntermediate(root, { dnsNames: ['a.test'], permitted: [{ dns: 'a.test' }] })
  fc.assert(
    fc.property(fc.nat({ max: der.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, bits) => {
      const damaged = new Uint8Array(der)
      damaged[at] = (damaged[at] ?? 0) ^ bits
      try {
        const read = readCertificate(damaged)
        assert.deepEqual(read.der, damaged)
        assert.equal(isSignedBy(read, root.spki), false)
      } catch (error) {
        assert.ok(isMalformed(/./)(error), String(error))
      }
    }),
    { numRuns: 500 },
  )
})

test('times are whole seconds of UTC, and days that exist', () => {
  const { der } = makeCertificate({ key, notBefore: testNow, notAfter: testNow })
  const text = new Date(testNow).toISOString().replaceAll(/[-:T]/g, '').slice(2, 14)
  const at = Buffer.from(der).indexOf(text)
  const withTime = (time: string): Uint8Array => {
    const changed = new Uint8Array(der)
    changed.set(utf8(time), at)
    return changed
  }
  assert.equal(readCertificate(withTime(text)).notBefore, testNow)
  for (const wrong of ['261399000000', '260230000000', '26010124000a', '260101000060'])
    assert.throws(() => readCertificate(withTime(wrong)), isMalformed(/notBefore|OpenSSL/))
})
