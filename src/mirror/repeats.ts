// Tells repeated questions from new ones, within the time that their dates span (RFC 9458 §6.5).

import { base64url } from '../base/bytes.ts'
import { limits } from '../base/limits.ts'
import type { Clock } from '../runtime/runtime.ts'

/** `date`: too far from our clock, or from a second of which we remember nothing more. */
export type Repeat = 'new' | 'repeated' | 'date'

/** Remembers questions that were asked. */
export interface Repeats {
  /** Whether the question that `key` tells from all others is a new one; `date` is its own, ms since 1970 UTC. */
  check(key: Uint8Array, date: number): Repeat
  readonly size: number
}

/**
 * Remembers each question until its date is out of the window. When there are too many, the second with the most of
 * them is closed: its questions are refused from then on, since a repeated one could not be told any more. Who floods
 * a gateway with questions of one second closes that second, and no other.
 */
export function createRepeats(
  clock: Pick<Clock, 'now'>,
  options: { readonly max: number } = { max: limits.obliviousRemembered },
): Repeats {
  const seconds = new Map<number, Set<string> | 'closed'>()
  let size = 0
  /** Nothing before this is remembered; it never goes back, whatever the clock does. */
  let horizon = 0
  const forgetOld = (): void => {
    horizon = Math.max(horizon, clock.now() - limits.obliviousDateMs)
    for (const [second, keys] of seconds) {
      if (second >= horizon) continue
      seconds.delete(second)
      if (keys !== 'closed') size -= keys.size
    }
  }
  const closeFullest = (): void => {
    let fullest: { second: number; size: number } | null = null
    for (const [second, keys] of seconds)
      if (keys !== 'closed' && keys.size > (fullest?.size ?? 0))
        fullest = { second, size: keys.size }
    if (fullest === null) return
    seconds.set(fullest.second, 'closed')
    size -= fullest.size
  }
  return {
    check: (key, date) => {
      forgetOld()
      if (date < horizon || date > clock.now() + limits.obliviousDateMs) return 'date'
      const known = seconds.get(date) ?? new Set()
      if (known === 'closed') return 'date'
      // Half of the key tells as much as a nonce does.
      const name = base64url(key.subarray(0, limits.nonceBytes))
      if (known.has(name)) return 'repeated'
      known.add(name)
      seconds.set(date, known)
      size += 1
      if (size > options.max) closeFullest()
      return 'new'
    },
    get size() {
      return size
    },
  }
}
