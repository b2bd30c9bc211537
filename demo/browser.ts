// What a browser of today says about a server: valid under the certificate authorities that it was shipped with, or not (RFC 5280, RFC 9525).

import { connect } from 'node:tls'
import type { Endpoint } from '../src/runtime/runtime.ts'

/** How long a handshake may take; everything is on one machine. */
const handshakeMs = 3_000

/**
 * Connects to `server` under the name `host`, with `roots` (PEM) as the only certificate authorities: null when
 * the browser shows its padlock, else the error that it shows. It really shakes hands and judges with OpenSSL.
 */
export function browse(
  server: Endpoint,
  host: string,
  roots: readonly string[],
): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: server.address,
      port: server.port,
      servername: host,
      ca: [...roots],
      rejectUnauthorized: false,
    })
    socket.setTimeout(handshakeMs, () => socket.destroy(new Error('the site did not answer')))
    socket.once('error', reject)
    socket.once('secureConnect', () => {
      const error: unknown = socket.authorizationError
      resolve(socket.authorized ? null : String(error))
      socket.destroy()
    })
  })
}
