// Who is behind a name: its registrable domain and its name servers, so that one owner has one voice (protocol §7).

import { getDomain } from 'tldts'
import { base64url } from '../../base/bytes.ts'
import { limits } from '../../base/limits.ts'
import type { Origin } from '../../membership/independent.ts'
import { deadline } from '../../runtime/deadline.ts'
import type { Runtime } from '../../runtime/runtime.ts'

/** The names of the name servers of `domain`; null where DNS has none, or gave no answer in time. Never rejects. */
export type NameServers = (domain: string, signal: AbortSignal) => Promise<readonly string[] | null>

/** Looks up who is behind names, and remembers it for a day. */
export interface Origins {
  /** Null when too many are being looked up; ask again later. */
  of(host: string): Promise<Origin> | null
  /** What is remembered; null when it is to be looked up. */
  known(host: string): Origin | null
}

interface Known {
  readonly origin: Origin
  readonly until: number
}

/** Origins by `nameServers`, nothing known yet. */
export function createOrigins(
  needs: Pick<Runtime, 'clock' | 'crypto'>,
  options: { readonly nameServers: NameServers; readonly rememberMs: number },
): Origins {
  const { clock, crypto } = needs
  const remembered = new Map<string, Known>()
  const underWay = new Map<string, Promise<Origin>>()
  const known = (domain: string): Origin | null => {
    const one = remembered.get(domain)
    return one === undefined || one.until <= clock.now() ? null : one.origin
  }
  const lookUp = async (domain: string): Promise<Origin> => {
    const { signal, done } = deadline(clock, limits.dnsTimeoutMs)
    const names = await serversOf(domain, options.nameServers, signal).finally(done)
    // Of whom we cannot tell who serves it, we cannot tell either that another one does.
    const text = names === null ? `none ${domain}` : names.toSorted().join(' ')
    const origin = { domain, nsSet: base64url(crypto.digest('sha256', text).subarray(0, 16)) }
    remembered.delete(domain)
    remembered.set(domain, { origin, until: clock.now() + options.rememberMs })
    const [oldest] = remembered.keys()
    if (remembered.size > limits.originsMax && oldest !== undefined) remembered.delete(oldest)
    return origin
  }
  return {
    known: (host) => known(domainOf(host)),
    of: (host) => {
      const domain = domainOf(host)
      const origin = known(domain)
      if (origin !== null) return Promise.resolve(origin)
      const running = underWay.get(domain)
      if (running !== undefined) return running
      if (underWay.size >= limits.originsAtOnce) return null
      const started = lookUp(domain).finally(() => underWay.delete(domain))
      underWay.set(domain, started)
      return started
    },
  }
}

/**
 * The name servers of the zone that `domain` is in. Where a provider gives names to everybody, most have none of their
 * own, and the provider's serve them all: then they have one voice.
 */
async function serversOf(
  domain: string,
  nameServers: NameServers,
  signal: AbortSignal,
): Promise<readonly string[] | null> {
  const top = getDomain(domain, { allowPrivateDomains: false }) ?? domain
  for (let name = domain; ; name = name.slice(name.indexOf('.') + 1)) {
    const names = await nameServers(name, signal)
    if (names !== null || name === top || !name.endsWith(`.${top}`)) return names
  }
}

/** The registrable domain of `host`. A name below a provider's domain where everybody gets one is its owner's own. */
export function domainOf(host: string): string {
  return getDomain(host, { allowPrivateDomains: true }) ?? host
}
