// What a browser of today says about a server: valid under the certificate authorities that it was shipped with, or not (RFC 5280, RFC 9525).

import { connect } from 'node:tls'
import type { Endpoint } from '../src/runtime/runtime.ts'

/** How long a handshake may take; everything is on one machine. */
const handshakeMs = 3_000

/**
 * Connects to `server` under the name `host`, with `root` (PEM) as the only certificate authority: `padlock`, or
 * the error that it shows instead. It really shakes hands, and OpenSSL judges.
 */
export function browse(server: Endpoint, host: string, root: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: server.address,
      port: server.port,
      servername: host,
      ca: root,
      rejectUnauthorized: false,
    })
    socket.setTimeout(handshakeMs, () => socket.destroy(new Error('the site did not answer')))
    socket.once('error', reject)
    socket.once('secureConnect', () => {
      const error: unknown = socket.authorizationError
      resolve(socket.authorized ? 'padlock' : String(error))
      socket.destroy()
    })
  })
}
