// Where you sit: a home connection with its DNS resolver and its way out, both of which an attacker may get hold of.

import { createClient, type Report } from '../src/client/client.ts'
import type { ListEntry } from '../src/protocol/routes.ts'
import type { Endpoint, Random } from '../src/runtime/runtime.ts'
import { createResolver } from '../src/vantage/dns/resolver.ts'
import { createProbe } from '../src/vantage/probe.ts'
import type { Policy } from '../src/verdict/policies.ts'
import { serveResolver, type RegionalResolver } from './dns/servers.ts'
import { hostileNetwork, type HostileNetwork } from './interception.ts'
import { world } from './world.ts'

/** A connection with a client of Sightline behind it. */
export interface Home {
  readonly resolver: RegionalResolver
  readonly network: HostileNetwork
  /** What Sightline says about `target`: the production client. */
  verify(target: string, options: VerifyFrom): Promise<Report>
}

/** Whom to ask, and how. */
export interface VerifyFrom {
  readonly mirrors: readonly { readonly entry: ListEntry }[]
  readonly policy?: Policy
  /** Chance, where an act must be able to repeat a draw. */
  readonly random?: Random
  readonly signal: AbortSignal
}

/** A home whose resolver stands at `address`. */
export async function startHome(address: string, authority: Endpoint): Promise<Home> {
  const resolver = await serveResolver(address, authority)
  const network = hostileNetwork(world.network)
  const needs = { ...world, network }
  const probe = createProbe(needs, {
    resolver: createResolver(world, { servers: [resolver.endpoint] }),
    allowPrivate: true,
  })
  return {
    resolver,
    network,
    verify: async (target, options) => {
      const client = createClient(
        { ...needs, random: options.random ?? world.random },
        {
          mirrors: options.mirrors.map((mirror) => mirror.entry),
          probe,
          ...(options.policy === undefined ? {} : { policy: options.policy }),
        },
      )
      try {
        // A client that has been running for a while has its connections to mirrors open.
        await client.warm(options.signal)
        return await client.verify(target, { signal: options.signal })
      } finally {
        client.close()
      }
    },
  }
}
