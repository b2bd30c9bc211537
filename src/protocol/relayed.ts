// One question to a mirror through another one: the relay sees who asks and not what, the mirror what is asked and not by whom (RFC 9458, protocol §10).

import { textOf } from '../base/bytes.ts'
import { Failure } from '../base/failure.ts'
import { httpDate } from '../base/http-date.ts'
import { limits } from '../base/limits.ts'
import { deadline } from '../runtime/deadline.ts'
import { formatEndpoint } from '../runtime/endpoint.ts'
import {
  NetworkError,
  type HttpsPool,
  type HttpsRequest,
  type HttpsResponse,
  type Runtime,
} from '../runtime/runtime.ts'
import { readResponse, writeRequest, type BinaryResponse } from './binary-http.ts'
import { keyConfigurationOf } from './descriptor.ts'
import type { Descriptors, KnownDescriptor } from './descriptors.ts'
import { obliviousTypes, sealRequest, type SealedRequest } from './ohttp.ts'
import { peerOf } from './peers.ts'
import { problemCodeOf } from './problems.ts'
import { paths, wellKnownSchema, type ListEntry } from './routes.ts'
import { parseJson } from './statements.ts'

type Needs = Pick<Runtime, 'clock' | 'random' | 'crypto'>

/** A question as JSON, for one path of a mirror. */
export interface CarriedQuestion {
  readonly path: string
  readonly body: Uint8Array
  readonly signal: AbortSignal
}

/** What a mirror replied. */
export type CarriedReply = Pick<HttpsResponse, 'status' | 'body'>

/** Which way a question goes. */
export interface RelayedWay {
  readonly pool: HttpsPool
  /** The mirror that is asked. */
  readonly gateway: Place
  readonly relay: Place
  /** How long the relay is given, at most. */
  readonly patienceMs: number
  /** The gateways' descriptors; one that is missing is asked for through the relay too. */
  readonly descriptors: Descriptors
}

/** Where a mirror is, and under which id. */
type Place = Pick<ListEntry, 'ip' | 'port' | 'id'>

/**
 * The gateway's own reply, whatever it says. To ask again through another relay is safe: every question is sealed anew.
 * @throws Failure relay-failed, mirror-rejected; the reason of the question's signal
 */
export async function askThroughRelay(
  needs: Needs,
  { pool, gateway, relay, patienceMs, descriptors }: RelayedWay,
  question: CarriedQuestion,
): Promise<CarriedReply> {
  const { signal: over } = question
  const patience = deadline(needs.clock, patienceMs, over)
  const way = wayTo(pool, { gateway, relay, signal: patience.signal, over })
  const reply = await exchange({ ...needs, descriptors }, way, question).finally(patience.done)
  return { status: reply.status, body: reply.content }
}

/**
 * Sees that a key to seal with is there, so that the time of a question is that of the question alone.
 * @throws Failure relay-failed; the reason of `signal`
 */
export async function prepareRelay(
  needs: Pick<Runtime, 'clock'>,
  { pool, gateway, relay, patienceMs, descriptors }: RelayedWay,
  over: AbortSignal,
): Promise<void> {
  if (descriptors.relayed(gateway.id) !== null) return
  const patience = deadline(needs.clock, patienceMs, over)
  const way = wayTo(pool, { gateway, relay, signal: patience.signal, over })
  await fetchDescriptor(descriptors, way).finally(patience.done)
}

interface Ends {
  readonly gateway: Place
  /** Null where there was none to be asked. */
  readonly relay: Place | null
}

/** The failure of a question on its way through a relay. */
export function relayFailure({ gateway, relay }: Ends, why: string): Failure {
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
    readonly gateway: Place
    readonly relay: Place
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

type ExchangeNeeds = Needs & Pick<RelayedWay, 'descriptors'>

/** The gateway's reply; its descriptor is fetched when none is known, or when its key is not the gateway's any more. */
async function exchange(
  needs: ExchangeNeeds,
  way: Way,
  question: CarriedQuestion,
): Promise<BinaryResponse> {
  const known = needs.descriptors.relayed(way.gateway.id)
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
    return descriptors.learnRelayed(way.gateway.id, parsed.data.descriptor)
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
