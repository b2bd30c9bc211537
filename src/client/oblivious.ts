// Asks a mirror through another one: the relay sees who asks and not what, the mirror what is asked and not by whom (RFC 9458, protocol §10).

import { textOf } from '../base/bytes.ts'
import { Failure } from '../base/failure.ts'
import { httpDate } from '../base/http-date.ts'
import { limits } from '../base/limits.ts'
import { readResponse, writeRequest, type BinaryResponse } from '../protocol/binary-http.ts'
import { keyConfigurationOf } from '../protocol/descriptor.ts'
import { obliviousTypes, sealRequest, type SealedRequest } from '../protocol/ohttp.ts'
import { peerOf } from '../protocol/peers.ts'
import { problemCodeOf } from '../protocol/problems.ts'
import { paths, wellKnownSchema, type ListEntry } from '../protocol/routes.ts'
import { deadline } from '../runtime/deadline.ts'
import { formatEndpoint } from '../runtime/endpoint.ts'
import {
  NetworkError,
  type HttpsPool,
  type HttpsRequest,
  type HttpsResponse,
  type Runtime,
} from '../runtime/runtime.ts'
import type { CarriedQuestion, CarriedReply, Carrier } from './carrier.ts'
import { drawRelay } from './choice.ts'
import type { Descriptors, KnownDescriptor } from './descriptors.ts'

type Needs = Pick<Runtime, 'clock' | 'random' | 'crypto'>

/** What questions go through. */
export interface ObliviousOptions {
  readonly pool: HttpsPool
  /** Mirrors that may be relays: all that the client knows. */
  readonly relays: readonly ListEntry[]
  /** The gateways' descriptors; those that are missing are asked for through the relay too. */
  readonly descriptors: Descriptors
}

/**
 * A carrier through relays. For each question a relay is drawn anew, so that none sees which questions belong together;
 * when it fails, another is tried once. To ask again is safe: an observation changes nothing, every question is sealed
 * anew, and its nonce lets one answer count.
 */
export function obliviousCarrier(needs: Needs, options: ObliviousOptions): Carrier {
  return {
    bringsDescriptors: true,
    post: async (gateway, question) => {
      const { signal } = question
      const tried = new Set<string>()
      const draw = (): ListEntry | null =>
        drawRelay(needs.random, options.relays, { gateway, tried })
      const through = async (relay: ListEntry, patienceMs: number): Promise<CarriedReply> => {
        tried.add(relay.id)
        const patience = deadline(needs.clock, patienceMs, signal)
        const way = wayTo(options.pool, { gateway, relay, signal: patience.signal, over: signal })
        const reply = await exchange({ ...needs, ...options }, way, question).finally(patience.done)
        return { status: reply.status, body: reply.content }
      }
      const first = draw()
      if (first === null)
        throw relayFailure({ gateway, relay: null }, 'no mirror of another network is known')
      try {
        return await through(first, limits.relayPatienceMs)
      } catch (error) {
        const isRelays = Failure.is(error) && error.code === 'relay-failed'
        const second = isRelays && !signal.aborted ? draw() : null
        if (second === null) throw error
        return await through(second, limits.mirrorTimeoutMs)
      }
    },
  }
}

interface Ends {
  readonly gateway: ListEntry
  readonly relay: ListEntry | null
}

function relayFailure({ gateway, relay }: Ends, why: string): Failure {
  const at = relay === null ? null : formatEndpoint({ address: relay.ip, port: relay.port })
  return new Failure('relay-failed', { mirror: gateway.id, relay: at, why })
}

/** A gateway behind a relay. */
interface Way extends Ends {
  /** The relay's reply to a request about the gateway. @throws Failure relay-failed, and the question's own end */
  send(request: Omit<HttpsRequest, 'path' | 'signal'>): Promise<HttpsResponse>
}

function wayTo(
  pool: HttpsPool,
  options: {
    readonly gateway: ListEntry
    readonly relay: ListEntry
    /** How long the relay is given, and how long the question is. */
    readonly signal: AbortSignal
    readonly over: AbortSignal
  },
): Way {
  const { gateway, relay, signal, over } = options
  return {
    gateway,
    relay,
    send: (request) =>
      pool
        .request(peerOf(relay), { ...request, path: `${paths.relay}${gateway.id}`, signal })
        .catch((error: unknown) => {
          if (over.aborted) throw over.reason as Error
          if (error instanceof NetworkError || Failure.is(error))
            throw relayFailure(options, error.message)
          throw error
        }),
  }
}

type ExchangeNeeds = Needs & Pick<ObliviousOptions, 'descriptors'>

/** The gateway's reply; its descriptor is fetched when none is known, or when its key is not the gateway's any more. */
async function exchange(
  needs: ExchangeNeeds,
  way: Way,
  question: CarriedQuestion,
): Promise<BinaryResponse> {
  const known = needs.descriptors.known(way.gateway.id)
  const reply = known === null ? 'key-unknown' : await sendSealed(way, seal(needs, known, question))
  if (reply !== 'key-unknown') return reply
  const fetched = await fetchDescriptor(needs.descriptors, way)
  const again = await sendSealed(way, seal(needs, fetched, question))
  if (again !== 'key-unknown') return again
  throw relayFailure(way, 'the mirror does not know the key that its descriptor names')
}

/** What the gateway says of itself, as the relay has it. Under another id than the gateway's it does not verify. */
async function fetchDescriptor(descriptors: Descriptors, way: Way): Promise<KnownDescriptor> {
  const response = await way.send({ method: 'GET', bytesMax: 2 * limits.descriptorBytesMax })
  const text = textOf(response.body)
  const parsed = wellKnownSchema.safeParse(parseJson(text))
  if (response.status !== 200 || !parsed.success) throw refusalOf(way, response)
  try {
    return descriptors.learn(way.gateway.id, parsed.data.descriptor)
  } catch (error) {
    throw Failure.is(error) ? relayFailure(way, error.message) : error
  }
}

/** The question as a sealed HTTP request. @throws Failure mirror-rejected */
function seal(needs: Needs, known: KnownDescriptor, question: CarriedQuestion): SealedRequest {
  const { id: mirror, addresses } = known.descriptor
  const [first] = addresses
  const message = writeRequest(
    {
      method: 'POST',
      scheme: 'https',
      authority: first === undefined ? '' : formatEndpoint(first),
      path: question.path,
      fields: [
        ['content-type', 'application/json'],
        ['date', httpDate(needs.clock.now())],
      ],
      content: question.body,
    },
    limits.obliviousRequestBlockBytes,
  )
  const configuration = keyConfigurationOf(known.descriptor)
  const sealed = configuration === null ? null : sealRequest(needs, configuration, message)
  if (sealed !== null) return sealed
  throw new Failure('mirror-rejected', { mirror, why: 'it takes no sealed questions' })
}

/** What the gateway, and nobody else, sealed for this question. @throws Failure relay-failed */
async function sendSealed(
  way: Way,
  sealed: SealedRequest,
): Promise<BinaryResponse | 'key-unknown'> {
  const response = await way.send({
    method: 'POST',
    body: sealed.bytes,
    contentType: obliviousTypes.request,
    bytesMax: limits.obliviousResponseBytesMax,
  })
  if (response.status !== 200) {
    // Anybody on the way may say so: it is worth one more try, and no more.
    if (problemCodeOf(textOf(response.body)) === 'ohttp-key') return 'key-unknown'
    throw refusalOf(way, response)
  }
  const message = sealed.open(response.body)
  if (message === null) throw relayFailure(way, 'the answer was not sealed by the mirror')
  const reply = readResponse(message)
  // No honest relay brings a question twice, and of the two answers the first is the one to have.
  if (reply?.status === 409 && problemCodeOf(textOf(reply.content)) === 'question-repeated')
    throw relayFailure(way, 'it brought the question twice')
  if (reply !== null) return reply
  const { id: mirror } = way.gateway
  throw new Failure('mirror-rejected', { mirror, why: 'its sealed answer holds no HTTP response' })
}

function refusalOf(way: Way, { status, body }: HttpsResponse): Failure {
  const code = problemCodeOf(textOf(body))
  return relayFailure(way, `status ${status}${code === null ? '' : ` (${code})`}`)
}

function parseJson(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return null
  }
}
