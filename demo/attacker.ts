// The attacker of the small Internet: authorities of their own, forged and obtained certificates, servers in other people's names.

import { createAuthority, issueServer, type Authority, type Issued } from '../src/identity/issue.ts'
import type { Endpoint } from '../src/runtime/runtime.ts'
import type { AddressPlan } from './addresses.ts'
import { createZones, type Zones } from './dns/zones.ts'
import type { Labels } from './labels.ts'
import { state, type Owner } from './owner.ts'
import { serveSite, type Credentials } from './site.ts'
import { world } from './world.ts'

/** A server that pretends to be somebody else's. */
export interface Impostor {
  /** At the port of the service that it pretends to be. */
  readonly endpoint: Endpoint
  /** DNS answers that lead there and name its authority: what the attacker feeds to whom it can. */
  readonly lies: Zones
}

/** What the attacker can do. */
export interface Attacker {
  /** Makes an authority of the attacker's own. */
  newAuthority(): Authority
  /** A certificate for `host` from `authority`, which was made, tricked or stolen. */
  obtain(host: string, authority: Authority): Issued
  /** Answers in the name of `owner` with these credentials; `authority` is what the lies name (null: none). */
  impersonate(
    owner: Owner,
    credentials: Credentials,
    authority: Authority | null,
  ): Promise<Impostor>
}

/** An attacker at addresses of `plan`, whose keys `labels` shows as such. `onClose` is given what to end at last. */
export function createAttacker(parts: {
  readonly plan: Pick<AddressPlan, 'attacker'>
  readonly labels: Labels
  readonly onClose: (end: () => Promise<void>) => void
}): Attacker {
  const { plan, labels, onClose } = parts
  return {
    newAuthority: () => {
      const made = createAuthority(world, { name: 'attacker CA' })
      labels.add(made.certificate.spki, 'attacker CA', 'hostile')
      return made
    },
    obtain: (host, authority) => {
      const issued = issueServer(world, authority, { names: [host] })
      labels.add(issued.certificate.spki, 'attacker', 'hostile')
      return issued
    },
    impersonate: async (owner, credentials, authority) => {
      const address = plan.attacker()
      const site = await serveSite({
        credentials: { [address]: credentials },
        page: `This is not ${owner.host}.`,
        port: owner.site.port,
      })
      onClose(() => site.close())
      const lies = createZones()
      lies.open('test')
      state(lies, owner, { address, authority })
      return { endpoint: { address, port: site.port }, lies }
    },
  }
}
