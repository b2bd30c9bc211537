// An attacker: an authority that looks like anybody's, a machine that plays any site, and accomplices.

import type { AssociationText } from '../../src/observation/observation.ts'
import type { Authority } from '../../src/identity/issue.ts'
import type { Runtime } from '../../src/runtime/runtime.ts'
import { associationOf, serverOf, type Server, type Site } from './site.ts'

/** How it comes between a victim and a site. */
export type Way =
  /** The victim's DNS gives the attacker's address and key. */
  | 'poisons'
  /** The victim's packets to the right address end at the attacker's machine; its DNS is right. */
  | 'intercepts'

/** Somebody who wants to be taken for the sites of others. */
export interface Attacker {
  readonly address: string
  readonly region: string
  /** Names the attacker's key as if it were the owner's. */
  readonly association: AssociationText
  /** What its machine shows who asks for `site`. */
  plays(site: Site): Server
}

/** An attacker whose machine is at `address`. */
export function createAttacker(
  needs: Pick<Runtime, 'clock' | 'random' | 'crypto'>,
  parts: { readonly authority: Authority; readonly address: string; readonly region: string },
): Attacker {
  const { authority, address, region } = parts
  const masks = new WeakMap<Site, Server>()
  return {
    address,
    region,
    association: associationOf(needs, authority),
    plays: (site) => {
      const known = masks.get(site)
      if (known !== undefined) return known
      const made = serverOf(needs, { authority, name: site.target.host, region })
      masks.set(site, made)
      return made
    },
  }
}
