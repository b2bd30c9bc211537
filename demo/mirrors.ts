// Secure Mirrors of the small Internet: the production mirror over real HTTPS, each with a resolver and a path of its own.

import { limits } from '../src/base/limits.ts'
import { createMirrorAuthority } from '../src/mirror/identity.ts'
import { createMirror } from '../src/mirror/mirror.ts'
import { serveMirror } from '../src/mirror/serve.ts'
import type { ListEntry } from '../src/protocol/routes.ts'
import type { Endpoint } from '../src/runtime/runtime.ts'
import { createResolver } from '../src/vantage/dns/resolver.ts'
import type { Probe } from '../src/vantage/probe.ts'
import { serveResolver, type RegionalResolver } from './dns/servers.ts'
import { hostileNetwork, type HostileNetwork } from './interception.ts'
import { world } from './world.ts'

/** A running mirror, and what an attacker can get hold of around it. */
export interface RunningMirror {
  readonly entry: ListEntry
  readonly resolver: RegionalResolver
  /** Its way to the rest of the world. */
  readonly network: HostileNetwork
  /** Pulls the plug; a second time does nothing. */
  stop(): Promise<void>
}

/** Where a mirror stands and whom it asks. */
export interface MirrorPlace {
  readonly region: string
  readonly address: string
  readonly resolverAddress: string
  /** The authoritative DNS server. */
  readonly authority: Endpoint
}

/** Starts an honest mirror at `place`: honest as far as its resolver and its path let it be. */
export async function startMirror(place: MirrorPlace): Promise<RunningMirror> {
  const resolver = await serveResolver(place.resolverAddress, place.authority)
  const network = hostileNetwork(world.network)
  const served = await serveMirror(
    { ...world, network },
    {
      authority: createMirrorAuthority(world),
      listen: { address: place.address, port: 0 },
      addresses: [place.address],
      region: place.region,
      domain: null,
      contact: [],
      resolver: createResolver(world, { servers: [resolver.endpoint] }),
      allowPrivate: true,
      known: [],
    },
  )
  let stopping: Promise<unknown> | null = null
  return {
    entry: served.entry,
    resolver,
    network,
    stop: async () => {
      stopping ??= Promise.all([served.close(), resolver.close()])
      await stopping
    },
  }
}

/** A mirror without eyes, that signs whatever `inventing` makes up: its keys and its signatures are in order. */
export interface Liar {
  readonly entry: ListEntry
  stop(): Promise<void>
}

/** Starts a liar. */
export async function startLiar(
  place: Pick<MirrorPlace, 'region' | 'address'>,
  inventing: Probe,
): Promise<Liar> {
  const server = await world.network.serveHttps({
    listen: { address: place.address, port: 0 },
    bodyBytesMax: limits.requestBytesMax,
  })
  const { region } = place
  const mirror = createMirror(world, {
    authority: createMirrorAuthority(world),
    description: { addresses: [server.local], region, domain: null, contact: [] },
    probe: inventing,
    allowPrivate: true,
    known: () => [],
  })
  const { keyPem, chainPem } = mirror.identity()
  server.show(keyPem, chainPem)
  server.answer((question) => mirror.handle(question))
  const { address, port } = server.local
  return { entry: { ip: address, port, id: mirror.id, region }, stop: () => server.close() }
}
