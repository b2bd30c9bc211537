// The paths of the Secure Mirror Protocol, version 1, with the shapes of questions and answers (protocol §4, §5).

import { z } from 'zod'
import { utf8 } from '../base/bytes.ts'
import { limits } from '../base/limits.ts'

/** The version that this code speaks; `v` in every statement and the prefix of every path. */
export const protocolVersion = '1.0'

/** The paths of the protocol's requests. */
export const paths = {
  descriptor: '/.well-known/secure-mirror',
  observe: '/v1/observe',
  list: '/v1/list',
  listDigest: '/v1/list/digest',
  /** Followed by two hexadecimal digits. */
  listBucket: '/v1/list/bucket/',
  bootstrapSeen: '/v1/bootstrap-seen',
  /** Questions that a relay brings (RFC 9458). */
  gateway: '/v1/ohttp',
  /** Followed by the id of the gateway that questions are for. */
  relay: '/v1/relay/',
  /** The mirror's log of what it saw; the shapes of its answers are in `log.ts`. */
  logHead: '/v1/log/head',
  logConsistency: '/v1/log/consistency',
  logInclusion: '/v1/log/inclusion',
  logEntries: '/v1/log/entries',
  ping: '/v1/ping',
  openapi: '/v1/openapi.json',
} as const

/** What a client asks of a mirror. */
export const questionSchema = z.object({
  /** Canonical text of a target. */
  target: z.string().max(limits.targetCharsMax),
  /** 16 random bytes in base64url, echoed in the answer. */
  nonce: z.string().regex(/^[A-Za-z0-9_-]{22}$/),
  /** Ask again instead of from the cache; only in escalation, coalesced by the mirror. */
  fresh: z.boolean().default(false),
  /** Addresses that the asker was given, for a handshake from this vantage as well. */
  asked: z.array(z.string().min(2).max(45)).max(limits.addressesProbedMax).default([]),
  /** Whether handshakes are wanted at all; a look at DNS alone is cheaper. */
  handshakes: z.boolean().default(true),
  /** Send the descriptor along, for askers that do not have it yet. */
  descriptor: z.boolean().default(false),
})

export type Question = z.infer<typeof questionSchema>

/** `question` as it is sent: in one form, so that nobody who asks can be told by how it is written. */
export function writeQuestion(question: Question): Uint8Array {
  const { target, fresh, asked, handshakes, descriptor, nonce } = question
  return utf8(JSON.stringify({ target, fresh, asked, handshakes, descriptor, nonce }))
}

/** What a mirror answers to a question. */
export const answerSchema = z.object({
  /** JWS of typ `smn-obs+jws`. */
  observation: z.string().max(limits.observationBytesMax),
  /** JWS of typ `smn-descriptor+jws`, when wanted. */
  descriptor: z.string().max(limits.descriptorBytesMax).optional(),
})

export type MirrorAnswer = z.infer<typeof answerSchema>

/** One mirror in a list or bootstrap file. */
export const listEntrySchema = z.object({
  ip: z.string().min(2).max(45),
  port: z.number().int().min(1).max(65_535),
  id: z.string().length(43),
  region: z.string().max(16).nullable(),
})

export type ListEntry = z.infer<typeof listEntrySchema>

/** What `GET /.well-known/secure-mirror` answers. */
export const wellKnownSchema = z.object({
  descriptor: z.string().max(limits.descriptorBytesMax),
})
