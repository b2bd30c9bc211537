// Care for those that are looked at: no address is connected to more often than twice a second (protocol §11).

import { limits } from '../base/limits.ts'
import { sleep } from '../runtime/deadline.ts'
import type { Clock, Network } from '../runtime/runtime.ts'

/** Addresses whose next free moment is remembered; beyond it those whose moment has passed are forgotten. */
const addressesMax = 50_000

/** `connect` of `network`, which waits for the address's next free moment. */
export function pacedConnect(clock: Clock, network: Pick<Network, 'connect'>): Network['connect'] {
  const nextFree = new Map<string, number>()
  const spacing = 1000 / limits.probesPerAddressPerSecond
  return async (to, signal) => {
    const now = clock.monotonic()
    if (nextFree.size > addressesMax) {
      for (const [address, free] of nextFree) if (free <= now) nextFree.delete(address)
    }
    // Two at once are fine: the pace is kept over a second, not between each pair.
    const free = Math.max(nextFree.get(to.address) ?? 0, now - spacing)
    nextFree.set(to.address, free + spacing)
    if (free > now) await sleep(clock, free - now, signal)
    return network.connect(to, signal)
  }
}
