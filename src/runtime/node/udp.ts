// UDP on node:dgram (RFC 768): unconnected sockets on ports that the system chooses at random.

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { Endpoint, UdpSocket } from '../runtime.ts'
import { networkErrorOf } from './network-error.ts'

/**
 * An unconnected socket of the IP version `family`; `onMessage` gets every datagram and where it came from, until
 * the socket is closed. A datagram that cannot be sent is lost without a word, as on any other link of the way.
 * @throws NetworkError when the system gives no such socket
 */
export async function openUdp(
  family: 4 | 6,
  onMessage: (data: Uint8Array, from: Endpoint) => void,
): Promise<UdpSocket> {
  const socket = createSocket({ type: family === 4 ? 'udp4' : 'udp6', ipv6Only: family === 6 })
  try {
    socket.bind({ port: 0, address: family === 4 ? '0.0.0.0' : '::', exclusive: true })
    await once(socket, 'listening')
  } catch (error) {
    socket.close()
    throw networkErrorOf(error)
  }
  let closed = false
  socket.on('message', (data, from) => {
    if (!closed) onMessage(data, { address: from.address, port: from.port })
  })
  // ICMP errors and full buffers: the datagram is lost, and whoever asked has a deadline.
  socket.on('error', () => {})
  const { address, port } = socket.address()
  return {
    local: { address, port },
    send(data, to) {
      if (!closed) socket.send(data, to.port, to.address, () => {})
    },
    close() {
      if (closed) return
      closed = true
      socket.close()
    },
  }
}
