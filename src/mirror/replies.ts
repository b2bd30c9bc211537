// The forms that a mirror's replies take: JSON, and problem documents (RFC 9457).

import { problemDocument, type ProblemCode } from '../protocol/problems.ts'
import type { HttpReply, Log } from '../runtime/runtime.ts'

/** A reply whose body is JSON text. */
export function json(status: number, body: string, cacheControl: string): HttpReply {
  return { status, contentType: 'application/json', cacheControl, body }
}

/** A reply that is its status alone. */
export function empty(status: number): HttpReply {
  return { status, contentType: 'text/plain', cacheControl: 'no-store', body: '' }
}

/** The problem document of `code`; `detail` says what was wrong and where. */
export function problem(code: ProblemCode, detail: string): HttpReply {
  const document = problemDocument(code, detail)
  return {
    status: document.status,
    contentType: 'application/problem+json',
    cacheControl: 'no-store',
    body: JSON.stringify(document),
  }
}

/** The reply to a method that a path does not take; `allowed` are those that it takes (RFC 9110 §15.5.6). */
export function wrongMethod(...allowed: readonly string[]): HttpReply {
  return {
    ...problem('method-not-allowed', `use ${allowed.join(' or ')}`),
    allow: allowed.join(', '),
  }
}

/** What fails inside is told to the operator; the asker hears only that it did. */
export function guarded(log: Log, work: Promise<HttpReply>): Promise<HttpReply> {
  return work.catch((error: unknown) => {
    log.warn('answer failed', { error: error instanceof Error ? error.message : String(error) })
    return problem(
      'internal-error',
      'the question was read, but answering it failed; ask again later',
    )
  })
}

/** The body of an answer, with the descriptor where it was asked for. */
export function observationBody(statement: string, descriptor: string | null = null): string {
  // Both are base64url and dots: nothing to escape.
  return descriptor === null
    ? `{"observation":"${statement}"}`
    : `{"observation":"${statement}","descriptor":"${descriptor}"}`
}
