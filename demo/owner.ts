// Somebody who has a service: their own certificate authority, a certificate from it, and one DNS record that says so.

import { hex } from '../src/base/bytes.ts'
import { createAuthority, issueServer, type Authority } from '../src/identity/issue.ts'
import type { RecordSet, Zones } from './dns/zones.ts'
import type { Labels } from './labels.ts'
import { serveSite, type Credentials, type Site } from './site.ts'
import { world } from './world.ts'

/** An owner with a running service. */
export interface Owner {
  readonly host: string
  /** What one asks Sightline about. */
  readonly target: string
  readonly site: Site
  /** The address that DNS gives to everybody who has no answer of their own. */
  readonly address: string
  readonly authority: Authority
  /** Another authority of the same owner, for a roll-over or after a theft. */
  newAuthority(label: string): Authority
  /** A certificate for the service, signed by `authority`. */
  issue(authority: Authority, label: string): Credentials
  /** Names `authorities`, and no others, as those who may sign: the one DNS record (`2 1 1`, RFC 6698). */
  announce(authorities: readonly Authority[]): void
}

/** What DNS says about a service, in the name of its owner or of somebody who lies about it. */
export interface Statement {
  readonly address: string
  /** Null says that no authority is named. */
  readonly authority: Authority | null
}

/** How long DNS answers may be kept, in seconds: short, because the acts change them. */
export const recordTtl = 1

/** Opens a service at `host` under a new authority called `label`, at `addresses`, and publishes where it is. */
export async function openService(
  parts: { readonly zones: Zones; readonly labels: Labels },
  options: { readonly host: string; readonly label: string; readonly addresses: readonly string[] },
): Promise<Owner> {
  const { zones, labels } = parts
  const { host, label, addresses } = options
  const newAuthority = (name: string): Authority => {
    const made = createAuthority(world, { name })
    labels.add(made.certificate.spki, name, 'honest')
    return made
  }
  const issue = (by: Authority, name: string): Credentials => {
    const { certificate, keyPem, chainPem } = issueServer(world, by, { names: [host] })
    labels.add(certificate.spki, name, 'honest')
    return { keyPem, chainPem }
  }
  const authority = newAuthority(`${label} CA`)
  const named = addresses.map((address, i): [string, Credentials] => [
    address,
    issue(authority, addresses.length > 1 ? `edge ${i + 1}` : label),
  ])
  const site = await serveSite({
    credentials: Object.fromEntries(named),
    page: `This is the honest ${host}.`,
  })
  const [address = ''] = addresses
  zones.open(host.split('.').slice(-2).join('.'))
  const owner: Owner = {
    host,
    target: `https://${host}:${site.port}`,
    site,
    address,
    authority,
    newAuthority,
    issue,
    announce: (authorities) => putAuthorities(zones, owner, authorities),
  }
  zones.put(host, 'A', dated([address]))
  owner.announce([authority])
  return owner
}

/** Writes `statement` about the service of `owner` into `zones`, true or not. */
export function state(zones: Zones, owner: Owner, statement: Statement): void {
  zones.put(owner.host, 'A', dated([statement.address]))
  putAuthorities(zones, owner, statement.authority === null ? [] : [statement.authority])
}

/** Where the record stands that names the authorities of a service (RFC 6698 §3). */
export function recordName(owner: Pick<Owner, 'host' | 'site'>): string {
  return `_${owner.site.port}._tcp.${owner.host}`
}

function putAuthorities(zones: Zones, owner: Owner, authorities: readonly Authority[]): void {
  const records = authorities.map((authority) => `2 1 1 ${hex(authority.spkiHash)}`)
  zones.put(recordName(owner), 'TLSA', dated(records))
}

function dated(data: readonly string[]): RecordSet {
  return { ttl: recordTtl, data }
}
