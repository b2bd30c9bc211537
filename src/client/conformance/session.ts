// One trial of a mirror: what has been asked and heard so far, and what the checks share of it.

import { base64url, fromBase64url, textOf, utf8 } from '../../base/bytes.ts'
import { Failure } from '../../base/failure.ts'
import { limits } from '../../base/limits.ts'
import { isStatementSigned, readStatement, type Statement } from '../../observation/jws.ts'
import type { AnswerKey } from '../../observation/sign.ts'
import type { Target } from '../../observation/target.ts'
import { descriptorSchema, ed25519Spki, type Descriptor } from '../../protocol/descriptor.ts'
import { problems, type ProblemCode } from '../../protocol/problems.ts'
import { paths, wellKnownSchema, type ListEntry } from '../../protocol/routes.ts'
import { parseJson } from '../../protocol/statements.ts'
import type { Certificate, Runtime } from '../../runtime/runtime.ts'
import type { Reply, Request } from './http.ts'
import { createLine, type Line, type LineNeeds } from './line.ts'

/** What a trial needs of the world. */
export type TrialNeeds = LineNeeds & Pick<Runtime, 'random' | 'crypto'>

/** Which mirror is tried, and how. */
export interface TrialOptions {
  readonly mirror: Pick<ListEntry, 'ip' | 'port' | 'id'>
  /** What the mirror is asked to look at. */
  readonly target: Target
  /** The mirror is of a test network, and may look at private addresses. */
  readonly allowPrivate: boolean
  /** Lets time pass between two questions. */
  readonly pause: (ms: number) => Promise<void>
  readonly signal: AbortSignal
}

/** Why a check could not be tried: its text is for people. */
export class Untried extends Error {
  constructor(text: string) {
    super(text)
    this.name = 'Untried'
  }
}

/** A reply that was heard, and the problem that it should report where it was asked for one. */
export interface Heard {
  readonly request: Request
  readonly reply: Reply
  expected: ProblemCode | null
}

/** What the descriptor says, believed or not. */
export interface ToldDescriptor {
  readonly text: string
  readonly statement: Statement
  readonly content: Descriptor
  readonly keys: readonly AnswerKey[]
}

/** What the checks share. */
export interface Session extends TrialOptions {
  readonly needs: TrialNeeds
  /** The first line, on which nearly all is asked. */
  readonly line: Line
  /** A second asker. */
  readonly otherLine: Line
  readonly heard: readonly Heard[]
  /** Asks what is to be refused with the problem `code`, and says what is wrong with the status. */
  refused(request: Request, code: ProblemCode): Promise<string | null>
  /** The certificates of the handshake; one that cannot be read is null. */
  readonly chain: () => Promise<readonly (Certificate | null)[]>
  readonly wellKnown: () => Promise<Reply>
  /** The descriptor's text. @throws Untried when there is none */
  readonly descriptorText: () => Promise<string>
  /** @throws Untried when it cannot be read */
  readonly descriptor: () => Promise<ToldDescriptor>
  close(): void
}

/** A session in which nothing has been asked yet. */
export function createSession(needs: TrialNeeds, options: TrialOptions): Session {
  const { mirror, signal } = options
  const heard: Heard[] = []
  const endpoint = { address: mirror.ip, port: mirror.port }
  const note = (request: Request, reply: Reply): void => {
    heard.push({ request, reply, expected: null })
  }
  const line = createLine(needs, { endpoint, signal, heard: note })
  const otherLine = createLine(needs, { endpoint, signal, heard: note })
  const wellKnown = once(() => line.ask({ method: 'GET', path: paths.descriptor }))
  const descriptorText = once(async () => {
    const told = wellKnownSchema.safeParse(jsonOf(await wellKnown()))
    if (!told.success) throw new Untried('there is no descriptor')
    return told.data.descriptor
  })
  return {
    ...options,
    needs,
    line,
    otherLine,
    heard,
    refused: async (request, code) => {
      const reply = await line.ask(request)
      const last = heard.at(-1)
      if (last !== undefined) last.expected = code
      const { status } = problems[code]
      return reply.status === status ? null : `it answered ${reply.status}, not ${status}`
    },
    chain: once(async () => {
      const { chain } = await line.facts()
      return chain.map((der) => readCertificate(needs, der))
    }),
    wellKnown,
    descriptorText,
    descriptor: once(async () => readDescriptor(await descriptorText())),
    close: () => {
      line.close()
      otherLine.close()
    },
  }
}

function readDescriptor(text: string): ToldDescriptor {
  const statement = readStatement(text, limits.descriptorBytesMax)
  if (typeof statement === 'string')
    throw new Untried(`the descriptor is no statement: ${statement}`)
  const content = descriptorSchema.safeParse(payloadOf(statement))
  if (!content.success) throw new Untried('the descriptor has another shape')
  const keys = content.data.answerKeys.flatMap(({ keyId, x, exp }) => {
    const raw = fromBase64url(x)
    const key =
      raw?.length === 32 ? { algorithm: 'Ed25519' as const, spki: ed25519Spki(raw) } : null
    return key === null ? [] : [{ keyId, expires: exp, key }]
  })
  return { text, statement, content: content.data, keys }
}

/** The certificate in `der`; null when there is none. */
export function readCertificate({ crypto }: TrialNeeds, der: Uint8Array): Certificate | null {
  try {
    return crypto.readCertificate(der)
  } catch (error) {
    if (Failure.is(error)) return null
    throw error
  }
}

/** `make`, called once; all get what it made, or what it threw. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null
  return () => (made ??= make())
}

/** The JSON of a reply with status 200; null for any other. */
export function jsonOf({ status, fields, body }: Reply): unknown {
  return status === 200 && isJson(fields) ? parseJson(textOf(body)) : null
}

function isJson(fields: Reply['fields']): boolean {
  return /^application\/json\b/.test(fields.get('content-type') ?? '')
}

/** The JSON in a statement; null when it holds none. */
export function payloadOf({ payload }: Statement): unknown {
  return parseJson(textOf(payload))
}

/** A POST of `value` as JSON. */
export function postOf(path: string, value: unknown): Request {
  return {
    method: 'POST',
    path,
    contentType: 'application/json',
    body: utf8(JSON.stringify(value)),
  }
}

/** 16 random bytes in base64url. */
export function newNonce({ random }: TrialNeeds): string {
  return base64url(random.bytes(limits.nonceBytes))
}

/** Why `statement` is not signed by an answer key of the mirror; null when it is. */
export async function signatureFault(
  { needs, descriptor }: Session,
  statement: Statement,
): Promise<string | null> {
  const { keys } = await descriptor()
  const key = keys.find(({ keyId }) => keyId === statement.keyId)
  if (key === undefined) return 'its kid names no answer key of the descriptor'
  return isStatementSigned(needs.crypto, statement, key.key)
    ? null
    : 'its signature does not verify'
}
