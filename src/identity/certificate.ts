// Builds and signs one X.509 certificate (RFC 5280 §4.1, §4.2) with a key of the Crypto seam.

import * as asn1js from 'asn1js'
import * as pkijs from 'pkijs'
import { invariant } from '../base/invariant.ts'
import type { Crypto, NameConstraints, PublicKey, SigningKey } from '../runtime/runtime.ts'
import type { ServerName } from './names.ts'

/** What a certificate shall say. Times are ms since 1970 UTC and become whole seconds. */
export interface CertificateContent {
  /** Big-endian, its first bit clear. */
  readonly serial: Uint8Array
  readonly issuerDer: Uint8Array
  readonly subjectDer: Uint8Array
  readonly notBefore: number
  readonly notAfter: number
  readonly publicKey: PublicKey
  readonly extensions: readonly pkijs.Extension[]
}

const extensionIds = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const

const signatureIds = { ES256: '1.2.840.10045.4.3.2', Ed25519: '1.3.101.112' } as const
const commonNameId = '2.5.4.3'
const serverAuthId = '1.3.6.1.5.5.7.3.1'

/** The first year whose dates are written as GeneralizedTime (RFC 5280 §4.1.2.5). */
const generalizedFrom = Date.UTC(2050, 0)

/** The DER certificate that says `content`, signed by `signer`. */
export function signCertificate(content: CertificateContent, signer: SigningKey): Uint8Array {
  const algorithm = signer.publicKey.algorithm
  const certificate = new pkijs.Certificate({
    version: 2,
    serialNumber: new asn1js.Integer({ valueHex: copy(content.serial) }),
    signature: new pkijs.AlgorithmIdentifier({ algorithmId: signatureIds[algorithm] }),
    issuer: pkijs.RelativeDistinguishedNames.fromBER(copy(content.issuerDer)),
    notBefore: timeOf(content.notBefore),
    notAfter: timeOf(content.notAfter),
    subject: pkijs.RelativeDistinguishedNames.fromBER(copy(content.subjectDer)),
    subjectPublicKeyInfo: pkijs.PublicKeyInfo.fromBER(copy(content.publicKey.spki)),
    extensions: [...content.extensions],
    signatureAlgorithm: new pkijs.AlgorithmIdentifier({ algorithmId: signatureIds[algorithm] }),
  })
  const signature = signer.sign(derOf(certificate.encodeTBS()))
  certificate.signatureValue = new asn1js.BitString({
    valueHex: copy(algorithm === 'ES256' ? ecdsaValue(signature) : signature),
  })
  return derOf(certificate.toSchema(true))
}

/** The DER distinguished name with one common name, or, with null, the empty one. */
export function distinguishedName(commonName: string | null): Uint8Array {
  const name = new pkijs.RelativeDistinguishedNames()
  if (commonName !== null) {
    const value = new asn1js.Utf8String({ value: commonName })
    name.typesAndValues.push(new pkijs.AttributeTypeAndValue({ type: commonNameId, value }))
  }
  return derOf(name.toSchema())
}

/** RFC 7093 §2 method 1: the first 160 bits of the SHA-256 of the public key's bits. */
export function keyIdOf(crypto: Pick<Crypto, 'digest'>, spki: Uint8Array): Uint8Array {
  const { subjectPublicKey } = pkijs.PublicKeyInfo.fromBER(copy(spki))
  return crypto.digest('sha256', subjectPublicKey.valueBlock.valueHexView).slice(0, 20)
}

/** Makers of the extensions that we issue. */
export const extensions = {
  subjectKeyId: (id: Uint8Array) =>
    extension('subjectKeyId', false, new asn1js.OctetString({ valueHex: copy(id) })),

  authorityKeyId: (id: Uint8Array) => {
    const keyIdentifier = new asn1js.OctetString({ valueHex: copy(id) })
    const value = new pkijs.AuthorityKeyIdentifier({ keyIdentifier })
    return extension('authorityKeyId', false, value.toSchema())
  },

  /** A CA that signs server certificates and no further CA. */
  authority: () => {
    const value = new pkijs.BasicConstraints({ cA: true, pathLenConstraint: 0 })
    return extension('basicConstraints', true, value.toSchema())
  },

  /** `keyCertSign` and `cRLSign`: bits 5 and 6. */
  authorityKeyUsage: () => keyUsage(0b0000_0110, 1),

  /** `digitalSignature`: bit 0, all that TLS 1.3 and ECDHE key exchange use. */
  serverKeyUsage: () => keyUsage(0b1000_0000, 7),

  serverAuth: () => {
    const value = new pkijs.ExtKeyUsage({ keyPurposes: [serverAuthId] })
    return extension('extendedKeyUsage', false, value.toSchema())
  },

  /** Critical, because our server certificates have an empty subject (RFC 5280 §4.2.1.6). */
  subjectAltName: (names: readonly ServerName[]) => {
    const altNames = names.map((name) =>
      name.kind === 'dns' ? dnsName(name.text) : ipAddress(name.bytes),
    )
    return extension('subjectAltName', true, new pkijs.AltName({ altNames }).toSchema())
  },

  nameConstraints: (constraints: NameConstraints) => {
    const permitted = subtrees(constraints.permittedDns, constraints.permittedIp)
    const excluded = subtrees(constraints.excludedDns, constraints.excludedIp)
    const value = new pkijs.NameConstraints({
      ...(permitted.length > 0 && { permittedSubtrees: permitted }),
      ...(excluded.length > 0 && { excludedSubtrees: excluded }),
    })
    return extension('nameConstraints', true, value.toSchema())
  },
} as const

function extension(
  name: keyof typeof extensionIds,
  critical: boolean,
  value: asn1js.BaseBlock,
): pkijs.Extension {
  return new pkijs.Extension({
    extnID: extensionIds[name],
    critical,
    extnValue: value.toBER(),
  })
}

function keyUsage(bits: number, unusedBits: number): pkijs.Extension {
  const value = new asn1js.BitString({ valueHex: Uint8Array.of(bits), unusedBits })
  return extension('keyUsage', true, value)
}

function subtrees(dns: readonly string[], ip: readonly Uint8Array[]): pkijs.GeneralSubtree[] {
  return [...dns.map(dnsName), ...ip.map(ipAddress)].map(
    (base) => new pkijs.GeneralSubtree({ base }),
  )
}

function dnsName(text: string): pkijs.GeneralName {
  return new pkijs.GeneralName({ type: 2, value: text })
}

function ipAddress(bytes: Uint8Array): pkijs.GeneralName {
  return new pkijs.GeneralName({
    type: 7,
    value: new asn1js.OctetString({ valueHex: copy(bytes) }),
  })
}

function timeOf(ms: number): pkijs.Time {
  const value = new Date(Math.floor(ms / 1000) * 1000)
  return new pkijs.Time({ type: ms < generalizedFrom ? 0 : 1, value })
}

/** r‖s as the `ECDSA-Sig-Value` of RFC 3279 §2.2.3. */
function ecdsaValue(signature: Uint8Array): Uint8Array {
  invariant(signature.length === 64, 'an ES256 signature has 64 bytes')
  const value = [signature.subarray(0, 32), signature.subarray(32)].map(unsignedInteger)
  return derOf(new asn1js.Sequence({ value }))
}

function unsignedInteger(bytes: Uint8Array): asn1js.Integer {
  const first = bytes.findIndex((byte) => byte !== 0)
  const digits = first === -1 ? [0] : [...bytes.subarray(first)]
  const positive = (digits[0] ?? 0) >= 0x80 ? [0, ...digits] : digits
  return new asn1js.Integer({ valueHex: Uint8Array.from(positive) })
}

/** The encoder keeps views of what it is given and wants them on buffers that are not shared. */
function copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes)
}

function derOf(block: asn1js.BaseBlock): Uint8Array {
  return new Uint8Array(block.toBER())
}
