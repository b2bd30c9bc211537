// Asks of a chain: does an association that the owner published authenticate it? (RFC 6698 §2.1, RFC 7671 §4, §5, §9.)

import { equalBytes } from '../base/bytes.ts'
import { Failure, quote } from '../base/failure.ts'
import type { Certificate, Crypto } from '../runtime/runtime.ts'
import {
  formatAssociation,
  isNoAuthorityMarker,
  type Association,
  type Matching,
} from './association.ts'
import { matchesName } from './names.ts'
import type { AssociationText } from './observation.ts'
import {
  createPathFinder,
  type Anchor,
  type FindPath,
  type PathFaultCode,
  type PathResult,
} from './path.ts'

/**
 * What becomes of usages 0 and 1, which add a public CA's word to the owner's: unusable, since no CAs ship with us,
 * or read as 2 and 3.
 */
export type PkixAs = 'unusable' | 'dane'

export interface MatchInput {
  /** As sent, leaf first. */
  readonly chain: readonly Certificate[]
  readonly associations: readonly Association[]
  /** Names that a certificate may be for: the host and the base domain of the records, or the address. */
  readonly names: readonly string[]
  /** Time of the judgement, ms since 1970 UTC. */
  readonly at: number
  /** Default: `unusable`. */
  readonly pkixAs?: PkixAs
}

/** Why an association does not authenticate a chain. A closed set: the codes are API, the texts are for people. */
export type MissCode =
  | PathFaultCode
  /** The server sent no certificate. */
  | 'nothing-sent'
  /** Usage 0 or 1. */
  | 'pkix-unusable'
  /** The owner's marker that no authority is meant. */
  | 'no-authority'
  /** RFC 7671 §9: a record of the same usage and selector has a stronger digest. */
  | 'weaker-digest'
  /** Usage 3: the server has another certificate or key. */
  | 'other-key'
  /** Usage 2: no CA certificate that was sent is the one named. */
  | 'anchor-not-sent'
  /** Usage 2: it is the server's own certificate that is named, and no CA above it. */
  | 'anchor-is-server'
  | 'wrong-name'

/** Why one association did not authenticate the chain. */
export interface Miss {
  readonly association: AssociationText
  readonly code: MissCode
  readonly text: string
}

/** How an association authenticates a chain. */
export interface Match {
  readonly matched: Association
  /** Steps from the server's certificate (0) up to what the association names. */
  readonly depth: number
  /** The certificate that the association names; null where it names a key whose certificate is not in the path. */
  readonly anchor: Certificate | null
  /** From the server's certificate up to the anchor's, as far as there are certificates. */
  readonly path: readonly Certificate[]
}

export type MatchResult = Match | { readonly matched: null; readonly reasons: readonly Miss[] }

/** Associations that could authenticate some chain: usages 2 and 3, and 0 and 1 where they are read so. */
export function usable(
  associations: readonly Association[],
  pkixAs: PkixAs = 'unusable',
): readonly Association[] {
  return associations.filter(
    (one) => !isNoAuthorityMarker(one) && (one.usage >= 2 || pkixAs === 'dane'),
  )
}

/**
 * The first association that authenticates the chain, or why none does. Records of usage 3 come first, as they need
 * no path; then the order given.
 */
export function matchAssociations(input: MatchInput, crypto: MatchCrypto): MatchResult {
  const reasons: Miss[] = []
  const attempt = createAttempt(input, crypto)
  const ordered = input.associations.toSorted(
    (a, b) => Number(isForServer(b)) - Number(isForServer(a)),
  )
  for (const association of ordered) {
    const outcome = attempt(association)
    if (!('code' in outcome)) return { matched: association, ...outcome }
    reasons.push({ association: formatAssociation(association), ...outcome })
  }
  return { matched: null, reasons }
}

/**
 * Canonical texts of all associations that authenticate the chain, each by itself; digest agility is judged over the
 * whole set given.
 */
export function matchingAssociations(
  input: MatchInput,
  crypto: MatchCrypto,
): readonly AssociationText[] {
  const attempt = createAttempt(input, crypto)
  return input.associations.filter((one) => !('code' in attempt(one))).map(formatAssociation)
}

type MatchCrypto = Pick<Crypto, 'digest' | 'isSignedBy' | 'readCertificate'>
type Outcome = Omit<Match, 'matched'> | Omit<Miss, 'association'>

/** Judges the associations of `input` one at a time. */
function createAttempt(
  input: MatchInput,
  crypto: MatchCrypto,
): (association: Association) => Outcome {
  const [leaf, ...others] = input.chain
  if (leaf === undefined) return () => miss('nothing-sent', 'the server sent no certificate')
  const pkixAs = input.pkixAs ?? 'unusable'
  const strongest = strongestDigests(usable(input.associations, pkixAs))
  const findPath = rememberedByCertificate(
    createPathFinder({ chain: [leaf, ...others], at: input.at }, crypto),
  )
  return (association) => {
    if (isNoAuthorityMarker(association))
      return miss('no-authority', 'the record says that no authority is meant for this name')
    if (association.usage < 2 && pkixAs === 'unusable')
      return miss(
        'pkix-unusable',
        `usage ${association.usage} asks for the word of a public CA as well, and none is taken; publish usage ${association.usage + 2}`,
      )
    const { matching } = association
    if (matching !== 0 && matching < (strongest.get(familyOf(association)) ?? 0))
      return miss('weaker-digest', 'a record with a stronger digest stands beside it')
    return isForServer(association)
      ? attemptServer(leaf, association, crypto)
      : attemptAuthority({ names: input.names, leaf, others, findPath }, association, crypto)
  }
}

/** `find`, asked once for each certificate that several records name. */
function rememberedByCertificate(find: FindPath): FindPath {
  const known = new Map<Certificate, PathResult>()
  return (anchor) => {
    if (anchor.kind === 'key') return find(anchor)
    const result = known.get(anchor.certificate) ?? find(anchor)
    known.set(anchor.certificate, result)
    return result
  }
}

/** RFC 7671 §5.1: the key alone counts; the owner's record says name and time better than the certificate does. */
function attemptServer(leaf: Certificate, association: Association, crypto: MatchCrypto): Outcome {
  return isNamed(leaf, association, crypto)
    ? { depth: 0, anchor: leaf, path: [leaf] }
    : miss('other-key', 'the server has another certificate or key')
}

/** What the server sent, and how to find paths over it. */
interface Sent {
  readonly names: readonly string[]
  readonly leaf: Certificate
  readonly others: readonly Certificate[]
  readonly findPath: FindPath
}

/** RFC 7671 §5.2: a valid path up to the CA that is named, and a certificate that is for the name asked for. */
function attemptAuthority(
  { names, leaf, others, findPath }: Sent,
  association: Association,
  crypto: MatchCrypto,
): Outcome {
  const sent = others
    .filter((one) => isNamed(one, association, crypto))
    .map((certificate): Anchor => ({ kind: 'certificate', certificate }))
  let reach = reachAnchors(sent, findPath)
  if (isNowhere(reach)) {
    // A CA certificate that was sent binds by its dates and constraints: what the record holds counts without it only.
    const held = anchorInRecord(association, crypto)
    if (held !== null) reach = reachAnchors([held], findPath)
  }
  if (isNowhere(reach) && isNamed(leaf, association, crypto))
    return miss('anchor-is-server', 'the record names the server itself as its CA; publish usage 3')
  if (reach === null)
    return miss('anchor-not-sent', 'no CA certificate that the server sent is the one named')
  if ('code' in reach || names.some((name) => matchesName(leaf, name))) return reach
  return miss(
    'wrong-name',
    `the certificate is for ${namesText(leaf)}, not for ${names.join(' or ')}`,
  )
}

function isNowhere(reach: Outcome | null): boolean {
  return reach === null || ('code' in reach && reach.code === 'no-path')
}

/** The path to the first anchor that has one, else the most telling fault; null without anchors. */
function reachAnchors(anchors: readonly Anchor[], findPath: FindPath): Outcome | null {
  let fault: Omit<Miss, 'association'> | null = null
  for (const anchor of anchors) {
    const result = findPath(anchor)
    if (result.ok) return reachOf(result.path, anchor)
    if (fault === null || fault.code === 'no-path') fault = miss(result.code, result.text)
  }
  return fault
}

function reachOf(path: readonly Certificate[], anchor: Anchor): Omit<Match, 'matched'> {
  return anchor.kind === 'certificate'
    ? { depth: path.length - 1, anchor: anchor.certificate, path }
    : { depth: path.length, anchor: null, path }
}

/** RFC 7671 §5.2.1 and §5.2.3: full data is an anchor that need not be sent. Null for data that is no certificate. */
function anchorInRecord(association: Association, crypto: MatchCrypto): Anchor | null {
  if (association.matching !== 0) return null
  if (association.selector === 1) return { kind: 'key', spki: association.data }
  try {
    return { kind: 'certificate', certificate: crypto.readCertificate(association.data) }
  } catch (error) {
    if (Failure.is(error)) return null
    throw error
  }
}

/** RFC 6698 §2.1: the selected part of `certificate`, or its hash, equals the data. */
function isNamed(certificate: Certificate, association: Association, crypto: MatchCrypto): boolean {
  const selected = association.selector === 0 ? certificate.der : certificate.spki
  return equalBytes(
    association.matching === 0 ? selected : crypto.digest(digestOf[association.matching], selected),
    association.data,
  )
}

const digestOf = { 1: 'sha256', 2: 'sha512' } as const

function isForServer(association: Association): boolean {
  return association.usage % 2 === 1
}

/** Records among which RFC 7671 §9 lets the strongest digest alone count: those of one usage and selector. */
function familyOf(association: Association): string {
  return `${isForServer(association) ? 'server' : 'authority'} ${association.selector}`
}

function strongestDigests(associations: readonly Association[]): ReadonlyMap<string, Matching> {
  const strongest = new Map<string, Matching>()
  for (const one of associations) {
    const family = familyOf(one)
    if (one.matching >= (strongest.get(family) ?? 0)) strongest.set(family, one.matching)
  }
  return strongest
}

function namesText(certificate: Certificate): string {
  const names = [...certificate.dnsNames, ...certificate.ipAddresses]
  if (names.length > 0) return quote(names.join(', '))
  return certificate.commonNames.length > 0
    ? 'no name at all but a common name, which does not count (RFC 9525)'
    : 'no name at all'
}

function miss(code: MissCode, text: string): Omit<Miss, 'association'> {
  return { code, text }
}
