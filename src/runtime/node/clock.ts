// The real clock.

import type { Clock } from '../runtime.ts'

/** Wall time from the system, monotonic time from the process, timers from the event loop. */
export const nodeClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, run) => {
    if (ms <= 0) {
      // A timer of 0 ms takes one: this runs when what has arrived by now has been handled.
      const turn = setImmediate(run)
      return () => clearImmediate(turn)
    }
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}
