// An HTTPS server for mirrors: TLS 1.3 only, requests as plain values, bodies bounded.

import { createServer, type Server } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { Failure } from '../../base/failure.ts'
import { limits } from '../../base/limits.ts'
import { formatEndpoint } from '../endpoint.ts'
import type {
  Endpoint,
  HttpQuestion,
  HttpReply,
  HttpsHandler,
  HttpsServer,
  HttpsServerOptions,
} from '../runtime.ts'

const noBody = new Uint8Array()

const contextOptions = {
  minVersion: 'TLSv1.3',
  ecdhCurve: 'X25519MLKEM768:X25519:P-256',
  ciphers: 'TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384',
} as const

/** Binds a server, which serves until it is closed. @throws Failure listen-failed */
export async function serveHttps(options: HttpsServerOptions): Promise<HttpsServer> {
  let handler: HttpsHandler | null = null
  const server = createServer(
    {
      ...contextOptions,
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: 10_000,
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      keepAliveTimeout: limits.warmIdleMs,
      maxHeaderSize: limits.requestHeaderBytesMax,
      noDelay: true,
      // Most requests have no body: no stream is set up to find that out, and none ever ends.
      optimizeEmptyRequests: true,
    },
    (request, response) => {
      if (handler === null) {
        response.destroy()
      } else if (request.method === 'GET' || request.method === 'HEAD' || isEmpty(request)) {
        answer(response, handler(questionOf(request, noBody)))
      } else {
        const answerWith = handler
        readBody(request, options.bodyBytesMax, (body) =>
          answer(response, answerWith(questionOf(request, body))),
        )
      }
    },
  )
  server.maxConnections = limits.connectionsMax
  // A client that breaks TLS or HTTP off is its own affair.
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  // HTTP knows of a connection only once its handshake is done: one in between would outlive the server by minutes.
  const sockets = new Set<Duplex>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const local = await listen(server, options.listen)
  return {
    local,
    show: (key, cert) => server.setSecureContext({ key, cert, ...contextOptions }),
    answer: (given) => {
      handler = given
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

/** RFC 9112 §6.3: a request without these has no body, whatever its method. */
function isEmpty({ headers }: IncomingMessage): boolean {
  return headers['content-length'] === undefined && headers['transfer-encoding'] === undefined
}

function questionOf(request: IncomingMessage, body: Uint8Array | null): HttpQuestion {
  return {
    method: request.method ?? '',
    path: request.url ?? '',
    contentType: request.headers['content-type'] ?? '',
    body,
    peer: { address: request.socket.remoteAddress ?? '', port: request.socket.remotePort ?? 0 },
  }
}

/** Hands the whole body to `done` once, or null as soon as it is larger than `bytesMax`. */
function readBody(
  request: IncomingMessage,
  bytesMax: number,
  done: (body: Uint8Array | null) => void,
): void {
  const parts: Uint8Array[] = []
  let total = 0
  request.on('data', (part: Uint8Array) => {
    total += part.length
    if (total <= bytesMax) parts.push(part)
    else if (total - part.length <= bytesMax) done(null)
  })
  request.on('end', () => {
    const [only] = parts
    if (total <= bytesMax)
      done(parts.length === 1 && only !== undefined ? only : Buffer.concat(parts))
  })
}

function answer(response: ServerResponse, reply: HttpReply | Promise<HttpReply>): void {
  if (reply instanceof Promise) {
    // The handler turns its own failures into problem documents; what still escapes ends this connection alone.
    reply.then(
      (late) => write(response, late),
      (error: unknown) => response.destroy(error as Error),
    )
  } else write(response, reply)
}

function write(response: ServerResponse, reply: HttpReply): void {
  const { body } = reply
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length
  // As a list, headers go out without being looked over one by one.
  const headers = [
    'content-type',
    reply.contentType,
    'content-length',
    String(length),
    'cache-control',
    reply.cacheControl,
  ]
  if (reply.allow !== undefined) headers.push('allow', reply.allow)
  // What was too large is not read to its end: the connection cannot go on.
  if (reply.status === 413) headers.push('connection', 'close')
  response.writeHead(reply.status, headers)
  // Text of ASCII alone, as every statement is, leaves in one piece with the head.
  if (typeof body === 'string') response.end(body, length === body.length ? 'latin1' : 'utf8')
  else response.end(body)
}

function listen(server: Server, at: Endpoint): Promise<Endpoint> {
  return new Promise((resolve, reject) => {
    const onError = (cause: Error): void =>
      reject(
        new Failure(
          'listen-failed',
          { endpoint: formatEndpoint(at), why: cause.message },
          { cause },
        ),
      )
    server.once('error', onError)
    server.listen({ host: at.address, port: at.port, backlog: 1024 }, () => {
      server.off('error', onError)
      const bound = server.address()
      if (bound === null || typeof bound === 'string')
        throw new Error('a TCP server has an address')
      resolve({ address: bound.address, port: bound.port })
    })
  })
}
