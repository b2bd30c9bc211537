import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  asn1,
  day,
  makeCertificate,
  makeIntermediate,
  makeKey,
  makeLeaf,
  makeRoot,
  purpose,
  testNow,
  type CertificateShape,
  type TestCertificate,
} from '../../test/support/certificates.ts'
import { build, scenarios } from '../../test/support/scenarios.ts'
import { limits } from '../base/limits.ts'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import type { Certificate } from '../runtime/runtime.ts'
import { validatePath, type PathResult } from './path.ts'

const key = makeKey()

/** The judgement on a chain as sent, up to `anchor`: a certificate, or a bare key as its DER. */
function validate(
  sent: readonly TestCertificate[],
  anchor: TestCertificate | Uint8Array,
  at: number = testNow,
): PathResult {
  const [leaf, ...others] = sent.map(({ der }) => nodeCrypto.readCertificate(der))
  assert.ok(leaf)
  return validatePath(
    {
      chain: [leaf, ...others],
      anchor:
        anchor instanceof Uint8Array
          ? { kind: 'key', spki: anchor }
          : { kind: 'certificate', certificate: nodeCrypto.readCertificate(anchor.der) },
      at,
    },
    nodeCrypto,
  )
}

function subjects(path: readonly Certificate[]): readonly string[] {
  return path.map(({ subject, dnsNames }) => subject || (dnsNames[0] ?? ''))
}

function assertValid(result: PathResult, expected?: readonly string[]): void {
  assert.ok(result.ok, JSON.stringify(result))
  if (expected !== undefined) assert.deepEqual(subjects(result.path), expected)
}

function assertFault(result: PathResult, code: string, pattern = /./): void {
  assert.equal(result.ok ? 'valid' : result.code, code, JSON.stringify(result))
  assert.match(result.ok ? '' : result.text, pattern)
}

const root = makeRoot()
const first = makeIntermediate(root, { subject: ['First'] })
const second = makeIntermediate(first, { subject: ['Second'] })
const leaf = makeLeaf(second)
const up = ['example.test', 'CN=Second', 'CN=First', 'CN=Test Root']

test('a chain leads up to its root, or to any CA below it', () => {
  assertValid(validate([leaf, second, first, root], root), up)
  assertValid(validate([leaf, second, first, root], first), up.slice(0, 3))
  assertValid(validate([leaf, second, first, root], second), up.slice(0, 2))
})

test('the anchor need not be sent, what is between must be', () => {
  assertValid(validate([leaf, second, first], root), up)
  assertFault(validate([leaf, first, root], root), 'no-path', /issued by "CN=Second".*2 more sent/)
  assertFault(validate([leaf], root), 'no-path', /no other certificate was sent/)
})

test('order, repetition and strangers do not matter', () => {
  const strangers = [makeRoot({ subject: ['Stranger'] }), makeCertificate({ subject: ['Friend'] })]
  const others = [second, first, root, first, leaf, ...strangers]
  fc.assert(
    fc.property(fc.shuffledSubarray(others, { minLength: others.length }), (shuffled) => {
      assertValid(validate([leaf, ...shuffled], root), up)
    }),
    { numRuns: 30 },
  )
})

test('a bare key takes the place of the anchor’s certificate', () => {
  assertValid(validate([leaf, second, first], root.spki), up.slice(0, 3))
  assertValid(validate([leaf, second], first.spki), up.slice(0, 2))
  assertValid(validate([leaf], second.spki), up.slice(0, 1))
  assertFault(validate([leaf], root.spki), 'no-path')
  assertFault(validate([leaf, second, first], new Uint8Array([0])), 'no-path')
})

test('a server that signed itself has no path to itself, but one to its bare key', () => {
  const own = makeCertificate({ subject: ['Own'], dnsNames: ['example.test'], key })
  assertFault(validate([own], own), 'no-path')
  assertValid(validate([own], key.spki), ['CN=Own'])
})

/** Faults of one certificate in an otherwise good chain; the same table for each place where it can stand. */
const faults: readonly {
  readonly what: string
  readonly shape: CertificateShape
  readonly code: string
  readonly places: readonly ('leaf' | 'ca' | 'anchor')[]
}[] = [
  {
    what: 'expired',
    shape: { notAfter: testNow - 1 },
    code: 'expired',
    places: ['leaf', 'ca', 'anchor'],
  },
  {
    what: 'not yet valid',
    shape: { notBefore: testNow + 1000 },
    code: 'not-yet-valid',
    places: ['leaf', 'ca', 'anchor'],
  },
  {
    what: 'with an unknown critical extension',
    shape: { extensions: [{ oid: '1.2.3.4', critical: true, value: asn1.nothing() }] },
    code: 'unknown-critical',
    places: ['leaf', 'ca', 'anchor'],
  },
  { what: 'that is no CA', shape: { ca: false }, code: 'not-a-ca', places: ['ca', 'anchor'] },
  {
    what: 'that may not sign',
    shape: { keyUsage: ['cRLSign', 'digitalSignature'] },
    code: 'may-not-sign',
    places: ['ca', 'anchor'],
  },
  {
    what: 'for clients',
    shape: { extendedKeyUsage: [purpose.clientAuth] },
    code: 'wrong-purpose',
    places: ['leaf', 'ca', 'anchor'],
  },
  {
    what: 'for any purpose',
    shape: { extendedKeyUsage: [purpose.any] },
    code: 'wrong-purpose',
    places: ['leaf', 'ca', 'anchor'],
  },
  {
    what: 'that only signs certificates',
    shape: { keyUsage: ['keyCertSign'] },
    code: 'wrong-purpose',
    places: ['leaf'],
  },
  {
    what: 'that permits other names',
    shape: { permitted: [{ dns: 'other.test' }] },
    code: 'name-constraint',
    places: ['ca', 'anchor'],
  },
  {
    what: 'that excludes the name',
    shape: { excluded: [{ dns: 'test' }] },
    code: 'name-constraint',
    places: ['ca', 'anchor'],
  },
  {
    what: 'with a spoilt signature',
    shape: { wrongSignature: true },
    code: 'bad-signature',
    places: ['leaf', 'ca'],
  },
]
for (const { what, shape, code, places } of faults)
  for (const place of places)
    test(`${place} ${what}: ${code}`, () => {
      const at = (here: string): CertificateShape => (here === place ? shape : {})
      const top = makeRoot({ key, ...at('anchor') })
      const middle = makeIntermediate(top, { key, ...at('ca') })
      const server = makeLeaf(middle, { key, ...at('leaf') })
      assertFault(validate([server, middle, top], top), code, /^certificate "[^"]+" [^\n]+$/)
    })

test('dates count to the second, both ends included', () => {
  const notBefore = testNow - day
  const notAfter = testNow + day
  const server = makeLeaf(root, { notBefore, notAfter })
  for (const at of [notBefore, testNow, notAfter]) assertValid(validate([server], root, at))
  assertFault(validate([server], root, notBefore - 1), 'not-yet-valid', /is valid from \d{4}-.*Z$/)
  assertFault(validate([server], root, notAfter + 1), 'expired', /expired \d{4}-.*Z$/)
})

test('path lengths count the CAs below, without those that renewed themselves', () => {
  const limited = makeRoot({ pathLength: 1 })
  const one = makeIntermediate(limited, { subject: ['One'] })
  const two = makeIntermediate(one, { subject: ['Two'] })
  assertValid(validate([makeLeaf(one), one], limited))
  assertFault(
    validate([makeLeaf(two), two, one], limited),
    'path-too-long',
    /allows 1 CAs below it, and has 2/,
  )
  const renewed = makeIntermediate(limited, { subject: limited.name, key: makeKey() })
  const below = makeIntermediate(renewed, { subject: ['Below'] })
  assertValid(validate([makeLeaf(below), below, renewed], limited))
})

test('the anchor alone may be a CA of the old kinds', () => {
  const version1 = makeCertificate({ subject: ['Old Root'], version: 1 })
  assertValid(validate([makeLeaf(version1), version1], version1))
  const signing = makeCertificate({ subject: ['Old CA'], keyUsage: ['keyCertSign'], signer: root })
  assertValid(validate([makeLeaf(signing), signing], signing))
  assertFault(validate([makeLeaf(signing), signing], root), 'not-a-ca')
  const plain = makeCertificate({ subject: ['Plain'] })
  assertFault(validate([makeLeaf(plain), plain], plain), 'not-a-ca')
  const issued = makeCertificate({ subject: ['Issued'], version: 1, signer: root })
  assertFault(validate([makeLeaf(issued), issued], issued), 'not-a-ca')
})

test('name constraints bind all below, but no CA that renewed itself', () => {
  const narrow = makeRoot({ permitted: [{ dns: 'example.test' }] })
  const inner = makeIntermediate(narrow, { dnsNames: ['elsewhere.test'] })
  assertFault(validate([makeLeaf(inner), inner], narrow), 'name-constraint', /elsewhere\.test/)
  const renewed = makeIntermediate(narrow, {
    subject: narrow.name,
    key: makeKey(),
    dnsNames: ['elsewhere.test'],
  })
  assertValid(validate([makeLeaf(renewed), renewed], narrow))
  // A server is bound even when it bears the name of its CA.
  const server = makeLeaf(narrow, { subject: narrow.name, dnsNames: ['elsewhere.test'] })
  assertFault(validate([server, narrow], narrow), 'name-constraint')
})

test('key identifiers tell issuers apart, where both sides have one', () => {
  const id = (n: number): Uint8Array => new Uint8Array([n])
  const withId = makeRoot({ subjectKeyId: id(1) })
  assertValid(validate([makeLeaf(withId, { authorityKeyId: id(1) })], withId))
  assertValid(validate([makeLeaf(withId)], withId))
  assertValid(validate([makeLeaf(root, { authorityKeyId: id(1) })], root))
  assertFault(validate([makeLeaf(withId, { authorityKeyId: id(2) })], withId), 'no-path')
})

test('a CA of the same name with another key does not lead astray', () => {
  const impostor = makeRoot()
  const old = makeRoot({ key: root.key, notAfter: testNow - 1, notBefore: testNow - day })
  const direct = makeLeaf(root)
  assertValid(validate([direct, impostor, old, root], root))
  assertFault(
    validate([direct, impostor], impostor),
    'bad-signature',
    /no signature by .*that counts/,
  )
  assertFault(validate([direct, old], old), 'expired')
})

test('of two ways up, the one that is valid is found', () => {
  const { name, key: sharedKey } = first
  const expired = makeIntermediate(root, { subject: name, key: sharedKey, notAfter: testNow - 1 })
  for (const middle of [
    [expired, first],
    [first, expired],
  ])
    assertValid(validate([leaf, second, ...middle, root], root), up)
})

test('of two ways up that are not valid, the first is told', () => {
  const { name, key: sharedKey } = first
  const ways = [{ notAfter: testNow - 1 }, { keyUsage: ['cRLSign'] }] as const
  const middles = ways.map((way) =>
    makeIntermediate(root, { subject: name, key: sharedKey, ...way }),
  )
  assertFault(validate([leaf, second, ...middles], root), 'expired')
  assertFault(validate([leaf, second, ...middles.toReversed()], root), 'may-not-sign')
})

test('loops end', () => {
  const a = makeKey()
  const b = makeKey()
  const one = makeIntermediate({ name: ['Two'], key: b }, { subject: ['One'], key: a })
  const two = makeIntermediate({ name: ['One'], key: a }, { subject: ['Two'], key: b })
  assertFault(validate([makeLeaf(one), one, two], root), 'no-path')
})

test('a crowd of CAs of one name and key is given up within a bounded number of signatures', () => {
  const crowd = Array.from({ length: limits.chainCertificatesMax - 1 }, () =>
    makeRoot({ subject: ['Crowd'], key }),
  )
  const [leader] = crowd
  assert.ok(leader)
  const chain = [makeLeaf(leader), ...crowd].map(({ der }) => nodeCrypto.readCertificate(der))
  const [server, ...others] = chain
  assert.ok(server)
  let verifications = 0
  const result = validatePath(
    {
      chain: [server, ...others],
      anchor: { kind: 'certificate', certificate: nodeCrypto.readCertificate(root.der) },
      at: testNow,
    },
    {
      isSignedBy: (certificate, spki) => {
        verifications++
        return nodeCrypto.isSignedBy(certificate, spki)
      },
    },
  )
  assertFault(result, 'too-complex', /within 128 steps/)
  assert.ok(verifications <= limits.chainCertificatesMax ** 2, `${verifications} verifications`)
})

test('what a hostile subject says stays one short line', () => {
  const name = `evil\n"${'x'.repeat(500)}`
  const result = validate([makeLeaf(root, { subject: [name], notAfter: testNow - 1 })], root)
  assertFault(result, 'expired')
  assert.ok(!result.ok && !/\n/.test(result.text) && result.text.length < 250)
})

test('a valid path is what it says: from the server to the anchor, each signed by the next', () => {
  fc.assert(
    fc.property(scenarios, fc.nat({ max: 4 }), (scenario, place) => {
      const { sent, authorities } = build(scenario)
      const anchor = authorities[place] ?? authorities.at(-1)
      if (anchor === undefined) return
      const result = validate(sent, anchor)
      if (!result.ok) return
      assert.deepEqual(result.path[0]?.der, sent[0]?.der)
      assert.deepEqual(result.path.at(-1)?.der, anchor.der)
      for (const [i, certificate] of result.path.slice(0, -1).entries()) {
        const issuer = result.path[i + 1]
        assert.ok(issuer && nodeCrypto.isSignedBy(certificate, issuer.spki))
      }
    }),
    { numRuns: 60 },
  )
})
