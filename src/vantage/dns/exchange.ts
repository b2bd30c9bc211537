// One question to one server: UDP from a fresh socket, with random id and case; TCP where that does not do (RFC 1035 §4.2, RFC 5452, RFC 7766).

import { concat } from '../../base/bytes.ts'
import { limits } from '../../base/limits.ts'
import type { DnsAnswer } from '../../observation/observation.ts'
import { orAborted } from '../../runtime/deadline.ts'
import { NetworkError, type Endpoint, type Network, type Random } from '../../runtime/runtime.ts'
import {
  encodeQuery,
  nonAnswer,
  readAnswer,
  type Question,
  type QueryType,
  type Reading,
} from './message.ts'

/** What asking needs of the world. */
export interface ExchangeNeeds {
  readonly random: Random
  readonly network: Pick<Network, 'udp' | 'connect'>
}

/** What is asked, of whom, and over what at first. */
export interface Asking {
  readonly server: Endpoint
  readonly name: string
  readonly type: QueryType
  readonly transport: 'udp' | 'tcp'
}

/** What a server had to say: an answer, which may be a failure, or aliases whose end it does not know. */
export type Said = Extract<Reading, { kind: 'answer' | 'alias' }>

/**
 * Asks one server once and waits for what it says until `signal` aborts. What the network does is part of the answer.
 * @throws the reason of `signal`
 */
export async function exchange(
  needs: ExchangeNeeds,
  asking: Asking,
  signal: AbortSignal,
): Promise<Said> {
  try {
    const said = asking.transport === 'udp' ? await askByUdp(needs, asking, signal) : null
    return said ?? (await askByTcp(needs, asking, signal))
  } catch (error) {
    if (signal.aborted) throw signal.reason
    if (!(error instanceof NetworkError)) throw error
    const { status, text } = failureOf(error)
    return { kind: 'answer', answer: nonAnswer(status, text) }
  }
}

function failureOf(error: NetworkError): { status: DnsAnswer['status']; text: string } {
  return error.code === 'timeout'
    ? { status: 'timeout', text: 'the resolver does not answer' }
    : { status: 'unreachable', text: `the resolver cannot be reached (${error.code})` }
}

/**
 * What the server says by datagram; null when it must be asked over TCP: because the answer does not fit, because the
 * server does not keep the case of names, or because somebody floods us with datagrams that are no answer.
 */
async function askByUdp(
  needs: ExchangeNeeds,
  { server, name, type }: Asking,
  signal: AbortSignal,
): Promise<Said | null> {
  const question = { id: randomId(needs.random), name: mixCase(needs.random, name), type }
  const heard = Promise.withResolvers<Said | null>()
  let strays = 0
  const socket = await orAborted(
    needs.network.udp(server.address.includes(':') ? 6 : 4, (data, from) => {
      const isFromServer = from.address === server.address && from.port === server.port
      const reading: Reading = isFromServer ? readAnswer(data, question) : { kind: 'stray' }
      if (reading.kind === 'answer' || reading.kind === 'alias') heard.resolve(reading)
      else if (reading.kind !== 'stray' || ++strays >= limits.dnsStrayDatagramsMax)
        heard.resolve(null)
    }),
    signal,
    (late) => late.close(),
  )
  try {
    socket.send(encodeQuery(question), server)
    return await orAborted(heard.promise, signal)
  } finally {
    socket.close()
  }
}

/** What the server says over a connection of its own, which nobody off the path can speak into: so any case will do. */
async function askByTcp(
  needs: ExchangeNeeds,
  { server, name, type }: Asking,
  signal: AbortSignal,
): Promise<Said> {
  const question: Question = { id: randomId(needs.random), name, type }
  const connection = await needs.network.connect(server, signal)
  try {
    const query = encodeQuery(question)
    await orAborted(connection.write(concat(lengthOf(query), query)), signal)
    const message = await readPrefixed((until) => connection.read(until), signal)
    if (message === null)
      return malformed('the resolver ended the connection before the answer was whole')
    const reading = readAnswer(message, question, { anyCase: true })
    if (reading.kind === 'answer' || reading.kind === 'alias') return reading
    return malformed(
      reading.kind === 'truncated'
        ? 'the answer over TCP is truncated'
        : 'the answer over TCP is to another question',
    )
  } finally {
    connection.close()
  }
}

function malformed(error: string): Said {
  return { kind: 'answer', answer: nonAnswer('malformed', error) }
}

function lengthOf(message: Uint8Array): Uint8Array {
  return Uint8Array.of(message.length >> 8, message.length & 0xff)
}

/** The first message of a stream, whatever pieces it comes in; null when the stream ends first. */
async function readPrefixed(
  read: (signal: AbortSignal) => Promise<Uint8Array | null>,
  signal: AbortSignal,
): Promise<Uint8Array | null> {
  /** Grown to what the length says once it is known: never more than 64 kB, however many pieces. */
  let whole = new Uint8Array(2)
  let filled = 0
  for (;;) {
    const piece = await read(signal)
    if (piece === null) return null
    for (let at = 0; at < piece.length;) {
      const part = piece.subarray(at, at + whole.length - filled)
      whole.set(part, filled)
      filled += part.length
      at += part.length
      if (filled < whole.length) continue
      if (filled > 2) return whole.subarray(2)
      const length = ((whole[0] ?? 0) << 8) | (whole[1] ?? 0)
      if (length === 0) return new Uint8Array()
      const grown = new Uint8Array(2 + length)
      grown.set(whole)
      whole = grown
    }
  }
}

function randomId(random: Random): number {
  const [high = 0, low = 0] = random.bytes(2)
  return (high << 8) | low
}

/** The name with each letter in upper or lower case by chance: bits that a forger must guess (draft-vixie-dnsext-dns0x20). */
function mixCase(random: Random, name: string): string {
  const bits = random.bytes(Math.ceil(name.length / 8))
  return Array.from(name, (letter, i) =>
    (((bits[i >> 3] ?? 0) >> (i & 7)) & 1) === 1 ? letter.toUpperCase() : letter.toLowerCase(),
  ).join('')
}
