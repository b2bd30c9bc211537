// The mirrors of the world: production mirrors on nodes of the simulation, and what can go wrong with them.

import { serveMirror, type ServedMirror } from '../../src/mirror/serve.ts'
import type { Authority } from '../../src/identity/issue.ts'
import type { Parameters } from '../../src/membership/parameters.ts'
import type { ListEntry } from '../../src/protocol/routes.ts'
import { registryOf } from '../../src/verdict/regions.ts'
import type { Chance } from '../engine/chance.ts'
import type { Node } from '../engine/node.ts'
import type { Attacker } from './attacker.ts'
import { createWorldProbe, type ProbeNeeds } from './probe.ts'
import { createWorldResolver } from './resolver.ts'
import type { Vantage } from './sightlines.ts'

/** A mirror, with what it may do and suffer. */
export interface SimMirror {
  readonly node: Node
  readonly vantage: Vantage
  readonly entry: ListEntry
  /** The production mirror that runs now. */
  served(): ServedMirror
  /** Lies about a share of all names, always about the same ones, by itself. */
  lies(how: { readonly about: number }): void
  /** Looks wrongly once in a while, and means well. */
  errs(how: { readonly in: number }): void
  /** Says of whatever this attacker attacks that it saw the attacker's key. */
  playsFor(attacker: Attacker): void
  /** Is honest again. */
  repents(): void
  /** Answers so much later than it could. */
  isSlowerBy(ms: number): void
  /** Takes questions and never answers, or answers again. */
  isSilent(silent: boolean): void
  /** Its wall clock is wrong by so much. */
  clockIsOffBy(ms: number): void
  /** Its process ends, whatever it is doing. */
  crashes(): void
  /** Its process begins again, with the same CA. */
  returns(): Promise<void>
}

/** Many mirrors, and choices among them. */
export interface Mirrors {
  readonly all: readonly SimMirror[]
  readonly entries: readonly ListEntry[]
  /** Those of a registry's region. */
  of(registry: string): readonly SimMirror[]
  /** The same share of the mirrors of each region code, drawn by chance. */
  share(share: number): readonly SimMirror[]
}

/** What a mirror is made of. */
export interface MirrorParts {
  readonly node: Node
  readonly authority: Authority
  readonly parameters: Parameters
  readonly world: Omit<ProbeNeeds, 'clock'>
}

/** A mirror that serves. */
export async function createSimMirror(parts: MirrorParts): Promise<SimMirror> {
  const { node } = parts
  const vantage: Vantage = { host: node.host, errs: 0, liesAbout: 0, accomplice: null }
  let served = await serve(parts, vantage)
  return {
    node,
    vantage,
    entry: served.entry,
    served: () => served,
    lies: ({ about }) => {
      vantage.liesAbout = about
    },
    errs: ({ in: share }) => {
      vantage.errs = share
    },
    playsFor: (attacker) => {
      vantage.accomplice = attacker
    },
    repents: () => {
      vantage.liesAbout = 0
      vantage.accomplice = null
    },
    isSlowerBy: (ms) => {
      node.host.extraMs = ms
    },
    isSilent: (silent) => {
      node.host.isSilent = silent
    },
    clockIsOffBy: (ms) => {
      node.skewMs = ms
    },
    crashes: () => node.crash(),
    returns: async () => {
      served = await serve(parts, vantage)
    },
  }
}

function serve(
  { node, authority, parameters, world }: MirrorParts,
  vantage: Vantage,
): Promise<ServedMirror> {
  const runtime = node.runtime()
  const needs = { ...world, clock: runtime.clock }
  const { addresses, region } = node.host
  return serveMirror(runtime, {
    authority,
    listen: { address: addresses[0] ?? '', port: 443 },
    addresses,
    region,
    domain: null,
    contact: [],
    resolver: createWorldResolver(needs, vantage),
    probe: createWorldProbe(needs, vantage),
    allowPrivate: false,
    known: [],
    parameters,
  })
}

/** `all` with choices drawn from `chance`. */
export function mirrorsOf(all: readonly SimMirror[], chance: Chance): Mirrors {
  return {
    all,
    entries: all.map((one) => one.entry),
    of: (registry) => all.filter((one) => registryOf(one.entry.region) === registry),
    share: (share) =>
      [...Map.groupBy(all, (one) => one.entry.region).values()].flatMap((group) => {
        const wanted = share * group.length
        const count = Math.floor(wanted) + (chance.happens(wanted % 1) ? 1 : 0)
        return chance.shuffled(group).slice(0, count)
      }),
  }
}
