// Carries sealed questions to other mirrors, which then do not see who asks; what is asked, this mirror does not see (RFC 9458 §6.2).

import { textOf } from '../base/bytes.ts'
import { Failure } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import { verifyDescriptor } from '../protocol/descriptor.ts'
import { obliviousTypes, sealedRequestOverhead } from '../protocol/ohttp.ts'
import { mirrorPool, peerOf } from '../protocol/peers.ts'
import { problemCodeOf, type ProblemCode } from '../protocol/problems.ts'
import { paths, wellKnownSchema, type ListEntry } from '../protocol/routes.ts'
import { deadline } from '../runtime/deadline.ts'
import {
  NetworkError,
  type HttpQuestion,
  type HttpReply,
  type HttpsRequest,
  type HttpsResponse,
  type Runtime,
} from '../runtime/runtime.ts'
import { networkOf } from './admission.ts'
import { json, problem } from './replies.ts'

/** Whom a relay serves. */
export interface RelayOptions {
  /** The id of this mirror, to which nothing is relayed: it would see both who asks and what. */
  readonly self: string
  /** A mirror that this one knows, by its id. Nowhere else is anything sent, so that nobody uses us as a proxy. */
  readonly find: (id: string) => ListEntry | null
}

/** How many questions a relay was brought since it began. That is all that is kept of them. */
export interface RelayCounts {
  /** The mirror that was asked answered, whatever it said. */
  readonly relayed: number
  /** For a mirror that is not known, of the wrong form, or too many at a time. */
  readonly refused: number
  /** The mirror that was asked gave no answer, or none of the protocol. */
  readonly failed: number
}

/** Carries questions of clients to mirrors, and the answers back. */
export interface Relay {
  /** `id` names the mirror that `question` is for: POST brings it a sealed question, GET asks for its descriptor. */
  answer(question: HttpQuestion, id: string): HttpReply | Promise<HttpReply>
  counts(): RelayCounts
  close(): void
}

type Needs = Pick<Runtime, 'clock' | 'crypto' | 'network'>
type Send = (gateway: ListEntry, request: Omit<HttpsRequest, 'signal'>) => Promise<HttpsResponse>

/** A relay over connections of its own. It writes no log: what it sees is who asks which mirror, and when. */
export function createRelay(needs: Needs, options: RelayOptions): Relay {
  const pool = mirrorPool(needs)
  const send: Send = async (gateway, request) => {
    const { signal, done } = deadline(needs.clock, limits.relayTimeoutMs)
    return pool.request(peerOf(gateway), { ...request, signal }).finally(done)
  }
  const descriptors = createRelayedDescriptors(needs, send)
  // What goes on is made anew of nothing but the sealed bytes: no field, address or time of the asker goes with them.
  const carry = async (gateway: ListEntry, body: Uint8Array): Promise<HttpReply> => {
    const response = await send(gateway, {
      method: 'POST',
      path: paths.gateway,
      body,
      contentType: obliviousTypes.request,
      bytesMax: limits.obliviousResponseBytesMax,
    })
    const code = refusalIn(gateway, response)
    return code === null ? passedOn(response) : problem(code, 'so says the mirror that is asked')
  }
  const plan = (question: HttpQuestion, id: string): HttpReply | (() => Promise<HttpReply>) => {
    const gateway = id === options.self ? null : options.find(id)
    if (gateway === null) return problem('relay-unknown', 'relay through a mirror that lists it')
    if (question.method === 'GET') return () => descriptors.reply(gateway)
    const body = sealedBodyOf(question)
    return body instanceof Uint8Array ? () => carry(gateway, body) : body
  }
  const turnstile = createTurnstile()
  const counts = { relayed: 0, refused: 0, failed: 0 }
  return {
    counts: () => ({ ...counts }),
    close: () => pool.close(),
    answer: (question, id) => {
      const work = plan(question, id)
      if (typeof work !== 'function') {
        counts.refused += 1
        return work
      }
      const leave = turnstile({ network: networkOf(question.peer.address), gateway: id })
      if (leave === null) {
        counts.refused += 1
        return problem('relay-busy', 'relay through another mirror')
      }
      return work()
        .then(
          (reply) => {
            counts.relayed += 1
            return reply
          },
          (error: unknown) => {
            counts.failed += 1
            return failed(error)
          },
        )
        .finally(leave)
    },
  }
}

/** The sealed question that was posted, or the reply that refuses it. */
function sealedBodyOf({ contentType, body }: HttpQuestion): Uint8Array | HttpReply {
  if (contentType !== obliviousTypes.request)
    return problem('media-type-unsupported', `send ${obliviousTypes.request}`)
  if (body === null || body.length > limits.obliviousRequestBytesMax)
    return problem(
      'question-too-large',
      `at most ${limits.obliviousRequestBytesMax} bytes are taken`,
    )
  return body.length < sealedRequestOverhead
    ? problem('sealed-malformed', 'it is too short to be sealed')
    : body
}

/** The problem that a gateway reports without sealing it; null when it sealed its answer. @throws Failure mirror-rejected */
function refusalIn(gateway: ListEntry, response: HttpsResponse): ProblemCode | null {
  const { status, contentType, body } = response
  if (status === 200 && contentType === obliviousTypes.response) return null
  const code = contentType === 'application/problem+json' ? problemCodeOf(textOf(body)) : null
  if (code !== null) return code
  throw new Failure('mirror-rejected', {
    mirror: gateway.id,
    why: `it answered with status ${status} and ${JSON.stringify(contentType.slice(0, 100))}`,
  })
}

function passedOn({ body }: HttpsResponse): HttpReply {
  return { status: 200, contentType: obliviousTypes.response, cacheControl: 'no-store', body }
}

function failed(error: unknown): HttpReply {
  if (error instanceof NetworkError || Failure.is(error))
    return problem('relay-failed', error.message.slice(0, 200))
  throw error
}

interface Relayed {
  readonly statement: Promise<string>
  readonly until: number
}

/**
 * The descriptors of gateways: for a while, all who ask are given the same, even when the gateway says that its key is
 * another one by now. Else it could have us fetch one for each asker, and know its askers by their keys.
 */
function createRelayedDescriptors(needs: Needs, send: Send) {
  const known = new Map<string, Relayed>()
  const learn = async (gateway: ListEntry): Promise<string> => {
    const bytesMax = 2 * limits.descriptorBytesMax
    const response = await send(gateway, { method: 'GET', path: paths.descriptor, bytesMax })
    const parsed = wellKnownSchema.safeParse(parseJson(textOf(response.body)))
    if (response.status !== 200 || !parsed.success)
      throw new Failure('mirror-rejected', { mirror: gateway.id, why: 'it gave no descriptor' })
    const { descriptor } = parsed.data
    verifyDescriptor(needs.crypto, descriptor, { id: gateway.id, now: needs.clock.now() })
    return descriptor
  }
  const current = (gateway: ListEntry): Promise<string> => {
    const now = needs.clock.now()
    for (const [id, one] of known) if (one.until <= now) known.delete(id)
    const one = known.get(gateway.id)
    if (one !== undefined) return one.statement
    const statement = learn(gateway)
    const fetched = { statement, until: now + limits.relayDescriptorMs }
    known.set(gateway.id, fetched)
    statement.catch(() => {
      if (known.get(gateway.id) === fetched) known.delete(gateway.id)
    })
    return statement
  }
  return {
    reply: async (gateway: ListEntry): Promise<HttpReply> =>
      json(200, JSON.stringify({ descriptor: await current(gateway) }), 'no-store'),
  }
}

function parseJson(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return null
  }
}

/** Lets in as many as there is room for: in all, of one network, to one gateway. What is returned lets out again. */
function createTurnstile() {
  const inside = new Map<string, number>()
  const add = (door: string, change: 1 | -1): void => {
    const count = (inside.get(door) ?? 0) + change
    if (count === 0) inside.delete(door)
    else inside.set(door, count)
  }
  return (visitor: { readonly network: string; readonly gateway: string }) => {
    const rooms: readonly (readonly [string, number])[] = [
      ['all', limits.relayedMax],
      [`from ${visitor.network}`, limits.relayedPerNetworkMax],
      [`to ${visitor.gateway}`, limits.relayedPerGatewayMax],
    ]
    if (rooms.some(([room, max]) => (inside.get(room) ?? 0) >= max)) return null
    for (const [room] of rooms) add(room, 1)
    return (): void => {
      for (const [room] of rooms) add(room, -1)
    }
  }
}
