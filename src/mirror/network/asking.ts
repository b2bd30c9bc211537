// One request to another mirror, bounded in time, bytes and number at a time; what comes of it is data (protocol §4, §11).

import { textOf, utf8 } from '../../base/bytes.ts'
import { Failure } from '../../base/failure.ts'
import { limits } from '../../base/limits.ts'
import type { Whereabouts } from '../../protocol/network.ts'
import { peerOf } from '../../protocol/peers.ts'
import { problemCodeOf, type ProblemCode } from '../../protocol/problems.ts'
import { parseJson } from '../../protocol/statements.ts'
import { deadline } from '../../runtime/deadline.ts'
import {
  NetworkError,
  type Clock,
  type HttpsPool,
  type HttpsResponse,
} from '../../runtime/runtime.ts'
import type { z } from 'zod'
import { shortened } from './record.ts'
import { createTurns, type Turns } from './turns.ts'

/** Nothing came that can be used. */
export type Unanswered =
  /** It reports a problem; the code is null where it is none of the protocol. */
  | { readonly kind: 'problem'; readonly code: ProblemCode | null; readonly why: string }
  /** It answered under its id, but not as the protocol wants. */
  | { readonly kind: 'wrong'; readonly why: string }
  /** Nobody answered there under this id in time. */
  | { readonly kind: 'silent'; readonly why: string }

/** What asking came to. */
export type Asked<T> =
  /** `ms` is from the request to the whole answer, without waiting for our turn. */
  { readonly kind: 'answered'; readonly value: T; readonly ms: number } | Unanswered

/** One request as its caller writes it. */
export interface Letter<T> {
  readonly path: string
  /** What is posted as JSON; a GET without. */
  readonly body?: unknown
  readonly bytesMax: number
  /** Default `limits.correspondenceTimeoutMs`. */
  readonly timeoutMs?: number
  /** The shape of the answer; null where only that there is one is wanted. */
  readonly schema: z.ZodType<T>
}

/** Asks mirrors over one pool. */
export interface Asking {
  readonly ask: <T>(to: Whereabouts, letter: Letter<T>) => Promise<Asked<T>>
  /** One round trip, over a connection that is there already or is made before. */
  readonly ping: (to: Whereabouts) => Promise<Asked<null>>
}

/** Requests over `pool`, at most `limits.correspondenceMax` at a time. */
export function createAsking(clock: Clock, pool: HttpsPool): Asking {
  const turns = createTurns({
    max: limits.correspondenceMax,
    perKeyMax: limits.correspondencePerPeerMax,
  })
  const bounded = createBounded(clock, turns)
  return {
    ask: (to, letter) =>
      bounded(to, letter.timeoutMs, async (signal) => {
        const body = letter.body === undefined ? undefined : utf8(JSON.stringify(letter.body))
        const response = await pool.request(peerOf(to), {
          method: body === undefined ? 'GET' : 'POST',
          path: letter.path,
          ...(body === undefined ? {} : { body, contentType: 'application/json' }),
          bytesMax: letter.bytesMax,
          signal,
        })
        return readReply(response, letter.schema)
      }),
    ping: (to) =>
      bounded(to, undefined, async (signal) => {
        // A handshake that may be needed is not of the way there.
        await pool.warm(peerOf(to), signal)
        const started = clock.monotonic()
        const request = { method: 'GET', path: '/v1/ping', bytesMax: 1024, signal } as const
        const { status } = await pool.request(peerOf(to), request)
        return status === 204
          ? { kind: 'answered', value: null, ms: clock.monotonic() - started }
          : { kind: 'wrong', why: `it answered a ping with status ${status}` }
      }),
  }
}

type Outcome<T> =
  | Unanswered
  | { readonly kind: 'answered'; readonly value: T; readonly ms?: number }

/** Runs `work` in its turn and within its time, and turns what fails into data. */
function createBounded(clock: Clock, turns: Turns) {
  return async <T>(
    to: Whereabouts,
    timeoutMs: number = limits.correspondenceTimeoutMs,
    work: (signal: AbortSignal) => Promise<Outcome<T>>,
  ): Promise<Asked<T>> => {
    const leave = await turns(to.id)
    const { signal, done } = deadline(clock, timeoutMs)
    const started = clock.monotonic()
    try {
      const outcome = await work(signal)
      if (outcome.kind !== 'answered') return outcome
      return {
        kind: 'answered',
        value: outcome.value,
        ms: outcome.ms ?? clock.monotonic() - started,
      }
    } catch (error) {
      return unansweredOf(error)
    } finally {
      done()
      leave()
    }
  }
}

function unansweredOf(error: unknown): Unanswered {
  if (error instanceof NetworkError && error.code === 'too-large')
    return { kind: 'wrong', why: error.message }
  // The chain that it showed is not that of the id: whoever it is, it is not the mirror that we ask.
  if (error instanceof NetworkError || (Failure.is(error) && error.code !== 'statement-rejected'))
    return { kind: 'silent', why: shortened(error.message) }
  if (Failure.is(error)) return { kind: 'wrong', why: shortened(error.message) }
  throw error
}

function readReply<T>({ status, body }: HttpsResponse, schema: z.ZodType<T>): Outcome<T> {
  const text = textOf(body)
  if (status !== 200 && status !== 202)
    return { kind: 'problem', code: problemCodeOf(text), why: `it answered with status ${status}` }
  const parsed = schema.safeParse(parseJson(text))
  return parsed.success
    ? { kind: 'answered', value: parsed.data }
    : { kind: 'wrong', why: 'its answer is not of the form of the protocol' }
}
