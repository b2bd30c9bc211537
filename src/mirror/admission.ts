// Back-pressure instead of denial (protocol §11): questions that need work wait for a place, fairly by network, and nobody is refused.

import ipaddr from 'ipaddr.js'
import { limits } from '../base/limits.ts'
import type { Clock } from '../runtime/runtime.ts'

/** Who asks and what about, for fairness among networks and care for the asked. */
export interface Applicant {
  /** /24 or /56 of the asker. */
  readonly network: string
  /** Registrable domain of the target. */
  readonly domain: string
}

/** A place to work in; `leave` gives it back. */
export interface Place {
  leave(): void
}

export interface Admission {
  /** A place, or null when none came free before `limits.queueDeadlineMs`. */
  enter(applicant: Applicant): Promise<Place | null>
}

/** Waiting applicants beyond this are answered `busy` at once: 4096 questions of 2 s are more than a mirror can do. */
const waitingMax = 4_096

/** Places for `limits.outstandingMax` at a time, handed out in turn to each network that waits. */
export function createAdmission(clock: Clock): Admission {
  const rooms = createRooms(clock)
  const lines = createLines(clock)
  let wake: (() => void) | null = null

  const occupy = (applicant: Applicant): Place => rooms.occupy(applicant.domain, serve)
  const mayEnter = (applicant: Applicant): boolean => rooms.hasRoom(applicant.domain)
  const serve = (): void => {
    for (const next of lines.takeEach(mayEnter)) next.resolve(occupy(next.applicant))
    // Tokens grow with time alone: look again while somebody waits for them.
    if (lines.waiting() > 0 && wake === null) {
      wake = clock.after(1000 / limits.uncachedPerDomainPerSecond, () => {
        wake = null
        serve()
      })
    }
  }
  return {
    enter: async (applicant) => {
      if (lines.waiting() === 0 && mayEnter(applicant)) return occupy(applicant)
      if (lines.waiting() >= waitingMax && !lines.makeRoomFor(applicant.network)) return null
      const place = lines.wait(applicant)
      serve()
      return place
    },
  }
}

interface Domain {
  outstanding: number
  tokens: number
  filledAt: number
}

/** Domains whose rate is remembered; the oldest idle ones are forgotten. */
const domainsMax = 10_000

/** Counts the places that are taken, in all and for each domain, and the rate of each domain. */
function createRooms(clock: Clock) {
  const domains = new Map<string, Domain>()
  let outstanding = 0
  const domainOf = (name: string): Domain => {
    const known = domains.get(name)
    if (known !== undefined) return refill(known, clock.monotonic())
    if (domains.size >= domainsMax) forgetIdle(domains)
    const made = {
      outstanding: 0,
      tokens: limits.uncachedPerDomainPerSecond,
      filledAt: clock.monotonic(),
    }
    domains.set(name, made)
    return made
  }
  return {
    hasRoom: (name: string): boolean => {
      if (outstanding >= limits.outstandingMax) return false
      const domain = domainOf(name)
      return domain.tokens >= 1 && domain.outstanding < limits.outstandingPerDomainMax
    },
    occupy: (name: string, onLeave: () => void): Place => {
      const domain = domainOf(name)
      domain.tokens -= 1
      domain.outstanding += 1
      outstanding += 1
      let left = false
      return {
        leave: () => {
          if (left) return
          left = true
          domain.outstanding -= 1
          outstanding -= 1
          onLeave()
        },
      }
    },
  }
}

function refill(domain: Domain, now: number): Domain {
  const gained = ((now - domain.filledAt) / 1000) * limits.uncachedPerDomainPerSecond
  domain.tokens = Math.min(limits.uncachedPerDomainPerSecond, domain.tokens + gained)
  domain.filledAt = now
  return domain
}

function forgetIdle(domains: Map<string, Domain>): void {
  for (const [name, domain] of domains) {
    if (domain.outstanding === 0) domains.delete(name)
    if (domains.size < domainsMax / 2) return
  }
}

interface Waiting {
  readonly applicant: Applicant
  readonly resolve: (place: Place | null) => void
  readonly cancel: () => void
}

/** One line of waiting applicants for each network. */
function createLines(clock: Clock) {
  const lines = new Map<string, Waiting[]>()
  let waiting = 0
  const take = (network: string, line: Waiting[], index: number): Waiting | undefined => {
    const [one] = line.splice(index, 1)
    waiting -= 1
    // The network goes to the end of the order, or out of it.
    lines.delete(network)
    if (line.length > 0) lines.set(network, line)
    return one
  }
  return {
    waiting: () => waiting,
    wait: (applicant: Applicant): Promise<Place | null> =>
      new Promise((resolve) => {
        const { network } = applicant
        const line = lines.get(network) ?? []
        lines.set(network, line)
        const one: Waiting = {
          applicant,
          resolve,
          cancel: clock.after(limits.queueDeadlineMs, () => {
            take(network, line, line.indexOf(one))
            resolve(null)
          }),
        }
        line.push(one)
        waiting += 1
      }),
    /** Sends the last of the longest line away with `null`, unless `network` itself has the longest: fairness among networks. */
    makeRoomFor: (network: string): boolean => {
      let longest: readonly [string, Waiting[]] | null = null
      for (const entry of lines) if (entry[1].length > (longest?.[1].length ?? 0)) longest = entry
      if (longest === null || longest[1].length <= (lines.get(network)?.length ?? 0) + 1)
        return false
      const [where, line] = longest
      const last = line.at(-1)
      if (last === undefined || where === network) return false
      take(where, line, line.length - 1)
      last.cancel()
      last.resolve(null)
      return true
    },
    /** One round over the networks as they are now, each giving its first applicant that may enter at that moment. */
    *takeEach(mayEnter: (applicant: Applicant) => boolean): Generator<Waiting> {
      for (const [network, line] of Array.from(lines)) {
        const index = line.findIndex((one) => mayEnter(one.applicant))
        const one = index < 0 ? undefined : take(network, line, index)
        if (one === undefined) continue
        one.cancel()
        yield one
      }
    },
  }
}

/** The /24 or /56 that `address` is in, as the unit of fairness. */
export function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return 'unknown'
  const parsed = ipaddr.process(address)
  const bytes = parsed.toByteArray()
  return parsed.kind() === 'ipv4' ? bytes.slice(0, 3).join('.') : bytes.slice(0, 7).join(':')
}
