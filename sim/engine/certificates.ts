// Made-up certificates: a number and a tag instead of DER, and what they say in a registry. Path validation, names and
// dates are judged by the production code, as of any other certificate.

import { equalBytes, utf8 } from '../../src/base/bytes.ts'
import { Failure } from '../../src/base/failure.ts'
import { limits } from '../../src/base/limits.ts'
import { authorityOf, type Authority, type Issued } from '../../src/identity/issue.ts'
import { pemOf } from '../../src/base/pem.ts'
import type { Certificate, Crypto, Random, Runtime } from '../../src/runtime/runtime.ts'
import { isAddress } from '../../src/vantage/address.ts'
import { hashBytes } from './hash.ts'
import { readIndex, writeIndex } from './keys.ts'

/** Makes and reads the certificates of one world. */
export interface MadeUpCertificates extends Pick<Crypto, 'readCertificate' | 'isSignedBy'> {
  /** A CA called `name`, which issues in this registry. */
  authority(needs: Pick<Runtime, 'clock' | 'crypto'>, name: string): Authority
}

interface Entry {
  readonly certificate: Certificate
  /** SPKI of the key that signed it. */
  readonly signer: Uint8Array
}

/** What differs from one certificate to the next. */
type Content = Pick<Certificate, 'spki' | 'subject' | 'issuer' | 'notBefore' | 'notAfter'> & {
  readonly names: readonly string[]
  readonly isAuthority: boolean
}

const magic = utf8('made-up ')
const tagAt = 12
const bytesOfOne = 16
const dayMs = 86_400_000

/** An empty registry. */
export function createMadeUpCertificates(random: Random): MadeUpCertificates {
  const entries: Entry[] = []
  const tagKey = hashBytes(random.bytes(16))
  const encode = (index: number): Uint8Array => {
    const bytes = new Uint8Array(bytesOfOne)
    bytes.set(magic)
    writeIndex(bytes, magic.length, index)
    writeIndex(bytes, tagAt, hashBytes(bytes.subarray(0, tagAt), tagKey)[0] ?? 0)
    return bytes
  }
  const entryOf = (der: Uint8Array): Entry => {
    const entry = der.length === bytesOfOne ? entries[readIndex(der, magic.length)] : undefined
    if (entry === undefined || !equalBytes(entry.certificate.der, der))
      throw new Failure('certificate-malformed', { why: 'it is no certificate of this world' })
    return entry
  }
  const add = (content: Content, signer: Uint8Array): Certificate => {
    const certificate = certificateOf(content, encode(entries.length))
    entries.push({ certificate, signer })
    return certificate
  }
  return {
    readCertificate: (der) => entryOf(der).certificate,
    isSignedBy: (certificate, spki) => equalBytes(entryOf(certificate.der).signer, spki),
    authority: (needs, name) => authorityIn({ ...needs, add }, name),
  }
}

type Needs = Pick<Runtime, 'clock' | 'crypto'> & {
  readonly add: (content: Content, signer: Uint8Array) => Certificate
}

function authorityIn({ clock, crypto, add }: Needs, name: string): Authority {
  const { key, pem: keyPem } = crypto.generateKey('ES256')
  const { spki } = key.publicKey
  const content = {
    spki,
    subject: name,
    issuer: name,
    notBefore: clock.now() - limits.certificateBackdateMs,
    notAfter: clock.now() + limits.authorityDays * dayMs,
    names: [],
    isAuthority: true,
  }
  const authority = authorityOf(crypto, { certificate: add(content, spki), key, keyPem })
  const issueServer = ({ names, days = limits.serverDays }: Parameters<Issue>[0]): Issued => {
    const server = crypto.generateKey('ES256')
    const certificate = add(
      {
        spki: server.key.publicKey.spki,
        subject: '',
        issuer: name,
        notBefore: clock.now() - limits.certificateBackdateMs,
        notAfter: clock.now() + days * dayMs,
        names,
        isAuthority: false,
      },
      spki,
    )
    const chainPem = pemOf('CERTIFICATE', certificate.der) + authority.certificatePem
    return { certificate, key: server.key, keyPem: server.pem, chainPem }
  }
  return { ...authority, issueServer }
}

type Issue = NonNullable<Authority['issueServer']>

function certificateOf(content: Content, der: Uint8Array): Certificate {
  const { spki, subject, issuer, notBefore, notAfter, names, isAuthority } = content
  return {
    der,
    spki,
    serial: readIndex(der, magic.length).toString(16),
    subject,
    issuer,
    subjectDer: utf8(subject),
    issuerDer: utf8(issuer),
    notBefore,
    notAfter,
    dnsNames: names.filter((name) => !isAddress(name)),
    ipAddresses: names.filter(isAddress),
    commonNames: [],
    basicConstraints: isAuthority ? { ca: true, pathLength: 0 } : null,
    keyUsage: [isAuthority ? 'keyCertSign' : 'digitalSignature'],
    extendedKeyUsage: null,
    nameConstraints: null,
    subjectKeyId: null,
    authorityKeyId: null,
    unknownCritical: [],
    version: 3,
  }
}
