// Remembers for a while which answers we gave, by their nonces: a report counts only with one of them, and each once (R109, protocol §7).

import { limits } from '../../base/limits.ts'
import type { Clock } from '../../runtime/runtime.ts'

/** Nonces of answers given. */
export interface GivenAnswers {
  add(nonce: string): void
  /** True when we gave an answer for `nonce` lately, and no report has used it. */
  has(nonce: string): boolean
  /** No further report may use it. */
  use(nonce: string): void
}

/** Remembers for `limits.reportWithinMs` at least, and twice that at most; less when there are too many. */
export function createGivenAnswers(clock: Pick<Clock, 'monotonic'>): GivenAnswers {
  let running = new Set<string>()
  let last = new Set<string>()
  let since = clock.monotonic()
  const turn = (): void => {
    const now = clock.monotonic()
    const age = now - since
    if (age < limits.reportWithinMs && running.size < limits.noncesRememberedMax / 2) return
    last = age < 2 * limits.reportWithinMs ? running : new Set()
    running = new Set()
    since = now
  }
  return {
    add: (nonce) => {
      turn()
      running.add(nonce)
    },
    has: (nonce) => {
      turn()
      return running.has(nonce) || last.has(nonce)
    },
    use: (nonce) => {
      running.delete(nonce)
      last.delete(nonce)
    },
  }
}
