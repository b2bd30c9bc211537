// All that DNS says about a target, asked at once: addresses, and whose word about its keys holds (RFC 6698 §3, RFC 7671 §6 and §7, protocol §1).

import type { Authority, DnsAnswer, Resolution } from '../../observation/observation.ts'
import type { Target } from '../../observation/target.ts'
import { decideAuthority, isDecisive, policyNames, type Lookup } from './climb.ts'
import { isAnswer, isAskable } from './message.ts'
import type { Resolver } from './resolver.ts'

/**
 * Addresses and authority of `target`. All questions leave together; only the name that the host is an alias of is
 * asked for afterwards, and only when the host's own service name has no records.
 * @throws the reason of `signal`, when that aborts first
 */
export async function resolveTarget(
  resolver: Resolver,
  target: Target,
  signal: AbortSignal,
): Promise<Resolution> {
  signal.throwIfAborted()
  if (target.isAddress) return resolutionOfAddress(target)
  const decided = new AbortController()
  const untilDecided = AbortSignal.any([signal, decided.signal])
  const ask = async (place: Place): Promise<Lookup> => ({
    ...place,
    answer:
      place.owner === ''
        ? { ...silence, error: 'with its prefix the name is longer than DNS allows' }
        : await resolver.query(place.owner, 'TLSA', untilDecided),
  })
  const prefix = `_${target.port}._tcp`
  const a = resolver.query(target.host, 'A', signal)
  const aaaa = resolver.query(target.host, 'AAAA', signal)
  const service = ask(placeAt('service', prefix, target.host))
  const inherited = policyNames(target.host).map((base) => ask(placeAt('inherited', '_ca', base)))
  const expanded = async (): Promise<Lookup | null> => {
    const alias = aliasOf(await a, await aaaa)
    if (alias === null) return null
    return typeof alias === 'string'
      ? ask(placeAt('expanded', prefix, alias))
      : { ...placeAt('expanded', prefix, target.host), answer: alias }
  }
  // Questions may end in an abort after nobody waits for them any more: that is our own doing, and nothing is lost.
  void Promise.allSettled([a, aaaa, service, ...inherited])
  try {
    const authority = decideInOrder(service, [expanded, ...inherited.map((lookup) => () => lookup)])
    const [first, second, third] = await Promise.all([a, aaaa, authority])
    return { a: first, aaaa: second, authority: third }
  } finally {
    decided.abort()
  }
}

type Place = Omit<Lookup, 'answer'>

const silence: DnsAnswer = {
  status: 'nodata',
  records: [],
  ttl: null,
  ad: false,
  cname: [],
  error: null,
}

/** The place below `base`; its owner is '' where that would be no name, so that nothing can stand there. */
function placeAt(origin: Lookup['origin'], prefix: string, base: string): Place {
  const owner = `${prefix}.${base}`
  return { origin, owner: isAskable(owner) ? owner : '', base }
}

/**
 * The name that the host is an alias of, or null when it is none. Where neither address question has an answer, that
 * non-answer: then nobody knows, and nothing farther may be taken instead.
 */
function aliasOf(a: DnsAnswer, aaaa: DnsAnswer): string | DnsAnswer | null {
  const alias = a.cname.at(-1) ?? aaaa.cname.at(-1)
  if (alias !== undefined) return alias
  if (isAnswer(a) || isAnswer(aaaa)) return null
  return { ...a, error: `whether the host is an alias is not known: ${a.error ?? a.status}` }
}

/** Waits for the places from near to far, until one decides. */
async function decideInOrder(
  nearest: Promise<Lookup>,
  farther: readonly (() => Promise<Lookup | null>)[],
): Promise<Authority> {
  const first = await nearest
  const rest: Lookup[] = []
  for (const next of farther) {
    if (isDecisive(rest.at(-1) ?? first)) break
    const lookup = await next()
    if (lookup !== null) rest.push(lookup)
  }
  return decideAuthority(first, rest)
}

/** An address says itself where it is, and no name's owner speaks for it. */
function resolutionOfAddress(target: Target): Resolution {
  const own: DnsAnswer = { ...silence, status: 'ok', records: [target.host] }
  const isIpv6 = target.host.includes(':')
  return {
    a: isIpv6 ? silence : own,
    aaaa: isIpv6 ? own : silence,
    authority: { ...silence, origin: 'service', owner: '', base: target.host },
  }
}
