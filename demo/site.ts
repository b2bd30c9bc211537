// A TLS service of the small Internet: real sockets at one port of one or several addresses, with a chain that can be changed.

import { once } from 'node:events'
import type { Socket } from 'node:net'
import { createServer, type Server } from 'node:tls'

/** A private key and the chain that goes with it, in PEM; leaf first, CA last. */
export interface Credentials {
  readonly keyPem: string
  readonly chainPem: string
}

/** A running service. */
export interface Site {
  /** One port at all of its addresses; the system chose it. */
  readonly port: number
  readonly addresses: readonly string[]
  /** Serves with these from the next handshake on, at every address or at one. */
  use(credentials: Credentials, address?: string): void
  close(): Promise<void>
}

/** A port that is free at the first address may be taken at another: then all is tried again. */
const portTriesMax = 20

/**
 * Serves TLS at every address of `credentials`, each with its own. Whoever speaks HTTP reads `page`.
 * `port` 0 takes one that the system chooses.
 */
export async function serveSite(options: {
  readonly credentials: Readonly<Record<string, Credentials>>
  readonly page: string
  readonly port?: number
}): Promise<Site> {
  const { credentials, page, port: wanted = 0 } = options
  const servers = new Map<string, Server>()
  const sockets = new Set<Socket>()
  const start = async (address: string, port: number): Promise<number> => {
    const own = credentials[address]
    if (own === undefined) throw new Error(`no certificate for ${address}`)
    const server = createTlsServer(own, page)
    server.on('connection', (socket: Socket) => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    })
    server.listen(port, address)
    await once(server, 'listening')
    servers.set(address, server)
    const bound = server.address()
    return typeof bound === 'object' && bound !== null ? bound.port : port
  }
  const stop = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    await Promise.all([...servers.values()].map((server) => closed(server)))
    servers.clear()
  }
  const port = await startAll(Object.keys(credentials), wanted, { start, stop })
  return {
    port,
    addresses: Object.keys(credentials),
    use: ({ keyPem, chainPem }, address) => {
      const changed = address === undefined ? [...servers.values()] : [servers.get(address)]
      for (const server of changed) server?.setSecureContext({ key: keyPem, cert: chainPem })
    },
    close: stop,
  }
}

async function startAll(
  addresses: readonly string[],
  wanted: number,
  steps: {
    readonly start: (address: string, port: number) => Promise<number>
    readonly stop: () => Promise<void>
  },
): Promise<number> {
  for (let tries = 1; ; tries++) {
    try {
      let port = wanted
      for (const address of addresses) port = await steps.start(address, port)
      return port
    } catch (error) {
      await steps.stop()
      if (wanted !== 0 || tries === portTriesMax) throw error
    }
  }
}

function createTlsServer({ keyPem, chainPem }: Credentials, page: string): Server {
  const server = createServer({ key: keyPem, cert: chainPem, ALPNProtocols: ['http/1.1'] })
  server.on('secureConnection', (socket) => {
    socket.on('error', () => socket.destroy())
    socket.once('data', () => socket.end(http(page)))
  })
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  return server
}

function http(page: string): string {
  const body = `${page}\n`
  return [
    'HTTP/1.1 200 OK',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n')
}

async function closed(server: Server): Promise<void> {
  if (!server.listening) return
  const done = once(server, 'close')
  server.close()
  await done
}
