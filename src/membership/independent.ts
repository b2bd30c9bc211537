// Counts findings that could not all be one person's doing (protocol §7, §8).

/** Who could have brought a finding about: the owner of the domain, and whoever runs its name servers. */
export interface Origin {
  /** Registrable domain. */
  readonly domain: string
  /** A digest of the names of its name servers. */
  readonly nsSet: string
}

/**
 * How many of `origins` are independent of each other: those that share a domain or a set of name servers, directly or
 * through others, are one. So the owner of many names, or the operator of many zones, has one voice. Linear.
 */
export function countIndependent(origins: Iterable<Origin>): number {
  const parents = new Map<string, string>()
  const rootOf = (key: string): string => {
    let root = key
    for (
      let next = parents.get(root);
      next !== undefined && next !== root;
      next = parents.get(root)
    )
      root = next
    // The way is shortened, so that the next walk is short.
    for (let at = key; at !== root;) {
      const next = parents.get(at) ?? root
      parents.set(at, root)
      at = next
    }
    return root
  }
  let groups = 0
  for (const { domain, nsSet } of origins) {
    const keys = [`domain ${domain}`, `ns ${nsSet}`] as const
    for (const key of keys) {
      if (parents.has(key)) continue
      parents.set(key, key)
      groups += 1
    }
    const [a, b] = [rootOf(keys[0]), rootOf(keys[1])]
    if (a === b) continue
    parents.set(a, b)
    groups -= 1
  }
  return groups
}
