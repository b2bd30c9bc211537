// The small Internet as a whole: DNS for .test, owners with services, mirrors in five registry regions, homes, and attackers.

import { Failure } from '../src/base/failure.ts'
import { createAuthority, type Authority } from '../src/identity/issue.ts'
import type { Probe } from '../src/vantage/probe.ts'
import { registryOf } from '../src/verdict/regions.ts'
import { authorityAddress, createAddressPlan } from './addresses.ts'
import { createAttacker, type Attacker } from './attacker.ts'
import { serveAuthority } from './dns/servers.ts'
import { createZones, type Zones } from './dns/zones.ts'
import { startHome, type Home } from './home.ts'
import { createLabels, type Labels } from './labels.ts'
import { startLiar, startMirror, type Liar, type RunningMirror } from './mirrors.ts'
import { openService, type Owner } from './owner.ts'
import { world } from './world.ts'

/** Everything that the acts play with; all of it is gone after `close`. */
export interface Internet {
  /** What the honest authoritative server says. */
  readonly zones: Zones
  readonly labels: Labels
  /** Ten mirrors, two in each registry region. */
  readonly mirrors: readonly RunningMirror[]
  /** An authority that browsers of today trust. Its checks can be tricked. */
  readonly publicAuthority: Authority
  openService(host: string, label: string, addresses?: number): Promise<Owner>
  /** Further mirrors, one in each of `regions`: a network of their own. */
  startMirrors(regions: readonly string[]): Promise<readonly RunningMirror[]>
  /** A mirror that signs what `inventing` makes up. */
  startLiar(region: string, inventing: Probe): Promise<Liar>
  startHome(): Promise<Home>
  readonly attacker: Attacker
  close(): Promise<void>
}

const regions = [
  'ARIN-US',
  'ARIN-CA',
  'RIPE-DE',
  'RIPE-SE',
  'APNIC-JP',
  'APNIC-AU',
  'LACNIC-BR',
  'LACNIC-CL',
  'AFRINIC-KE',
  'AFRINIC-ZA',
] as const

/** Builds it: the authoritative DNS server and ten mirrors, answering. @throws Failure listen-failed */
export async function buildInternet(): Promise<Internet> {
  const closers: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    await Promise.all(closers.splice(0).map((end) => end()))
  }
  try {
    return await assemble(closers, close)
  } catch (error) {
    await close()
    throw withoutLoopback(error) ? new Failure('listen-failed', loopbackNeeded) : error
  }
}

const loopbackNeeded = {
  endpoint: authorityAddress,
  why: 'this system does not answer for all of 127.0.0.0/8, as Linux and Windows do',
}

function withoutLoopback(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRNOTAVAIL'
}

async function assemble(
  closers: (() => Promise<void>)[],
  close: () => Promise<void>,
): Promise<Internet> {
  const plan = createAddressPlan()
  const zones = createZones()
  const labels = createLabels()
  const regionsOfResolvers = new Map<string, string>()
  const dns = await serveAuthority(
    authorityAddress,
    zones,
    (address) => regionsOfResolvers.get(address) ?? null,
  )
  closers.push(() => dns.close())

  const startMirrors: Internet['startMirrors'] = (places) =>
    Promise.all(
      places.map(async (region) => {
        const { address, resolver: resolverAddress } = plan.mirror()
        regionsOfResolvers.set(resolverAddress, registryOf(region))
        const place = { region, address, resolverAddress, authority: dns.endpoint }
        const mirror = await startMirror(place)
        closers.push(() => mirror.stop())
        return mirror
      }),
    )
  return {
    zones,
    labels,
    mirrors: await startMirrors(regions),
    publicAuthority: createAuthority(world, { name: 'Public CA' }),
    openService: async (host, label, addresses = 1) => {
      const places = plan.service(addresses)
      const owner = await openService({ zones, labels }, { host, label, addresses: places })
      closers.push(() => owner.site.close())
      return owner
    },
    attacker: createAttacker({ plan, labels, onClose: (end) => closers.push(end) }),
    startMirrors,
    startLiar: async (region, inventing) => {
      const liar = await startLiar({ region, address: plan.mirror().address }, inventing)
      closers.push(() => liar.stop())
      return liar
    },
    startHome: async () => {
      const home = await startHome(plan.home(), dns.endpoint)
      closers.push(() => home.resolver.close())
      return home
    },
    close,
  }
}
