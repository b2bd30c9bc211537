// A process that makes loopback as slow as a long way: TCP and UDP relays that hold every byte for half a round trip.

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { Endpoint } from '../../src/runtime/runtime.ts'

/** One relay: what comes to `listen` (port 0: the system chooses) goes to `to`, `rttMs` there and back. */
export interface Way {
  readonly protocol: 'tcp' | 'udp'
  readonly listen: Endpoint
  readonly to: Endpoint
  readonly rttMs: number
}

/** The timers of Node are a millisecond coarse; what is due sooner than that is waited for by turns of the loop. */
const coarseMs = 1.5

/** Runs each task of one direction in its order, `holdMs` after it was given and not before `notBefore`. */
function line(holdMs: number, notBefore: number): (task: () => void) => void {
  const waiting: { readonly due: number; readonly task: () => void }[] = []
  const pump = (): void => {
    const now = performance.now()
    while (waiting[0] !== undefined && waiting[0].due <= now) waiting.shift()?.task()
    const [next] = waiting
    if (next === undefined) return
    if (next.due - now > coarseMs) setTimeout(pump, Math.floor(next.due - now - 1))
    else setImmediate(pump)
  }
  return (task) => {
    waiting.push({ due: Math.max(performance.now(), notBefore) + holdMs, task })
    if (waiting.length === 1) pump()
  }
}

/**
 * Loopback completes a TCP connection at once, so its round trip is made up for here: what the client sends
 * leaves only a round trip after the connection came.
 */
function carryTcp(client: Socket, way: Way): void {
  const opened = performance.now()
  const server = connect({ host: way.to.address, port: way.to.port, allowHalfOpen: true })
  const there = line(way.rttMs / 2, opened + way.rttMs)
  const back = line(way.rttMs / 2, 0)
  for (const socket of [client, server]) socket.setNoDelay(true)
  client.on('data', (bytes: Buffer) => there(() => server.write(bytes)))
  server.on('data', (bytes: Buffer) => back(() => client.write(bytes)))
  client.on('end', () => there(() => server.end()))
  server.on('end', () => back(() => client.end()))
  for (const socket of [client, server]) {
    socket.on('error', () => {
      client.destroy()
      server.destroy()
    })
  }
}

async function relayTcp(way: Way): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (client) => carryTcp(client, way))
  server.listen(way.listen.port, way.listen.address)
  await once(server, 'listening')
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('a TCP server has an address')
  return bound.port
}

async function relayUdp(way: Way): Promise<number> {
  const socket = createSocket('udp4')
  const there = line(way.rttMs / 2, 0)
  const back = line(way.rttMs / 2, 0)
  socket.on('message', (question, from) => {
    // A socket a question: its answer needs no other mark to find the way back.
    const onward = createSocket('udp4')
    onward.once('message', (answer) => {
      onward.close()
      back(() => socket.send(answer, from.port, from.address))
    })
    there(() => onward.send(question, way.to.port, way.to.address))
  })
  socket.bind(way.listen.port, way.listen.address)
  await once(socket, 'listening')
  return socket.address().port
}

const ways = JSON.parse(process.argv[2] ?? '[]') as readonly Way[]
const ports = await Promise.all(
  ways.map((way) => (way.protocol === 'tcp' ? relayTcp(way) : relayUdp(way))),
)
process.stdout.write(`ready ${JSON.stringify(ports)}\n`)
