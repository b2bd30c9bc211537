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

interface Waiting {
  readonly applicant: Applicant
  readonly resolve: (place: Place | null) => void
  readonly cancel: () => void
}

interface Domain {
  outstanding: number
  tokens: number
  filledAt: number
}

/** Waiting applicants beyond this are answered `busy` at once: 4096 questions of 2 s are more than a mirror can do. */
const waitingMax = 4_096
/** Domains whose rate is remembered; the oldest idle ones are forgotten. */
const domainsMax = 10_000

/** Places for `limits.outstandingMax` at a time, handed out in turn to each network that waits. */
export function createAdmission(clock: Clock): Admission {
  const queues = new Map<string, Waiting[]>()
  const domains = new Map<string, Domain>()
  let outstanding = 0
  let waiting = 0
  let wake: (() => void) | null = null

  const domainOf = (name: string): Domain => {
    const known = domains.get(name)
    if (known !== undefined) return refill(known, clock.monotonic())
    if (domains.size >= domainsMax) forgetIdle(domains)
    const fresh = {
      outstanding: 0,
      tokens: limits.uncachedPerDomainPerSecond,
      filledAt: clock.monotonic(),
    }
    domains.set(name, fresh)
    return fresh
  }
  const mayEnter = (applicant: Applicant): boolean => {
    const domain = domainOf(applicant.domain)
    return (
      outstanding < limits.outstandingMax &&
      domain.tokens >= 1 &&
      domain.outstanding < limits.outstandingPerDomainMax
    )
  }
  const occupy = (applicant: Applicant): Place => {
    const domain = domainOf(applicant.domain)
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
        serve()
      },
    }
  }
  /** One round over the waiting networks, each giving its first applicant that may enter. */
  const serve = (): void => {
    for (const [network, queue] of queues) {
      const index = queue.findIndex((one) => mayEnter(one.applicant))
      const [next] = index < 0 ? [] : queue.splice(index, 1)
      if (queue.length === 0) queues.delete(network)
      if (next === undefined) continue
      // The network goes to the end of the line.
      if (queue.length > 0) {
        queues.delete(network)
        queues.set(network, queue)
      }
      waiting -= 1
      next.cancel()
      next.resolve(occupy(next.applicant))
    }
    // Tokens grow with time alone: look again while somebody waits for them.
    if (waiting > 0 && wake === null) {
      wake = clock.after(1000 / limits.uncachedPerDomainPerSecond, () => {
        wake = null
        serve()
      })
    }
  }
  const wait = (applicant: Applicant): Promise<Place | null> =>
    new Promise((resolve) => {
      const queue = queues.get(applicant.network) ?? []
      queues.set(applicant.network, queue)
      const one: Waiting = {
        applicant,
        resolve,
        cancel: clock.after(limits.queueDeadlineMs, () => {
          queue.splice(queue.indexOf(one), 1)
          if (queue.length === 0 && queues.get(applicant.network) === queue)
            queues.delete(applicant.network)
          waiting -= 1
          resolve(null)
        }),
      }
      queue.push(one)
      waiting += 1
      serve()
    })
  return {
    enter: async (applicant) => {
      if (waiting === 0 && mayEnter(applicant)) return occupy(applicant)
      return waiting >= waitingMax ? null : wait(applicant)
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

/** The /24 or /56 that `address` is in, as the unit of fairness. */
export function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return 'unknown'
  const parsed = ipaddr.process(address)
  const bytes = parsed.toByteArray()
  return parsed.kind() === 'ipv4' ? bytes.slice(0, 3).join('.') : bytes.slice(0, 7).join(':')
}
