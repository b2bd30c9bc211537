// HTTPS between hosts of the simulation: warm connections, handshakes, refusals and silence as a pool of the real
// network has them, but no bytes on a wire.

import { utf8 } from '../../src/base/bytes.ts'
import { Failure } from '../../src/base/failure.ts'
import { limits } from '../../src/base/limits.ts'
import { fromPem } from '../../src/base/pem.ts'
import { formatEndpoint } from '../../src/runtime/endpoint.ts'
import {
  NetworkError,
  type HttpReply,
  type HttpsPeer,
  type HttpsPool,
  type HttpsRequest,
  type HttpsResponse,
  type HttpsServer,
  type HttpsServerOptions,
} from '../../src/runtime/runtime.ts'
import { traced, type Fabric } from './fabric.ts'
import type { Host, Listener } from './host.ts'

/** One end of the network: a host, in one of its lives. */
export interface Station {
  readonly fabric: Fabric
  readonly host: Host
  readonly life: number
}

/** Whether the process at this station still runs. */
export function isAlive({ host, life }: Station): boolean {
  return host.life === life
}

type Accept = (peer: HttpsPeer, chain: readonly Uint8Array[]) => void

/** A connection that `accept` has passed. */
interface Connection {
  readonly to: Host
  /** The server's, when it was made. */
  readonly life: number
  readonly listener: Listener
  usedAt: number
}

/** A request that is under way. */
interface Call {
  readonly station: Station
  readonly peer: HttpsPeer
  readonly asked: HttpsRequest
  /** Connections to this peer that are free. */
  readonly free: Connection[]
  /** Only the first of these has an effect, and none after the asker's end. */
  succeed(response: HttpsResponse): void
  fail(error: Error): void
  isOver(): boolean
}

/** Connections to one peer that are kept: as the real pool's. */
const freeMax = 4

/** A request that nobody answers and nobody gives up is broken off by the system (RFC 5482: two minutes and more). */
const hangMs = 120_000

/** A pool at `station`. */
export function createPool(station: Station, accept: Accept): HttpsPool {
  const lines = new Map<string, Connection[]>()
  const lineTo = ({ endpoint, id, name = '' }: HttpsPeer): Connection[] => {
    const key = `${endpoint.address} ${endpoint.port} ${id} ${name}`
    const known = lines.get(key)
    if (known !== undefined) return known
    const made: Connection[] = []
    lines.set(key, made)
    return made
  }
  const request: HttpsPool['request'] = (peer, asked) =>
    new Promise((resolve, reject) => {
      const call = createCall({ station, peer, asked, free: lineTo(peer) }, { resolve, reject })
      if (call.isOver()) return
      const warm = takeFree(call.free, station.fabric.engine.monotonic())
      if (warm === null) connect(call, accept)
      else exchange(call, warm)
    })
  return {
    request,
    warm: async (peer, signal) => {
      await request(peer, { method: 'GET', path: '/v1/ping', bytesMax: 1024, signal })
    },
    close: () => lines.clear(),
  }
}

function createCall(
  parts: Pick<Call, 'station' | 'peer' | 'asked' | 'free'>,
  promised: {
    readonly resolve: (response: HttpsResponse) => void
    readonly reject: (error: Error) => void
  },
): Call {
  const { signal } = parts.asked
  let over = false
  const end = (settle: () => void): void => {
    if (over) return
    over = true
    signal.removeEventListener('abort', onAbort)
    // The promises of a process that has ended stay as they are, so that nothing of it goes on.
    if (isAlive(parts.station)) settle()
  }
  const fail = (error: Error): void => end(() => promised.reject(error))
  const onAbort = (): void => fail(signal.reason as Error)
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  return {
    ...parts,
    succeed: (response) => end(() => promised.resolve(response)),
    fail,
    isOver: () => over,
  }
}

function takeFree(free: Connection[], now: number): Connection | null {
  for (let one = free.pop(); one !== undefined; one = free.pop())
    if (isUp(one) && now - one.usedAt < limits.warmIdleMs) return one
  return null
}

function isUp({ to, life, listener }: Connection): boolean {
  return to.life === life && listener.isOpen
}

/** TCP and TLS 1.3 take a round trip each before the first byte of a request leaves. */
function connect(call: Call, accept: Accept): void {
  const { fabric, host } = call.station
  const { address, port } = call.peer.endpoint
  const to = fabric.hosts.get(address)
  const [there, back] = [trip(fabric, host, to), trip(fabric, to, host)]
  if (there === null || back === null || to?.isSilent === true) {
    const late = new NetworkError('timeout', 'the TLS handshake took too long')
    fabric.engine.after(limits.mirrorTimeoutMs, () => call.fail(late))
    return
  }
  const listener = to?.listeners.get(port)
  if (to === undefined || listener === undefined || listener.chain.length === 0) {
    const refused = new NetworkError('refused', `connect ECONNREFUSED ${address}:${port}`)
    fabric.engine.after(there + back, () => call.fail(refused))
    return
  }
  const connection: Connection = { to, life: to.life, listener, usedAt: 0 }
  fabric.engine.after(2 * (there + back), () => {
    if (call.isOver()) return
    if (!isUp(connection)) return call.fail(broken())
    try {
      accept(call.peer, listener.chain)
    } catch (error) {
      return call.fail(error as Error)
    }
    exchange(call, connection)
  })
}

function trip(fabric: Fabric, from: Host | undefined, to: Host | undefined): number | null {
  const nowhere = { region: null }
  return fabric.links.trip(from ?? nowhere, to ?? nowhere)
}

/** Sends the request over `connection`, and the reply back. */
function exchange(call: Call, connection: Connection): void {
  const { fabric, host } = call.station
  const { method, path, body = nothing, contentType = 'application/json' } = call.asked
  const { to, listener } = connection
  host.traffic.sent += 1
  host.traffic.sentBytes += path.length + body.length
  const there = fabric.links.trip(host, to)
  if (there === null || to.isSilent) return hang(call)
  fabric.engine.after(there, () => {
    const { handler } = listener
    if (!isUp(connection) || handler === null) return giveUp(call, connection)
    trace(call, to, traced.question)
    to.traffic.received += 1
    to.traffic.receivedBytes += path.length + body.length
    const question = {
      method,
      path,
      contentType,
      body: body.length > listener.bodyBytesMax ? null : body,
      peer: { address: host.addresses[0] ?? '', port: clientPort },
    }
    // What escapes from a handler ends the connection alone.
    const reply = attempt(() => handler(question))
    if (reply instanceof Promise)
      reply.then(
        (late) => respond(call, connection, late),
        () => giveUp(call, connection),
      )
    else if (reply === null) giveUp(call, connection)
    else respond(call, connection, reply)
  })
}

const clientPort = 50_000
const nothing = new Uint8Array()

function attempt<T>(work: () => T): T | null {
  try {
    return work()
  } catch {
    return null
  }
}

function respond(call: Call, connection: Connection, reply: HttpReply): void {
  const { fabric, host } = call.station
  const { to } = connection
  if (!isUp(connection)) return giveUp(call, connection)
  const body = typeof reply.body === 'string' ? utf8(reply.body) : reply.body
  to.traffic.sent += 1
  to.traffic.sentBytes += body.length
  const back = fabric.links.trip(to, host)
  if (back === null || to.isSilent) return hang(call)
  fabric.engine.after(back + to.extraMs, () => {
    if (call.isOver()) return
    trace(call, to, traced.reply)
    fabric.trace.word(reply.status)
    if (fabric.tracesBodies) fabric.trace.bytes(body)
    host.traffic.received += 1
    host.traffic.receivedBytes += body.length
    if (body.length > call.asked.bytesMax)
      return call.fail(
        new NetworkError('too-large', `the answer is larger than ${call.asked.bytesMax} bytes`),
      )
    connection.usedAt = fabric.engine.monotonic()
    if (call.free.length < freeMax) call.free.push(connection)
    call.succeed({ status: reply.status, contentType: reply.contentType, body })
  })
}

function trace({ station, asked }: Call, to: Host, kind: number): void {
  const { fabric, host } = station
  fabric.trace.word(kind)
  fabric.trace.word(host.index)
  fabric.trace.word(to.index)
  if (kind !== traced.question) return
  fabric.trace.text(asked.path)
  if (fabric.tracesBodies && asked.body !== undefined) fabric.trace.bytes(asked.body)
}

/** Nothing arrives any more, and nobody says so. */
function hang(call: Call): void {
  const late = new NetworkError('timeout', 'the connection timed out')
  call.station.fabric.engine.after(hangMs, () => call.fail(late))
}

/** The server's system says that there is no such connection any more. */
function giveUp(call: Call, { to }: Connection): void {
  const { fabric, host } = call.station
  const back = fabric.links.trip(to, host)
  if (back === null) hang(call)
  else fabric.engine.after(back, () => call.fail(broken()))
}

function broken(): NetworkError {
  return new NetworkError('reset', 'the connection was reset')
}

/** A server on the host of `station`. @throws Failure listen-failed */
export function listen(
  { host }: Station,
  { listen: wanted, bodyBytesMax }: HttpsServerOptions,
): HttpsServer {
  const port = wanted.port === 0 ? freePort(host) : wanted.port
  const local = { address: wanted.address, port }
  const refuse = (why: string): never => {
    throw new Failure('listen-failed', { endpoint: formatEndpoint(local), why })
  }
  if (!host.addresses.includes(wanted.address)) refuse('the address is not of this host')
  if (host.listeners.has(port)) refuse('something listens there already')
  const listener: Listener = { chain: [], handler: null, bodyBytesMax, isOpen: true }
  host.listeners.set(port, listener)
  return {
    local,
    show: (_keyPem, chainPem) => {
      listener.chain = fromPem('CERTIFICATE', chainPem) ?? []
    },
    answer: (handler) => {
      listener.handler = handler
    },
    close: async () => {
      listener.isOpen = false
      if (host.listeners.get(port) === listener) host.listeners.delete(port)
    },
  }
}

function freePort(host: Host): number {
  let port = 49_152
  while (host.listeners.has(port)) port += 1
  return port
}
