// Loopback servers for tests, polite and hostile ones, that are gone with the block that declared them.

import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions, type TLSSocket } from 'node:tls'
import type { Endpoint } from '../../src/runtime/runtime.ts'
import type { TestCertificate } from './certificates.ts'

/** A server on a free port of loopback. `await using` closes it with all its connections. */
export interface Listener extends AsyncDisposable {
  readonly endpoint: Endpoint
  /** Connections accepted so far. */
  readonly accepted: number
  /** Connections still open. */
  readonly open: number
  /** Resolves when every connection accepted so far has closed. */
  allClosed(): Promise<void>
}

/** Serves plain TCP: `onConnection` does with each connection what the test wants; errors of the peer are expected. */
export function listenTcp(
  onConnection: (socket: Socket) => void,
  address = '127.0.0.1',
): Promise<Listener> {
  const server = createServer({ allowHalfOpen: true }, onConnection)
  return listen(server, address)
}

/** Serves TLS with `chain`, leaf first; `onSecure` gets each connection whose handshake was completed. */
export function listenTls(
  chain: readonly TestCertificate[],
  options: TlsOptions = {},
  onSecure: (socket: TLSSocket) => void = () => {},
): Promise<Listener> {
  const server = createTlsServer(
    { key: chain[0]?.keyPem, cert: chain.map(({ pem }) => pem).join(''), ...options },
    (socket) => {
      socket.on('error', () => {})
      onSecure(socket)
    },
  )
  return listen(server, '127.0.0.1')
}

async function listen(server: Server, address: string): Promise<Listener> {
  const sockets = new Set<Socket>()
  let accepted = 0
  server.on('connection', (socket: Socket) => {
    accepted++
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, address)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    endpoint: { address, port },
    get accepted() {
      return accepted
    },
    get open() {
      return sockets.size
    },
    allClosed: async () => {
      // Not events.once, which would take a reset for a failure of the test.
      await Promise.all(
        [...sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve))),
      )
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
