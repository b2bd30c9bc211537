// Makes keys and certificates of any shape for tests, the wrong ones too (RFC 5280 §4). Synchronous.

import { constants, generateKeyPairSync, sign, X509Certificate, type KeyObject } from 'node:crypto'
import * as asn1js from 'asn1js'
import ipaddr from 'ipaddr.js'
import * as pkijs from 'pkijs'

export type KeyKind = 'P-256' | 'RSA-2048' | 'RSA-1024' | 'Ed25519'

/** A key pair that can be a subject's, an issuer's, or both. */
export interface TestKey {
  readonly kind: KeyKind
  readonly privateKey: KeyObject
  /** PKCS#8. */
  readonly pem: string
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
}

/** An extension as raw bytes; replaces the one that the shape would give for the same identifier. */
export interface RawExtension {
  readonly oid: string
  readonly critical: boolean
  /** DER of the extension's value. */
  readonly value: Uint8Array
}

/** Who signs: the name that goes into `issuer`, and the key. */
export interface Signer {
  readonly name: Name
  readonly key: TestKey
}

/** A subject by its common names in order; none gives the empty name. */
export type Name = readonly string[]

export type KeyUsageName =
  | 'digitalSignature'
  | 'nonRepudiation'
  | 'keyEncipherment'
  | 'dataEncipherment'
  | 'keyAgreement'
  | 'keyCertSign'
  | 'cRLSign'

/** What a certificate is to say. All that is left out is absent from it, or has the default named here. */
export interface CertificateShape {
  /** Default: `['Test']`. */
  readonly subject?: Name
  /** Default: a new P-256 key. */
  readonly key?: TestKey
  /** Default: the certificate itself (self-signed). */
  readonly signer?: Signer
  /** Default: random, positive, 16 bytes. */
  readonly serial?: Uint8Array
  /** Milliseconds since 1970 UTC. Defaults: `testNow` minus and plus 30 days. */
  readonly notBefore?: number
  readonly notAfter?: number
  readonly dnsNames?: readonly string[]
  readonly ipAddresses?: readonly string[]
  /** Further alternative names of type rfc822Name. */
  readonly emails?: readonly string[]
  /** Value of cA; undefined leaves basic constraints out. */
  readonly ca?: boolean
  readonly pathLength?: number
  readonly keyUsage?: readonly KeyUsageName[]
  /** Object identifiers, see `purpose`. */
  readonly extendedKeyUsage?: readonly string[]
  readonly permitted?: readonly Subtree[]
  readonly excluded?: readonly Subtree[]
  readonly subjectKeyId?: Uint8Array
  readonly authorityKeyId?: Uint8Array
  /** Authority key identifier by issuer name and serial number. */
  readonly authorityIssuer?: { readonly name: Name; readonly serial: Uint8Array }
  readonly extensions?: readonly RawExtension[]
  /** Default: 3. */
  readonly version?: 1 | 3
  /** Another way to sign than the usual one (SHA-256; PKCS #1 1.5 for RSA). `pss` is for RSA keys. */
  readonly signature?: 'sha1' | 'pss' | 'pss-sha1'
  /** Flips one bit of the signature. */
  readonly wrongSignature?: boolean
}

/** One subtree of name constraints. `ip` is `address/prefix length`; `email` stands for forms we do not evaluate. */
export type Subtree =
  | { readonly dns: string }
  | { readonly ip: string }
  | { readonly email: string }
  | { readonly directory: Name }

/** A certificate beside its key, ready to be served or to sign another one. */
export interface TestCertificate extends Signer {
  readonly der: Uint8Array
  readonly pem: string
  readonly keyPem: string
  readonly spki: Uint8Array
}

/** Extended key usages (RFC 5280 §4.2.1.12). */
export const purpose = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  any: '2.5.29.37.0',
} as const

/** The middle of every default validity: the present, to the minute, so that real servers and clients accept them. */
export const testNow: number = Math.floor(Date.now() / 60_000) * 60_000
export const day = 86_400_000

/** A new key pair. RSA takes about 50 ms; share one between certificates where the key does not matter. */
export function makeKey(kind: KeyKind = 'P-256'): TestKey {
  const { privateKey, publicKey } = generatePair(kind)
  return {
    kind,
    privateKey,
    pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    spki: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })),
  }
}

function generatePair(kind: KeyKind): { privateKey: KeyObject; publicKey: KeyObject } {
  switch (kind) {
    case 'P-256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' })
    case 'RSA-2048':
      return generateKeyPairSync('rsa', { modulusLength: 2048 })
    case 'RSA-1024':
      return generateKeyPairSync('rsa', { modulusLength: 1024 })
    case 'Ed25519':
      return generateKeyPairSync('ed25519')
  }
}

/** The certificate of that shape, signed. */
export function makeCertificate(shape: CertificateShape = {}): TestCertificate {
  const name = shape.subject ?? ['Test']
  const key = shape.key ?? makeKey()
  const signer = shape.signer ?? { name, key }
  const certificate = new pkijs.Certificate()
  certificate.version = (shape.version ?? 3) - 1
  certificate.serialNumber = new asn1js.Integer({ valueHex: buffer(shape.serial ?? newSerial()) })
  certificate.signature = algorithmOf(signer.key, shape.signature)
  certificate.signatureAlgorithm = algorithmOf(signer.key, shape.signature)
  certificate.subject = nameOf(name)
  certificate.issuer = nameOf(signer.name)
  certificate.notBefore = timeOf(shape.notBefore ?? testNow - 30 * day)
  certificate.notAfter = timeOf(shape.notAfter ?? testNow + 30 * day)
  certificate.subjectPublicKeyInfo.fromSchema(asn1js.fromBER(buffer(key.spki)).result)
  const extensions = extensionsOf(shape)
  if (extensions.length > 0) certificate.extensions = extensions
  certificate.tbs = certificate.encodeTBS().toBER()
  const signature = signatureOf(certificate.tbsView, signer.key, shape.signature)
  if (shape.wrongSignature === true) spoil(signature)
  certificate.signatureValue = new asn1js.BitString({ valueHex: buffer(signature) })
  const der = new Uint8Array(certificate.toSchema(true).toBER())
  return { name, key, der, pem: pemOf(der), keyPem: key.pem, spki: key.spki }
}

/** A root with the usual extensions of a CA; `shape` adds to or replaces them. */
export function makeRoot(shape: CertificateShape = {}): TestCertificate {
  return makeCertificate({
    subject: ['Test Root'],
    ca: true,
    keyUsage: ['keyCertSign', 'cRLSign'],
    ...shape,
  })
}

/** A CA below `signer`; `shape` adds to or replaces the usual extensions. */
export function makeIntermediate(signer: Signer, shape: CertificateShape = {}): TestCertificate {
  return makeRoot({ subject: ['Test Intermediate'], signer, ...shape })
}

/** A server's certificate below `signer` for `example.test`, or the names in `shape`. */
export function makeLeaf(signer: Signer, shape: CertificateShape = {}): TestCertificate {
  return makeCertificate({
    subject: [],
    signer,
    ca: false,
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: [purpose.serverAuth],
    dnsNames: ['example.test'],
    ...shape,
  })
}

/** The whole usual chain, leaf first and root last. */
export function makeChain(
  options: {
    readonly names?: readonly string[]
    readonly intermediates?: number
    readonly kind?: KeyKind
  } = {},
): {
  readonly chain: readonly TestCertificate[]
  readonly leaf: TestCertificate
  readonly root: TestCertificate
} {
  const kind = options.kind ?? 'P-256'
  const root = makeRoot({ key: makeKey(kind) })
  const authorities = [root]
  let signer = root
  for (let i = 0; i < (options.intermediates ?? 0); i++) {
    signer = makeIntermediate(signer, {
      subject: [`Test Intermediate ${i + 1}`],
      key: makeKey(kind),
    })
    authorities.unshift(signer)
  }
  const leaf = makeLeaf(signer, {
    key: makeKey(kind),
    dnsNames: options.names ?? ['example.test'],
  })
  return { chain: [leaf, ...authorities], leaf, root }
}

/** PEM of one DER certificate. */
export function pemOf(der: Uint8Array): string {
  return new X509Certificate(der).toString()
}

/** A DER value of the universal types that tests need for raw extensions. */
export const asn1 = {
  nothing: (): Uint8Array => new Uint8Array(new asn1js.Null().toBER()),
  octets: (value: Uint8Array): Uint8Array =>
    new Uint8Array(new asn1js.OctetString({ valueHex: buffer(value) }).toBER()),
} as const

function extensionsOf(shape: CertificateShape): pkijs.Extension[] {
  const raw = shape.extensions ?? []
  const usual = [
    basicConstraints(shape),
    keyUsage(shape.keyUsage),
    extendedKeyUsage(shape.extendedKeyUsage),
    nameConstraints(shape),
    alternativeNames(shape),
    shape.subjectKeyId &&
      extension(
        '2.5.29.14',
        false,
        new asn1js.OctetString({ valueHex: buffer(shape.subjectKeyId) }),
      ),
    authorityKeyId(shape),
  ].filter((entry) => entry instanceof pkijs.Extension)
  return [
    ...usual.filter((entry) => raw.every(({ oid }) => oid !== entry.extnID)),
    ...raw.map(
      ({ oid, critical, value }) =>
        new pkijs.Extension({ extnID: oid, critical, extnValue: buffer(value) }),
    ),
  ]
}

function extension(oid: string, critical: boolean, value: asn1js.BaseBlock): pkijs.Extension {
  return new pkijs.Extension({ extnID: oid, critical, extnValue: value.toBER() })
}

function basicConstraints(shape: CertificateShape): pkijs.Extension | null {
  if (shape.ca === undefined && shape.pathLength === undefined) return null
  const value = new pkijs.BasicConstraints({
    cA: shape.ca ?? false,
    ...(shape.pathLength === undefined ? {} : { pathLenConstraint: shape.pathLength }),
  })
  return extension('2.5.29.19', true, value.toSchema())
}

const keyUsageBits: readonly KeyUsageName[] = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
]

function keyUsage(names: readonly KeyUsageName[] | undefined): pkijs.Extension | null {
  if (names === undefined) return null
  const bits = names.reduce((sum, name) => sum | (0x80 >> keyUsageBits.indexOf(name)), 0)
  const unusedBits = bits === 0 ? 0 : 31 - Math.clz32(bits & -bits)
  const value = new asn1js.BitString({ valueHex: new Uint8Array([bits]).buffer, unusedBits })
  return extension('2.5.29.15', true, value)
}

function extendedKeyUsage(purposes: readonly string[] | undefined): pkijs.Extension | null {
  if (purposes === undefined) return null
  const value = new pkijs.ExtKeyUsage({ keyPurposes: [...purposes] })
  return extension('2.5.29.37', false, value.toSchema())
}

function alternativeNames(shape: CertificateShape): pkijs.Extension | null {
  const names = [
    ...(shape.dnsNames ?? []).map((value) => new pkijs.GeneralName({ type: 2, value })),
    ...(shape.ipAddresses ?? []).map((text) =>
      ipName(new Uint8Array(ipaddr.parse(text).toByteArray())),
    ),
    ...(shape.emails ?? []).map((value) => new pkijs.GeneralName({ type: 1, value })),
  ]
  if (names.length === 0) return null
  return extension('2.5.29.17', false, new pkijs.GeneralNames({ names }).toSchema())
}

function ipName(octets: Uint8Array): pkijs.GeneralName {
  return new pkijs.GeneralName({
    type: 7,
    value: new asn1js.OctetString({ valueHex: buffer(octets) }),
  })
}

function nameConstraints(shape: CertificateShape): pkijs.Extension | null {
  if (shape.permitted === undefined && shape.excluded === undefined) return null
  const value = new pkijs.NameConstraints({
    ...(shape.permitted === undefined ? {} : { permittedSubtrees: shape.permitted.map(subtree) }),
    ...(shape.excluded === undefined ? {} : { excludedSubtrees: shape.excluded.map(subtree) }),
  })
  return extension('2.5.29.30', true, value.toSchema())
}

function subtree(tree: Subtree): pkijs.GeneralSubtree {
  return new pkijs.GeneralSubtree({ base: subtreeBase(tree) })
}

function subtreeBase(tree: Subtree): pkijs.GeneralName {
  if ('dns' in tree) return new pkijs.GeneralName({ type: 2, value: tree.dns })
  if ('email' in tree) return new pkijs.GeneralName({ type: 1, value: tree.email })
  if ('directory' in tree) return new pkijs.GeneralName({ type: 4, value: nameOf(tree.directory) })
  const [address, prefix] = ipaddr.parseCIDR(tree.ip)
  const mask =
    address.kind() === 'ipv4'
      ? ipaddr.IPv4.subnetMaskFromPrefixLength(prefix)
      : ipaddr.IPv6.subnetMaskFromPrefixLength(prefix)
  return ipName(new Uint8Array([...address.toByteArray(), ...mask.toByteArray()]))
}

function authorityKeyId(shape: CertificateShape): pkijs.Extension | null {
  if (shape.authorityKeyId === undefined && shape.authorityIssuer === undefined) return null
  const value = new pkijs.AuthorityKeyIdentifier()
  if (shape.authorityKeyId !== undefined)
    value.keyIdentifier = new asn1js.OctetString({ valueHex: buffer(shape.authorityKeyId) })
  if (shape.authorityIssuer !== undefined) {
    value.authorityCertIssuer = [
      new pkijs.GeneralName({ type: 4, value: nameOf(shape.authorityIssuer.name) }),
    ]
    value.authorityCertSerialNumber = new asn1js.Integer({
      valueHex: buffer(shape.authorityIssuer.serial),
    })
  }
  return extension('2.5.29.35', false, value.toSchema())
}

/** One attribute in each relative name; pkijs by itself would put them all into one. */
function nameOf(name: Name): pkijs.RelativeDistinguishedNames {
  const attributes = name.map(
    (value) =>
      new pkijs.AttributeTypeAndValue({
        type: '2.5.4.3',
        value: new asn1js.Utf8String({ value }),
      }),
  )
  const sequence = new asn1js.Sequence({
    value: attributes.map((attribute) => new asn1js.Set({ value: [attribute.toSchema()] })),
  })
  return new pkijs.RelativeDistinguishedNames({
    typesAndValues: attributes,
    valueBeforeDecode: sequence.toBER(),
  })
}

/** RFC 5280 §4.1.2.5: UTCTime until 2049, GeneralizedTime from 2050. */
function timeOf(ms: number): pkijs.Time {
  const value = new Date(ms)
  const year = value.getUTCFullYear()
  return new pkijs.Time({ type: year >= 1950 && year < 2050 ? 0 : 1, value })
}

type SignatureShape = CertificateShape['signature']

function algorithmOf(key: TestKey, signature: SignatureShape): pkijs.AlgorithmIdentifier {
  const isSha1 = signature === 'sha1'
  if (signature === 'pss' || signature === 'pss-sha1') return pssAlgorithm(signature)
  switch (key.kind) {
    case 'P-256':
      return new pkijs.AlgorithmIdentifier({
        algorithmId: isSha1 ? '1.2.840.10045.4.1' : '1.2.840.10045.4.3.2',
      })
    case 'RSA-1024':
    case 'RSA-2048':
      return new pkijs.AlgorithmIdentifier({
        algorithmId: isSha1 ? '1.2.840.113549.1.1.5' : '1.2.840.113549.1.1.11',
        algorithmParams: new asn1js.Null(),
      })
    case 'Ed25519':
      return new pkijs.AlgorithmIdentifier({ algorithmId: '1.3.101.112' })
  }
}

/** RFC 4055 §3.1; SHA-1 is the default that is left out. */
function pssAlgorithm(signature: 'pss' | 'pss-sha1'): pkijs.AlgorithmIdentifier {
  const sha256 = new pkijs.AlgorithmIdentifier({ algorithmId: '2.16.840.1.101.3.4.2.1' })
  const parameters =
    signature === 'pss-sha1'
      ? new pkijs.RSASSAPSSParams()
      : new pkijs.RSASSAPSSParams({
          hashAlgorithm: sha256,
          maskGenAlgorithm: new pkijs.AlgorithmIdentifier({
            algorithmId: '1.2.840.113549.1.1.8',
            algorithmParams: sha256.toSchema(),
          }),
          saltLength: 32,
        })
  return new pkijs.AlgorithmIdentifier({
    algorithmId: '1.2.840.113549.1.1.10',
    algorithmParams: parameters.toSchema(),
  })
}

function signatureOf(data: Uint8Array, key: TestKey, signature: SignatureShape): Uint8Array {
  const digest = signature === 'sha1' || signature === 'pss-sha1' ? 'sha1' : 'sha256'
  const isPss = signature === 'pss' || signature === 'pss-sha1'
  const padding = isPss ? { padding: constants.RSA_PKCS1_PSS_PADDING } : {}
  const saltLength = digest === 'sha1' ? 20 : 32
  return new Uint8Array(
    sign(key.kind === 'Ed25519' ? null : digest, data, {
      key: key.privateKey,
      ...padding,
      saltLength,
    }),
  )
}

/** Flips the lowest bit of the last byte, which every algorithm here still reads as a signature. */
function spoil(signature: Uint8Array): void {
  const last = signature.length - 1
  signature[last] = (signature[last] ?? 0) ^ 1
}

function newSerial(): Uint8Array {
  const serial = crypto.getRandomValues(new Uint8Array(16))
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40
  return serial
}

function buffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer
}
