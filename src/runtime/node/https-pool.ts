// Keep-alive HTTPS to peers known by address and id: the chain is judged before the first request byte leaves.

import { Agent, request as httpsRequest, type RequestOptions } from 'node:https'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { connect as tlsConnect, type TLSSocket } from 'node:tls'
import type { Duplex } from 'node:stream'
import { Failure } from '../../base/failure.ts'
import { limits } from '../../base/limits.ts'
import { orAborted } from '../deadline.ts'
import {
  NetworkError,
  type HttpsPeer,
  type HttpsPool,
  type HttpsRequest,
  type HttpsResponse,
} from '../runtime.ts'
import { chainOf } from './tls-client.ts'
import { networkErrorOf } from './network-error.ts'

type Accept = (peer: HttpsPeer, chain: readonly Uint8Array[]) => void

/**
 * A pool whose connections are keyed by address, port **and id**: a connection checked for one id is never
 * reused for another at the same address (protocol §3).
 */
export function httpsPool(options: { readonly accept: Accept }): HttpsPool {
  const agents = new Map<string, Agent>()
  // An agent knows of a connection only once its handshake is done: one in between would outlive the pool by minutes.
  const sockets = new Set<TLSSocket>()
  let isClosed = false
  const own = (socket: TLSSocket): void => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    if (isClosed) socket.destroy(new NetworkError('closed', 'the pool was closed'))
  }
  const agentFor = (peer: HttpsPeer): Agent => {
    const { endpoint, id, name = '' } = peer
    const key = `${endpoint.address} ${endpoint.port} ${id} ${name}`
    const known = agents.get(key)
    if (known !== undefined) return known
    const agent = pinnedAgent(peer, { accept: options.accept, own })
    agents.set(key, agent)
    return agent
  }
  return {
    request: (peer, request) => send(agentFor(peer), peer, request),
    warm: async (peer, signal) => {
      await send(agentFor(peer), peer, { method: 'GET', path: '/v1/ping', bytesMax: 1024, signal })
    },
    close: () => {
      isClosed = true
      for (const socket of sockets)
        socket.destroy(new NetworkError('closed', 'the pool was closed'))
      for (const agent of agents.values()) agent.destroy()
      agents.clear()
    },
  }
}

function pinnedAgent(
  peer: HttpsPeer,
  { accept, own }: { readonly accept: Accept; readonly own: (socket: TLSSocket) => void },
): Agent {
  const agent = new Agent({
    keepAlive: true,
    timeout: limits.warmIdleMs,
    maxSockets: 8,
    maxFreeSockets: 4,
    scheduling: 'lifo',
    // A resumed TLS 1.3 session has no chain to judge.
    maxCachedSessions: 0,
  })
  agent.createConnection = (_options, callback) => {
    own(connectPinned(peer, accept, callback as Connected))
    return undefined
  }
  return agent
}

type Connected = (error: Error | null, socket?: Duplex) => void

/** Hands a TLS 1.3 connection whose chain `accept` has passed to `connected`, or why there is none, once. */
function connectPinned(peer: HttpsPeer, accept: Accept, connected: Connected): TLSSocket {
  const socket = tlsConnect({
    host: peer.endpoint.address,
    port: peer.endpoint.port,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.3',
    ecdhCurve: 'X25519MLKEM768:X25519:P-256',
    ALPNProtocols: ['http/1.1'],
    ...(peer.name === undefined ? {} : { servername: peer.name }),
  })
  let over = false
  const finish = (error: Error | null): void => {
    if (over) return
    over = true
    if (error === null) connected(null, socket)
    else connected(error)
  }
  const onTimeout = (): void => {
    socket.destroy(new NetworkError('timeout', 'the TLS handshake took too long'))
  }
  socket.setNoDelay(true)
  socket.setTimeout(limits.mirrorTimeoutMs, onTimeout)
  socket.once('error', (error) => finish(networkErrorOf(error)))
  socket.once('close', () => finish(new NetworkError('closed', 'the connection was closed')))
  socket.once('secureConnect', () => {
    try {
      accept(peer, chainOf(socket))
      socket.setTimeout(0, onTimeout)
      finish(null)
    } catch (error) {
      finish(error as Error)
      socket.destroy()
    }
  })
  return socket
}

function send(agent: Agent, peer: HttpsPeer, request: HttpsRequest): Promise<HttpsResponse> {
  const options: RequestOptions = {
    agent,
    method: request.method,
    // Names the Host alone: the connection is made to the endpoint.
    host: peer.name ?? peer.endpoint.address,
    port: peer.endpoint.port,
    path: request.path,
    headers: {
      accept: 'application/json',
      ...(request.body === undefined
        ? {}
        : {
            'content-type': request.contentType ?? 'application/json',
            'content-length': request.body.length,
          }),
    },
  }
  const sent = httpsRequest(options)
  return orAborted(exchange(sent, request), request.signal).catch((error: unknown) => {
    sent.destroy()
    throw error
  })
}

function exchange(sent: ClientRequest, request: HttpsRequest): Promise<HttpsResponse> {
  return new Promise((resolve, reject) => {
    sent.once('error', (error) => reject(Failure.is(error) ? error : networkErrorOf(error)))
    sent.once('response', (response) => {
      readBody(response, request.bytesMax).then(
        (body) =>
          resolve({
            status: response.statusCode ?? 0,
            contentType: response.headers['content-type'] ?? '',
            body,
          }),
        (error: unknown) => {
          sent.destroy()
          reject(networkErrorOf(error as Error))
        },
      )
    })
    sent.end(request.body)
  })
}

async function readBody(response: IncomingMessage, bytesMax: number): Promise<Uint8Array> {
  const parts: Buffer[] = []
  let total = 0
  for await (const part of response as AsyncIterable<Buffer>) {
    total += part.length
    if (total > bytesMax)
      throw new NetworkError('too-large', `the answer is larger than ${bytesMax} bytes`)
    parts.push(part)
  }
  return new Uint8Array(Buffer.concat(parts, total))
}
