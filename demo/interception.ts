// An attacker on the path: a Network seam whose connections to one address end, unnoticed, at another one.

import type { Endpoint, Network } from '../src/runtime/runtime.ts'

/** A network with an attacker on it who can divert connections. All sockets and handshakes stay real. */
export interface HostileNetwork extends Network {
  /** From now on, whoever connects to the address `from` reaches `to` and is told that it is `from`. */
  divert(from: string, to: Endpoint): void
  /** The attacker goes away. */
  restore(): void
}

/** `network` as it is seen from behind the attacker's router. It is honest until told to divert. */
export function hostileNetwork(network: Network): HostileNetwork {
  const diversions = new Map<string, Endpoint>()
  return {
    ...network,
    connect: async (to, signal) => {
      const diverted = diversions.get(to.address)
      if (diverted === undefined) return network.connect(to, signal)
      const connection = await network.connect(diverted, signal)
      return { ...connection, remote: to }
    },
    divert: (from, to) => void diversions.set(from, to),
    restore: () => diversions.clear(),
  }
}
