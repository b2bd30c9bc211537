// Reads certificates and checks their signatures (RFC 5280 §4). OpenSSL, through node:crypto, decides what is a
// certificate and what is a signature; the fields that it does not give are read from the DER beside it.

import { createPublicKey, X509Certificate, type KeyObject } from 'node:crypto'
import ipaddr from 'ipaddr.js'
import { equalBytes, textOf } from '../../base/bytes.ts'
import { limits } from '../../base/limits.ts'
import type { Certificate, NameConstraints } from '../runtime.ts'
import {
  derSequence,
  derValue,
  derValues,
  expectTag,
  malformed,
  oidText,
  tags,
  type DerValue,
} from './der.ts'

/**
 * Reads one DER certificate, every byte of it.
 * @throws Failure certificate-malformed, also when an extension that we evaluate is malformed or repeated
 */
export function readCertificate(der: Uint8Array): Certificate {
  if (der.length > limits.certificateBytesMax)
    throw malformed(`it has ${der.length} bytes, at most ${limits.certificateBytesMax} are taken`)
  const own = new Uint8Array(der)
  const whole = derValue(own, 'certificate')
  const x509 = parseWithOpenssl(own)
  const [tbsValue] = derSequence(whole, 'certificate')
  const tbs = readTbs(derSequence(tbsValue, 'TBSCertificate'))
  return {
    der: own,
    serial: x509.serialNumber.toLowerCase(),
    subject: oneLine(x509.subject),
    issuer: oneLine(x509.issuer),
    ...tbs,
  }
}

/**
 * True when the signature of `certificate` verifies with the public key `spki` (DER). Names are not compared.
 * What anyone could forge does not count as a signature: digests up to SHA-1, RSA keys under 2048 bits.
 */
export function isSignedBy(certificate: Certificate, spki: Uint8Array): boolean {
  try {
    if (!hasStrongDigest(certificate.der)) return false
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
    return isStrongKey(key) && parseWithOpenssl(certificate.der).verify(key)
  } catch {
    return false // The algorithm or the key does not parse, or they do not go together.
  }
}

const rsaBitsMin = 2048

function isStrongKey(key: KeyObject): boolean {
  const bits = key.asymmetricKeyDetails?.modulusLength
  return bits === undefined || bits >= rsaBitsMin
}

/** Signature algorithms whose digest resists collisions; RSASSA-PSS names its digest in the parameters. */
const strongSignatures = new Set([
  '1.2.840.113549.1.1.11', // sha256WithRSAEncryption
  '1.2.840.113549.1.1.12',
  '1.2.840.113549.1.1.13',
  '1.2.840.10045.4.3.2', // ecdsa-with-SHA256
  '1.2.840.10045.4.3.3',
  '1.2.840.10045.4.3.4',
  '1.3.101.112', // Ed25519
  '1.3.101.113', // Ed448
  '2.16.840.1.101.3.4.3.17', // ML-DSA-44
  '2.16.840.1.101.3.4.3.18',
  '2.16.840.1.101.3.4.3.19',
])
const rsaPss = '1.2.840.113549.1.1.10'
const strongDigests = new Set([
  '2.16.840.1.101.3.4.2.1', // SHA-256
  '2.16.840.1.101.3.4.2.2',
  '2.16.840.1.101.3.4.2.3',
])

function hasStrongDigest(der: Uint8Array): boolean {
  const [, algorithm] = derSequence(derValue(der, 'certificate'), 'certificate')
  const [id, parameters] = derSequence(algorithm, 'signature algorithm')
  const oid = oidText(expectTag(id, tags.objectIdentifier, 'signature algorithm'))
  if (oid !== rsaPss) return strongSignatures.has(oid)
  // RFC 4055 §3.1: without field [0] the digest is SHA-1.
  const [digest] = parameters?.tag === tags.sequence ? derSequence(parameters, 'parameters') : []
  if (digest?.tag !== 0xa0) return false
  const [digestId] = derSequence(derValue(digest.content, 'digest'), 'digest')
  return strongDigests.has(oidText(expectTag(digestId, tags.objectIdentifier, 'digest')))
}

/**
 * OpenSSL's reading of `der` itself. Node looks for PEM before DER, so a certificate that carries the PEM text of
 * another one in a name or an extension would be taken for that other one, good signature included.
 */
function parseWithOpenssl(der: Uint8Array): X509Certificate {
  let x509: X509Certificate
  try {
    x509 = new X509Certificate(der)
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    throw malformed(`OpenSSL cannot read it: ${detail}`, error)
  }
  if (!equalBytes(x509.raw, der)) throw malformed('its bytes hold another certificate as PEM text')
  return x509
}

/** Node writes one attribute a line, and escapes control characters within values; an empty name is undefined. */
function oneLine(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ')
}

type FromExtensions = Pick<
  Certificate,
  | 'dnsNames'
  | 'ipAddresses'
  | 'basicConstraints'
  | 'keyUsage'
  | 'extendedKeyUsage'
  | 'nameConstraints'
  | 'subjectKeyId'
  | 'authorityKeyId'
  | 'unknownCritical'
>
type FromTbs = FromExtensions & Omit<Certificate, 'der' | 'serial' | 'subject' | 'issuer'>

/** RFC 5280 §4.1: version, serial, signature, issuer, validity, subject, key, unique ids, extensions. */
function readTbs(fields: readonly DerValue[]): FromTbs {
  const hasVersion = fields[0]?.tag === 0xa0
  const [, , issuer, validity, subject, key, ...rest] = hasVersion ? fields.slice(1) : fields
  if (issuer === undefined || subject === undefined || key === undefined)
    throw malformed('it ends before its public key')
  const [notBefore, notAfter] = derSequence(validity, 'validity')
  return {
    version: hasVersion ? readVersion(fields[0]) : 1,
    issuerDer: issuer.whole,
    subjectDer: subject.whole,
    spki: key.whole,
    notBefore: readTime(notBefore, 'notBefore'),
    notAfter: readTime(notAfter, 'notAfter'),
    commonNames: readCommonNames(subject),
    ...readExtensions(rest.find(({ tag }) => tag === 0xa3)),
  }
}

function readVersion(value: DerValue | undefined): number {
  const inner = derValue(expectTag(value, 0xa0, 'version'), 'version')
  const [version, ...more] = expectTag(inner, tags.integer, 'version')
  if (version === undefined || version > 2 || more.length > 0)
    throw malformed('its version is not 1, 2 or 3')
  return version + 1
}

/** RFC 5280 §4.1.2.5: whole seconds in UTC, written with Z. */
function readTime(value: DerValue | undefined, what: string): number {
  const isShort = value?.tag === tags.utcTime
  const text = asciiOf(expectTag(value, isShort ? tags.utcTime : tags.generalizedTime, what))
  const match = /^(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/.exec(text)
  const [, years = '', month, day, hour, minute, second] = match ?? []
  if (match === null || years.length !== (isShort ? 2 : 4))
    throw malformed(`${what} is not a time of RFC 5280: ${JSON.stringify(text.slice(0, 40))}`)
  const year = isShort ? Number(years) + (Number(years) < 50 ? 2000 : 1900) : Number(years)
  const iso = `${String(year).padStart(4, '0')}-${month}-${day}T${hour}:${minute}:${second}.000Z`
  const ms = Date.parse(iso)
  if (Number.isNaN(ms) || new Date(ms).toISOString() !== iso)
    throw malformed(`${what} is not a day or an hour that exists: ${JSON.stringify(text)}`)
  return ms
}

const commonName = '2.5.4.3'

function readCommonNames(subject: DerValue): readonly string[] {
  return derSequence(subject, 'subject')
    .flatMap((part) => derValues(expectTag(part, tags.set, 'subject'), 'subject'))
    .map((attribute) => derSequence(attribute, 'subject attribute'))
    .filter(([type]) => oidText(expectTag(type, tags.objectIdentifier, 'type')) === commonName)
    .map(([, value]) => (value === undefined ? '' : stringOf(value)))
}

const extensionIds = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  alternativeNames: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  // Nothing to evaluate: any policy is acceptable (RFC 5280 §6.1.1 user-initial-policy-set), and a certificate that
  // demands an explicit one does so by policyConstraints, which is critical and not evaluated.
  policies: '2.5.29.32',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const
const evaluated: ReadonlySet<string> = new Set(Object.values(extensionIds))

function readExtensions(value: DerValue | undefined): FromExtensions {
  const found = new Map<string, Uint8Array>()
  const unknownCritical: string[] = []
  const entries =
    value === undefined ? [] : derSequence(derValue(value.content, 'extensions'), 'extensions')
  for (const entry of entries) {
    const { oid, critical, content } = readExtension(entry)
    if (found.has(oid)) throw malformed(`the extension ${oid} appears twice`)
    found.set(oid, content)
    if (critical && !evaluated.has(oid)) unknownCritical.push(oid)
  }
  const read = <T>(oid: string, what: string, reader: (inner: DerValue) => T): T | null => {
    const content = found.get(oid)
    return content === undefined ? null : reader(derValue(content, what))
  }
  const names = read(extensionIds.alternativeNames, 'subjectAltName', readAlternativeNames)
  return {
    dnsNames: names?.dnsNames ?? [],
    ipAddresses: names?.ipAddresses ?? [],
    basicConstraints: read(extensionIds.basicConstraints, 'basicConstraints', readBasicConstraints),
    keyUsage: read(extensionIds.keyUsage, 'keyUsage', readKeyUsage),
    extendedKeyUsage: read(extensionIds.extendedKeyUsage, 'extKeyUsage', readExtendedKeyUsage),
    nameConstraints: read(extensionIds.nameConstraints, 'nameConstraints', readNameConstraints),
    subjectKeyId: read(extensionIds.subjectKeyId, 'subjectKeyIdentifier', (inner) =>
      expectTag(inner, tags.octetString, 'subjectKeyIdentifier'),
    ),
    authorityKeyId: read(extensionIds.authorityKeyId, 'authorityKeyIdentifier', readAuthorityKeyId),
    unknownCritical,
  }
}

function readExtension(entry: DerValue): { oid: string; critical: boolean; content: Uint8Array } {
  const fields = derSequence(entry, 'extension')
  const oid = oidText(expectTag(fields[0], tags.objectIdentifier, 'extension'))
  const hasCritical = fields[1]?.tag === tags.boolean
  return {
    oid,
    critical: hasCritical && readBoolean(fields[1], `extension ${oid}`),
    content: expectTag(fields[hasCritical ? 2 : 1], tags.octetString, `extension ${oid}`),
  }
}

/** Any non-zero octet is true, as OpenSSL reads it: certificates with 01 for true are in use. */
function readBoolean(value: DerValue | undefined, what: string): boolean {
  const content = expectTag(value, tags.boolean, what)
  if (content.length !== 1) throw malformed(`a boolean in the ${what} is not one octet`)
  return content[0] !== 0
}

function readBasicConstraints(value: DerValue): Certificate['basicConstraints'] {
  const fields = derSequence(value, 'basicConstraints')
  const hasCa = fields[0]?.tag === tags.boolean
  const length = fields[hasCa ? 1 : 0]
  return {
    ca: hasCa && readBoolean(fields[0], 'basicConstraints'),
    pathLength: length === undefined ? null : readPathLength(length),
  }
}

function readPathLength(value: DerValue): number {
  const content = expectTag(value, tags.integer, 'path length')
  if (content.length === 0 || (content[0] ?? 0) >= 0x80)
    throw malformed('the path length is negative or empty')
  return content.reduce((sum, octet) => sum * 256 + octet, 0)
}

const keyUsageNames = [
  'digitalSignature',
  'contentCommitment',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const

function readKeyUsage(value: DerValue): readonly string[] {
  const [unused, ...octets] = expectTag(value, tags.bitString, 'keyUsage')
  if (unused === undefined || unused > 7 || (octets.length === 0 && unused > 0))
    throw malformed('the keyUsage is not a bit string')
  return keyUsageNames.filter((_, bit) => ((octets[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0)
}

function readExtendedKeyUsage(value: DerValue): readonly string[] {
  return derSequence(value, 'extKeyUsage').map((entry) =>
    oidText(expectTag(entry, tags.objectIdentifier, 'extKeyUsage')),
  )
}

/** RFC 5280 §4.2.1.1: the key identifier [0]; issuer and serial are a hint that we do not need. */
function readAuthorityKeyId(value: DerValue): Uint8Array | null {
  const fields = derSequence(value, 'authorityKeyIdentifier')
  return fields.find(({ tag }) => tag === 0x80)?.content ?? null
}

/** Tags of GeneralName (RFC 5280 §4.2.1.6). */
const dnsNameTag = 0x82
const ipAddressTag = 0x87

function readAlternativeNames(value: DerValue): {
  dnsNames: readonly string[]
  ipAddresses: readonly string[]
} {
  const names = derSequence(value, 'subjectAltName')
  return {
    dnsNames: names.filter(({ tag }) => tag === dnsNameTag).map((name) => asciiOf(name.content)),
    ipAddresses: names.filter(({ tag }) => tag === ipAddressTag).map(ipText),
  }
}

function ipText({ content }: DerValue): string {
  if (content.length !== 4 && content.length !== 16)
    throw malformed(`an address in the subjectAltName has ${content.length} octets`)
  const address = ipaddr.fromByteArray([...content])
  return address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString()
}

function readNameConstraints(value: DerValue): NameConstraints {
  const fields = derSequence(value, 'nameConstraints')
  const trees = (tag: number): readonly DerValue[][] =>
    fields
      .filter((field) => field.tag === tag)
      .flatMap((field) => derValues(field.content, 'nameConstraints'))
      .map((tree) => [...derSequence(tree, 'nameConstraints')])
  const permitted = trees(0xa0)
  const excluded = trees(0xa1)
  return {
    permittedDns: dnsBases(permitted),
    excludedDns: dnsBases(excluded),
    permittedIp: ipBases(permitted),
    excludedIp: ipBases(excluded),
    // RFC 5280 §4.2.1.10: minimum is 0 and maximum absent; a subtree with either says what we do not evaluate.
    hasOtherForms: [...permitted, ...excluded].some(
      ([base, ...bounds]) =>
        bounds.length > 0 || (base?.tag !== dnsNameTag && base?.tag !== ipAddressTag),
    ),
  }
}

function dnsBases(trees: readonly (readonly DerValue[])[]): readonly string[] {
  return trees.flatMap(([base]) => (base?.tag === dnsNameTag ? [asciiOf(base.content)] : []))
}

function ipBases(trees: readonly (readonly DerValue[])[]): readonly Uint8Array[] {
  return trees.flatMap(([base]) => {
    if (base?.tag !== ipAddressTag) return []
    if (base.content.length !== 8 && base.content.length !== 32)
      throw malformed(`an address in the nameConstraints has ${base.content.length} octets`)
    return [base.content]
  })
}

function stringOf({ tag, content }: DerValue): string {
  if (tag === tags.utf8String) return textOf(content) ?? asciiOf(content)
  if (tag !== tags.bmpString) return asciiOf(content)
  let text = ''
  for (let i = 0; i + 1 < content.length; i += 2)
    text += String.fromCharCode(((content[i] ?? 0) << 8) | (content[i + 1] ?? 0))
  return text
}

/** One character an octet, so that nothing is lost and no octet over 127 can pass for an ASCII letter. */
function asciiOf(content: Uint8Array): string {
  let text = ''
  for (const octet of content) text += String.fromCharCode(octet)
  return text
}
