// The rules that every certificate of a path must keep, one after the other (RFC 5280 §6.1.3, §6.1.4).

import { equalBytes } from '../base/bytes.ts'
import { quote } from '../base/failure.ts'
import type { Certificate } from '../runtime/runtime.ts'
import type { constraintBroken } from './name-constraints.ts'

/** Certificates from the server's own upwards, each signed by the next. */
export type Path = readonly Certificate[]

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

/** What the rules ask besides the path. */
export interface PathContext {
  /** Time of the judgement, ms since 1970 UTC. */
  readonly at: number
  /** The comparison of names with constraints, which may remember its answers. */
  readonly constraintBroken: typeof constraintBroken
}

/** RFC 5280 §6.1.3 (a)(4), §4.2.1.1: names chain byte by byte, and key identifiers agree where both are given. */
export function mayIssue(issuer: Certificate, subject: Certificate): boolean {
  return (
    equalBytes(issuer.subjectDer, subject.issuerDer) &&
    (issuer.subjectKeyId === null ||
      subject.authorityKeyId === null ||
      equalBytes(issuer.subjectKeyId, subject.authorityKeyId))
  )
}

/** The first fault of a path whose signatures have been verified; anchored: its last certificate is the anchor itself. */
export function faultOf(path: Path, isAnchored: boolean, context: PathContext): PathFault | null {
  for (const [depth, certificate] of path.entries()) {
    const isAnchor = isAnchored && depth === path.length - 1
    const fault =
      dateFault(certificate, context.at) ??
      criticalFault(certificate) ??
      (depth > 0 ? authorityFault(certificate, isAnchor) : serverFault(certificate)) ??
      lengthFault(path, depth) ??
      constraintFault(path, depth, context)
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
function lengthFault(path: Path, depth: number): PathFault | null {
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
function constraintFault(path: Path, depth: number, context: PathContext): PathFault | null {
  const constraints = path[depth]?.nameConstraints ?? null
  if (constraints === null) return null
  for (const [i, certificate] of path.slice(0, depth).entries()) {
    if (i > 0 && isSelfIssued(certificate)) continue
    const broken = context.constraintBroken(certificate, constraints)
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
export function nameOf({ subject, dnsNames, serial }: Certificate): string {
  return `certificate ${quote(subject || dnsNames[0] || `serial ${serial}`)}`
}

function timeText(ms: number): string {
  return new Date(ms).toISOString()
}
