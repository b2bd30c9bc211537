// Looks at a target from here: what DNS says, and a handshake with each address that it or the asker names
// (protocol §6.3: neither alone unmasks both an attacker on the path and a poisoned resolver).

import { limits } from '../base/limits.ts'
import type { Resolution, Sight } from '../observation/observation.ts'
import type { Target } from '../observation/target.ts'
import type { Endpoint } from '../runtime/runtime.ts'
import { createBatch, type Batch, type Named, type Shakes } from './batch.ts'
import { resolveTarget } from './dns/resolve.ts'
import type { Resolver } from './dns/resolver.ts'
import type { HandshakeNeeds } from './tls/handshake.ts'

export type { Named, Shakes } from './batch.ts'

export interface ProbeOptions {
  readonly resolver: Resolver
  /** Connects to private and special addresses too: for the own user's questions, and for test networks. */
  readonly allowPrivate: boolean
  /** For each handshake with its connection; default `limits.handshakeTimeoutMs`. DNS has the resolver's own. */
  readonly timeoutMs?: number
}

export interface LookRequest {
  readonly target: Target
  /** Addresses that the asker was given; the first `limits.addressesProbedMax` are taken. */
  readonly asked?: readonly string[]
  /** Shakes hands with this one instead of the addresses that DNS gives; DNS is asked all the same. */
  readonly connect?: Endpoint
  /** False for DNS alone. Default true. */
  readonly handshakes?: boolean
}

/** A sight with the certificates behind it. */
export interface Look {
  readonly sight: Sight
  /** By address. */
  readonly chains: Shakes['chains']
}

/** What DNS said, when (ms since 1970 UTC), and how long that took. */
export interface Resolved {
  readonly dns: Resolution
  readonly at: number
  readonly dnsMs: number
}

/** A vantage's eyes. What the world does is in the results; the calls throw the reason of an abort during DNS alone. */
export interface Probe {
  /**
   * DNS and handshakes at once. At most `limits.addressesProbedMax` own addresses are tried, and as many asked ones;
   * an asked address that is also an own one is tried once, as an own one.
   */
  look(request: LookRequest, signal: AbortSignal): Promise<Look>
  resolve(target: Target, signal: AbortSignal): Promise<Resolved>
  /** One handshake for each of `addresses`, in their order. */
  shake(target: Target, addresses: readonly Named[], signal: AbortSignal): Promise<Shakes>
}

/** A probe that asks `options.resolver` and connects through `needs.network`. */
export function createProbe(needs: HandshakeNeeds, options: ProbeOptions): Probe {
  const { allowPrivate, timeoutMs = limits.handshakeTimeoutMs } = options
  const batchFor = (target: Target, signal: AbortSignal): Batch =>
    createBatch(needs, { target, allowPrivate, timeoutMs, signal })
  const resolve = async (
    resolver: Resolver,
    target: Target,
    signal: AbortSignal,
  ): Promise<Resolved> => {
    const started = needs.clock.monotonic()
    const dns = await resolveTarget(resolver, target, signal)
    const dnsMs = Math.round((needs.clock.monotonic() - started) * 10) / 10
    return { dns, at: needs.clock.now(), dnsMs }
  }
  return {
    resolve: (target, signal) => resolve(options.resolver, target, signal),
    shake: (target, addresses, signal) =>
      batchFor(target, signal).finish(addresses.map((one) => ({ ...one, port: target.port }))),
    look: async (request, signal) => {
      const { target } = request
      if (request.handshakes === false)
        return lookOf(target, await resolve(options.resolver, target, signal), noShakes)
      const batch = batchFor(target, signal)
      batch.start([
        ...(request.connect === undefined ? [] : [request.connect]),
        ...askedOf(request),
      ])
      const early = (addresses: readonly string[]): void =>
        batch.start(addresses.slice(0, placesPerFamily).map((one) => placeOf(target, one)))
      const resolver =
        request.connect === undefined
          ? overhear(options.resolver, target.host, early)
          : options.resolver
      const resolved = await resolve(resolver, target, signal)
      return lookOf(target, resolved, await batch.finish(nameAll(request, resolved.dns)))
    },
  }
}

const noShakes: Shakes = { handshakes: [], chains: new Map() }

/** Half of the places are for each family, so that it does not matter which of them is answered first. */
const placesPerFamily = limits.addressesProbedMax / 2

function lookOf(
  target: Target,
  { dns, at, dnsMs }: Resolved,
  { handshakes, chains }: Shakes,
): Look {
  return { sight: { target: target.text, at, dns, handshakes, dnsMs }, chains }
}

function placeOf(target: Target, address: string): Endpoint {
  return { address, port: target.port }
}

function askedOf({ target, asked = [] }: LookRequest): readonly Endpoint[] {
  return [...new Set(asked)].slice(0, limits.addressesProbedMax).map((one) => placeOf(target, one))
}

/** Tells `onAddresses` of the addresses of `host` as soon as either family's answer is in, ahead of all others. */
function overhear(
  resolver: Resolver,
  host: string,
  onAddresses: (addresses: readonly string[]) => void,
): Resolver {
  return {
    query: async (name, type, signal) => {
      const answer = await resolver.query(name, type, signal)
      if (name === host && type !== 'TLSA') onAddresses(answer.records)
      return answer
    },
  }
}

/** With whom to shake hands in the end: the own addresses, then what was asked for beyond them. */
function nameAll(request: LookRequest, dns: Resolution): readonly (Named & Endpoint)[] {
  const { target, connect } = request
  const known = new Set([...dns.a.records, ...dns.aaaa.records])
  const own =
    connect === undefined ? ownAddresses(dns).map((one) => placeOf(target, one)) : [connect]
  const others = askedOf(request).filter(
    ({ address, port }) => !own.some((one) => one.address === address && one.port === port),
  )
  return [
    ...own.map((place) => ({ ...place, origin: 'own' as const })),
    ...others.map((place) => ({
      ...place,
      origin: known.has(place.address) ? ('own' as const) : ('asked' as const),
    })),
  ]
}

/** The places of a family that has few addresses go to the other one. */
function ownAddresses({ a, aaaa }: Resolution): readonly string[] {
  const families = [a.records, aaaa.records]
  const first = families.flatMap((records) => records.slice(0, placesPerFamily))
  const rest = families.flatMap((records) => records.slice(placesPerFamily))
  return [...first, ...rest].slice(0, limits.addressesProbedMax)
}
