// Builds and validates a certification path from a server's certificate up to a given anchor (RFC 5280 §6.1, RFC 4158),
// over certificates as they were sent: in any order, with extras, and with a bound on the work.

import { equalBytes } from '../base/bytes.ts'
import { quote } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import type { Certificate, Crypto } from '../runtime/runtime.ts'
import { constraintBroken } from './name-constraints.ts'
import {
  faultOf,
  mayIssue,
  nameOf,
  type Path,
  type PathContext,
  type PathFault,
} from './path-rules.ts'

export type { PathFault, PathFaultCode } from './path-rules.ts'

/** Where trust comes from: a CA certificate, or a bare public key (DER) whose certificate need not be sent. */
export type Anchor =
  | { readonly kind: 'certificate'; readonly certificate: Certificate }
  | { readonly kind: 'key'; readonly spki: Uint8Array }

/** The path from the server's certificate up to the anchor's, or to the one that the anchor's bare key signed. */
export type PathResult =
  | { readonly ok: true; readonly path: readonly Certificate[] }
  | ({ readonly ok: false } & PathFault)

export interface PathRequest {
  /** As sent; the first is the server's own. */
  readonly chain: readonly [Certificate, ...Certificate[]]
  /** Time of the judgement, ms since 1970 UTC. */
  readonly at: number
}

/**
 * A valid path up to `anchor`, or why there is none: the fault of the path that came closest. Every certificate of the
 * path must be within its dates, the anchor's too. The anchor's own signature is not checked, nor are the server's names.
 */
export type FindPath = (anchor: Anchor) => PathResult

/**
 * Finds paths over one chain. What was found out for one anchor, signatures above all, is not asked again for the next,
 * so that a server with a hostile chain and an owner with many records cost a bounded time.
 */
export function createPathFinder(
  request: PathRequest,
  crypto: Pick<Crypto, 'isSignedBy'>,
): FindPath {
  const [leaf] = request.chain
  const context = {
    at: request.at,
    authorities: unique(request.chain.slice(0, limits.chainCertificatesMax)).slice(1),
    signatures: countedSignatures(crypto),
    constraintBroken: remembered(constraintBroken),
  }
  return (anchor) => {
    const search = createSearch(anchor, context)
    const path = search.extend([leaf])
    if (path !== null) return { ok: true, path }
    return { ok: false, ...(search.fault() ?? noPath(request.chain)) }
  }
}

/** One answer of `createPathFinder`, for callers with one anchor. */
export function validatePath(
  { anchor, ...request }: PathRequest & { readonly anchor: Anchor },
  crypto: Pick<Crypto, 'isSignedBy'>,
): PathResult {
  return createPathFinder(request, crypto)(anchor)
}

interface Context extends PathContext {
  /** All that was sent beside the server's own certificate, each once. */
  readonly authorities: readonly Certificate[]
  readonly signatures: Signatures
}

interface Search {
  /** The first valid path that continues `path`, or null. */
  extend(path: Path): Path | null
  fault(): PathFault | null
}

function createSearch(anchor: Anchor, context: Context): Search {
  const { signatures } = context
  const anchors = anchor.kind === 'certificate' ? [anchor.certificate] : []
  const issuers = unique([...anchors, ...context.authorities])
  let steps = 0
  /** Of a path that reached the anchor, and of a signature that stopped one. */
  let reached: PathFault | null = null
  let stopped: PathFault | null = null

  const finish = (path: Path, isAnchored: boolean): Path | null => {
    const fault = faultOf(path, isAnchored, context)
    reached ??= fault
    return fault === null ? path : null
  }
  const extend = (path: Path): Path | null => {
    const top = path.at(-1)
    if (top === undefined || ++steps > limits.pathStepsMax) return null
    if (anchor.kind === 'key' && signatures.isBy(top, anchor.spki)) return finish(path, false)
    for (const issuer of issuers) {
      if (!mayIssue(issuer, top) || path.some((one) => equalBytes(one.der, issuer.der))) continue
      if (!signatures.isBy(top, issuer.spki)) {
        stopped ??= badSignature(top, issuer)
        continue
      }
      const isAnchor = issuer === anchors[0]
      const longer = [...path, issuer]
      const found = isAnchor ? finish(longer, true) : extend(longer)
      if (found !== null) return found
    }
    return null
  }
  const fault = (): PathFault | null =>
    steps > limits.pathStepsMax || signatures.areSpent() ? tooComplex : (reached ?? stopped)
  return { extend, fault }
}

const tooComplex: PathFault = {
  code: 'too-complex',
  text: `no valid path within ${limits.pathStepsMax} steps and ${limits.pathSignaturesMax} signatures`,
}

function badSignature(subject: Certificate, issuer: Certificate): PathFault {
  return {
    code: 'bad-signature',
    text: `${nameOf(subject)} bears no signature by ${nameOf(issuer)} that counts`,
  }
}

function noPath([leaf, ...others]: PathRequest['chain']): PathFault {
  const sent = others.length === 0 ? 'no other certificate was sent' : `${others.length} more sent`
  return {
    code: 'no-path',
    text: `no certificate leads from ${nameOf(leaf)}, issued by ${quote(leaf.issuer)}, to the anchor; ${sent}`,
  }
}

interface Signatures {
  /** Whether `subject` is signed by the key `spki`; false once the count is spent. */
  isBy(subject: Certificate, spki: Uint8Array): boolean
  areSpent(): boolean
}

/** Verifies each signature once, however many paths go over it, and at most `limits.pathSignaturesMax` of them. */
function countedSignatures(crypto: Pick<Crypto, 'isSignedBy'>): Signatures {
  let count = 0
  const verify = remembered(
    (subject: Certificate, spki: Uint8Array) =>
      ++count <= limits.pathSignaturesMax && crypto.isSignedBy(subject, spki),
  )
  return { isBy: verify, areSpent: () => count > limits.pathSignaturesMax }
}

/** `ask`, asked once for each pair of objects. */
function remembered<A extends object, B extends object, T>(
  ask: (a: A, b: B) => T,
): (a: A, b: B) => T {
  const known = new Map<A, Map<B, { readonly answer: T }>>()
  return (a, b) => {
    const row = known.get(a) ?? new Map<B, { readonly answer: T }>()
    known.set(a, row)
    const entry = row.get(b) ?? { answer: ask(a, b) }
    row.set(b, entry)
    return entry.answer
  }
}

function unique(certificates: readonly Certificate[]): readonly Certificate[] {
  return certificates.filter(
    (one, i) => certificates.findIndex((other) => equalBytes(other.der, one.der)) === i,
  )
}
