// Draws other mirrors by place and not by number, so that the owner of many in one place has the weight of one (protocol §9).

import type { Random } from '../runtime/runtime.ts'
import { inRandomOrder } from './chance.ts'

/** As much of another mirror as a draw must know. */
export interface Peer {
  readonly id: string
  /** `networkOf` its address, or any other name of the place that it shares with those who may be the same owner's. */
  readonly network: string
}

/** Mirrors by place. Made once per list, used for many draws. */
export interface PeerIndex<P extends Peer> {
  readonly networks: readonly (readonly P[])[]
  readonly size: number
}

/** `peers` by place; linear in their number. */
export function indexByNetwork<P extends Peer>(peers: Iterable<P>): PeerIndex<P> {
  const networks = new Map<string, P[]>()
  let size = 0
  for (const peer of peers) {
    const there = networks.get(peer.network)
    if (there === undefined) networks.set(peer.network, [peer])
    else there.push(peer)
    size += 1
  }
  return { networks: [...networks.values()], size }
}

/** Whom a draw leaves out. */
export interface DrawOptions {
  readonly random: Random
  /** Ids: oneself, the subject, those who were asked already. */
  readonly except: ReadonlySet<string>
}

/**
 * `count` mirrors of different networks, every network with the same chance, then every mirror in it. A list with fewer
 * networks is small, and gives further ones of the same. Costs `count` draws, whatever the size of the list.
 */
export function drawPeers<P extends Peer>(
  index: PeerIndex<P>,
  count: number,
  { random, except }: DrawOptions,
): readonly P[] {
  const drawn = new Map<string, P>()
  if (count <= 0) return []
  for (const network of inRandomOrder(random, index.networks)) {
    for (const peer of inRandomOrder(random, network)) {
      if (except.has(peer.id)) continue
      drawn.set(peer.id, peer)
      break
    }
    if (drawn.size >= count) return [...drawn.values()]
  }
  for (const peer of inRandomOrder(random, index.networks.flat())) {
    if (!except.has(peer.id)) drawn.set(peer.id, peer)
    if (drawn.size >= count) break
  }
  return [...drawn.values()]
}
