// Looks whether mirrors that we were told of are what they are said to be, before anything else is done about them (R70, R71, R93; protocol §8).

import { hex, fromBase64url } from '../../base/bytes.ts'
import { Failure } from '../../base/failure.ts'
import { limits } from '../../base/limits.ts'
import { parseTarget, type Target } from '../../observation/target.ts'
import type { Descriptor } from '../../protocol/descriptor.ts'
import type { Whereabouts } from '../../protocol/network.ts'
import { protocolVersion } from '../../protocol/routes.ts'
import { deadline } from '../../runtime/deadline.ts'
import { NetworkError } from '../../runtime/runtime.ts'
import { addressRefusal, portRefusal } from '../../vantage/address.ts'
import { isRegionCode } from '../../verdict/regions.ts'
import { inBackground, type Core, type Part } from './part.ts'
import type { DueClaim } from './peers.ts'
import type { PeerEntry } from './record.ts'

/** Checks claims as they fall due. */
export interface Vetting extends Part {
  /** Looks at what is due now, as far as there is room. */
  readonly wake: () => void
}

/** A vetting that has begun nothing yet. */
export function createVetting(core: Core): Vetting {
  const { clock, peers, parameters, counts } = core
  const pace = createPace(core)
  const checking = new Set<string>()
  let cancel: (() => void) | null = null
  let isStopped = true

  const finish = async (due: DueClaim): Promise<void> => {
    const { ip, port } = due.claim
    const fault = await checkAndSettle(core, { id: due.id, ip, port })
    counts.add(fault === null ? 'checksPassed' : 'checksFailed')
    if (fault !== null) peers.claimFailed(due, fault)
  }
  const wait = (): void => {
    if (cancel !== null || isStopped || peers.claimed() === 0) return
    cancel = clock.after(parameters.candidates.perAddressMs, () => {
      cancel = null
      wake()
    })
  }
  const wake = (): void => {
    const room = limits.checksAtOnce - checking.size
    // Beyond the bound nobody is refused: who waits is looked at when others have gone.
    if (isStopped || room <= 0 || peers.met().size >= limits.peersMax) return wait()
    for (const due of peers.dueClaims(room)) {
      if (checking.has(due.id) || !pace(due.claim.ip)) continue
      checking.add(due.id)
      const finished = finish(due).finally(() => {
        checking.delete(due.id)
        wake()
      })
      inBackground(core, 'looking at a newcomer', finished)
    }
    wait()
  }
  return {
    wake,
    start: () => {
      isStopped = false
      wake()
    },
    stop: () => {
      isStopped = true
      cancel?.()
      cancel = null
    },
  }
}

/** Addresses whose latest look is remembered; beyond it those that are free again are forgotten. */
const addressesMax = 10_000

/** Lets one look at an address through in a while. Addresses that are not public may be those of one test machine. */
function createPace({ clock, parameters }: Core): (ip: string) => boolean {
  const looked = new Map<string, number>()
  const { perAddressMs } = parameters.candidates
  return (ip) => {
    if (addressRefusal(ip) !== null) return true
    const now = clock.monotonic()
    const isFree = (at: number): boolean => now - at >= perAddressMs
    if (!isFree(looked.get(ip) ?? -Infinity)) return false
    if (looked.size >= addressesMax)
      for (const [address, at] of looked) if (isFree(at)) looked.delete(address)
    looked.set(ip, now)
    return true
  }
}

/** Why `mirror` is not what it is said to be; null when it is, and then the registry has it so. */
async function checkAndSettle(core: Core, mirror: Whereabouts): Promise<string | null> {
  const fault = placeFault(core, mirror)
  if (fault !== null) return fault
  const asked = await core.correspondence.descriptor(mirror, 'fresh')
  if (asked.kind !== 'answered') return `it does not answer there under this id: ${asked.why}`
  const { descriptor } = asked.value
  const wrong =
    descriptorFault(core, mirror, descriptor) ?? (await domainFault(core, mirror, descriptor))
  if (wrong !== null) return wrong
  const { id, ip, port } = mirror
  const { domain } = descriptor
  const region =
    descriptor.region !== null && isRegionCode(descriptor.region) ? descriptor.region : null
  const entry: PeerEntry = { id, ip, port, region, domain }
  const before = core.peers.record(id)
  if (before === null) return 'it was forgotten meanwhile'
  if (descriptor.seq < before.seq) return 'its descriptor is older than one that we have seen'
  return core.peers.settle(entry, descriptor.seq)
    ? null
    : (core.peers.record(id)?.reason ?? 'another mirror is in its place')
}

/** What speaks against connecting there at all. */
function placeFault({ allowPrivate }: Core, { ip, port }: Whereabouts): string | null {
  if (allowPrivate) return null
  const address = addressRefusal(ip)
  if (address !== null) return `nobody can reach ${ip}: ${address}`
  const refusal = portRefusal(port)
  return refusal === null ? null : `port ${port} is not looked at: ${refusal}`
}

function descriptorFault(
  { peers }: Core,
  { id, ip, port }: Whereabouts,
  { addresses, protocol }: Descriptor,
): string | null {
  if (!protocol.includes(protocolVersion))
    return `it does not speak version ${protocolVersion} of the protocol`
  const [first] = addresses
  if (first === undefined || (first.address === ip && first.port === port)) return null
  // A mirror has one place in our list, its dedicated address (R70); that is looked at in its turn.
  peers.hear({ id, ip: first.address, port: first.port, from: ip }, 'announced')
  return `its descriptor names ${first.address} port ${first.port} as its dedicated address`
}

/** The domain must lead to the mirror, and name its CA, in the way in which all sites do (R71). */
async function domainFault(
  core: Core,
  { id, ip, port }: Whereabouts,
  { domain }: Descriptor,
): Promise<string | null> {
  if (domain === null) return null
  const target = targetOf(domain, port)
  if (target === null) return `its domain ${JSON.stringify(domain.slice(0, 64))} is no name`
  const { signal, done } = deadline(core.clock, limits.lookTimeoutMs)
  try {
    const { dns } = await core.probe.resolve(target, signal)
    if (![...dns.a.records, ...dns.aaaa.records].includes(ip))
      return `its domain ${domain} does not lead to ${ip}`
    const record = `2 1 1 ${hex(fromBase64url(id) ?? new Uint8Array())}`
    return dns.authority.records.includes(record)
      ? null
      : `its domain ${domain} has no TLSA record ${record.slice(0, 22)}…`
  } catch (error) {
    if (error instanceof NetworkError)
      return `its domain ${domain} was not looked up: ${error.message}`
    throw error
  } finally {
    done()
  }
}

function targetOf(domain: string, port: number): Target | null {
  try {
    const target = parseTarget(`https://${domain}:${port}`)
    return target.isAddress ? null : target
  } catch (error) {
    if (Failure.is(error)) return null
    throw error
  }
}
