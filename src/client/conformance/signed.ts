// Statements of one mirror's answer key, looked at part by part, so that each fault has its own name.

import type { z } from 'zod'
import { readStatement, type Statement, type StatementType } from '../../observation/jws.ts'
import { payloadOf, signatureFault, Untried, type Session } from './session.ts'

/** A statement as it was told, and its content where that has the shape. */
export interface Told<T> {
  readonly type: StatementType
  readonly statement: Statement | string
  readonly content: T | null
}

/** The statement in `text`, which is no text where there is none. */
export function toldIn<T>(
  text: string | null,
  kind: {
    readonly type: StatementType
    readonly schema: z.ZodType<T>
    readonly bytesMax: number
  },
): Told<T> {
  const { type, schema, bytesMax } = kind
  const statement = text === null ? 'there is none' : readStatement(text, bytesMax)
  const content = typeof statement === 'string' ? null : schema.safeParse(payloadOf(statement))
  return { type, statement, content: content?.data ?? null }
}

/** The content of `told`. @throws Untried when it cannot be read */
export function contentOf<T>({ content, statement }: Told<T>): T {
  if (content !== null) return content
  throw new Untried(typeof statement === 'string' ? statement : 'the statement has another shape')
}

/** Why `told` is no statement of this kind by this mirror; null when it is. */
export async function toldFault<T extends { readonly iss: string }>(
  session: Session,
  { type, statement, content }: Told<T>,
): Promise<string | null> {
  if (typeof statement === 'string') return statement
  if (statement.type !== type) return `it is a ${statement.type}`
  const fault = await signatureFault(session, statement)
  if (fault !== null) return fault
  if (content === null) return 'its content has another shape'
  return content.iss === session.mirror.id ? null : `it names ${content.iss} as its author`
}
