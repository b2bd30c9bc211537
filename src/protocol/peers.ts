// How a mirror is reached by client, relay and mirror alike: by address, under the CA that its id names (R29, R30, R48).

import { Failure } from '../base/failure.ts'
import type { HttpsPeer, HttpsPool, Runtime } from '../runtime/runtime.ts'
import { mirrorChainFault } from './descriptor.ts'
import type { ListEntry } from './routes.ts'

/** A pool whose peers must show the chain of the mirror that they are asked as. */
export function mirrorPool(needs: Pick<Runtime, 'clock' | 'crypto' | 'network'>): HttpsPool {
  const { clock, crypto } = needs
  return needs.network.httpsPool({
    accept: (peer, chain) => {
      const certificates = chain.map((der) => crypto.readCertificate(der))
      const expected = { id: peer.id, now: clock.now(), address: peer.endpoint.address }
      const fault = mirrorChainFault(crypto, certificates, expected)
      if (fault !== null) throw new Failure('mirror-rejected', { mirror: peer.id, why: fault })
    },
  })
}

/** The pool's name of `mirror`. */
export function peerOf(mirror: Pick<ListEntry, 'ip' | 'port' | 'id'>): HttpsPeer {
  return { endpoint: { address: mirror.ip, port: mirror.port }, id: mirror.id }
}
