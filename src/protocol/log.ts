// What a mirror answers about its log: heads, proofs and leaves (RFC 9162 §2.1 and §5, in our own form).

import { z } from 'zod'
import { limits } from '../base/limits.ts'

/** A hash of the tree: 32 bytes in base64url. */
export const logHashSchema = z.string().regex(/^[A-Za-z0-9_-]{43}$/)

/** How many leaves a log has, or the place of one. */
const count = z.number().int().min(0).max(limits.logLeavesMax)

const path = z.array(logHashSchema).max(limits.logPathMax)

/** What `GET /v1/log/head` answers. */
export const logHeadAnswerSchema = z.object({
  /** JWS of typ `smn-head+jws`. */
  head: z.string().max(limits.logHeadBytesMax),
})

/** What `GET /v1/log/consistency?from=&to=` answers, the sizes of the older and the newer log. */
export const logConsistencyAnswerSchema = z.object({
  /** The root that the older log had. Who has a head of that size with another root holds proof of a fork. */
  root: logHashSchema,
  path,
})

/** What `GET /v1/log/inclusion?leaf=&size=` answers. */
export const logInclusionAnswerSchema = z.object({
  /** The leaf's place, counted from 0. */
  index: count,
  path,
})

/** What `GET /v1/log/entries?from=&to=` answers: the leaves from `from` to before `to`, or fewer. */
export const logEntriesAnswerSchema = z.object({
  from: count,
  leaves: z.array(logHashSchema).max(limits.logEntriesMax),
})
