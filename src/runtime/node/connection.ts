// TCP on node:net (RFC 9293): connects to an address, reads by pulling, and upgrades to TLS once.

import { connect as netConnect, isIP, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { invariant } from '../../base/invariant.ts'
import { limits } from '../../base/limits.ts'
import { orAborted } from '../deadline.ts'
import { NetworkError, type Connection, type Endpoint } from '../runtime.ts'
import { abortionOf, networkErrorOf } from './network-error.ts'
import { handshake } from './tls-client.ts'

/**
 * Connects to `to`. When `signal` aborts first, the attempt is given up and its socket closed.
 * @throws NetworkError
 */
export async function connect(to: Endpoint, signal: AbortSignal): Promise<Connection> {
  invariant(isIP(to.address) !== 0, 'the network seam is given addresses, never names')
  if (signal.aborted) throw abortionOf(signal)
  const socket = netConnect({ host: to.address, port: to.port, noDelay: true })
  try {
    await orAborted(connected(socket), signal)
  } catch (error) {
    socket.destroy()
    throw signal.aborted ? abortionOf(signal) : networkErrorOf(error)
  }
  return connectionOver(socket)
}

function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('connect', resolve)
    // Stays for the life of the socket: an error after an abort has nobody else to hear it.
    socket.on('error', reject)
  })
}

function connectionOver(socket: Socket): Connection {
  const remote = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }
  let stream = streamOver(socket, socket)
  let upgrade: 'none' | 'under way' | 'over' = 'none'
  return {
    remote,
    read: (signal) => stream.read(signal),
    write: (data) => stream.write(data),
    startTls: async (options) => {
      invariant(upgrade === 'none', 'a connection is upgraded to TLS once')
      upgrade = 'under way'
      const { secure, facts } = await handshake(socket, options).finally(() => (upgrade = 'over'))
      stream = streamOver(secure, socket)
      return facts
    },
    // In the middle of a handshake there is no orderly end.
    close: () => (upgrade === 'under way' ? void socket.destroy() : stream.close()),
  }
}

type Stream = Pick<Connection, 'read' | 'write' | 'close'>

/** `stream` is `socket` itself, or what runs over it. */
function streamOver(stream: Duplex, socket: Socket): Stream {
  const source = pulling(stream)
  let closed = false
  return {
    read: source.read,
    write: (data) =>
      new Promise((resolve, reject) => {
        stream.write(data, (error) =>
          error === null || error === undefined ? resolve() : reject(networkErrorOf(error)),
        )
      }),
    close: () => {
      if (closed) return
      closed = true
      // Whoever still reads or writes has not come to an orderly end.
      if (source.reading() || stream.writableLength > 0) {
        stream.destroy()
        return
      }
      socket.unref()
      void farewell(stream, source.read)
    },
  }
}

/** A read that takes what has arrived, and leaves the rest to the kernel once the stream's buffer is full. */
function pulling(stream: Duplex): {
  readonly read: Connection['read']
  readonly reading: () => boolean
} {
  let failure: unknown = null
  let reading = false
  let wake = (): void => {}
  stream.on('error', (error) => (failure = error))
  for (const event of ['readable', 'end', 'error', 'close']) stream.on(event, () => wake())

  const next = async (signal: AbortSignal): Promise<Uint8Array | null> => {
    for (;;) {
      if (signal.aborted) throw abortionOf(signal)
      const bytes = stream.read() as Uint8Array | null
      if (bytes !== null) return bytes
      if (failure !== null) throw networkErrorOf(failure)
      if (stream.readableEnded) return null
      if (stream.destroyed) throw new NetworkError('closed', 'the connection is closed')
      await orAborted(new Promise<void>((resolve) => (wake = resolve)), signal)
    }
  }
  return {
    reading: () => reading,
    read: async (signal) => {
      invariant(!reading, 'a connection is read by one reader at a time')
      reading = true
      try {
        return await next(signal)
      } catch (error) {
        // Whoever stopped waiting does not know where in the dialogue it stands: nothing more may be said.
        stream.destroy()
        throw signal.aborted ? abortionOf(signal) : error
      } finally {
        reading = false
      }
    },
  }
}

/**
 * Ends our side and hears the peer out for a moment, so that it sees an orderly end: closing with unread
 * bytes (such as TLS 1.3 tickets) would send a reset. Bounded in time and bytes.
 */
async function farewell(stream: Duplex, read: Connection['read']): Promise<void> {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), limits.farewellMs).unref()
  stream.end()
  try {
    let left: number = limits.farewellBytesMax
    while (left > 0) {
      const bytes = await read(controller.signal)
      if (bytes === null) break
      left -= bytes.length
    }
  } catch {
    // The peer broke off or took too long: there is nobody left to be polite to.
  } finally {
    clearTimeout(timer)
    stream.destroy()
  }
}
