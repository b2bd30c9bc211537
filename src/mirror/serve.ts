// A mirror on a socket: bound first, because its descriptor names the port, then described, then renewed in time.

import { Failure } from '../base/failure.ts'
import { invariant } from '../base/invariant.ts'
import { limits } from '../base/limits.ts'
import type { Authority } from '../identity/issue.ts'
import { mirrorIdOf } from '../observation/fingerprint.ts'
import type { DissentProfile } from '../membership/dissent.ts'
import { parameters as defaults, type Parameters } from '../membership/parameters.ts'
import { formatMirrorUrl } from '../protocol/bootstrap.ts'
import type { BootstrapSeen } from '../protocol/lists.ts'
import type { Whereabouts } from '../protocol/network.ts'
import type { ListEntry } from '../protocol/routes.ts'
import type { Endpoint, Runtime } from '../runtime/runtime.ts'
import type { MirrorStore } from '../store/store.ts'
import type { Resolver } from '../vantage/dns/resolver.ts'
import { createProbe, type Probe } from '../vantage/probe.ts'
import { openLog, type ObservationLog } from './log.ts'
import type { MirrorIdentity } from './identity.ts'
import { createMirror, type Mirror } from './mirror.ts'
import { createNetwork, type Network } from './network/network.ts'
import type { NameServers } from './network/origins.ts'
import { openPeers } from './network/peers.ts'
import { openTrialMemory } from './network/trials.ts'
import type { WebhookUrl } from './network/webhook.ts'
import { halfOfThePace, pacedConnect } from './pace.ts'
import { createRelay, type RelayCounts } from './relay.ts'

export interface ServeOptions {
  readonly authority: Authority
  readonly listen: Endpoint
  /** Public addresses, the dedicated one first. */
  readonly addresses: readonly string[]
  readonly region: string | null
  readonly domain: string | null
  readonly contact: readonly string[]
  /** The vantage's own resolver, shared with no other vantage. */
  readonly resolver: Resolver
  /** The vantage itself, where it is not one that asks `resolver` and shakes hands from here: a simulation has its own. */
  readonly probe?: Probe
  /** For test networks: looks at private addresses for strangers. */
  readonly allowPrivate: boolean
  /** Other mirrors that its operator begins with: they are listed at once, and tested as all others from then on. */
  readonly known: readonly ListEntry[]
  /** Mirrors that are asked to take this one in (R91); none unless given. */
  readonly joins?: readonly Whereabouts[]
  /** The network's rules; their defaults unless given. */
  readonly parameters?: Parameters
  /** Its memory, which the caller closes behind it; where it is durable, the mirror keeps a log of what it saw. */
  readonly store?: MirrorStore
  /** Bootstrap files that it has seen; none unless given. */
  readonly bootstraps?: BootstrapSeen['files']
  /** Public names, as targets, that others are tested with beside those that clients ask for; none unless given. */
  readonly filler?: readonly string[]
  /** Where its operator is told when others remove it, or take it back; the log alone unless given. */
  readonly webhook?: WebhookUrl
  /** What counts as dissent; `default` unless given. */
  readonly profile?: DissentProfile
}

/** A mirror that answers. */
export interface ServedMirror {
  readonly mirror: Mirror
  /** `https://IP:PORT#ID`. */
  readonly url: string
  /** The pair that a bootstrap file holds. */
  readonly entry: ListEntry
  /** What it is among other mirrors. */
  readonly network: Network
  /** What it carried for others since it began. */
  readonly relayed: () => RelayCounts
  close(): Promise<void>
}

/** Serves until closed. @throws Failure listen-failed, store-failed */
export async function serveMirror(needs: Runtime, options: ServeOptions): Promise<ServedMirror> {
  const log = options.store === undefined ? null : await openDurableLog(needs, options.store)
  const server = await needs.network.serveHttps({
    listen: options.listen,
    // The largest that any route takes; each looks at its own.
    bodyBytesMax: limits.letterBytesMax,
  })
  const { port } = server.local
  const addresses = options.addresses.map((address) => ({ address, port }))
  const { authority, region, domain, contact, allowPrivate, bootstraps = [] } = options
  const id = mirrorIdOf(needs.crypto, authority.certificate.spki)
  const entry = { ip: options.addresses[0] ?? server.local.address, port, id, region }
  const probe = options.probe ?? createOwnProbe(needs, options)
  const made: { mirror: Mirror | null } = { mirror: null }
  const identity = (): MirrorIdentity => {
    invariant(made.mirror !== null, 'a mirror signs nothing before it is made')
    return made.mirror.identity()
  }
  const network = await openNetwork(needs, { ...options, entry, probe, identity })
  const relay = createRelay(needs, { self: id, find: network.find })
  const mirror = createMirror(needs, {
    authority,
    description: { addresses, region, domain, contact },
    probe,
    allowPrivate,
    relay,
    ...(log === null ? {} : { log }),
    network,
    known: network.known,
    bootstraps,
  })
  made.mirror = mirror
  const show = (): void => server.show(mirror.identity().keyPem, mirror.identity().chainPem)
  show()
  server.answer((question) => mirror.handle(question))
  const stopRenewing = renewInTime(needs, mirror, show)
  network.start()
  network.join(options.joins ?? [])
  return {
    mirror,
    entry,
    network,
    relayed: () => relay.counts(),
    url: formatMirrorUrl(entry),
    close: async () => {
      stopRenewing()
      relay.close()
      await network.stop()
      await server.close()
      await log?.close()
    },
  }
}

function createOwnProbe(needs: Runtime, { resolver, allowPrivate }: ServeOptions): Probe {
  // Own looks and looks at addresses that askers name have a pace of their own each: the second cannot starve the first.
  const paced = (): Probe => {
    const connect = pacedConnect(needs.clock, needs.network, halfOfThePace)
    const network = { ...needs.network, connect }
    return createProbe({ ...needs, network }, { resolver, allowPrivate })
  }
  const [own, asked] = [paced(), paced()]
  return { ...own, shake: (target, addresses, signal) => asked.shake(target, addresses, signal) }
}

/** The network as the store remembers it, with those that the operator begins with. */
async function openNetwork(
  needs: Runtime,
  options: ServeOptions & {
    readonly entry: ListEntry
    readonly probe: Probe
    readonly identity: () => MirrorIdentity
  },
): Promise<Network> {
  const { entry, probe, allowPrivate, store = null, parameters = defaults } = options
  const place = { ...entry, domain: options.domain }
  const peers = await openPeers(needs, { self: entry.id, place, store, parameters })
  peers.vouch(options.known)
  const { region, identity, filler = [], webhook = null, profile = 'default' } = options
  const trials = {
    memory: await openTrialMemory(needs.random, store),
    nameServers: nameServersBy(options.resolver),
    region,
    identity,
    filler,
    webhook,
    profile,
  }
  return createNetwork(needs, { self: entry, peers, parameters, probe, allowPrivate, trials })
}

/** Who serves a domain, as `resolver` knows. */
function nameServersBy(resolver: Resolver): NameServers {
  return async (domain, signal) => {
    try {
      const { status, records } = await resolver.query(domain, 'NS', signal)
      return status === 'ok' ? records : null
    } catch (error) {
      if (signal.aborted) return null
      throw error
    }
  }
}

/**
 * The log in a durable store. With another kind the next start would begin a second history, and prove us liars; with a
 * log that has lost its trunk we go on without one, and tell the operator.
 */
async function openDurableLog(needs: Runtime, store: MirrorStore): Promise<ObservationLog | null> {
  if (!store.isDurable) return null
  try {
    return await openLog(needs, store)
  } catch (error) {
    if (!Failure.is(error) || error.code !== 'store-damaged') throw error
    needs.log.warn('log unusable', { error: error.message })
    return null
  }
}

/** Renews the identity when its time has come; the wall clock may jump, so it is looked at every hour. */
function renewInTime(
  needs: Pick<Runtime, 'clock' | 'log'>,
  mirror: Mirror,
  show: () => void,
): () => void {
  let cancel = (): void => {}
  const wait = (): void => {
    cancel = needs.clock.after(3_600_000, () => {
      if (needs.clock.now() >= mirror.identity().renewAt) {
        mirror.renew()
        show()
        needs.log.info('identity renewed', { id: mirror.id })
      }
      wait()
    })
  }
  wait()
  return () => cancel()
}
