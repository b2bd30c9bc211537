// Builds and validates a certification path from a server's certificate up to a given anchor (RFC 5280 §6.1, RFC 4158),
// over certificates as they were sent: in any order, with extras, and with a bound on the work.

import { equalBytes } from '../base/bytes.ts'
import { quote } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import type { Certificate, Crypto } from '../runtime/runtime.ts'
import { constraintBroken } from './name-constraints.ts'

/** Where trust comes from: a CA certificate, or a bare public key (DER) whose certificate need not be sent. */
export type Anchor =
  | { readonly kind: 'certificate'; readonly certificate: Certificate }
  | { readonly kind: 'key'; readonly spki: Uint8Array }

/** Why a path is not valid. A closed set: the codes are API, the texts are for people. */
export type PathFaultCode =
  /** No sent certificate leads from the server's certificate to the anchor. */
  | 'no-path'
  /** The search was given up at `limits.pathStepsMax`. */
  | 'too-complex'
  /** An issuer has the right name, but its key did not make the signature (or made it with a broken digest). */
  | 'bad-signature'
  | 'expired'
  | 'not-yet-valid'
  | 'unknown-critical'
  /** A certificate that issued another one is no CA. */
  | 'not-a-ca'
  /** A CA certificate whose key usage lacks keyCertSign. */
  | 'may-not-sign'
  | 'path-too-long'
  /** Key usage or extended key usage does not allow a TLS server. */
  | 'wrong-purpose'
  | 'name-constraint'

export interface PathFault {
  readonly code: PathFaultCode
  readonly text: string
}

/** The path from the server's certificate up to the anchor's, or to the one that the anchor's bare key signed. */
export type PathResult =
  | { readonly ok: true; readonly path: readonly Certificate[] }
  | ({ readonly ok: false } & PathFault)

export interface PathRequest {
  /** As sent; the first is the server's own. */
  readonly chain: readonly [Certificate, ...Certificate[]]
  readonly anchor: Anchor
  /** Time of the judgement, ms since 1970 UTC. */
  readonly at: number
}

/**
 * A valid path, or why there is none: the fault of the path that came closest. Every certificate of the path must be
 * within its dates, the anchor's too. The anchor's own signature is not checked, nor are the server's names.
 */
export function validatePath(request: PathRequest, crypto: Pick<Crypto, 'isSignedBy'>): PathResult {
  const search = createSearch(request, crypto)
  const [leaf] = request.chain
  return search.extend([leaf]) ?? { ok: false, ...search.fault() }
}

interface Search {
  /** The first valid path that continues `path`, or null. */
  extend(path: readonly Certificate[]): PathResult | null
  fault(): PathFault
}

function createSearch(request: PathRequest, crypto: Pick<Crypto, 'isSignedBy'>): Search {
  const { chain, anchor, at } = request
  const isIssuedBy = issuing(crypto)
  const authorities = unique(chain.slice(0, limits.chainCertificatesMax)).slice(1)
  let steps = 0
  /** Of a path that reached the anchor; then of a signature that broke one. */
  let reached: PathFault | null = null
  let broken: PathFault | null = null

  const finish = (path: readonly Certificate[], isAnchored: boolean): PathResult | null => {
    const fault = faultOf(path, { at, isAnchored })
    reached ??= fault
    return fault === null ? { ok: true, path } : null
  }
  const extend = (path: readonly Certificate[]): PathResult | null => {
    const top = path.at(-1)
    if (top === undefined || ++steps > limits.pathStepsMax) return null
    if (anchor.kind === 'key' && crypto.isSignedBy(top, anchor.spki)) return finish(path, false)
    const tops = anchor.kind === 'certificate' ? [anchor.certificate] : []
    for (const issuer of unique([...tops, ...authorities])) {
      if (path.some((one) => equalBytes(one.der, issuer.der)) || !mayIssue(issuer, top)) continue
      if (!isIssuedBy(top, issuer)) {
        broken ??= {
          code: 'bad-signature',
          text: `${nameOf(top)} bears no signature by ${nameOf(issuer)} that counts`,
        }
        continue
      }
      const isAnchor = tops.some((one) => equalBytes(one.der, issuer.der))
      const longer = [...path, issuer]
      const result = isAnchor ? finish(longer, true) : extend(longer)
      if (result !== null) return result
    }
    return null
  }
  const fault = (): PathFault =>
    steps > limits.pathStepsMax
      ? {
          code: 'too-complex',
          text: `no valid path within ${limits.pathStepsMax} steps over ${chain.length} certificates`,
        }
      : (reached ?? broken ?? noPath(chain))
  return { extend, fault }
}

function noPath([leaf, ...others]: readonly [Certificate, ...Certificate[]]): PathFault {
  const sent = others.length === 0 ? 'no other certificate was sent' : `${others.length} more sent`
  return {
    code: 'no-path',
    text: `no certificate leads from ${nameOf(leaf)}, issued by ${quote(leaf.issuer)}, to the anchor; ${sent}`,
  }
}

/** RFC 5280 §6.1.3 (a)(4), §4.2.1.1: names chain byte by byte, and key identifiers agree where both are given. */
function mayIssue(issuer: Certificate, subject: Certificate): boolean {
  return (
    equalBytes(issuer.subjectDer, subject.issuerDer) &&
    (issuer.subjectKeyId === null ||
      subject.authorityKeyId === null ||
      equalBytes(issuer.subjectKeyId, subject.authorityKeyId))
  )
}

/** Signatures, each verified once, however many paths go over it. */
function issuing(
  crypto: Pick<Crypto, 'isSignedBy'>,
): (subject: Certificate, issuer: Certificate) => boolean {
  const known = new Map<Certificate, Map<Certificate, boolean>>()
  return (subject, issuer) => {
    const row = known.get(subject) ?? new Map<Certificate, boolean>()
    known.set(subject, row)
    const answer = row.get(issuer) ?? crypto.isSignedBy(subject, issuer.spki)
    row.set(issuer, answer)
    return answer
  }
}

function unique(certificates: readonly Certificate[]): readonly Certificate[] {
  return certificates.filter(
    (one, i) => certificates.findIndex((other) => equalBytes(other.der, one.der)) === i,
  )
}

type Context = {
  readonly at: number
  /** The last certificate is the anchor itself. */
  readonly isAnchored: boolean
}

/** The first fault of a path whose signatures have been verified. */
function faultOf(path: readonly Certificate[], { at, isAnchored }: Context): PathFault | null {
  for (const [depth, certificate] of path.entries()) {
    const isAnchor = isAnchored && depth === path.length - 1
    const fault =
      dateFault(certificate, at) ??
      criticalFault(certificate) ??
      (depth > 0 ? authorityFault(certificate, isAnchor) : serverFault(certificate)) ??
      lengthFault(path, depth) ??
      constraintFault(path, depth)
    if (fault !== null) return fault
  }
  return null
}

function dateFault(certificate: Certificate, at: number): PathFault | null {
  if (at < certificate.notBefore)
    return {
      code: 'not-yet-valid',
      text: `${nameOf(certificate)} is valid from ${timeText(certificate.notBefore)}`,
    }
  if (at > certificate.notAfter)
    return {
      code: 'expired',
      text: `${nameOf(certificate)} expired ${timeText(certificate.notAfter)}`,
    }
  return null
}

function criticalFault(certificate: Certificate): PathFault | null {
  const [first] = certificate.unknownCritical
  if (first === undefined) return null
  return {
    code: 'unknown-critical',
    text: `${nameOf(certificate)} has the critical extension ${first}, which is not evaluated`,
  }
}

/**
 * RFC 5280 §6.1.4 (k), (n): a CA says so in its basic constraints. The anchor alone may be older than that, since the
 * owner named it: a self-issued version 1 certificate, or one whose key usage says that it signs certificates.
 */
function authorityFault(certificate: Certificate, isAnchor: boolean): PathFault | null {
  const { basicConstraints, keyUsage, version } = certificate
  if (keyUsage !== null && !keyUsage.includes('keyCertSign'))
    return {
      code: 'may-not-sign',
      text: `${nameOf(certificate)} issued a certificate, which its key usage does not allow`,
    }
  const isOldAnchor =
    isAnchor &&
    basicConstraints === null &&
    (keyUsage !== null || (version === 1 && isSelfIssued(certificate)))
  if (basicConstraints?.ca !== true && !isOldAnchor)
    return {
      code: 'not-a-ca',
      text: `${nameOf(certificate)} issued a certificate, and is no CA by its basic constraints`,
    }
  return purposeFault(certificate)
}

/** RFC 5280 §4.2.1.3: a TLS server signs, or takes part in the exchange of a key. */
const serverKeyUsages: readonly string[] = ['digitalSignature', 'keyEncipherment', 'keyAgreement']

function serverFault(certificate: Certificate): PathFault | null {
  const { keyUsage } = certificate
  if (keyUsage !== null && !keyUsage.some((name) => serverKeyUsages.includes(name)))
    return {
      code: 'wrong-purpose',
      text: `${nameOf(certificate)} is not for a TLS server by its key usage`,
    }
  return purposeFault(certificate)
}

const serverAuth = '1.3.6.1.5.5.7.3.1'

/** RFC 5280 §4.2.1.12; a CA's list binds what it issues. `anyExtendedKeyUsage` is not enough, as in OpenSSL. */
function purposeFault(certificate: Certificate): PathFault | null {
  const purposes = certificate.extendedKeyUsage
  if (purposes === null || purposes.includes(serverAuth)) return null
  return {
    code: 'wrong-purpose',
    text: `${nameOf(certificate)} is not for TLS servers by its extended key usage`,
  }
}

/** RFC 5280 §6.1.4 (l), (m): the CAs below this one, without those that issued themselves a new certificate. */
function lengthFault(path: readonly Certificate[], depth: number): PathFault | null {
  const certificate = path[depth]
  const allowed = certificate?.basicConstraints?.pathLength ?? null
  if (certificate === undefined || allowed === null || depth === 0) return null
  const below = path.slice(1, depth).filter((one) => !isSelfIssued(one)).length
  if (below <= allowed) return null
  return {
    code: 'path-too-long',
    text: `${nameOf(certificate)} allows ${allowed} CAs below it, and has ${below}`,
  }
}

/** RFC 5280 §6.1.3 (b), (c): what the CA at `depth` permits, asked of all below it. */
function constraintFault(path: readonly Certificate[], depth: number): PathFault | null {
  const constraints = path[depth]?.nameConstraints ?? null
  if (constraints === null) return null
  for (const [i, certificate] of path.slice(0, depth).entries()) {
    if (i > 0 && isSelfIssued(certificate)) continue
    const broken = constraintBroken(certificate, constraints)
    if (broken !== null)
      return {
        code: 'name-constraint',
        text: `${nameOf(certificate)} is outside the name constraints of a CA above it: ${broken}`,
      }
  }
  return null
}

function isSelfIssued(certificate: Certificate): boolean {
  return equalBytes(certificate.subjectDer, certificate.issuerDer)
}

/** A certificate as a person knows it: by its subject, its first name, or at least its serial number. */
function nameOf({ subject, dnsNames, serial }: Certificate): string {
  return `certificate ${quote(subject || dnsNames[0] || `serial ${serial}`)}`
}

function timeText(ms: number): string {
  return new Date(ms).toISOString()
}
