// Who talks to whom: forwarding of newcomers, connections, and comparing of lists (R99, R101; protocol §8, §9).

import type { Random } from '../runtime/runtime.ts'
import { sample } from './chance.ts'
import type { Parameters } from './parameters.ts'
import { drawPeers, type DrawOptions, type Peer, type PeerIndex } from './peers.ts'

/**
 * The mirrors that a newcomer is passed on to, of different networks. `except` holds oneself, the newcomer and whoever
 * told of it.
 */
export function chooseForwarding<P extends Peer>(
  active: PeerIndex<P>,
  { parameters, ...options }: DrawOptions & { readonly parameters: Parameters },
): readonly P[] {
  return drawPeers(active, parameters.join.fanOut, options)
}

/** The mirror to compare list digests with; null when there is none (anti-entropy). */
export function choosePartner<P extends Peer>(
  active: PeerIndex<P>,
  options: DrawOptions,
): P | null {
  return drawPeers(active, 1, options)[0] ?? null
}

/** Ids of `listed` that we know nothing of: they become candidates, and nothing else of the list is believed. */
export function unknownOf<E extends { readonly id: string }>(
  listed: Iterable<E>,
  isKnown: (id: string) => boolean,
): readonly E[] {
  return [...listed].filter(({ id }) => !isKnown(id))
}

/** A gossip connection. */
export interface Link {
  readonly id: string
  /** True when we chose it. */
  readonly outbound: boolean
}

/** What to change about the connections. */
export interface LinkPlan<P extends Peer> {
  readonly open: readonly P[]
  /** Ids. */
  readonly close: readonly string[]
  /** When one was last exchanged, to be given back at the next planning. */
  readonly swappedAt: number
}

/** What a plan depends on beside the connections. */
export interface LinkOptions {
  readonly random: Random
  readonly now: number
  /** `swappedAt` of the plan before; 0 at first. */
  readonly swappedAt: number
  /** Oneself. */
  readonly except: ReadonlySet<string>
  readonly parameters: Parameters
}

/** Whether another mirror's connection to us is taken: at most as many as leave room for those that we choose. */
export function acceptsInbound(links: readonly Link[], parameters: Parameters): boolean {
  const { connections, outboundMin } = parameters.gossip
  return links.filter((link) => !link.outbound).length < connections - outboundMin
}

/**
 * Fills up to 8 connections with ones of our choice, and exchanges one of our choice every ten minutes. Inbound ones
 * are never closed for others: they hold at most four places, whoever is patient.
 */
export function planLinks<P extends Peer>(
  links: readonly Link[],
  active: PeerIndex<P>,
  { random, now, swappedAt, except, parameters }: LinkOptions,
): LinkPlan<P> {
  const { connections, outboundMin, swapMs } = parameters.gossip
  const outbound = links.filter((link) => link.outbound)
  const wanted = Math.max(outboundMin, connections - (links.length - outbound.length))
  const isSwap = now - swappedAt >= swapMs && outbound.length >= wanted
  const surplus = outbound.length - wanted + (isSwap ? 1 : 0)
  const close = surplus > 0 ? sample(random, outbound, surplus).map(({ id }) => id) : []
  const lack = wanted - outbound.length + close.length
  const connected = new Set([...except, ...links.map(({ id }) => id)])
  const open = drawPeers(active, lack, { random, except: connected })
  // In a network where everybody is connected already, exchanging would only cut.
  if (isSwap && open.length === 0) return { open, close: [], swappedAt: now }
  return { open, close, swappedAt: isSwap ? now : swappedAt }
}
