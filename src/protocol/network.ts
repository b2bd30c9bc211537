// What mirrors tell each other: that one wants to join, that one exists, whether one answers, and how one is seen (protocol §4, §8).

import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import { fromBase64url } from '../base/bytes.ts'
import { limits } from '../base/limits.ts'

/** The paths between mirrors. */
export const networkPaths = {
  /** A mirror asks to be taken in (R91). */
  join: '/v1/join',
  /** A mirror tells of another one (R99, R101). */
  announce: '/v1/announce',
  /** A mirror asks whether another one answers. */
  pingRequest: '/v1/ping-request',
  /** Followed by the id of a mirror: how this one sees it. */
  standing: '/v1/standing/',
  /** A client tells what the mirrors that it asked have answered (R107 to R110); through a relay as a rule. */
  reports: '/v1/reports',
  /** A mirror asks for a test of another one, and a vote on it (R121, R134). */
  removeRequests: '/v1/remove-requests',
  /** A mirror votes that was asked to (R123). */
  votes: '/v1/votes',
  /** A mirror tells another one how it now stands with it, and why (R129). */
  notices: '/v1/notices',
} as const

/** How a mirror can stand with another one. */
export const standingStates = [
  'unknown',
  'candidate',
  'probation',
  'active',
  'inactive',
  'gone',
] as const

const instant = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const id = z
  .string()
  .length(43)
  .refine((text) => fromBase64url(text)?.length === 32, 'not a mirror id')

/** Where a mirror is. Nothing more is said of it: what else there is to know, its own descriptor says, at that place. */
export const whereaboutsSchema = z.object({
  ip: z
    .string()
    .min(2)
    .max(45)
    .refine(
      (text) =>
        !text.includes('%') && ipaddr.isValid(text) && ipaddr.parse(text).toString() === text,
      'not an IP address in its usual text',
    ),
  port: z.number().int().min(1).max(65_535),
  id,
})

export type Whereabouts = z.infer<typeof whereaboutsSchema>

/** What `POST /v1/join` and `POST /v1/announce` answer, with 202: the mirror will be looked at, whoever sent it. */
export const takenInSchema = z.object({
  /** How it stands here now. */
  state: z.enum(standingStates),
})

export type TakenIn = z.infer<typeof takenInSchema>

/** What is sent to `POST /v1/ping-request`. The address is the asked mirror's own knowledge, so that nobody is used to knock elsewhere. */
export const pingRequestSchema = z.object({ id })

/** What `POST /v1/ping-request` answers; null where the mirror is not known, or there was no time for it. */
export const pingAnswerSchema = z.object({ answers: z.boolean().nullable() })

/** What `GET /v1/standing/{id}` answers: for the operator of that mirror, and for whoever wants to know. */
export const standingAnswerSchema = z.object({
  id,
  /** `unknown` where this mirror has never heard of it, or has forgotten it. */
  state: z.enum(standingStates),
  /** Since when; null where it is unknown. */
  since: instant.nullable(),
  /** In words. */
  reason: z.string().max(limits.reasonCharsMax).nullable(),
  /** Whether it is in this mirror's list. */
  listed: z.boolean(),
  /** Since when this mirror has not reached it; null when it has. */
  unreachableSince: instant.nullable(),
  lastTest: z
    .object({
      at: instant,
      result: z.enum(['passed', 'failed', 'unclear']),
      text: z.string().max(limits.reasonCharsMax),
    })
    .nullable(),
  /** When it is tested, or looked at, next; null where nothing is due. */
  nextTest: instant.nullable(),
  /** What its operator can do. */
  advice: z.string().max(limits.reasonCharsMax).nullable(),
})

export type StandingAnswer = z.infer<typeof standingAnswerSchema>
