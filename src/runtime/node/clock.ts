// The real clock.

import type { Clock } from '../runtime.ts'

/** Wall time from the system, monotonic time from the process, timers from the event loop. */
export const nodeClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}
