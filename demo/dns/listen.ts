// A DNS endpoint on UDP and TCP at one address and port, and one exchange with such an endpoint (RFC 1035 §4.2, RFC 7766).

import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { decode, encode, TRUNCATED_RESPONSE, type DecodedPacket, type Packet } from 'dns-packet'
import type { Endpoint } from '../../src/runtime/runtime.ts'

/** A running DNS server. */
export interface DnsServer {
  /** The same for UDP and TCP; the system chose the port. */
  readonly endpoint: Endpoint
  close(): Promise<void>
}

/** Makes the answer to `query`, which came from the address `from`. */
export type DnsReply = (query: DecodedPacket, from: string) => Promise<Packet>

/** Without EDNS an answer by UDP has at most this many bytes (RFC 1035 §4.2.1). */
const plainUdpBytes = 512
/** What a server sends at most by UDP, whatever the asker takes (DNS flag day 2020). */
const udpBytesMax = 1232
/** How long an upstream server may take; it is on the same machine. */
const exchangeMs = 2_000
/** The port that the system gave for TCP may be taken for UDP: then another one is tried. */
const portTriesMax = 20

/** Answers at `address` with `reply`, by UDP (truncating what is too long) and by TCP. */
export async function listenDns(address: string, reply: DnsReply): Promise<DnsServer> {
  const connections = new Set<Socket>()
  const tcp = createServer((socket) => {
    connections.add(socket)
    socket.on('close', () => connections.delete(socket))
    socket.on('error', () => socket.destroy())
    onFrames(socket, async (message) => {
      const query = read(message)
      const packet = query && (await reply(query, socket.remoteAddress ?? ''))
      if (packet === null) socket.destroy()
      else if (!socket.destroyed) socket.write(framed(packet))
    })
  })
  const udp = await bindBoth(address, tcp)
  let open = true
  udp.on('message', (message, from) => {
    const query = read(message)
    if (query === null) return
    void reply(query, from.address).then((packet) => {
      if (open) udp.send(fitted(packet, query), from.port, from.address)
    })
  })
  return {
    endpoint: { address, port: udp.address().port },
    close: async () => {
      open = false
      for (const socket of connections) socket.destroy()
      const closed = [once(tcp, 'close'), once(udp, 'close')]
      tcp.close()
      udp.close()
      await Promise.all(closed)
    },
  }
}

/** Asks `server` from the local address `from`: by UDP, and again by TCP when the answer did not fit. Rejects without an answer. */
export async function exchangeDns(
  query: Packet,
  server: Endpoint,
  from: string,
): Promise<DecodedPacket> {
  const answer = await exchangeUdp(query, server, from)
  return answer.flag_tc ? exchangeTcp(query, server, from) : answer
}

async function exchangeUdp(query: Packet, server: Endpoint, from: string): Promise<DecodedPacket> {
  const socket = createSocket('udp4')
  try {
    const signal = AbortSignal.timeout(exchangeMs)
    socket.bind(0, from)
    await once(socket, 'listening', { signal })
    socket.connect(server.port, server.address)
    await once(socket, 'connect', { signal })
    const answered = once(socket, 'message', { signal })
    socket.send(encode(query))
    const [message] = (await answered) as [Buffer]
    return decode(message)
  } finally {
    socket.close()
  }
}

function exchangeTcp(query: Packet, server: Endpoint, from: string): Promise<DecodedPacket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: server.address, port: server.port, localAddress: from })
    socket.setTimeout(exchangeMs, () => socket.destroy(new Error('the DNS server did not answer')))
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('the DNS server hung up')))
    onFrames(socket, (message) => {
      resolve(decode(message))
      socket.destroy()
    })
    socket.write(framed(query))
  })
}

/** Binds both protocols to one port, because resolvers ask the same port again by TCP. */
async function bindBoth(address: string, tcp: Server): Promise<UdpSocket> {
  for (let tries = 1; ; tries++) {
    tcp.listen(0, address)
    await once(tcp, 'listening')
    const bound = tcp.address()
    const udp = createSocket('udp4')
    try {
      udp.bind(typeof bound === 'object' && bound !== null ? bound.port : 0, address)
      await once(udp, 'listening')
      return udp
    } catch (error) {
      udp.close()
      tcp.close()
      await once(tcp, 'close')
      if (tries === portTriesMax) throw error
    }
  }
}

/** Calls `take` with each message of a stream, which carries its length before it (RFC 1035 §4.2.2). */
function onFrames(socket: Socket, take: (message: Buffer) => unknown): void {
  let pending = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk])
    while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
      const end = 2 + pending.readUInt16BE(0)
      const message = pending.subarray(2, end)
      pending = pending.subarray(end)
      take(message)
    }
  })
}

function framed(packet: Packet): Buffer {
  const message = encode(packet)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}

/** The answer as it goes by UDP: without its records and with the TC bit when it is longer than the asker takes. */
function fitted(packet: Packet, query: DecodedPacket): Buffer {
  const edns = query.additionals?.find((record) => record.type === 'OPT')
  const taken = edns === undefined ? plainUdpBytes : Math.max(edns.udpPayloadSize, plainUdpBytes)
  const whole = encode(packet)
  if (whole.length <= Math.min(taken, udpBytesMax)) return whole
  const flags = (packet.flags ?? 0) | TRUNCATED_RESPONSE
  return encode({ ...packet, flags, answers: [], authorities: [] })
}

/** The query in `message`, or null when it is none: such a message gets no answer. */
function read(message: Buffer): DecodedPacket | null {
  try {
    const packet = decode(message)
    return packet.type === 'query' && packet.questions?.length === 1 ? packet : null
  } catch {
    return null
  }
}
