// An HTTPS server for mirrors: TLS 1.3 under the mirror's own CA, Hono-style handlers, and a quick path for cached answers.

import { createServer, type Server } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { Failure } from '../../base/failure.ts'
import { formatEndpoint } from '../endpoint.ts'
import type { Endpoint, HttpsServer, HttpsServerOptions, QuickAnswer } from '../runtime.ts'

/** Serves until closed. Port 0 takes one that the system chooses. @throws Failure listen-failed */
export async function serveHttps(options: HttpsServerOptions): Promise<HttpsServer> {
  const listener = getRequestListener(
    (request, env) =>
      options.handle(request, peerOf((env as { incoming: IncomingMessage }).incoming)),
    { overrideGlobalObjects: false },
  )
  const server = createServer(
    {
      key: options.keyPem,
      cert: options.chainPem,
      minVersion: 'TLSv1.3',
      ecdhCurve: 'X25519MLKEM768:X25519:P-256',
      honorCipherOrder: true,
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: 10_000,
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 300_000,
      maxHeaderSize: 8_192,
      noDelay: true,
    },
    (request, response) => {
      const quick = options.quick?.(request.method ?? '', request.url ?? '') ?? null
      if (quick === null) void listener(request, response)
      else answerQuickly(response, quick)
    },
  )
  const local = await listen(server, options.listen)
  return {
    local,
    renew: (key, cert) => server.setSecureContext({ key, cert }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function answerQuickly(response: ServerResponse, answer: QuickAnswer): void {
  response.writeHead(answer.status, {
    'content-type': answer.contentType,
    'content-length': answer.body.length,
    'cache-control': answer.cacheControl,
  })
  response.end(answer.body)
}

function peerOf(request: IncomingMessage): Endpoint {
  return { address: request.socket.remoteAddress ?? '', port: request.socket.remotePort ?? 0 }
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
