// Reads questions as they come from a network: bounded, validated, with one clear refusal (protocol §4).

import ipaddr from 'ipaddr.js'
import { textOf } from '../base/bytes.ts'
import { Failure } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import { parseTarget, type Target } from '../observation/target.ts'
import { questionSchema, type Question } from '../protocol/routes.ts'
import type { HttpQuestion, HttpReply } from '../runtime/runtime.ts'
import { problem } from './replies.ts'

/** A question with its target, or the reply that refuses it. */
export type ReadQuestion =
  | { readonly asked: Question; readonly target: Target }
  | { readonly reply: HttpReply }

/** Reads the question that was posted; `targetOf` reads its target. */
export function readQuestion(question: HttpQuestion, targetOf: TargetReader): ReadQuestion {
  const { body, contentType } = question
  if (body === null || body.length > limits.requestBytesMax)
    return {
      reply: problem('question-too-large', `at most ${limits.requestBytesMax} bytes are taken`),
    }
  if (!/^application\/json\b/.test(contentType))
    return { reply: problem('media-type-unsupported', 'send application/json') }
  const malformed = (why: string): ReadQuestion => ({ reply: problem('question-malformed', why) })
  const text = textOf(body)
  if (text === null) return malformed('the body is not UTF-8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return malformed('the body is not JSON')
  }
  const parsed = questionSchema.safeParse(value)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    return malformed(`at ${issue?.path.join('.') || 'the top'}: ${issue?.message ?? 'unreadable'}`)
  }
  const bad = parsed.data.asked.find((address) => !ipaddr.isValid(address))
  if (bad !== undefined) return malformed(`at asked: ${JSON.stringify(bad)} is not an IP address`)
  const target = targetOf(parsed.data.target)
  if (typeof target === 'string') return malformed(target)
  // One address has many spellings: caches and the pace of looks know it by one.
  const asked = [...new Set(parsed.data.asked.map(canonicalAddress))]
  return { asked: { ...parsed.data, asked }, target }
}

function canonicalAddress(address: string): string {
  const parsed = ipaddr.parse(address)
  return parsed instanceof ipaddr.IPv6 ? parsed.toRFC5952String() : parsed.toString()
}

/** The target in a text, or what is wrong with it. */
export type TargetReader = (text: string) => Target | string

/** Texts whose target is remembered; when there are more, all are forgotten. */
const targetsMax = 10_000

/** `read`, but what was read lately is known: reading a target costs as much as the rest of a cached answer. */
export function remembering(read: TargetReader): TargetReader {
  const targets = new Map<string, Target>()
  return (text) => {
    const known = targets.get(text)
    if (known !== undefined) return known
    const target = read(text)
    if (typeof target === 'string') return target
    if (targets.size >= targetsMax) targets.clear()
    targets.set(text, target)
    return target
  }
}

/** The target in the query of the shared variant. */
export function readSharedQuery(query: string): Target | string {
  const text = new URLSearchParams(query).get('target')
  return text === null ? 'the query needs ?target=' : readTarget(text)
}

/** Only canonical texts are taken, so that a cache has one key a target. */
export function readTarget(text: string): Target | string {
  try {
    const target = parseTarget(text)
    return target.text === text
      ? target
      : `the target's canonical form is ${JSON.stringify(target.text)}`
  } catch (error) {
    if (Failure.is(error)) return error.message
    throw error
  }
}
