// The handshakes of one look: each address once, all at the same time, and nobody waits long for the slowest.

import { limits } from '../base/limits.ts'
import type { Handshake } from '../observation/observation.ts'
import { schemes, type Target } from '../observation/target.ts'
import { deadline } from '../runtime/deadline.ts'
import { NetworkError, type Certificate, type Endpoint } from '../runtime/runtime.ts'
import { addressRefusal, isAddress } from './address.ts'
import { notShaken, shakeHands, type HandshakeNeeds, type Shaken } from './tls/handshake.ts'

/** What all handshakes of a batch share. */
export interface BatchTask {
  readonly target: Target
  readonly allowPrivate: boolean
  /** For each handshake with its connection. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** An address to shake hands with, and who named it. */
export type Named = Pick<Handshake, 'address' | 'origin'>

/** Handshakes, and the certificates that were shown in them. */
export interface Shakes {
  readonly handshakes: readonly Handshake[]
  /** By address, in the order sent; an address where nothing was shown is missing. */
  readonly chains: ReadonlyMap<string, readonly Certificate[]>
}

export interface Batch {
  /** Begins with those of `places` that have not begun yet. */
  start(places: readonly Endpoint[]): void
  /** The handshakes with `named`, in that order, begun already or not. */
  finish(named: readonly (Named & Endpoint)[]): Promise<Shakes>
}

/** A batch that has not begun. Once one handshake has completed, each other has `limits.handshakeGraceMs` left. */
export function createBatch(needs: HandshakeNeeds, task: BatchTask): Batch {
  const begun = new Map<string, Promise<Shaken>>()
  const waiting = new Set<() => void>()
  let hasCompleted = false

  const run = async (place: Endpoint): Promise<Shaken> => {
    const hurried = new AbortController()
    const { signal, done } = deadline(
      needs.clock,
      task.timeoutMs,
      AbortSignal.any([task.signal, hurried.signal]),
    )
    let cancel = (): void => {}
    const hurry = (): void => {
      cancel = needs.clock.after(limits.handshakeGraceMs, () => hurried.abort(overtaken()))
    }
    if (hasCompleted) hurry()
    else waiting.add(hurry)
    try {
      return await shakeWith(needs, { ...task, signal }, place)
    } finally {
      waiting.delete(hurry)
      cancel()
      done()
    }
  }
  const begin = ({ address, port }: Endpoint): Promise<Shaken> => {
    const key = `${address} ${port}`
    const known = begun.get(key)
    if (known !== undefined) return known
    const made = run({ address, port }).then((shaken) => {
      if (shaken.handshake.outcome !== 'completed') return shaken
      hasCompleted = true
      for (const hurry of waiting) hurry()
      waiting.clear()
      return shaken
    })
    begun.set(key, made)
    return made
  }
  return {
    start: (places) => {
      // Its result is asked for by `finish`, unless the look is given up before.
      void Promise.allSettled(places.map(begin))
    },
    finish: async (named) => {
      const shaken = await Promise.all(named.map(begin))
      const chains = new Map<string, readonly Certificate[]>()
      const handshakes = shaken.map(({ handshake, chain }, i) => {
        if (chain.length > 0) chains.set(handshake.address, chain)
        return { ...handshake, origin: named[i]?.origin ?? handshake.origin }
      })
      return { handshakes, chains }
    },
  }
}

/** One handshake, by the way that the target's scheme has to TLS. */
function shakeWith(needs: HandshakeNeeds, task: BatchTask, place: Endpoint): Promise<Shaken> {
  const { target, signal } = task
  const request = { ...place, target, origin: 'own' as const }
  const { upgrade } = schemes[target.scheme]
  switch (upgrade) {
    case 'implicit':
      return shakeHands(
        needs,
        {
          ...request,
          // RFC 6066 §3: addresses are not permitted as names.
          serverName: target.isAddress ? null : target.host,
          refusal: task.allowPrivate ? notAnAddress : addressRefusal,
        },
        signal,
      )
    case 'starttls':
    case 'ssh':
      return Promise.resolve(
        notShaken(request, 'unsupported', `the handshake behind ${target.scheme} is not supported`),
      )
  }
}

function notAnAddress(address: string): string | null {
  return isAddress(address) ? null : 'it is not an IP address'
}

function overtaken(): NetworkError {
  return new NetworkError(
    'timeout',
    `no answer within ${limits.handshakeGraceMs} ms of another address's`,
  )
}
