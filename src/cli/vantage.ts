// This machine's own vantage as commands use it: the resolvers of the system or of a flag, and a probe.

import { message, multiple, option, optional } from '@optique/core'
import { systemResolvers } from '../runtime/node/system-resolvers.ts'
import type { Endpoint, Runtime } from '../runtime/runtime.ts'
import { createResolver } from '../vantage/dns/resolver.ts'
import { createProbe, type Probe } from '../vantage/probe.ts'
import { endpoint } from './values.ts'

/** `--resolver`, as often as wanted. */
export const resolverOption = multiple(
  option('--resolver', endpoint({ defaultPort: 53 }), {
    description: message`ask this DNS server instead of the system's; repeatable`,
  }),
)

/** `--connect`. */
export const connectOption = optional(
  option('--connect', connectEndpoint(), {
    description: message`use this address instead of those that DNS gives`,
  }),
)

/** `--allow-private`. */
export const allowPrivateOption = option('--allow-private', {
  description: message`take private addresses too; for test networks only`,
})

/** An IP with a port, or without one: then port 0 stands for the target's own. */
function connectEndpoint() {
  return { ...endpoint({ defaultPort: 0, anyPort: true }) }
}

/** Where `--connect` leads for a target of port `port`; null when it was not given. */
export function connectTo(given: Endpoint | undefined, port: number): Endpoint | null {
  return given === undefined
    ? null
    : { address: given.address, port: given.port === 0 ? port : given.port }
}

/** A probe of this machine for its own questions: private addresses are its user's to ask about. */
export function ownProbe(
  runtime: Runtime,
  resolvers: readonly Endpoint[],
  timeoutMs?: number,
): Probe {
  const servers = resolvers.length > 0 ? resolvers : systemResolvers()
  return createProbe(runtime, {
    resolver: createResolver(runtime, { servers }),
    allowPrivate: true,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  })
}
