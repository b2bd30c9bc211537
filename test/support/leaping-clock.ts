// The real clock, which a test may set ahead: time then has passed for all who have it, timers included.

import { setImmediate } from 'node:timers'
import type { Clock } from '../../src/runtime/runtime.ts'

/** A clock that runs by itself, and leaps when it is told to. */
export interface LeapingClock extends Clock {
  /** Lets `ms` pass at once. Timers that fall due run in their order, and what follows from each gets its turn. */
  leap(ms: number): Promise<void>
}

interface Timer {
  readonly due: number
  readonly run: () => void
  handle: NodeJS.Timeout
}

/** How far a leap goes at a time: what a timer arms in one step may fall due in the next. */
const stepMs = 50

/** A clock that shows the present. */
export function createLeapingClock(): LeapingClock {
  let ahead = 0
  const timers = new Set<Timer>()
  const monotonic = (): number => performance.now() + ahead
  const arm = (timer: Timer): void => {
    timer.handle = setTimeout(() => fire(timer), Math.max(0, timer.due - monotonic()))
  }
  const fire = (timer: Timer): void => {
    clearTimeout(timer.handle)
    if (timers.delete(timer)) timer.run()
  }
  return {
    now: () => Math.floor(Date.now() + ahead),
    monotonic,
    after: (ms, run) => {
      const timer: Timer = { due: monotonic() + ms, run, handle: setTimeout(() => {}, 0) }
      clearTimeout(timer.handle)
      timers.add(timer)
      arm(timer)
      return () => {
        clearTimeout(timer.handle)
        timers.delete(timer)
      }
    },
    leap: async (ms) => {
      for (let left = ms; left > 0; left -= stepMs) {
        ahead += Math.min(stepMs, left)
        const due = [...timers].filter((timer) => timer.due <= monotonic())
        for (const timer of due.toSorted((a, b) => a.due - b.due)) fire(timer)
        for (let turn = 0; turn < 2; turn++)
          await new Promise<void>((resolve) => setImmediate(resolve))
      }
      for (const timer of timers) {
        clearTimeout(timer.handle)
        arm(timer)
      }
    },
  }
}
