// Signed heads of a vantage's log, and whether two of them tell one history (RFC 9162 §2.1.4, §8.1.4, in our own form).

import { z } from 'zod'
import { base64url, equalBytes, fromBase64url, textOf } from '../base/bytes.ts'
import { limits } from '../base/limits.ts'
import type { Crypto, SigningKey } from '../runtime/runtime.ts'
import { isStatementSigned, readStatement, signStatement } from './jws.ts'
import { consistencyRoots, emptyRoot } from './merkle.ts'
import type { Verified } from './observation.ts'
import type { AnswerKey, Rejection } from './sign.ts'

/** The state of a log at one time, as its vantage signs it (typ `smn-head+jws`). */
export interface Head {
  readonly v: 1
  /** Id of the vantage. */
  readonly iss: string
  /** How many leaves the log has. */
  readonly size: number
  /** Root of their Merkle tree, base64url. */
  readonly root: string
  /** When it was signed, ms since 1970 UTC. */
  readonly at: number
}

/** A hash of the tree in base64url. */
const hash = z.string().refine((text) => hashOf(text) !== null, { message: 'not a SHA-256 hash' })

/** Reads what a vantage signed as its head. */
export const headSchema: z.ZodType<Head> = z.object({
  v: z.literal(1),
  iss: z.string().length(43),
  size: z.number().int().min(0).max(limits.logLeavesMax),
  root: hash,
  at: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
})

/** The bytes of a hash in base64url, or null when the text is none. */
function hashOf(text: string): Uint8Array | null {
  const bytes = fromBase64url(text)
  return bytes?.length === 32 ? bytes : null
}

/** The compact statement of `head`. */
export function signHead(key: SigningKey, keyId: string, head: Head): string {
  return signStatement(key, { type: 'smn-head+jws', keyId }, JSON.stringify(head))
}

/** Whose head it must be. */
export interface ExpectedHead {
  readonly vantage: string
  readonly answerKeys: readonly AnswerKey[]
  /**
   * Our wall time, ms since 1970 UTC, when the vantage has just been asked: a head of another time is then refused,
   * since it may hide what came after. Null for evidence, which may be old.
   */
  readonly now: number | null
}

/** The head in `statement` when the expected vantage signed it; otherwise the reason why it is not taken. */
export function verifyHead(
  crypto: Crypto,
  statement: string,
  expected: ExpectedHead,
): Verified<Head> | Rejection {
  const signed = readStatement(statement, limits.logHeadBytesMax)
  if (typeof signed === 'string') return reject('malformed', signed)
  if (signed.type !== 'smn-head+jws')
    return reject('wrong-type', `it is a ${JSON.stringify(signed.type)}`)
  const answerKey = expected.answerKeys.find((key) => key.keyId === signed.keyId)
  if (answerKey === undefined)
    return reject('wrong-key', 'it is signed with a key that the vantage did not announce')
  if (!isStatementSigned(crypto, signed, answerKey.key))
    return reject('bad-signature', 'its signature does not verify')
  const head = readHead(signed.payload)
  if (head === null) return reject('malformed', 'its content is not a head')
  if (head.iss !== expected.vantage)
    return reject('wrong-vantage', 'it names another vantage as its author')
  if (head.at > answerKey.expires)
    return reject('wrong-key', 'its key had expired when it was signed')
  if (expected.now !== null && Math.abs(head.at - expected.now) > limits.clockSkewMs) {
    const seconds = Math.round((head.at - expected.now) / 1000)
    return reject('wrong-time', `its time differs from ours by ${seconds} s`)
  }
  if (head.size === 0 && head.root !== base64url(emptyRoot(crypto)))
    return reject('malformed', 'it gives a log without leaves a root of its own')
  return head as Verified<Head>
}

function readHead(payload: Uint8Array): Head | null {
  const text = textOf(payload)
  if (text === null) return null
  try {
    return headSchema.parse(JSON.parse(text))
  } catch {
    return null
  }
}

function reject(code: Rejection['code'], text: string): Rejection {
  return { code, text }
}

/** What a vantage shows to prove that its log only grew, as it comes from a network: nothing in it need be true. */
export interface ConsistencyProof {
  /** What the smaller log's root was, by its own words. */
  readonly root: Uint8Array
  readonly path: readonly Uint8Array[]
}

/** What two heads of one vantage say together. */
export type HeadsFinding =
  /** The smaller log is the beginning of the larger. */
  | { readonly outcome: 'consistent' }
  /**
   * The vantage signed two histories. `same-size`: the two heads alone prove it to everybody. `rewritten`: the heads and
   * the proof do, because its path leads to the larger head's root from another root than the smaller head's.
   */
  | { readonly outcome: 'forked'; readonly how: 'same-size' | 'rewritten' }
  /** Neither: no proof, or one that does not lead to these heads. Who withholds it has not been proved to lie. */
  | { readonly outcome: 'unproven'; readonly why: 'other-vantage' | 'no-proof' | 'proof-misfit' }

/**
 * Whether two heads tell one history. Which came first does not matter: the smaller log must be the beginning of the
 * larger one. `proof` is for their two sizes; none is needed for equal sizes, nor for an empty log.
 */
export function checkHeads(
  crypto: Pick<Crypto, 'digest'>,
  heads: readonly [Verified<Head>, Verified<Head>],
  proof: ConsistencyProof | null,
): HeadsFinding {
  const [smaller, larger] = heads[0].size <= heads[1].size ? heads : [heads[1], heads[0]]
  if (smaller.iss !== larger.iss) return unproven('other-vantage')
  if (smaller.size === larger.size)
    return smaller.root === larger.root
      ? { outcome: 'consistent' }
      : { outcome: 'forked', how: 'same-size' }
  if (smaller.size === 0) return { outcome: 'consistent' }
  if (proof === null) return unproven('no-proof')
  const roots = consistencyRoots(crypto, {
    from: smaller.size,
    to: larger.size,
    root: proof.root,
    path: proof.path,
  })
  if (roots === null || !equalBytes(roots.older, proof.root)) return unproven('proof-misfit')
  if (base64url(roots.newer) !== larger.root) return unproven('proof-misfit')
  // The path is bound to the larger root by its hashes: what it says of the beginning, the vantage has signed.
  return base64url(roots.older) === smaller.root
    ? { outcome: 'consistent' }
    : { outcome: 'forked', how: 'rewritten' }
}

function unproven(why: Extract<HeadsFinding, { outcome: 'unproven' }>['why']): HeadsFinding {
  return { outcome: 'unproven', why }
}
