// Registry regions (the five RIRs), and how different from each other a set of vantages is.

/** The five regional internet registries, whose service regions are our coarsest places. */
export const registries = ['ARIN', 'RIPE', 'APNIC', 'LACNIC', 'AFRINIC'] as const
export type Registry = (typeof registries)[number]

/**
 * The registry part of a region code such as `RIPE-DE`. What is missing or made up is one place together: else whoever
 * makes registries up would be as many places as he likes.
 */
export function registryOf(region: string | null): string {
  const head = (region ?? '').toUpperCase().split('-')[0] ?? ''
  return registries.find((known) => known === head) ?? 'unknown'
}

/** True for `RIPE` or `RIPE-DE`: a registry, and perhaps a country by ISO 3166-1 alpha-2. */
export function isRegionCode(text: string): boolean {
  const [registry, country, ...rest] = text.split('-')
  return (
    rest.length === 0 &&
    registries.some((known) => known === registry) &&
    (country === undefined || /^[A-Z]{2}$/.test(country))
  )
}

/** The distinct registries of `regions`, in order of first appearance. */
export function distinctRegistries(regions: readonly (string | null)[]): readonly string[] {
  return [...new Set(regions.map(registryOf))]
}
