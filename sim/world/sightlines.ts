// What each vantage of the world is shown: the truth, an attacker's play, an error, or what it wants to have seen.

import type { AssociationText, DnsStatus } from '../../src/observation/observation.ts'
import type { Chance } from '../engine/chance.ts'
import { hashText, shareOf, type Words } from '../engine/hash.ts'
import type { Host } from '../engine/host.ts'
import type { Attacker, Way } from './attacker.ts'
import type { Server, Site } from './site.ts'

/** A look from somewhere at one site. */
export interface View {
  readonly status: DnsStatus
  readonly addresses: readonly string[]
  readonly associations: readonly AssociationText[]
  readonly ttlS: number
  /** The server at an address, as it is found from there. */
  readonly server: (address: string) => Server | null
}

/** Somebody who looks, and how far what it tells is the truth. */
export interface Vantage {
  readonly host: Host
  /** Probability that one look of an honest vantage shows something else than the truth. */
  errs: number
  /** Share of the world's names about which it lies, the same ones each time. */
  liesAbout: number
  /** Whose plays it passes off as what it saw. */
  accomplice: Attacker | null
}

/** Who comes between whom and which site. */
export interface Attack {
  readonly attacker: Attacker
  readonly way: Way
  readonly site: Site
  readonly victims: ReadonlySet<Host>
}

/** All that there is to see in one world. */
export interface Sightlines {
  add(site: Site): void
  /** Takes a site out of the world. */
  drop(site: Site): void
  find(host: string): Site | null
  /** Begins an attack; the result ends it. */
  attack(attack: Attack): () => void
  /** What `vantage` is shown of `site`, or says that it was, at a time of the simulation. */
  view(vantage: Vantage, site: Site, elapsedMs: number): View
  /** The server that `vantage` finds at `address` when it asks for `site`; null where nobody listens. */
  server(vantage: Vantage, site: Site, address: string): Server | null
  /** Where the machine at `address` is; undefined where there is none. */
  regionAt(address: string): string | null | undefined
}

/** A world without sites. */
export function createSightlines(chance: Chance, key: Words): Sightlines {
  const sites = new Map<string, Site>()
  const attacks = new Map<Site, Attack>()
  const machines = new Map<string, string | null>()
  const shown = (vantage: Vantage, site: Site, elapsedMs: number): View => {
    const attack = attacks.get(site)
    const truth = truthOf(vantage, site, { elapsedMs, attacker: attack?.attacker ?? null })
    if (attack === undefined) return truth
    if (vantage.accomplice === attack.attacker) return played({ ...attack, way: 'poisons' }, truth)
    return attack.victims.has(vantage.host) ? played(attack, truth) : truth
  }
  return {
    add: (site) => {
      sites.set(site.target.host, site)
      for (const address of site.addresses)
        machines.set(address, site.server(address)?.region ?? null)
    },
    drop: (site) => {
      sites.delete(site.target.host)
      attacks.delete(site)
      for (const address of site.addresses) machines.delete(address)
    },
    find: (host) => sites.get(host) ?? null,
    attack: (attack) => {
      attacks.set(attack.site, attack)
      machines.set(attack.attacker.address, attack.attacker.region)
      return () => void attacks.delete(attack.site)
    },
    view: (vantage, site, elapsedMs) => {
      const view = shown(vantage, site, elapsedMs)
      if (vantage.liesAbout > 0 && isLie(vantage, site, key))
        return says(view, madeUp(`${vantage.host.name} ${site.target.host}`, key))
      if (vantage.errs > 0 && chance.happens(vantage.errs))
        return says(view, madeUp(`${chance.uniform()}`, key))
      return view
    },
    server: (vantage, site, address) => shown(vantage, site, Infinity).server(address),
    regionAt: (address) => machines.get(address),
  }
}

function says(view: View, association: AssociationText): View {
  return { ...view, status: 'ok', associations: [association] }
}

function truthOf(
  { host }: Vantage,
  site: Site,
  { elapsedMs, attacker }: { readonly elapsedMs: number; readonly attacker: Attacker | null },
): View {
  const associations = site.associationsAt(host.name, elapsedMs)
  return {
    status: associations.length > 0 ? 'ok' : 'nodata',
    addresses: site.addressesAt(host.region),
    associations,
    ttlS: site.ttlS,
    // The attacker's own machine shows the same to everybody.
    server: (address) =>
      address === attacker?.address ? attacker.plays(site) : site.server(address),
  }
}

function played({ attacker, way, site }: Attack, truth: View): View {
  const server = (): Server => attacker.plays(site)
  return way === 'intercepts'
    ? { ...truth, server }
    : {
        ...truth,
        status: 'ok',
        addresses: [attacker.address],
        associations: [attacker.association],
        server,
      }
}

function isLie({ host, liesAbout }: Vantage, site: Site, key: Words): boolean {
  return shareOf(`${host.name} lies about ${site.target.host}`, key) < liesAbout
}

/** A record that names a key which nobody has. */
function madeUp(text: string, key: Words): AssociationText {
  const digits = [text, `${text}.`].flatMap((one) => [...hashText(one, key)])
  return `2 1 1 ${digits.map((word) => word.toString(16).padStart(8, '0')).join('')}`
}
