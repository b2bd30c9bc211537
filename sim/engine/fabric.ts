// What all hosts of one simulated network share.

import type { Endpoint } from '../../src/runtime/runtime.ts'
import type { Engine } from './engine.ts'
import type { Host } from './host.ts'
import type { Links } from './links.ts'
import type { Trace } from './trace.ts'

/** A TLS server as somebody at one place finds it. */
export interface Shown {
  /** DER, leaf first. */
  readonly chain: readonly Uint8Array[]
  /** Where it is, for the time that a handshake takes. */
  readonly region: string | null
}

/** Servers beyond the mirrors: the sites that are asked about, and whoever stands before them. */
export interface Services {
  /** What whoever comes from `from` is shown at `to`; null where nobody listens. */
  shown(from: Host, to: Endpoint, serverName: string | null): Shown | null
}

/** The network as a whole. */
export interface Fabric {
  readonly engine: Engine
  readonly links: Links
  readonly trace: Trace
  /** False where bytes on the way differ from run to run: then the trace holds who, when and how, but not what. */
  readonly tracesBodies: boolean
  readonly hosts: ReadonlyMap<string, Host>
  readonly services: Services
}

/** Kinds of entries in the trace. */
export const traced = { question: 1, reply: 2, log: 3, decision: 4 } as const
