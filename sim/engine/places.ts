// Where things are: regions of the five registries, how far they are apart, and addresses for whoever lives there.

import { registries, registryOf, type Registry } from '../../src/verdict/regions.ts'

/** Region codes, so that neighbours in this list are of different registries. */
export const regions: readonly string[] = interleaved({
  ARIN: ['US', 'CA', 'JM', 'BS', 'BB', 'GD'],
  RIPE: ['DE', 'FR', 'GB', 'PL', 'SE', 'IT'],
  APNIC: ['JP', 'AU', 'IN', 'SG', 'KR', 'NZ'],
  LACNIC: ['BR', 'CL', 'AR', 'CO', 'MX', 'PE'],
  AFRINIC: ['ZA', 'KE', 'NG', 'EG', 'MA', 'GH'],
})

/** Round-trip times between registries' regions in ms, as medians of public measurements go. */
const roundTripsMs: Readonly<Record<Registry, readonly number[]>> = {
  ARIN: [40, 100, 160, 135, 210],
  RIPE: [100, 25, 190, 200, 150],
  APNIC: [160, 190, 70, 290, 270],
  LACNIC: [135, 200, 290, 45, 310],
  AFRINIC: [210, 150, 270, 310, 70],
}

/** What a place without a known registry is taken for: the middle of the world. */
const elsewhereMs = 150

/** Median time of one way between two region codes, ms. */
export function oneWayMs(from: string | null, to: string | null): number {
  const [a, b] = [indexOf(from), indexOf(to)]
  return (a < 0 || b < 0 ? elsewhereMs : (table[a]?.[b] ?? elsewhereMs)) / 2
}

const table = registries.map((registry) => roundTripsMs[registry])
const indices = new Map<string | null, number>()

function indexOf(region: string | null): number {
  const known = indices.get(region)
  if (known !== undefined) return known
  const index = registries.findIndex((registry) => registry === registryOf(region))
  indices.set(region, index)
  return index
}

/** First numbers of public IPv4 addresses without special ranges, for each kind of host. */
const blocks = {
  mirrors: { first: 23, count: 68 },
  sites: { first: 130, count: 30 },
  clients: { first: 200, count: 20 },
  attackers: { first: 92, count: 7 },
} as const

/** What lives at an address. */
export type Inhabitant = keyof typeof blocks

/**
 * The address of the `index`-th of a kind: each in a /16 of its own while there are any, or all in few networks when
 * `networks` says so.
 */
export function addressOf(kind: Inhabitant, index: number, networks = 0): string {
  const { first, count } = blocks[kind]
  const network = networks > 0 ? index % networks : index % (count * 256)
  const host = networks > 0 ? Math.floor(index / networks) : Math.floor(index / (count * 256))
  if (host >= 255 * 254) throw new Error(`there is no address for the ${index}-th of ${kind}`)
  return [
    first + (network % count),
    Math.floor(network / count),
    1 + Math.floor(host / 254),
    1 + (host % 254),
  ].join('.')
}

function interleaved(countries: Readonly<Record<Registry, readonly string[]>>): readonly string[] {
  const most = Math.max(...Object.values(countries).map((codes) => codes.length))
  return Array.from({ length: most }, (_, i) =>
    registries.flatMap((registry) => {
      const code = countries[registry][i]
      return code === undefined ? [] : [`${registry}-${code}`]
    }),
  ).flat()
}
