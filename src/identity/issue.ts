// Makes an organisation's own CA and the server certificates under it (RFC 5280), without files.

import { equalBytes } from '../base/bytes.ts'
import { Failure } from '../base/failure.ts'
import { invariant } from '../base/invariant.ts'
import { limits } from '../base/limits.ts'
import { pemOf } from '../base/pem.ts'
import { constraintBroken } from '../observation/name-constraints.ts'
import type { Certificate, Crypto, Runtime, SigningKey } from '../runtime/runtime.ts'
import { distinguishedName, extensions, keyIdOf, signCertificate } from './certificate.ts'
import { constraintsOf, parseServerName, type ServerName } from './names.ts'

/** A CA that can issue: its certificate and its key. */
export interface Authority {
  readonly certificate: Certificate
  readonly certificatePem: string
  readonly key: SigningKey
  /** PKCS#8. */
  readonly keyPem: string
  /** SHA-256 of the DER SubjectPublicKeyInfo: the data of a `2 1 1` record, and a mirror's id. */
  readonly spkiHash: Uint8Array
  /** Issues in this authority's own way: that of a simulation has certificates of a few bytes. DER unless given. */
  readonly issueServer?: (options: ServerOptions) => Issued
}

/** Whom a server certificate is for. */
export interface ServerOptions {
  /** DNS names and addresses; the first names the server to people. */
  readonly names: readonly string[]
  readonly days?: number
}

/** A server's certificate with its own new key. */
export interface Issued {
  readonly certificate: Certificate
  readonly key: SigningKey
  /** PKCS#8. */
  readonly keyPem: string
  /** Leaf first, CA last: a `2 1 1` record is met only by a CA that is sent (RFC 7671 §5.2.2). */
  readonly chainPem: string
}

type Needs = Pick<Runtime, 'clock' | 'random' | 'crypto'>

const dayMs = 86_400_000

/**
 * A new P-256 CA called `name`, for ten years unless `days` says otherwise. With `names` it may speak for these
 * DNS names and those below them, addresses and address ranges, and for nothing else.
 * @throws Failure name-malformed, certificate-unusable
 */
export function createAuthority(
  needs: Needs,
  options: { readonly name: string; readonly names?: readonly string[]; readonly days?: number },
): Authority {
  const { clock, crypto } = needs
  const { names = [], days = limits.authorityDays } = options
  checkCount('name constraints', names.length, limits.certificateNamesMax)
  const lifeMs = checkDays(days) * dayMs
  const constraints = names.length > 0 ? [extensions.nameConstraints(constraintsOf(names))] : []
  const subjectDer = distinguishedName(commonName(options.name))
  const { key, pem: keyPem } = crypto.generateKey('ES256')
  const der = signCertificate(
    {
      serial: serialOf(needs),
      issuerDer: subjectDer,
      subjectDer,
      notBefore: clock.now() - limits.certificateBackdateMs,
      notAfter: clock.now() + lifeMs,
      publicKey: key.publicKey,
      extensions: [
        extensions.authority(),
        extensions.authorityKeyUsage(),
        ...constraints,
        extensions.subjectKeyId(keyIdOf(crypto, key.publicKey.spki)),
      ],
    },
    key,
  )
  return authorityOf(crypto, { certificate: readOwn(crypto, der, key), key, keyPem })
}

/**
 * A certificate and new P-256 key for a server that is called `names` (DNS names and addresses, the first names
 * it to people), for 90 days unless `days` says otherwise, never longer than the CA.
 * @throws Failure name-malformed, name-refused (outside the CA's constraints), certificate-unusable
 */
export function issueServer(needs: Needs, authority: Authority, options: ServerOptions): Issued {
  if (authority.issueServer !== undefined) return authority.issueServer(options)
  const { clock, crypto } = needs
  const { certificate: ca } = authority
  checkCount('names', options.names.length, limits.certificateNamesMax)
  if (options.names.length === 0)
    throw new Failure('certificate-unusable', { why: 'a server certificate needs a name' })
  const names = permittedNames(options.names, ca)
  const lifeMs = checkDays(options.days ?? limits.serverDays) * dayMs
  const now = clock.now()
  checkInForce(ca, now)
  const { key, pem: keyPem } = crypto.generateKey('ES256')
  const der = signCertificate(
    {
      serial: serialOf(needs),
      issuerDer: ca.subjectDer,
      subjectDer: distinguishedName(null),
      notBefore: Math.max(ca.notBefore, now - limits.certificateBackdateMs),
      notAfter: Math.min(ca.notAfter, now + lifeMs),
      publicKey: key.publicKey,
      extensions: [
        extensions.serverKeyUsage(),
        extensions.serverAuth(),
        extensions.subjectAltName(names),
        extensions.subjectKeyId(keyIdOf(crypto, key.publicKey.spki)),
        extensions.authorityKeyId(ca.subjectKeyId ?? keyIdOf(crypto, ca.spki)),
      ],
    },
    authority.key,
  )
  const certificate = readOwn(crypto, der, authority.key)
  invariant(equalBytes(certificate.issuerDer, ca.subjectDer), 'the issuer is the CA, byte by byte')
  const chainPem = pemOf('CERTIFICATE', der) + authority.certificatePem
  return { certificate, key, keyPem, chainPem }
}

/** The parts of a CA, new or read from files, as an Authority. They must belong together. */
export function authorityOf(
  crypto: Pick<Crypto, 'digest'>,
  parts: { readonly certificate: Certificate; readonly key: SigningKey; readonly keyPem: string },
): Authority {
  return {
    ...parts,
    certificatePem: pemOf('CERTIFICATE', parts.certificate.der),
    spkiHash: crypto.digest('sha256', parts.certificate.spki),
  }
}

/** Sixteen bytes: 126 random bits, positive, of constant length (RFC 5280 §4.1.2.2 allows 20). */
function serialOf({ random }: Pick<Runtime, 'random'>): Uint8Array {
  return random.bytes(16).map((byte, i) => (i === 0 ? (byte & 0x7f) | 0x40 : byte))
}

/** Reads what we have just made with the reader that will read it elsewhere, and checks the signature. */
function readOwn(crypto: Crypto, der: Uint8Array, signer: SigningKey): Certificate {
  const certificate = crypto.readCertificate(der)
  invariant(crypto.isSignedBy(certificate, signer.publicKey.spki), 'what we sign verifies')
  return certificate
}

function permittedNames(texts: readonly string[], ca: Certificate): readonly ServerName[] {
  const names = new Map(texts.map(parseServerName).map((name) => [name.text, name]))
  for (const { kind, text } of names.values()) {
    if (ca.nameConstraints === null) break
    const alone = {
      dnsNames: kind === 'dns' ? [text] : [],
      ipAddresses: kind === 'ip' ? [text] : [],
    }
    const broken = constraintBroken(alone, ca.nameConstraints)
    if (broken !== null)
      throw new Failure('name-refused', { name: text, why: `the CA is held to names: ${broken}` })
  }
  return [...names.values()]
}

function checkInForce(ca: Certificate, now: number): void {
  if (now >= ca.notBefore && now < ca.notAfter) return
  const when =
    now < ca.notBefore
      ? `begins only at ${new Date(ca.notBefore).toISOString()}`
      : `ended at ${new Date(ca.notAfter).toISOString()}`
  throw new Failure('certificate-unusable', { why: `the validity of the CA ${when}` })
}

function checkDays(days: number): number {
  if (Number.isInteger(days) && days >= 1 && days <= limits.certificateDaysMax) return days
  const why = `a validity of ${days} days is not between 1 and ${limits.certificateDaysMax}`
  throw new Failure('certificate-unusable', { why })
}

function checkCount(what: string, count: number, max: number): void {
  if (count > max)
    throw new Failure('certificate-unusable', { why: `${count} ${what}, at most ${max} are taken` })
}

/** RFC 5280 appendix A: ub-common-name is 64 characters. */
function commonName(name: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (name.trim() !== '' && name.length <= 64 && !/[\u0000-\u001f\u007f]/.test(name)) return name
  const why = 'the name of a CA has 1 to 64 characters and no control characters'
  throw new Failure('name-malformed', { name, why })
}
