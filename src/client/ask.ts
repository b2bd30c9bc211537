// Asks one mirror one question: by address, under its pinned CA, and believes only its own fresh, signed answer (R29–R31, R47, R48).

import { base64url, textOf } from '../base/bytes.ts'
import { Failure } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import { isRejection, verifyObservation } from '../observation/sign.ts'
import { createDescriptors } from '../protocol/descriptors.ts'
import { mirrorPool, peerOf } from '../protocol/peers.ts'
import {
  answerSchema,
  paths,
  writeQuestion,
  type ListEntry,
  type MirrorAnswer,
  type Question,
} from '../protocol/routes.ts'
import { NetworkError, type Runtime } from '../runtime/runtime.ts'
import type { Abstention, Answer } from '../verdict/verdict.ts'
import { directCarrier, type Carrier } from './carrier.ts'
import { obliviousCarrier } from './oblivious.ts'

/** What is asked of a mirror, apart from nonce and descriptor. */
export type Ask = Pick<Question, 'target' | 'fresh' | 'asked' | 'handshakes'>

/** An answer with its signed form, for evidence. */
export interface SignedAnswer extends Answer {
  readonly statement: string
  readonly descriptor: string
}

/** The mirrors of one client, over warm connections. */
export interface Desk {
  /** Never rejects: a mirror that fails, lies about itself or is late abstains, with the reason. */
  ask(mirror: ListEntry, question: Ask, signal: AbortSignal): Promise<SignedAnswer | Abstention>
  /** Connects without asking. True when the mirror is what the list says. */
  warm(mirror: ListEntry, signal: AbortSignal): Promise<boolean>
  close(): void
}

type Needs = Pick<Runtime, 'clock' | 'random' | 'crypto' | 'network'>

export interface DeskOptions {
  /** Mirrors through which others are asked, so that those do not see who asks; asked without a detour unless given. */
  readonly relays?: readonly ListEntry[]
}

/** A desk with its own connections and the descriptors that it has verified. */
export function createDesk(needs: Needs, options: DeskOptions = {}): Desk {
  const pool = mirrorPool(needs)
  const descriptors = createDescriptors(needs)
  const { relays } = options
  const carrier =
    relays === undefined
      ? directCarrier(pool)
      : obliviousCarrier(needs, { pool, relays, descriptors })
  const exchange = async (
    mirror: ListEntry,
    question: Ask & { readonly descriptor: boolean },
    signal: AbortSignal,
  ): Promise<SignedAnswer | Abstention> => {
    const vantage = { id: mirror.id, region: mirror.region }
    const nonce = base64url(needs.random.bytes(limits.nonceBytes))
    const answer = await post(carrier, mirror, { question: { ...question, nonce }, signal })
    const known = descriptors.learn(mirror.id, answer.descriptor)
    const verified = verifyObservation(needs.crypto, answer.observation, {
      vantage: mirror.id,
      answerKeys: known.answerKeys,
      target: question.target,
      nonce,
      now: needs.clock.now(),
    })
    if (!isRejection(verified)) {
      const { statement: descriptor } = known
      return { vantage, observation: verified, statement: answer.observation, descriptor }
    }
    // The mirror may have renewed its answer key since we learned it.
    return verified.code === 'wrong-key' && !question.descriptor
      ? exchange(mirror, { ...question, descriptor: true }, signal)
      : { vantage, code: verified.code, text: `its answer was rejected: ${verified.text}` }
  }
  return {
    ask: async (mirror, question, signal) => {
      const descriptor = !carrier.bringsDescriptors && descriptors.known(mirror.id) === null
      try {
        return await exchange(mirror, { ...question, descriptor }, signal)
      } catch (error) {
        return abstentionOf(mirror, error, signal)
      }
    },
    warm: (mirror, signal) =>
      pool.warm(peerOf(mirror), signal).then(
        () => true,
        () => false,
      ),
    close: () => pool.close(),
  }
}

async function post(
  carrier: Carrier,
  mirror: ListEntry,
  request: { readonly question: Question; readonly signal: AbortSignal },
): Promise<MirrorAnswer> {
  const body = writeQuestion(request.question)
  const { signal } = request
  const response = await carrier.post(mirror, { path: paths.observe, body, signal })
  const reject = (why: string): never => {
    throw new Failure('mirror-rejected', { mirror: mirror.id, why })
  }
  const text = textOf(response.body)
  if (response.status !== 200)
    return reject(`it answered with status ${response.status}${detailOf(text)}`)
  const parsed = answerSchema.safeParse(parseJson(text))
  return parsed.success ? parsed.data : reject('its answer is not of the form of the protocol')
}

function parseJson(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return null
  }
}

function detailOf(text: string | null): string {
  const value = parseJson(text)
  const detail =
    typeof value === 'object' && value !== null && 'detail' in value ? value.detail : null
  return typeof detail === 'string' ? `: ${detail.slice(0, 200)}` : ''
}

function abstentionOf(mirror: ListEntry, error: unknown, signal: AbortSignal): Abstention {
  const vantage = { id: mirror.id, region: mirror.region }
  if (signal.aborted && error === signal.reason)
    return { vantage, code: 'aborted', text: 'the question was withdrawn' }
  if (error instanceof NetworkError) return { vantage, code: error.code, text: error.message }
  if (Failure.is(error)) return { vantage, code: error.code, text: error.message }
  throw error
}
