// Random certificate chains with at most a few faults, as property tests want them: seeded, shrinkable, printable.

import fc from 'fast-check'
import {
  asn1,
  day,
  makeCertificate,
  makeKey,
  purpose,
  testNow,
  type CertificateShape,
  type KeyKind,
  type TestCertificate,
  type TestKey,
} from './certificates.ts'

/** The name that every scenario asks for. */
export const host = 'www.example.test'

/** One deviation from the usual certificate at one place of the chain. */
export type Fault =
  | 'none'
  | 'expired'
  | 'not-yet-valid'
  | 'not-a-ca'
  | 'no-basic-constraints'
  | 'no-extensions'
  | 'version-1'
  | 'path-length-0'
  | 'path-length-1'
  | 'no-key-usage'
  | 'crl-sign-only'
  | 'client-auth'
  | 'any-purpose'
  | 'server-auth'
  | 'permits-host'
  | 'permits-other'
  | 'excludes-host'
  | 'excludes-other'
  | 'permits-address'
  | 'unknown-critical'
  | 'unknown-harmless'
  | 'wrong-signature'
  | 'key-ids'
  | 'other-key-id'
  | 'self-issued'
  | 'signs-itself'

export type Names =
  | 'host'
  | 'wildcard'
  | 'upper-case'
  | 'several'
  | 'other'
  | 'wildcard-too-high'
  | 'wildcard-inside'
  | 'common-name'
  | 'common-name-beside'
  | 'address'
  | 'none'

/** A chain from the server's certificate up to a root, and what of it is sent. */
export interface Scenario {
  readonly names: Names
  /** Of the server's key, then of the CAs' keys upwards. */
  readonly kinds: readonly KeyKind[]
  /** CAs between root and server; -1 for a server that signs itself. */
  readonly intermediates: -1 | 0 | 1 | 2 | 3
  readonly leafFault: Fault
  /** Faults of the CAs, from the one above the server up to the root. */
  readonly faults: readonly Fault[]
  readonly sendsRoot: boolean
  /** Certificates that have nothing to do with the chain. */
  readonly extras: 0 | 1 | 2
  /** Position among the CAs of one that is not sent; none when beyond their number. */
  readonly omitted: number
  readonly order: 'right' | 'reversed' | 'rotated'
  readonly repeatsLeaf: boolean
}

const faults: readonly Fault[] = [
  'expired',
  'not-yet-valid',
  'not-a-ca',
  'no-basic-constraints',
  'no-extensions',
  'version-1',
  'path-length-0',
  'path-length-1',
  'no-key-usage',
  'crl-sign-only',
  'client-auth',
  'any-purpose',
  'server-auth',
  'permits-host',
  'permits-other',
  'excludes-host',
  'excludes-other',
  'permits-address',
  'unknown-critical',
  'unknown-harmless',
  'wrong-signature',
  'key-ids',
  'other-key-id',
  'self-issued',
  'signs-itself',
]

/** These show only together with something else (a CA below, an address among the names), so they come more often. */
const rarelySeen: readonly Fault[] = [
  'path-length-0',
  'path-length-0',
  'path-length-1',
  'permits-address',
  'permits-address',
  'permits-other',
  'self-issued',
]

const fault = fc.oneof(
  { arbitrary: fc.constant<Fault>('none'), weight: 4 },
  { arbitrary: fc.constantFrom(...faults, ...rarelySeen), weight: 1 },
)
const kind = fc.constantFrom<KeyKind>('P-256', 'Ed25519', 'RSA-2048')

/** Mostly valid chains: about half of the scenarios have a fault somewhere. */
export const scenarios: fc.Arbitrary<Scenario> = fc.record({
  names: fc.oneof(
    { arbitrary: fc.constant<Names>('host'), weight: 5 },
    { arbitrary: fc.constant<Names>('several'), weight: 2 },
    {
      arbitrary: fc.constantFrom<Names>(
        'wildcard',
        'upper-case',
        'other',
        'wildcard-too-high',
        'wildcard-inside',
        'common-name',
        'common-name-beside',
        'address',
        'none',
      ),
      weight: 3,
    },
  ),
  kinds: fc.tuple(kind, kind, kind, kind, kind),
  intermediates: fc.constantFrom(-1, 0, 0, 1, 1, 1, 2, 2, 2, 3),
  leafFault: fault,
  faults: fc.tuple(fault, fault, fault, fault),
  sendsRoot: fc.oneof(
    { arbitrary: fc.constant(true), weight: 3 },
    { arbitrary: fc.constant(false), weight: 1 },
  ),
  extras: fc.constantFrom(0, 0, 0, 1, 2),
  omitted: fc.oneof(
    { arbitrary: fc.constant(9), weight: 8 },
    { arbitrary: fc.nat({ max: 3 }), weight: 1 },
  ),
  order: fc.constantFrom('right', 'right', 'reversed', 'rotated'),
  repeatsLeaf: fc.oneof(
    { arbitrary: fc.constant(false), weight: 9 },
    { arbitrary: fc.constant(true), weight: 1 },
  ),
})

/** The certificates of a scenario. */
export interface Built {
  readonly leaf: TestCertificate
  /** From the CA above the server up to the root. */
  readonly authorities: readonly TestCertificate[]
  /** Related to nothing. */
  readonly strangers: readonly TestCertificate[]
  /** What the server sends, its own certificate first. */
  readonly sent: readonly TestCertificate[]
}

/** Makes the certificates; keys come from a pool, so that RSA costs nothing after the first few. */
export function build(scenario: Scenario): Built {
  const authorities: TestCertificate[] = []
  let signer: TestCertificate | undefined
  for (let i = scenario.intermediates; i >= 0; i--) {
    const key = pooledKey(scenario.kinds[i + 1] ?? 'P-256', i + 1)
    signer = makeCertificate(
      faulty(
        {
          subject: [i === scenario.intermediates ? 'Test Root' : `Test Intermediate ${i}`],
          key,
          ca: true,
          keyUsage: ['keyCertSign', 'cRLSign'],
          subjectKeyId: keyId,
          ...(signer && { signer }),
        },
        scenario.faults[i] ?? 'none',
      ),
    )
    authorities.unshift(signer)
  }
  const leaf = makeCertificate(
    faulty(
      {
        key: pooledKey(scenario.kinds[0] ?? 'P-256', 0),
        ca: false,
        keyUsage: ['digitalSignature'],
        extendedKeyUsage: [purpose.serverAuth],
        ...namesOf(scenario.names),
        ...(signer && { signer }),
      },
      scenario.leafFault,
    ),
  )
  const strangers = [
    strangeRoot(),
    makeCertificate({ subject: ['Stranger'], key: pooledKey('P-256', 9) }),
  ]
  return { leaf, authorities, strangers, sent: sentOf(scenario, { leaf, authorities, strangers }) }
}

function sentOf(
  scenario: Scenario,
  { leaf, authorities, strangers }: Omit<Built, 'sent'>,
): readonly TestCertificate[] {
  const kept = authorities.filter(
    (_, i) => i !== scenario.omitted && (scenario.sendsRoot || i !== authorities.length - 1),
  )
  const others = [...kept, ...strangers.slice(0, scenario.extras)]
  if (scenario.repeatsLeaf) others.unshift(leaf)
  if (scenario.order === 'reversed') others.reverse()
  if (scenario.order === 'rotated') others.push(...others.splice(0, 1))
  return [leaf, ...others]
}

function strangeRoot(): TestCertificate {
  return makeCertificate({
    subject: ['Stranger Root'],
    key: pooledKey('P-256', 8),
    ca: true,
    keyUsage: ['keyCertSign'],
  })
}

function namesOf(names: Names): CertificateShape {
  switch (names) {
    case 'host':
      return { subject: [], dnsNames: [host] }
    case 'wildcard':
      return { subject: [], dnsNames: ['*.example.test'] }
    case 'upper-case':
      return { subject: [], dnsNames: ['WWW.Example.TEST'] }
    case 'several':
      return {
        subject: ['Server'],
        dnsNames: ['other.example.test', host],
        ipAddresses: ['192.0.2.1'],
      }
    case 'other':
      return { subject: [], dnsNames: ['other.example.test'] }
    case 'wildcard-too-high':
      return { subject: [], dnsNames: ['*.test', '*'] }
    case 'wildcard-inside':
      return { subject: [], dnsNames: ['www.*.test', '*.*.test'] }
    case 'common-name':
      return { subject: [host] }
    case 'common-name-beside':
      return { subject: [host], dnsNames: ['other.example.test'] }
    case 'address':
      return { subject: [], ipAddresses: ['192.0.2.1'] }
    case 'none':
      return { subject: ['Server'] }
  }
}

/** `shape` with `fault` worked in; where a fault means nothing for this certificate, it stays as it is. */
function faulty(shape: CertificateShape, what: Fault): CertificateShape {
  switch (what) {
    case 'none':
      return shape
    case 'expired':
      return { ...shape, notBefore: testNow - 20 * day, notAfter: testNow - day }
    case 'not-yet-valid':
      return { ...shape, notBefore: testNow + day }
    case 'not-a-ca':
      return { ...shape, ca: false }
    case 'no-basic-constraints':
      return without(shape, 'ca')
    case 'no-extensions':
      return without(shape, 'ca', 'keyUsage', 'subjectKeyId', 'extendedKeyUsage')
    case 'version-1':
      return {
        ...without(
          shape,
          'ca',
          'keyUsage',
          'subjectKeyId',
          'extendedKeyUsage',
          'dnsNames',
          'ipAddresses',
        ),
        version: 1,
      }
    case 'path-length-0':
      return { ...shape, ca: true, pathLength: 0 }
    case 'path-length-1':
      return { ...shape, ca: true, pathLength: 1 }
    case 'no-key-usage':
      return without(shape, 'keyUsage')
    case 'crl-sign-only':
      return { ...shape, keyUsage: ['cRLSign'] }
    case 'client-auth':
      return { ...shape, extendedKeyUsage: [purpose.clientAuth] }
    case 'any-purpose':
      return { ...shape, extendedKeyUsage: [purpose.any] }
    case 'server-auth':
      return { ...shape, extendedKeyUsage: [purpose.clientAuth, purpose.serverAuth] }
    case 'permits-host':
      return { ...shape, permitted: [{ dns: 'example.test' }, { dns: 'example.invalid' }] }
    case 'permits-other':
      return { ...shape, permitted: [{ dns: '.www.example.test' }] }
    case 'excludes-host':
      return { ...shape, excluded: [{ dns: '.test' }] }
    case 'excludes-other':
      return { ...shape, excluded: [{ dns: 'ample.test' }, { ip: '192.0.2.128/25' }] }
    case 'permits-address':
      return { ...shape, permitted: [{ ip: '192.0.3.0/24' }, { ip: '2001:db8::/32' }] }
    case 'unknown-critical':
      return { ...shape, extensions: [{ oid: '1.2.3.4', critical: true, value: asn1.nothing() }] }
    case 'unknown-harmless':
      return { ...shape, extensions: [{ oid: '1.2.3.4', critical: false, value: asn1.nothing() }] }
    case 'wrong-signature':
      return { ...shape, wrongSignature: true }
    case 'key-ids':
      return { ...shape, authorityKeyId: keyId }
    case 'other-key-id':
      return { ...shape, authorityKeyId: new Uint8Array([2]) }
    case 'self-issued':
      return { ...shape, ...(shape.signer && { subject: shape.signer.name }) }
    case 'signs-itself':
      return without(shape, 'signer')
  }
}

function without(
  shape: CertificateShape,
  ...keys: readonly (keyof CertificateShape)[]
): CertificateShape {
  return Object.fromEntries(
    Object.entries(shape).filter(([key]) => !keys.includes(key as keyof CertificateShape)),
  )
}

/** One for all CAs, so that only a deliberate other one tells them apart. */
const keyId = new Uint8Array([1])

const pool = new Map<string, TestKey>()

function pooledKey(kindOfKey: KeyKind, place: number): TestKey {
  const name = `${kindOfKey} ${place}`
  const key = pool.get(name) ?? makeKey(kindOfKey)
  pool.set(name, key)
  return key
}
