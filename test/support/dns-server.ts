// A DNS server on loopback that says whatever octets a test wants, over UDP and TCP on one port.

import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { concat } from '../../src/base/bytes.ts'
import type { Endpoint } from '../../src/runtime/runtime.ts'
import { u16 } from './dns-bytes.ts'

/** One question as it arrived, and the means to answer it. */
export interface HeardQuery {
  readonly via: 'udp' | 'tcp'
  readonly bytes: Uint8Array
  readonly id: number
  /** The name in the case it came in. */
  readonly name: string
  readonly type: number
  readonly from: Endpoint
  /** Answers with `octets`; over TCP with their length in front. */
  reply(octets: Uint8Array): void
  /** UDP: answers from another socket, with what is given of its address and port. */
  replyFromElsewhere(octets: Uint8Array, elsewhere: Partial<Endpoint>): Promise<void>
  /** TCP: writes octets as they are. */
  write(octets: Uint8Array): void
  /** TCP: ends the connection. */
  end(): void
}

/** A server that runs. */
export interface HostileDnsServer {
  readonly endpoint: Endpoint
  /** All questions so far. */
  readonly heard: readonly HeardQuery[]
  /** Resolves once `count` questions have been heard in all. */
  received(count: number): Promise<void>
  /** Resolves once no TCP connection is open. */
  idle(): Promise<void>
  close(): Promise<void>
}

/** Starts a server whose every answer is `handle`'s doing. */
export async function startHostileDnsServer(
  handle: (query: HeardQuery) => void,
): Promise<HostileDnsServer> {
  const heard: HeardQuery[] = []
  let wake: (() => void)[] = []
  const wakeAll = (): void => {
    for (const run of wake) run()
    wake = []
  }
  const hear = (query: HeardQuery): void => {
    heard.push(query)
    wakeAll()
    handle(query)
  }
  const { tcp, udp, port } = await listenOnBoth()
  const connections = new Set<Socket>()
  udp.on('message', (bytes, from) => {
    hear({ ...read(bytes), via: 'udp', from, ...udpMeans(udp, from) })
  })
  tcp.on('connection', (socket) => {
    connections.add(socket)
    // The client may leave at any moment; that is part of what is tested.
    socket.on('error', () => {})
    socket.on('close', () => {
      connections.delete(socket)
      wakeAll()
    })
    socket.on('data', (bytes) => {
      const from = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }
      hear({ ...read(bytes.subarray(2)), via: 'tcp', from, ...tcpMeans(socket) })
    })
  })
  return {
    endpoint: { address: '127.0.0.1', port },
    heard,
    async received(count) {
      while (heard.length < count) await new Promise<void>((resolve) => wake.push(resolve))
    },
    async idle() {
      while (connections.size > 0) await new Promise<void>((resolve) => wake.push(resolve))
    },
    async close() {
      for (const socket of connections) socket.destroy()
      udp.close()
      tcp.close()
      await once(tcp, 'close')
    },
  }
}

type Means = Pick<HeardQuery, 'reply' | 'replyFromElsewhere' | 'write' | 'end'>

function notOver(transport: string): never {
  throw new Error(`this question did not come over ${transport}`)
}

function udpMeans(udp: UdpSocket, from: Endpoint): Means {
  return {
    reply: (octets) => udp.send(octets, from.port, from.address),
    async replyFromElsewhere(octets, { address = '127.0.0.1', port = 0 }) {
      const other = createSocket('udp4')
      other.bind(port, address)
      await once(other, 'listening')
      await new Promise<void>((resolve) =>
        other.send(octets, from.port, from.address, () => resolve()),
      )
      other.close()
    },
    write: () => notOver('TCP'),
    end: () => notOver('TCP'),
  }
}

function tcpMeans(socket: Socket): Means {
  return {
    reply: (octets) => void socket.write(concat(u16(octets.length), octets)),
    replyFromElsewhere: () => notOver('UDP'),
    write: (octets) => void socket.write(octets),
    end: () => void socket.end(),
  }
}

/** What a well-formed question asks; the client's questions are, which other tests hold. */
function read(bytes: Uint8Array): Pick<HeardQuery, 'bytes' | 'id' | 'name' | 'type'> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const labels: string[] = []
  let at = 12
  for (let length = view.getUint8(at); length > 0; length = view.getUint8(at)) {
    labels.push(new TextDecoder().decode(bytes.subarray(at + 1, at + 1 + length)))
    at += length + 1
  }
  return {
    bytes: Uint8Array.from(bytes),
    id: view.getUint16(0),
    name: labels.join('.'),
    type: view.getUint16(at + 1),
  }
}

async function listenOnBoth(): Promise<{ tcp: Server; udp: UdpSocket; port: number }> {
  for (let tries = 0; tries < 20; tries++) {
    const udp = createSocket('udp4')
    udp.bind(0, '127.0.0.1')
    await once(udp, 'listening')
    const { port } = udp.address()
    const tcp = createServer()
    tcp.listen(port, '127.0.0.1')
    try {
      await once(tcp, 'listening')
      return { tcp, udp, port }
    } catch {
      udp.close()
    }
  }
  throw new Error('no port is free for both UDP and TCP')
}
