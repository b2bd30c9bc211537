// Asks each mirror through another one, which is drawn anew for every question and may fail (RFC 9458, protocol §10).

import { Failure } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import type { Descriptors } from '../protocol/descriptors.ts'
import { askThroughRelay, relayFailure, type CarriedReply } from '../protocol/relayed.ts'
import type { ListEntry } from '../protocol/routes.ts'
import type { HttpsPool, Runtime } from '../runtime/runtime.ts'
import type { Carrier } from './carrier.ts'
import { drawRelay } from './choice.ts'

type Needs = Pick<Runtime, 'clock' | 'random' | 'crypto'>

/** What questions go through. */
export interface ObliviousOptions {
  readonly pool: HttpsPool
  /** Mirrors that may be relays: all that the client knows. */
  readonly relays: readonly ListEntry[]
  /** The gateways' descriptors; those that are missing are asked for through the relay too. */
  readonly descriptors: Descriptors
}

/**
 * A carrier through relays. For each question a relay is drawn anew, so that none sees which questions belong together;
 * when it fails, another is tried once. To ask again is safe: an observation changes nothing, every question is sealed
 * anew, and its nonce lets one answer count.
 */
export function obliviousCarrier(needs: Needs, options: ObliviousOptions): Carrier {
  return {
    bringsDescriptors: true,
    post: async (gateway, question) => {
      const { signal } = question
      const tried = new Set<string>()
      const draw = (): ListEntry | null =>
        drawRelay(needs.random, options.relays, { gateway, tried })
      const through = (relay: ListEntry, patienceMs: number): Promise<CarriedReply> => {
        tried.add(relay.id)
        return askThroughRelay(needs, { ...options, gateway, relay, patienceMs }, question)
      }
      const first = draw()
      if (first === null)
        throw relayFailure({ gateway, relay: null }, 'no mirror of another network is known')
      try {
        return await through(first, limits.relayPatienceMs)
      } catch (error) {
        const isRelays = Failure.is(error) && error.code === 'relay-failed'
        const second = isRelays && !signal.aborted ? draw() : null
        if (second === null) throw error
        return await through(second, limits.mirrorTimeoutMs)
      }
    },
  }
}
