// Sites of the world and their owners: servers under an authority of their own, and the records that name it, which
// reach the places of the world one after the other.

import { spkiHash, certificateHash } from '../../src/observation/fingerprint.ts'
import type { AssociationText, ChainLink } from '../../src/observation/observation.ts'
import { parseTarget, type Target } from '../../src/observation/target.ts'
import { issueServer, type Authority } from '../../src/identity/issue.ts'
import type { Certificate, Runtime } from '../../src/runtime/runtime.ts'
import { registryOf } from '../../src/verdict/regions.ts'
import { hashText, shareOf, type Words } from '../engine/hash.ts'

/** A TLS server: what it shows, in all the forms in which that is wanted. */
export interface Server {
  readonly region: string | null
  readonly certificates: readonly Certificate[]
  readonly links: readonly ChainLink[]
}

/** The owner's statement, and since when it has been published. */
interface Version {
  /** Milliseconds of the simulation. */
  readonly since: number
  readonly associations: readonly AssociationText[]
}

/** A site, with what its owner can do. */
export interface Site {
  readonly target: Target
  /** Where its only server is; with servers everywhere, null. */
  readonly region: string | null
  /** TTL of its records in seconds. */
  readonly ttlS: number
  readonly nameServers: readonly string[]
  readonly addresses: readonly string[]
  /** What the owner's DNS says at a place: addresses, and the newest records that have come so far. */
  addressesAt(region: string | null): readonly string[]
  associationsAt(place: string, elapsedMs: number): readonly AssociationText[]
  server(address: string): Server | null
  /** The owner's authority. */
  authority(): Authority
  /** Makes a new key for its servers, which only `usesNewKey` shows; the association that names it. */
  makesNewKey(): AssociationText
  usesNewKey(): void
  /** Publishes these records in the place of the old ones. */
  publishes(...associations: readonly AssociationText[]): void
}

/** What a site is made of. */
export interface SiteOptions {
  readonly name: string
  readonly region: string
  /** One address for all, or one with a key of its own under the owner's authority for each registry's region. */
  readonly servers: 'one' | 'each-registry'
  /** Whether the owner names its authority in DNS. */
  readonly isPublished: boolean
  readonly ttlS: number
  /** Until when a change has come to all of the owner's name servers, ms. */
  readonly propagationMs: number
}

/** What sites are made with. */
export interface SiteNeeds extends Pick<Runtime, 'clock' | 'random' | 'crypto'> {
  readonly authority: (name: string) => Authority
  /** A new address. */
  readonly address: () => string
  readonly elapsed: () => number
  /** Of the world's seed. */
  readonly key: Words
}

/** A site that is in DNS everywhere. */
export function createSite(needs: SiteNeeds, options: SiteOptions): Site {
  const { name, region, ttlS, propagationMs } = options
  const target = parseTarget(name)
  let authority = needs.authority(`owner of ${name}`)
  const places =
    options.servers === 'one'
      ? [region]
      : ['ARIN-US', 'RIPE-DE', 'APNIC-JP', 'LACNIC-BR', 'AFRINIC-ZA']
  const addresses = new Map(places.map((place) => [place, needs.address()]))
  const build = (): ReadonlyMap<string, Server> =>
    new Map(
      [...addresses].map(([place, address]) => [
        address,
        serverOf(needs, { authority, name, region: place }),
      ]),
    )
  let servers = build()
  const key = hashText(name, needs.key)
  const first = options.isPublished ? [associationOf(needs, authority)] : []
  const versions: Version[] = [{ since: -Infinity, associations: first }]
  const arrival = (version: Version, place: string): number => {
    if (versions.length === 1) return version.since
    const text = `${place} ${version.since}`
    return (
      version.since +
      shareOf(text, key) * propagationMs +
      shareOf(`cache ${text}`, key) * ttlS * 1000
    )
  }
  return {
    target,
    ttlS,
    region: options.servers === 'one' ? region : null,
    addresses: [...addresses.values()],
    nameServers: [`ns1.${target.host}`, `ns2.${target.host}`],
    addressesAt: (from) => {
      const near = places.find((place) => registryOf(place) === registryOf(from)) ?? places[0] ?? ''
      const address = addresses.get(near)
      return address === undefined ? [] : [address]
    },
    associationsAt: (place, elapsedMs) =>
      versions.findLast((version) => arrival(version, place) <= elapsedMs)?.associations ?? [],
    server: (address) => servers.get(address) ?? null,
    authority: () => authority,
    makesNewKey: () => {
      authority = needs.authority(`new owner of ${name}`)
      return associationOf(needs, authority)
    },
    usesNewKey: () => {
      servers = build()
    },
    publishes: (...associations) => {
      versions.push({ since: needs.elapsed(), associations })
    },
  }
}

/** A server for `name` under `authority`. */
export function serverOf(
  needs: Pick<Runtime, 'clock' | 'random' | 'crypto'>,
  parts: { readonly authority: Authority; readonly name: string; readonly region: string | null },
): Server {
  const { authority, name, region } = parts
  const { certificate } = issueServer(needs, authority, { names: [name] })
  const certificates = [certificate, authority.certificate]
  const links = certificates.map((one) => ({
    certificate: certificateHash(needs.crypto, one),
    spki: spkiHash(needs.crypto, one),
  }))
  return { region, certificates, links }
}

/** The record that names `authority` by its key. */
export function associationOf(
  { crypto }: Pick<Runtime, 'crypto'>,
  authority: Authority,
): AssociationText {
  return `2 1 1 ${spkiHash(crypto, authority.certificate)}`
}
