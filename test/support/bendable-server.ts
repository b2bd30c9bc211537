// An HTTPS server that breaks the rules of transport one at a time, behind the seam of the real one.

import { createServer } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import type {
  HttpReply,
  HttpsHandler,
  HttpsServer,
  HttpsServerOptions,
} from '../../src/runtime/runtime.ts'

/** Which rules it breaks. */
export interface Bends {
  readonly tls?: { readonly minVersion: 'TLSv1.2' }
  readonly headerBytesMax?: number
  /** Ends each connection after one reply. */
  readonly endsEach?: boolean
  /** Answers whatever is asked with these words and no HTTP. */
  readonly words?: string
  /** Further header fields of each reply. */
  readonly fields?: (reply: HttpReply) => readonly (readonly [string, string])[]
  /** Header fields that are left out. */
  readonly without?: readonly string[]
}

/** Serves like the real server, but for `bends`. */
export async function serveBent(options: HttpsServerOptions, bends: Bends): Promise<HttpsServer> {
  let handler: HttpsHandler | null = null
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = new Uint8Array(await buffer(request))
    const reply = await handler?.({
      method: request.method ?? '',
      path: request.url ?? '',
      contentType: request.headers['content-type'] ?? '',
      body: body.length > options.bodyBytesMax ? null : body,
      peer: { address: request.socket.remoteAddress ?? '', port: request.socket.remotePort ?? 0 },
    })
    if (reply === undefined) response.destroy()
    else write(response, reply, bends)
  }
  const server = createServer(
    {
      minVersion: 'TLSv1.3',
      ...bends.tls,
      ALPNProtocols: ['http/1.1'],
      maxHeaderSize: bends.headerBytesMax ?? 8_192,
    },
    (request, response) => {
      respond(request, response).catch((error: unknown) => response.destroy(error as Error))
    },
  )
  const { words } = bends
  if (words !== undefined) {
    server.removeAllListeners('secureConnection')
    server.on('secureConnection', (socket) => {
      socket.on('error', () => {})
      socket.once('data', () => socket.end(words))
    })
  }
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  return listening(server, options, {
    answer: (given) => {
      handler = given
    },
    show: (key, cert) =>
      server.setSecureContext({ key, cert, minVersion: 'TLSv1.3', ...bends.tls }),
    end: () => server.closeAllConnections(),
  })
}

function write(response: ServerResponse, reply: HttpReply, bends: Bends): void {
  const body = typeof reply.body === 'string' ? Buffer.from(reply.body) : reply.body
  const fields = [
    ['content-type', reply.contentType],
    ['content-length', String(body.length)],
    ['cache-control', reply.cacheControl],
    ...(reply.allow === undefined ? [] : [['allow', reply.allow]]),
    ...(bends.endsEach === true || reply.status === 413 ? [['connection', 'close']] : []),
    ...(bends.fields?.(reply) ?? []),
  ].filter(([name = '']) => bends.without?.includes(name) !== true)
  response.writeHead(reply.status, fields.flat())
  response.end(body)
}

async function listening(
  server: Server,
  { listen }: HttpsServerOptions,
  parts: Pick<HttpsServer, 'answer' | 'show'> & { readonly end: () => void },
): Promise<HttpsServer> {
  server.listen(listen.port, listen.address)
  await once(server, 'listening')
  const { address, port } = server.address() as AddressInfo
  return {
    local: { address, port },
    answer: parts.answer,
    show: parts.show,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      parts.end()
      await closed
    },
  }
}
