// The clients of the world: production clients on nodes of their own.

import { createClient, type Client, type Report } from '../../src/client/client.ts'
import type { ListEntry } from '../../src/protocol/routes.ts'
import type { Policy } from '../../src/verdict/policies.ts'
import type { Node } from '../engine/node.ts'
import { createWorldProbe, type ProbeNeeds } from './probe.ts'
import type { Site } from './site.ts'
import type { Vantage } from './sightlines.ts'

/** A client, and the process that it runs in. */
export interface SimClient {
  readonly node: Node
  readonly vantage: Vantage
  /** Verifies `site`, and leaves the verdict in the trace and to the invariants. */
  verify(site: Site): Promise<Report>
  clockIsOffBy(ms: number): void
  close(): void
}

/** What a client is made of. */
export interface ClientParts {
  readonly node: Node
  readonly world: Omit<ProbeNeeds, 'clock'>
  readonly mirrors: readonly ListEntry[]
  readonly policy: Policy
  /** Told of each verdict. */
  readonly onVerdict: (verdict: { readonly report: Report; readonly policy: Policy }) => void
}

/** A client that knows the mirrors in `parts`. */
export function createSimClient(parts: ClientParts): SimClient {
  const { node, world, mirrors, policy } = parts
  const runtime = node.runtime()
  const vantage: Vantage = { host: node.host, errs: 0, liesAbout: 0, accomplice: null }
  const probe = createWorldProbe({ ...world, clock: runtime.clock }, vantage)
  const client: Client = createClient(runtime, { mirrors, probe, policy })
  return {
    node,
    vantage,
    verify: async (site) => {
      const report = await client.verify(site.target)
      parts.onVerdict({ report, policy })
      return report
    },
    clockIsOffBy: (ms) => {
      node.skewMs = ms
    },
    close: () => client.close(),
  }
}
