// A network of production mirrors in virtual time, each on a host of the simulator: for tests of what they do together.

import type { DnsAnswer } from '../../src/observation/observation.ts'
import type { Authority } from '../../src/identity/issue.ts'
import { parameters as defaults, type Parameters } from '../../src/membership/parameters.ts'
import type { PeerRecord } from '../../src/mirror/network/record.ts'
import type { Peers } from '../../src/mirror/network/peers.ts'
import { serveMirror, type ServedMirror } from '../../src/mirror/serve.ts'
import { mirrorIdOf } from '../../src/observation/fingerprint.ts'
import type { ListEntry } from '../../src/protocol/routes.ts'
import { sleep } from '../../src/runtime/deadline.ts'
import type { HttpReply, Runtime } from '../../src/runtime/runtime.ts'
import { openStore } from '../../src/store/open.ts'
import type { MirrorStore } from '../../src/store/store.ts'
import type { Probe } from '../../src/vantage/probe.ts'
import type { Engine } from '../../sim/engine/engine.ts'
import type { Links } from '../../sim/engine/links.ts'
import type { Node } from '../../sim/engine/node.ts'
import { regions } from '../../sim/engine/places.ts'
import { createGround, type Ground } from '../../sim/world/ground.ts'

/** One mirror of the network, and what can happen to it. */
export interface NetworkMirror {
  readonly entry: ListEntry
  readonly node: Node
  readonly served: () => ServedMirror
  readonly peers: () => Peers
  /** How it sees another one; null when it does not know it. */
  readonly sees: (other: Pick<NetworkMirror, 'entry'>) => PeerRecord | null
  /** Its answer to a request from `from`. */
  readonly asked: (request: Request) => Promise<Answer>
  /** Ends its process at once, whatever it is doing. */
  readonly crash: () => void
  /** Ends its process as an operator does. */
  readonly stop: () => Promise<void>
  /** Begins its process again, on the disk that is there. */
  readonly returns: () => Promise<void>
}

/** A request to a mirror, past the network. */
export interface Request {
  readonly method?: 'GET' | 'POST'
  readonly path: string
  /** Sent as JSON, or as it is when it is text. */
  readonly body?: unknown
  readonly from?: string
  readonly contentType?: string
}

/** A reply with its JSON body. */
export interface Answer {
  readonly reply: HttpReply
  readonly value: Readonly<Record<string, unknown>>
}

/** Where a mirror is and whom it knows. */
export interface Founding {
  readonly region?: string
  /** True for mirrors that share one /24; each has a network of its own otherwise. */
  readonly crowded?: boolean
  readonly domain?: string
  /** Mirrors that it begins with. */
  readonly known?: readonly ListEntry[]
  /** Mirrors through which it joins. */
  readonly joins?: readonly ListEntry[]
  readonly authority?: Authority
}

/** Names that the mirrors' resolvers know, for mirrors with a domain. */
export type Names = Map<
  string,
  { readonly addresses: readonly string[]; readonly tlsa: readonly string[] }
>

/** The network. */
export interface NetworkWorld {
  readonly engine: Engine
  readonly links: Links
  readonly ground: Ground
  /** Those that founded it: each lists all others. */
  readonly founders: readonly NetworkMirror[]
  readonly names: Names
  readonly mirror: (founding?: Founding) => Promise<NetworkMirror>
  /** Lets time pass. */
  readonly wait: (ms: number) => Promise<void>
  /** Plays a tester who lets everybody pass, whatever is due, at every mirror that runs. */
  readonly passAll: () => void
}

/** Rules for worlds in which days pass: everybody is pinged once an hour, as in large networks. */
export const slowPings: Parameters = {
  ...defaults,
  ping: { ...defaults.ping, everyMs: 1_800_000 },
  peers: { ...defaults.peers, saveMs: 600_000 },
}

/** A network of `count` founders. */
export async function createNetworkWorld(options: {
  readonly count: number
  readonly seed?: number
  readonly parameters?: Parameters
}): Promise<NetworkWorld> {
  const { count, seed = 1, parameters = slowPings } = options
  const ground = createGround({ seed })
  const names: Names = new Map()
  const all: NetworkMirror[] = []
  const add = async (plan: Plan): Promise<NetworkMirror> => {
    const made = await createNetworkMirror({ ground, parameters, names }, plan)
    all.push(made)
    return made
  }
  const plans = Array.from({ length: count }, (_, i) => planOf(ground, { region: regionOf(i) }))
  const entries = plans.map(({ entry }) => entry)
  const founders: NetworkMirror[] = []
  for (const plan of plans) founders.push(await add({ ...plan, known: entries }))
  return {
    engine: ground.engine,
    links: ground.links,
    ground,
    founders,
    names,
    mirror: (founding = {}) => add(planOf(ground, founding)),
    wait: (ms) => ground.engine.advance(ms),
    passAll: () => {
      for (const { peers } of all)
        for (const { entry, standing } of peers().all())
          if (standing.testAt !== null && standing.testAt <= ground.engine.now())
            peers().apply(entry.id, 'series-passed')
    },
  }
}

function regionOf(i: number): string {
  return regions[i % regions.length] ?? 'RIPE-DE'
}

interface Plan extends Founding {
  readonly node: Node
  readonly authority: Authority
  readonly entry: ListEntry
}

function planOf(ground: Ground, founding: Founding): Plan {
  const { region = 'RIPE-DE', crowded = false } = founding
  const node = crowded
    ? ground.node('attackers', { region, networks: 1 })
    : ground.node('mirrors', { region })
  const [ip = ''] = node.host.addresses
  const authority = founding.authority ?? ground.keys.authority(node.runtime(), `mirror ${ip}`)
  const id = mirrorIdOf(ground.keys.crypto, authority.certificate.spki)
  return { ...founding, node, authority, entry: { ip, port: 443, id, region } }
}

interface Shared {
  readonly ground: Ground
  readonly parameters: Parameters
  readonly names: Names
}

async function createNetworkMirror(shared: Shared, plan: Plan): Promise<NetworkMirror> {
  const { node, entry } = plan
  const { engine } = shared.ground
  // What waits for the clock needs time to pass.
  const started = (): ReturnType<typeof serve> => engine.runUntil(serve(shared, plan))
  let running = await started()
  const peers = (): Peers => running.served.network.peers
  return {
    entry,
    node,
    served: () => running.served,
    peers,
    sees: (other) => peers().record(other.entry.id),
    asked: async ({ method = 'POST', path, body, from = '203.1.113.9', contentType }) => {
      const text = typeof body === 'string' ? body : JSON.stringify(body ?? null)
      const handled = running.served.mirror.handle({
        method,
        path,
        contentType: contentType ?? 'application/json',
        body: new TextEncoder().encode(text),
        peer: { address: from, port: 40_000 },
      })
      const reply = await engine.runUntil(Promise.resolve(handled))
      return { reply, value: JSON.parse(String(reply.body)) as Answer['value'] }
    },
    crash: () => node.crash(),
    stop: async () => {
      await engine.runUntil(running.served.close())
      await engine.runUntil(running.store.close())
    },
    returns: async () => {
      running = await started()
    },
  }
}

async function serve(
  { ground, parameters, names }: Shared,
  plan: Plan,
): Promise<{ readonly served: ServedMirror; readonly store: MirrorStore }> {
  const { node, authority, entry, domain = null, known = [], joins = [] } = plan
  const runtime = node.runtime()
  const store = await openStore(runtime, { url: 'sqlite:mirror.db', owner: entry.id })
  const served = await serveMirror(runtime, {
    authority,
    store,
    listen: { address: entry.ip, port: entry.port },
    addresses: [entry.ip],
    region: entry.region,
    domain,
    contact: [],
    resolver: { query: () => Promise.reject(new Error('the eyes are scripted')) },
    probe: namesAlone(runtime, names),
    allowPrivate: false,
    known,
    joins,
    parameters,
  })
  ground.looksFrom({ host: node.host, errs: 0, liesAbout: 0, accomplice: null })
  return { served, store }
}

/** Eyes that know names and have nothing to look at. */
function namesAlone({ clock }: Pick<Runtime, 'clock'>, names: Names): Probe {
  const unexpected = (): Promise<never> => Promise.reject(new Error('there is nothing to look at'))
  return {
    look: unexpected,
    shake: unexpected,
    resolve: async (target, signal) => {
      await sleep(clock, 10, signal)
      const known = names.get(target.host)
      const answer = (records: readonly string[]): DnsAnswer => ({
        status: known === undefined ? 'nxdomain' : records.length > 0 ? 'ok' : 'nodata',
        records,
        ttl: 60,
        ad: false,
        cname: [],
        error: null,
      })
      const authority = {
        ...answer(known?.tlsa ?? []),
        origin: 'service' as const,
        owner: `_${target.port}._tcp.${target.host}`,
        base: target.host,
      }
      const dns = { a: answer(known?.addresses ?? []), aaaa: answer([]), authority }
      return { dns, at: clock.now(), dnsMs: 10 }
    },
  }
}
