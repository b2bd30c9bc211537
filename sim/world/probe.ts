// The eyes of a vantage in the world: what the production probe would report, after the time that it would take, in one
// timer instead of a dozen messages.

import { limits } from '../../src/base/limits.ts'
import type { DnsAnswer, Handshake, Resolution } from '../../src/observation/observation.ts'
import type { Target } from '../../src/observation/target.ts'
import { sleep } from '../../src/runtime/deadline.ts'
import type { Certificate, Clock } from '../../src/runtime/runtime.ts'
import type { Look, LookRequest, Named, Probe, Resolved, Shakes } from '../../src/vantage/probe.ts'
import type { Chance } from '../engine/chance.ts'
import type { Engine } from '../engine/engine.ts'
import type { Links } from '../engine/links.ts'
import type { Sightlines, Vantage, View } from './sightlines.ts'

/** What eyes need: the world, and the clock of the process that looks. */
export interface ProbeNeeds {
  readonly engine: Pick<Engine, 'monotonic'>
  readonly links: Links
  readonly sightlines: Sightlines
  readonly chance: Chance
  readonly clock: Clock
}

/** Share of questions that a resolver answers from its cache, and how long it takes otherwise: recursion, ms. */
const cachedShare = 0.6
const cachedMs = 2
const recursionMs = 30

/** Looks as `vantage`. */
export function createWorldProbe(needs: ProbeNeeds, vantage: Vantage): Probe {
  const plan = (request: LookRequest): Planned => planLook(needs, vantage, request)
  return {
    look: async (request, signal) => {
      const { resolved, shakes, ms } = plan(request)
      const passed = await passing(needs.clock, ms, signal)
      if (passed < resolved.dnsMs) signal.throwIfAborted()
      const { handshakes, chains } = until(passed - resolved.dnsMs, shakes)
      return {
        sight: { target: request.target.text, ...resolved, handshakes },
        chains,
      } satisfies Look
    },
    resolve: async (target, signal) => {
      const { resolved } = plan({ target, handshakes: false })
      await sleep(needs.clock, resolved.dnsMs, signal)
      return resolved
    },
    shake: async (target, addresses, signal) => {
      const view = viewOf(needs, vantage, target)
      const shakes = shakeAll(needs, vantage, { target, view, named: addresses })
      return until(await passing(needs.clock, longest(shakes.handshakes), signal), shakes)
    },
  }
}

/** Lets `ms` pass; how many have when `signal` aborts before, else all that there are. */
async function passing(clock: Clock, ms: number, signal: AbortSignal): Promise<number> {
  const started = clock.monotonic()
  try {
    await sleep(clock, ms, signal)
    return Infinity
  } catch {
    return clock.monotonic() - started
  }
}

/** What of `shakes` has come about after `ms`. */
function until(ms: number, shakes: Shakes): Shakes {
  if (shakes.handshakes.every((one) => timeOf(one) <= ms)) return shakes
  const chains = new Map(shakes.chains)
  const handshakes = shakes.handshakes.map((one): Handshake => {
    if (timeOf(one) <= ms) return one
    chains.delete(one.address)
    const { address, port, origin } = one
    return {
      ...silence,
      address,
      port,
      origin,
      error: { code: 'aborted', text: 'given up by the caller' },
    }
  })
  return { handshakes, chains }
}

/** What a look will show, and when. */
interface Planned {
  readonly resolved: Resolved
  readonly shakes: Shakes
  readonly ms: number
}

function planLook(needs: ProbeNeeds, vantage: Vantage, request: LookRequest): Planned {
  const { target, asked = [], connect } = request
  const view = viewOf(needs, vantage, target)
  const isReachable = view.status !== 'timeout'
  const dnsMs = isReachable ? tenths(dnsTime(needs)) : limits.dnsTimeoutMs
  const resolved = {
    dns: resolutionOf(view, target),
    at: needs.clock.now() + Math.floor(dnsMs),
    dnsMs,
  }
  if (request.handshakes === false)
    return { resolved, shakes: { handshakes: [], chains: new Map() }, ms: dnsMs }
  const own = connect === undefined ? view.addresses : [connect.address]
  const others = [...new Set(asked)].filter((address) => !own.includes(address))
  const named = [
    ...own.map((address) => ({ address, origin: 'own' as const })),
    ...others.map((address) => ({ address, origin: originOf(view, address) })),
  ]
  const shakes = shakeAll(needs, vantage, { target, view, named })
  return { resolved, shakes, ms: dnsMs + longest(shakes.handshakes) }
}

function originOf(view: View, address: string): Handshake['origin'] {
  return view.addresses.includes(address) ? 'own' : 'asked'
}

/** A name that nobody has is answered so; one whose servers cannot be reached is not answered. */
function viewOf(needs: ProbeNeeds, vantage: Vantage, target: Target): View {
  const site = needs.sightlines.find(target.host)
  if (site === null) return nothingThere
  if (site.region !== null && needs.links.trip(vantage.host, site) === null) return unreachable
  return needs.sightlines.view(vantage, site, needs.engine.monotonic())
}

const nothingThere: View = {
  status: 'nxdomain',
  addresses: [],
  associations: [],
  ttlS: 60,
  server: () => null,
}
const unreachable: View = { ...nothingThere, status: 'timeout' }

function dnsTime({ chance }: ProbeNeeds): number {
  return chance.happens(cachedShare) ? cachedMs : cachedMs + chance.around(recursionMs)
}

function resolutionOf(view: View, { host, port }: Target): Resolution {
  const answer = (records: readonly string[]): DnsAnswer => {
    const isMissing = view.status === 'nxdomain' || view.status === 'timeout'
    const isTimeout = view.status === 'timeout'
    return {
      status: isMissing ? view.status : records.length > 0 ? 'ok' : 'nodata',
      records,
      ttl: isTimeout ? null : view.ttlS,
      ad: false,
      cname: [],
      error: isTimeout ? `no answer within ${limits.dnsTimeoutMs} ms` : null,
    }
  }
  return {
    a: answer(view.addresses),
    aaaa: answer([]),
    authority: {
      ...answer(view.associations),
      origin: 'service',
      owner: `_${port}._tcp.${host}`,
      base: host,
    },
  }
}

interface ShakeTask {
  readonly target: Target
  readonly view: View
  readonly named: readonly Named[]
}

function shakeAll(needs: ProbeNeeds, vantage: Vantage, { target, view, named }: ShakeTask): Shakes {
  const chains = new Map<string, readonly Certificate[]>()
  const handshakes = named.map(({ address, origin }): Handshake => {
    const place = needs.sightlines.regionAt(address)
    const there = needs.links.trip(vantage.host, { region: place ?? null })
    const about = { ...silence, address, port: target.port, origin }
    const failed = (code: string, text: string): Handshake => ({ ...about, error: { code, text } })
    if (there === null) return failed('timeout', `no answer within ${limits.handshakeTimeoutMs} ms`)
    if (place === undefined)
      return failed('refused', `connect ECONNREFUSED ${address}:${target.port}`)
    const connectMs = tenths(2 * there)
    const server = view.server(address)
    if (server === null) return { ...failed('tls-alert', 'unrecognized_name'), connectMs }
    chains.set(address, server.certificates)
    return {
      ...about,
      outcome: 'completed',
      protocol: 'TLSv1.3',
      cipher: 'TLS_AES_128_GCM_SHA256',
      chain: server.links,
      connectMs,
      handshakeMs: connectMs,
    }
  })
  return { handshakes, chains }
}

const silence = {
  outcome: 'failed',
  error: null,
  protocol: null,
  cipher: null,
  group: null,
  alpn: null,
  chain: [],
  connectMs: null,
  handshakeMs: null,
} as const

function longest(handshakes: readonly Handshake[]): number {
  return Math.max(0, ...handshakes.map(timeOf))
}

function timeOf({ connectMs, handshakeMs, error }: Handshake): number {
  return error?.code === 'timeout'
    ? limits.handshakeTimeoutMs
    : (connectMs ?? 0) + (handshakeMs ?? 0)
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10
}
