// The Network seam of one host: HTTPS to other hosts, and handshakes with sites.

import { orAborted, sleep } from '../../src/runtime/deadline.ts'
import { formatEndpoint } from '../../src/runtime/endpoint.ts'
import { NetworkError, type Connection, type Network } from '../../src/runtime/runtime.ts'
import { createPool, isAlive, listen, type Station } from './https.ts'

/** The network as `station` has it. There are no datagrams: DNS is scripted. */
export function createNetwork(station: Station): Network {
  return {
    udp: () => Promise.reject(new Error('the simulated network has no datagrams')),
    connect: (to, signal) => connect(station, to, signal),
    httpsPool: ({ accept }) => createPool(station, accept),
    serveHttps: async (options) => listen(station, options),
  }
}

async function connect(
  station: Station,
  to: Parameters<Network['connect']>[0],
  signal: AbortSignal,
): Promise<Connection> {
  const { fabric, host } = station
  const server = fabric.services.shown(host, to, null)
  const place = { region: server?.region ?? null }
  const roundTrip = async (): Promise<void> => {
    const [there, back] = [fabric.links.trip(host, place), fabric.links.trip(place, host)]
    if (there === null || back === null) await orAborted(never, signal)
    else await sleep(fabric.engine, there + back, signal)
    // A process that has ended does not go on.
    if (!isAlive(station)) await never
  }
  await roundTrip()
  if (server === null)
    throw new NetworkError('refused', `connect ECONNREFUSED ${formatEndpoint(to)}`)
  const unexpected = (): never => {
    throw new Error('simulated connections are for handshakes alone')
  }
  return {
    remote: to,
    read: unexpected,
    write: unexpected,
    startTls: async ({ serverName }) => {
      await roundTrip()
      const shown = fabric.services.shown(host, to, serverName)
      if (shown === null) throw new NetworkError('tls-alert', 'unrecognized_name')
      return {
        protocol: 'TLSv1.3',
        cipher: 'TLS_AES_128_GCM_SHA256',
        group: null,
        alpn: null,
        chain: shown.chain,
      }
    },
    close: () => {},
  }
}

const never = new Promise<never>(() => {})
