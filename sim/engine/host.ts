// A host of the simulated network: where it is, what listens on it, and what has passed through it.

import type { HttpsHandler } from '../../src/runtime/runtime.ts'
import type { End } from './links.ts'

/** What a host has sent and received: messages of HTTPS, and the bytes of their paths and bodies. */
export interface Traffic {
  sent: number
  sentBytes: number
  received: number
  receivedBytes: number
}

/** A server on a port of a host. */
export interface Listener {
  /** DER, leaf first; empty until the server has a certificate. */
  chain: readonly Uint8Array[]
  handler: HttpsHandler | null
  readonly bodyBytesMax: number
  isOpen: boolean
}

/** A machine of the network. */
export interface Host extends End {
  /** For traces and messages. */
  readonly name: string
  /** Counted from 0 over all hosts. */
  readonly index: number
  /** Its own addresses, the first of which it sends from. */
  readonly addresses: readonly string[]
  /** Grows when its process ends: what belongs to an earlier life is nobody's. */
  life: number
  /** Takes everything and never answers. */
  isSilent: boolean
  /** What it takes longer to answer than it could, ms. */
  extraMs: number
  readonly listeners: Map<number, Listener>
  readonly traffic: Traffic
}

/** A host that is up and on which nothing listens. */
export function createHost(about: Pick<Host, 'name' | 'index' | 'addresses' | 'region'>): Host {
  return {
    ...about,
    life: 0,
    isSilent: false,
    extraMs: 0,
    listeners: new Map(),
    traffic: { sent: 0, sentBytes: 0, received: 0, receivedBytes: 0 },
  }
}
