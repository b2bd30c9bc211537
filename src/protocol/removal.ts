// What mirrors say to each other about removing one: requests for a vote, votes, and notices to the one that it is about (R121 to R129; protocol §8).
//
// What travels is evidence, and what tests found. How one mirror thinks of another, its reputation, has no form here (R117).

import { z } from 'zod'
import { fromBase64url } from '../base/bytes.ts'
import { limits } from '../base/limits.ts'
import type { Verified } from '../observation/observation.ts'
import type { Crypto } from '../runtime/runtime.ts'
import { openStatement, type ExpectedAuthor } from './statements.ts'

const instant = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const mirrorId = z.string().refine((text) => fromBase64url(text)?.length === 32, 'not a mirror id')
const requestId = z.string().regex(/^[A-Za-z0-9_-]{22}$/)
const reason = z.string().max(limits.reasonCharsMax)

/** Why a mirror asks for a removal; see `triggersRemoval`. Without figures: those of the reputation are nobody else's. */
export const removalReasons = [
  'dissent-share',
  'failed-audit',
  'slow-response-p95',
  'slow-ping',
  'contradictions',
] as const

/** Limits of speed that a test may find exceeded (R72, R73). */
export const speedFaults = ['slow-ping', 'slow-response-p50', 'slow-response-p95'] as const

/** What one series of tests found, as its tester says. */
const found = {
  /** Replays that could be compared. */
  n: z.number().int().min(0).max(limits.replaysMax),
  /** Independent failures among them. */
  fails: z.number().int().min(0).max(limits.replaysMax),
  /** Response times in ms, the way through a relay included; null where nothing could be compared. */
  p50: z.number().min(0).max(86_400_000).nullable(),
  p95: z.number().min(0).max(86_400_000).nullable(),
  /** The limits of speed that are exceeded, by the tester's measure. */
  faults: z.array(z.enum(speedFaults)).max(speedFaults.length),
}

/** Figures of one series of tests. */
export const seriesFiguresSchema = z.object(found)

export type SeriesFigures = z.infer<typeof seriesFiguresSchema>

/** Answers of several mirrors to one question at one time, of which the subject's contradicts the others'. */
export const contradictionSchema = z.object({
  observations: z
    .array(z.string().max(limits.observationBytesMax))
    .min(3)
    .max(limits.reportObservationsMax),
  descriptors: z.array(z.string().max(limits.descriptorBytesMax)).max(limits.reportObservationsMax),
})

export type ContradictionEvidence = z.infer<typeof contradictionSchema>

/** A request to test a mirror (typ `smn-remove+jws`), and to vote on its removal. */
export const removeRequestSchema = z.object({
  v: z.literal(1),
  iss: mirrorId,
  iat: instant,
  /** 16 random bytes in base64url that name the request. */
  req: requestId,
  subject: mirrorId,
  /** `vote`: test it, and say what you found. `test`: it was removed here; test it, and do as you find (R125). */
  wants: z.enum(['vote', 'test']),
  reasons: z.array(z.enum(removalReasons)).min(1).max(removalReasons.length),
  /** What the author itself found; at least one of the two. */
  evidence: z.object({
    series: seriesFiguresSchema.nullable(),
    contradictions: z.array(contradictionSchema).max(limits.contradictionsSentMax),
  }),
  /** Votes that come later are not counted. */
  deadline: instant,
})

export type RemoveRequest = z.infer<typeof removeRequestSchema>

/** A vote (typ `smn-vote+jws`), after tests of one's own. */
export const voteSchema = z.object({
  v: z.literal(1),
  iss: mirrorId,
  iat: instant,
  req: requestId,
  subject: mirrorId,
  /** True: remove it. */
  agree: z.boolean(),
  ...found,
})

export type VoteStatement = z.infer<typeof voteSchema>

/** How the subject now stands with the author, and why (typ `smn-notice+jws`). */
export const noticeSchema = z.object({
  v: z.literal(1),
  iss: mirrorId,
  iat: instant,
  subject: mirrorId,
  state: z.enum(['active', 'inactive']),
  /** In words for its operator. */
  reason,
  /** When the author tests it again; null where it does not. */
  retestAt: instant.nullable(),
  /** How to return, in words for its operator. */
  advice: reason,
})

export type Notice = z.infer<typeof noticeSchema>

/** Bodies that carry one signed statement, with the descriptor that names the author's keys. */
export const letterSchema = z.object({
  statement: z.string().max(limits.removeRequestBytesMax),
  descriptor: z.string().max(limits.descriptorBytesMax),
})

export type Letter = z.infer<typeof letterSchema>

/** What is answered to each of them, with 202. */
export const letterTakenSchema = z.object({ taken: z.literal(true) })

/** The request in `statement`, when its author signed it lately. @throws Failure statement-rejected */
export function verifyRemoveRequest(
  crypto: Crypto,
  statement: string,
  expected: ExpectedAuthor,
): Verified<RemoveRequest> {
  const kind = {
    type: 'smn-remove+jws',
    name: 'remove request',
    bytesMax: limits.removeRequestBytesMax,
    validMs: limits.letterValidMs,
  } as const
  const request = openStatement(crypto, statement, { kind, schema: removeRequestSchema, expected })
  return request as Verified<RemoveRequest>
}

/** The vote in `statement`, when its author signed it lately. @throws Failure statement-rejected */
export function verifyVote(
  crypto: Crypto,
  statement: string,
  expected: ExpectedAuthor,
): Verified<VoteStatement> {
  const kind = { type: 'smn-vote+jws', name: 'vote', ...short } as const
  return openStatement(crypto, statement, {
    kind,
    schema: voteSchema,
    expected,
  }) as Verified<VoteStatement>
}

/** The notice in `statement`, when its author signed it lately. @throws Failure statement-rejected */
export function verifyNotice(
  crypto: Crypto,
  statement: string,
  expected: ExpectedAuthor,
): Verified<Notice> {
  const kind = { type: 'smn-notice+jws', name: 'notice', ...short } as const
  return openStatement(crypto, statement, {
    kind,
    schema: noticeSchema,
    expected,
  }) as Verified<Notice>
}

const short = { bytesMax: limits.requestBytesMax, validMs: limits.letterValidMs } as const
