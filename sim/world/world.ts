// A world in virtual time, told as prose: mirrors, clients, sites, attackers and the ways between them, all from one seed.

import type { Report } from '../../src/client/client.ts'
import { sleep } from '../../src/runtime/deadline.ts'
import type { ListEntry } from '../../src/protocol/routes.ts'
import { parameters as defaults, type Parameters } from '../../src/membership/parameters.ts'
import type { Authority } from '../../src/identity/issue.ts'
import { policies, type Policy } from '../../src/verdict/policies.ts'
import { registryOf } from '../../src/verdict/regions.ts'
import { traced } from '../engine/fabric.ts'
import type { End } from '../engine/links.ts'
import type { Node } from '../engine/node.ts'
import { regions } from '../engine/places.ts'
import { createInvariants } from '../invariants.ts'
import { createAttacker, type Attacker, type Way } from './attacker.ts'
import { createSimClient, type SimClient } from './clients.ts'
import { createGround, type Ground } from './ground.ts'
import { createSimMirror, mirrorsOf, type Mirrors, type SimMirror } from './mirrors.ts'
import { createSite, type Site, type SiteOptions } from './site.ts'

/** What a world is made from. */
export interface Setting {
  readonly seed: number
  readonly mirrors: number
  /** `made-up` ones are cheap; `real` ones are for a few mirrors. */
  readonly keys?: 'made-up' | 'real'
  /** Where the mirrors are, in turn; all regions of the world unless given. */
  readonly places?: readonly string[]
  /** The rules by which mirrors live together; unless given, they live each for itself. */
  readonly parameters?: Parameters
  /** Called now and then; what it throws ends the run. */
  readonly onPause?: (world: Pick<World, 'engine'>) => void
}

/** Who a client is: of the default policy, somewhere, and knowing all mirrors, unless it says otherwise. */
export interface ClientOptions {
  readonly policy?: Policy
  readonly region?: string
  readonly mirrors?: readonly ListEntry[]
}

/** Who comes between whom. */
export interface Between {
  readonly attacker: Attacker
  readonly way: Way
  readonly victim: SimClient
  readonly site: Site
}

/** A world, in which scenarios happen. */
export interface World extends Ground {
  readonly mirrors: Mirrors
  /** A further mirror on `node`, serving. */
  mirrorOn(node: Node): Promise<SimMirror>
  client(options?: ClientOptions): SimClient
  /** A new site: one server, an authority of its own, and records that name it, unless it says otherwise. */
  site(options?: Partial<SiteOptions>): Site
  /** Takes a site out of the world: thousands of them are looked at only once. */
  forget(site: Site): void
  /** Somebody with an authority of its own, unless it has stolen another's. */
  attacker(stolen?: Authority): Attacker
  /** Lets an attacker come between a victim and a site; the result ends it. */
  attack(between: Between): () => void
  /** Cuts a registry's region off from the rest of the world; the result mends it. */
  partition(registry: string): () => void
  wait(ms: number): Promise<void>
  /** Puts a decision into the trace. */
  decide(what: string): void
  /** Holds after every event from now on: `check` says what is wrong, or null. */
  readonly always: (name: string, check: () => string | null) => void
  /** Verdicts that were given. */
  readonly verdicts: () => number
}

const dayMs = 86_400_000

/** Rules for worlds in which mirrors have nothing to do with each other: what they would do by themselves is put off. */
const alone: Parameters = {
  ...defaults,
  ping: { ...defaults.ping, everyMs: dayMs },
  gossip: { ...defaults.gossip, swapMs: dayMs, antiEntropyMs: dayMs },
  peers: { ...defaults.peers, saveMs: dayMs },
}

/** A world whose mirrors serve, at its first instant. */
export async function createWorld(setting: Setting): Promise<World> {
  const { seed, keys = 'made-up', onPause, places = regions, parameters = alone } = setting
  const invariants = createInvariants()
  const ground = createGround({
    seed,
    keys,
    afterEvent: () => invariants.afterEvent(ground.engine.monotonic()),
    ...(onPause === undefined ? {} : { onPause: () => onPause(ground) }),
  })
  const { engine, trace, chance, links, sightlines } = ground
  const looks = { engine, links, sightlines, chance: chance.stream('looks') }
  const mirrorOn = async (node: Node): Promise<SimMirror> => {
    const authority = ground.keys.authority(node.runtime(), `mirror ${node.host.name}`)
    const mirror = await createSimMirror({ node, authority, parameters, world: looks })
    ground.looksFrom(mirror.vantage)
    return mirror
  }
  const all: SimMirror[] = []
  for (let i = 0; i < setting.mirrors; i++) {
    const region = places[i % places.length] ?? ''
    all.push(await mirrorOn(ground.node('mirrors', { region })))
    if (i % 256 === 255) onPause?.(ground)
  }
  const mirrors = mirrorsOf(all, chance.stream('choices'))
  const decide = (what: string): void => {
    trace.word(traced.decision)
    trace.text(what)
  }
  const onVerdict = ({
    report,
    policy,
  }: {
    readonly report: Report
    readonly policy: Policy
  }): void => {
    const { outcome, quorum, target } = report
    decide(`${target} ${outcome} ${quorum.agreeing} of ${quorum.asked}`)
    invariants.onVerdict(report, { policy, elapsedMs: engine.monotonic() })
  }
  return {
    ...ground,
    ...inhabit(ground),
    mirrors,
    mirrorOn,
    client: ({ policy = policies.default, region, mirrors: known = mirrors.entries } = {}) => {
      const node = ground.node('clients', { region: region ?? chance.oneOf(regions) })
      const client = createSimClient({ node, world: looks, mirrors: known, policy, onVerdict })
      ground.looksFrom(client.vantage)
      return client
    },
    wait: (ms) => sleep(engine, ms),
    decide,
    always: invariants.always,
    verdicts: invariants.verdicts,
  }
}

/** Sites and attackers, and what they do to ways and looks. */
function inhabit(
  ground: Ground,
): Pick<World, 'site' | 'forget' | 'attacker' | 'attack' | 'partition'> {
  const { chance, keys, links, nowhere, sightlines } = ground
  let sites = 0
  return {
    site: (options = {}) => {
      const site = createSite(
        {
          ...nowhere,
          authority: (name) => keys.authority(nowhere, name),
          address: () => ground.address('sites'),
          elapsed: () => ground.engine.monotonic(),
          key: ground.key,
        },
        {
          name: `www.site${sites++}.test`,
          region: chance.oneOf(regions),
          servers: 'one',
          isPublished: true,
          ttlS: 60,
          propagationMs: 30_000,
          ...options,
        },
      )
      sightlines.add(site)
      return site
    },
    forget: (site) => sightlines.drop(site),
    attacker: (stolen) =>
      createAttacker(nowhere, {
        authority: stolen ?? keys.authority(nowhere, 'attacker'),
        address: ground.address('attackers'),
        region: chance.oneOf(regions),
      }),
    attack: ({ attacker, way, victim, site }) =>
      sightlines.attack({ attacker, way, site, victims: new Set([victim.node.host]) }),
    partition: (registry) => {
      const isIn = ({ region }: End): boolean => registryOf(region) === registry
      return links.cut((from, to) => isIn(from) !== isIn(to))
    },
  }
}
