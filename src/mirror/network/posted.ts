// Reads what others post: bounded, validated, refused with one clear reason (RFC 9457, protocol §4).

import type { z } from 'zod'
import { textOf } from '../../base/bytes.ts'
import { parseJson } from '../../protocol/statements.ts'
import type { HttpQuestion, HttpReply } from '../../runtime/runtime.ts'
import { problem } from '../replies.ts'

/** What is posted: its shape, and how large it may be. */
export interface PostedShape<T> {
  readonly schema: z.ZodType<T>
  readonly bytesMax: number
}

/** What was posted, or the reply that refuses it. */
export type Posted<T> = { readonly value: T } | { readonly refusal: HttpReply }

/** Reads the body of `question` as JSON. */
export function readPosted<T>(question: HttpQuestion, shape: PostedShape<T>): Posted<T> {
  const { contentType, body } = question
  if (!/^application\/json\b/.test(contentType))
    return { refusal: problem('media-type-unsupported', 'send application/json') }
  if (body === null || body.length > shape.bytesMax)
    return { refusal: problem('question-too-large', `at most ${shape.bytesMax} bytes are taken`) }
  const parsed = shape.schema.safeParse(parseJson(textOf(body)))
  if (parsed.success) return { value: parsed.data }
  const issue = parsed.error.issues[0]
  const where = issue?.path.join('.') || 'the top'
  return {
    refusal: problem('question-malformed', `at ${where}: ${issue?.message ?? 'unreadable'}`),
  }
}
