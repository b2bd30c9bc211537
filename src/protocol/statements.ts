// What all statements of mirrors have in common: signature, author and age (RFC 7515, protocol §0).

import type { z } from 'zod'
import { textOf } from '../base/bytes.ts'
import { Failure } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import { isStatementSigned, readStatement, type StatementType } from '../observation/jws.ts'
import type { AnswerKey } from '../observation/sign.ts'
import type { Crypto } from '../runtime/runtime.ts'

/** Who must have signed a statement, and the time that it is judged at. */
export interface ExpectedAuthor {
  readonly id: string
  readonly answerKeys: readonly AnswerKey[]
  /** Our wall time, ms since 1970 UTC. */
  readonly now: number
}

/** One kind of statement. */
export interface StatementKind {
  readonly type: StatementType
  /** For people. */
  readonly name: string
  readonly bytesMax: number
  /** How old it may be. */
  readonly validMs: number
}

/**
 * The content of `statement` when the expected author signed it lately; nothing of it is checked beyond its shape.
 * @throws Failure statement-rejected
 */
export function openStatement<T extends { readonly iss: string; readonly iat: number }>(
  crypto: Crypto,
  statement: string,
  given: {
    readonly kind: StatementKind
    readonly schema: z.ZodType<T>
    readonly expected: ExpectedAuthor
  },
): T {
  const { kind, schema, expected } = given
  const refuse = (why: string): never => {
    throw rejected(kind.name, why)
  }
  const signed = readStatement(statement, kind.bytesMax)
  if (typeof signed === 'string') return refuse(signed)
  if (signed.type !== kind.type) return refuse(`it is a ${JSON.stringify(signed.type)}`)
  const answerKey = expected.answerKeys.find((key) => key.keyId === signed.keyId)
  if (answerKey === undefined) return refuse("it is signed with a key that is not its author's")
  if (!isStatementSigned(crypto, signed, answerKey.key))
    return refuse('its signature does not verify')
  const parsed = schema.safeParse(parseJson(textOf(signed.payload)))
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    return refuse(`at ${issue?.path.join('.') || 'the top'}: ${issue?.message ?? 'unreadable'}`)
  }
  const { iss, iat } = parsed.data
  if (iss !== expected.id) return refuse('it names another mirror as its author')
  if (iat > answerKey.expires) return refuse('its key had expired when it was signed')
  if (iat > expected.now + limits.clockSkewMs) return refuse('it is dated in the future')
  if (iat < expected.now - kind.validMs - limits.clockSkewMs) return refuse('it is too old')
  return parsed.data
}

/** The failure of a statement of the kind `kind`, for people. */
export function rejected(kind: string, why: string): Failure {
  return new Failure('statement-rejected', { kind, why })
}

/** The value that `text` is as JSON; null when it is none. */
export function parseJson(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return null
  }
}
