// The ground of a world: time, ways, names, keys, and hosts for whoever comes to live there.

import type { Endpoint, Runtime } from '../../src/runtime/runtime.ts'
import { createChance, type Chance } from '../engine/chance.ts'
import { madeUpKeys, realKeys, type Keys } from '../engine/crypto.ts'
import { createEngine, type Engine } from '../engine/engine.ts'
import type { Fabric } from '../engine/fabric.ts'
import { hashText, type Words } from '../engine/hash.ts'
import { createHost, type Host } from '../engine/host.ts'
import { createLinks, type Links } from '../engine/links.ts'
import { createNode, type Node } from '../engine/node.ts'
import { addressOf, type Inhabitant } from '../engine/places.ts'
import { createTrace, type Trace } from '../engine/trace.ts'
import { createSightlines, type Sightlines, type Vantage } from './sightlines.ts'

/** What a world is made from. */
export interface GroundOptions {
  readonly seed: number
  /** `made-up` ones are cheap; `real` ones are for a few mirrors. */
  readonly keys?: 'made-up' | 'real'
  /** Called after each event; what it throws ends the run. */
  readonly afterEvent?: () => void
  /** Called now and then while time passes; what it throws ends the run. */
  readonly onPause?: () => void
}

/** What everybody in one world shares. */
export interface Ground {
  readonly engine: Engine
  readonly trace: Trace
  readonly chance: Chance
  /** Of the seed, for choices that depend on names alone. */
  readonly key: Words
  readonly links: Links
  readonly sightlines: Sightlines
  readonly keys: Keys
  /** By their addresses. */
  readonly hosts: ReadonlyMap<string, Host>
  /** A world without a place in it: for owners and attackers, whose machines are scripted. */
  readonly nowhere: Pick<Runtime, 'clock' | 'random' | 'crypto'>
  /** A new address. */
  address(kind: Inhabitant, networks?: number): string
  /** A process on a new host. */
  node(kind: Inhabitant, options: NodeOptions): Node
  /** Says who looks from a node, so that its connections end where its DNS says. */
  looksFrom(vantage: Vantage): void
}

/** Where a new host is. */
export interface NodeOptions {
  readonly region: string
  /** All of the kind in so few networks; each in one of its own, while there are any, unless given. */
  readonly networks?: number
}

/** An empty world. */
export function createGround(options: GroundOptions): Ground {
  const { seed, afterEvent, onPause } = options
  const chance = createChance(`seed ${seed}`)
  const trace = createTrace()
  const engine = createEngine({
    trace,
    ...(afterEvent === undefined ? {} : { afterEvent }),
    ...(onPause === undefined ? {} : { onPause }),
  })
  const links = createLinks(chance.stream('links'))
  const key = hashText(`seed ${seed}`)
  const sightlines = createSightlines(chance.stream('errors'), key)
  const makeKeys = options.keys === 'real' ? realKeys : madeUpKeys
  const keys = makeKeys(chance.stream('keys'))
  const hosts = new Map<string, Host>()
  const vantages = new Map<Host, Vantage>()
  const counts = new Map<Inhabitant, number>()
  const address: Ground['address'] = (kind, networks = 0) => {
    const count = counts.get(kind) ?? 0
    counts.set(kind, count + 1)
    return addressOf(kind, count, networks)
  }
  const shown = (from: Host, to: Endpoint, serverName: string | null) => {
    const region = sightlines.regionAt(to.address)
    if (region === undefined) return null
    const [vantage, site] = [vantages.get(from), sightlines.find(serverName ?? '')]
    if (vantage === undefined || site === null) return { chain: [], region }
    const server = sightlines.server(vantage, site, to.address)
    return server === null ? null : { chain: server.certificates.map((one) => one.der), region }
  }
  const fabric: Fabric = {
    engine,
    links,
    trace,
    tracesBodies: keys.isRepeatable,
    hosts,
    services: { shown },
  }
  return {
    engine,
    trace,
    chance,
    key,
    links,
    sightlines,
    keys,
    hosts,
    nowhere: { clock: engine, random: chance.stream('owners'), crypto: keys.crypto },
    address,
    node: (kind, { region, networks }) => {
      const place = address(kind, networks)
      const host = createHost({ name: place, index: hosts.size, addresses: [place], region })
      hosts.set(place, host)
      return createNode({ fabric, host, chance: chance.stream(place), crypto: keys.crypto })
    },
    looksFrom: (vantage) => void vantages.set(vantage.host, vantage),
  }
}
