// A network of production mirrors in virtual time that test each other: sites to ask for, mirrors that lie or are slow, and everything that crosses the wire.

import type { Authority } from '../../src/identity/issue.ts'
import { parameters as defaults, type Parameters } from '../../src/membership/parameters.ts'
import type { Peers } from '../../src/mirror/network/peers.ts'
import type { PeerRecord } from '../../src/mirror/network/record.ts'
import { serveMirror, type ServedMirror } from '../../src/mirror/serve.ts'
import { mirrorIdOf } from '../../src/observation/fingerprint.ts'
import type { ListEntry } from '../../src/protocol/routes.ts'
import type { HttpQuestion, HttpReply, Network, Runtime } from '../../src/runtime/runtime.ts'
import { openStore } from '../../src/store/open.ts'
import type { MirrorStore } from '../../src/store/store.ts'
import type { Node } from '../../sim/engine/node.ts'
import { regions } from '../../sim/engine/places.ts'
import { createGround, type Ground } from '../../sim/world/ground.ts'
import { createWorldProbe, type ProbeNeeds } from '../../sim/world/probe.ts'
import { createWorldResolver } from '../../sim/world/resolver.ts'
import type { Vantage } from '../../sim/world/sightlines.ts'
import { createSite, type Site } from '../../sim/world/site.ts'

/** One mirror, and what it may do. */
export interface TrialMirror {
  readonly entry: ListEntry
  readonly node: Node
  readonly vantage: Vantage
  readonly served: () => ServedMirror
  readonly peers: () => Peers
  /** How it sees another one; null when it does not know it. */
  readonly sees: (other: Pick<TrialMirror, 'entry'>) => PeerRecord | null
  /** Its answer to a posted request. */
  readonly posted: (path: string, body: unknown, from?: string) => Promise<Answer>
  /** Changes its replies before they leave; null lets them be. */
  tamper: ((question: HttpQuestion, reply: HttpReply) => HttpReply) | null
  readonly crash: () => void
  readonly returns: () => Promise<void>
}

/** A reply with its JSON body. */
export interface Answer {
  readonly status: number
  readonly value: Readonly<Record<string, unknown>>
}

/** One message that a mirror was sent, and what it answered. */
export interface Message {
  readonly to: string
  readonly path: string
  readonly body: string
  readonly reply: string
}

/** The network. */
export interface TrialWorld {
  readonly ground: Ground
  readonly mirrors: readonly TrialMirror[]
  readonly sites: readonly Site[]
  readonly traffic: readonly Message[]
  readonly parameters: Parameters
  readonly wait: (ms: number) => Promise<void>
  /** Lets time pass until `isSo`, looking once an hour. @throws Error when it is not so within `withinMs` */
  readonly until: (isSo: () => boolean, withinMs: number) => Promise<void>
  /** A further mirror that knows nobody and joins through the first. */
  readonly newcomer: () => Promise<TrialMirror>
}

/** The rules, but for the pace of pings: a network of a dozen need not be pinged every second. */
export const trialParameters: Parameters = {
  ...defaults,
  ping: { ...defaults.ping, everyMs: 60_000 },
}

const hourMs = 3_600_000

/** A network of `count` mirrors that list each other, and 150 sites that all may be asked for. */
export async function createTrialWorld(options: {
  readonly count: number
  readonly seed?: number
  readonly parameters?: Parameters
}): Promise<TrialWorld> {
  const { count, seed = 1, parameters = trialParameters } = options
  const ground = createGround({ seed })
  const { engine, links, sightlines, chance } = ground
  const sites = Array.from({ length: sitesMade }, (_, i) => makeSite(ground, `www.site${i}.test`))
  for (const site of sites) sightlines.add(site)
  const traffic: Message[] = []
  const looks = { engine, links, sightlines, chance: chance.stream('looks') }
  const filler = sites.map((site) => site.target.text)
  const shared: Shared = { ground, parameters, looks, filler, traffic }
  const plans = Array.from({ length: count }, (_, i) => planOf(ground, i))
  const entries = plans.map(({ entry }) => entry)
  const mirrors: TrialMirror[] = []
  for (const plan of plans)
    mirrors.push(
      await engine.runUntil(createTrialMirror(shared, { ...plan, known: entries, joins: [] })),
    )
  return {
    ground,
    mirrors,
    sites,
    traffic,
    parameters,
    wait: (ms) => engine.advance(ms),
    until: async (isSo, withinMs) => {
      for (let passed = 0; !isSo(); passed += hourMs) {
        if (passed > withinMs) throw new Error(`not so within ${withinMs / hourMs} hours`)
        await engine.advance(hourMs)
      }
    },
    newcomer: () => {
      const plan = planOf(ground, mirrors.length)
      const joins = entries.slice(0, 1)
      return engine.runUntil(createTrialMirror(shared, { ...plan, known: [], joins }))
    },
  }
}

const sitesMade = 150

function makeSite(ground: Ground, name: string): Site {
  return createSite(
    {
      ...ground.nowhere,
      authority: (called) => ground.keys.authority(ground.nowhere, called),
      address: () => ground.address('sites'),
      elapsed: () => ground.engine.monotonic(),
      key: ground.key,
    },
    {
      name,
      region: 'RIPE-DE',
      servers: 'one',
      isPublished: true,
      ttlS: 60,
      propagationMs: 30_000,
    },
  )
}

interface Shared {
  readonly ground: Ground
  readonly parameters: Parameters
  readonly looks: Omit<ProbeNeeds, 'clock'>
  readonly filler: readonly string[]
  readonly traffic: Message[]
}

interface Plan {
  readonly node: Node
  readonly authority: Authority
  readonly entry: ListEntry
}

function planOf(ground: Ground, i: number): Plan {
  const region = regions[i % regions.length] ?? 'RIPE-DE'
  const node = ground.node('mirrors', { region })
  const [ip = ''] = node.host.addresses
  const authority = ground.keys.authority(node.runtime(), `mirror ${ip}`)
  const id = mirrorIdOf(ground.keys.crypto, authority.certificate.spki)
  return { node, authority, entry: { ip, port: 443, id, region } }
}

type Whole = Plan & { readonly known: readonly ListEntry[]; readonly joins: readonly ListEntry[] }

async function createTrialMirror(shared: Shared, plan: Whole): Promise<TrialMirror> {
  const { node, entry } = plan
  const vantage: Vantage = { host: node.host, errs: 0, liesAbout: 0, accomplice: null }
  const made: { self: TrialMirror | null } = { self: null }
  const overhear = (question: HttpQuestion, reply: HttpReply): HttpReply => {
    const changed = made.self?.tamper?.(question, reply) ?? reply
    shared.traffic.push({
      to: entry.id,
      path: question.path,
      body: textOf(question.body ?? new Uint8Array()),
      reply: textOf(changed.body),
    })
    return changed
  }
  const begin = () => serve(shared, plan, { vantage, overhear })
  let running = await begin()
  shared.ground.looksFrom(vantage)
  const peers = (): Peers => running.served.network.peers
  const self: TrialMirror = {
    entry,
    node,
    vantage,
    served: () => running.served,
    peers,
    sees: (other) => peers().record(other.entry.id),
    posted: async (path, body, from = '203.1.113.9') => {
      const handled = running.served.mirror.handle({
        method: 'POST',
        path,
        contentType: 'application/json',
        body: new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body)),
        peer: { address: from, port: 40_000 },
      })
      const reply = await shared.ground.engine.runUntil(Promise.resolve(handled))
      const value = JSON.parse(textOf(reply.body)) as Answer['value']
      return { status: reply.status, value }
    },
    tamper: null,
    crash: () => node.crash(),
    returns: async () => {
      running = await shared.ground.engine.runUntil(begin())
    },
  }
  made.self = self
  return self
}

async function serve(
  { ground, parameters, looks, filler }: Shared,
  plan: Whole,
  parts: {
    readonly vantage: Vantage
    readonly overhear: (question: HttpQuestion, reply: HttpReply) => HttpReply
  },
): Promise<{ readonly served: ServedMirror; readonly store: MirrorStore }> {
  const { node, authority, entry, known, joins } = plan
  const runtime: Runtime = node.runtime()
  const needs = { ...looks, clock: runtime.clock }
  const store = await openStore(runtime, { url: 'sqlite:mirror.db', owner: entry.id })
  const network = overheard(runtime.network, parts.overhear)
  const served = await serveMirror(
    { ...runtime, network },
    {
      authority,
      store,
      listen: { address: entry.ip, port: entry.port },
      addresses: [entry.ip],
      region: entry.region,
      domain: null,
      contact: [],
      resolver: createWorldResolver(needs, parts.vantage),
      probe: createWorldProbe(needs, parts.vantage),
      allowPrivate: false,
      known,
      joins,
      parameters,
      filler,
    },
  )
  ground.looksFrom(parts.vantage)
  return { served, store }
}

/** `network`, where `overhear` sees what its servers are asked, and may change what they answer. */
function overheard(
  network: Network,
  overhear: (question: HttpQuestion, reply: HttpReply) => HttpReply,
): Network {
  return {
    ...network,
    serveHttps: async (options) => {
      const server = await network.serveHttps(options)
      return {
        ...server,
        answer: (handler) =>
          server.answer((question) => {
            const reply = handler(question)
            return reply instanceof Promise
              ? reply.then((late) => overhear(question, late))
              : overhear(question, reply)
          }),
      }
    },
  }
}

function textOf(body: Uint8Array | string): string {
  return typeof body === 'string' ? body : new TextDecoder('latin1').decode(body)
}
