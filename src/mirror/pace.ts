// Care for those that are looked at: no address is connected to more often than twice a second (protocol §11).

import { limits } from '../base/limits.ts'
import { sleep } from '../runtime/deadline.ts'
import { NetworkError, type Clock, type Network } from '../runtime/runtime.ts'

/** Addresses whose next free moment is remembered; beyond it those whose moment has passed are forgotten. */
const addressesMax = 50_000

/** The share of `limits.probesPerAddressPerSecond` that looks of one kind have, so that others cannot use it up. */
export const halfOfThePace = limits.probesPerAddressPerSecond / 2

/**
 * `connect` of `network`, which waits for the address's next free moment, `perSecond` times a second. Whoever would
 * have to wait longer than a handshake may take is told at once, and whoever stops waiting gives the moment back:
 * otherwise a burst of questions about one address would blind this vantage to it for minutes.
 */
export function pacedConnect(
  clock: Clock,
  network: Pick<Network, 'connect'>,
  perSecond: number,
): Network['connect'] {
  const nextFree = new Map<string, number>()
  const spacing = 1000 / perSecond
  return async (to, signal) => {
    const { address } = to
    const now = clock.monotonic()
    if (nextFree.size > addressesMax) {
      for (const [known, free] of nextFree) if (free <= now) nextFree.delete(known)
    }
    // Two at once are fine: the pace is kept over two moments, not between each pair.
    const free = Math.max(nextFree.get(address) ?? -Infinity, now - spacing)
    if (free - now > limits.handshakeTimeoutMs)
      throw new NetworkError(
        'other',
        'this vantage is asked about this address too often to look now',
      )
    nextFree.set(address, free + spacing)
    if (free > now) {
      try {
        await sleep(clock, free - now, signal)
      } catch (error) {
        nextFree.set(address, (nextFree.get(address) ?? 0) - spacing)
        throw error
      }
    }
    return network.connect(to, signal)
  }
}
