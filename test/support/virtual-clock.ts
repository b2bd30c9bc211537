// A clock that moves only when a test says so, for tests of deadlines, retries and caches without waiting.

import { setImmediate } from 'node:timers'
import type { Clock } from '../../src/runtime/runtime.ts'

/** A Clock whose time stands still until it is advanced. */
export interface VirtualClock extends Clock {
  /**
   * Lets `ms` pass. Every timer that falls due runs at its own instant, in the order of due time and then of
   * arming, also those armed meanwhile. Before the first, after each, and at the end everything that is ready
   * (promises, and sockets whose data has arrived) gets its turn.
   * @throws what a timer throws, with the clock left at that instant
   */
  advance(ms: number): Promise<void>
  /**
   * Lets time pass from timer to timer until none is armed; `withinMs` bounds a timer that arms itself again for ever.
   * @throws Error when timers are left after `withinMs` (default one hour)
   */
  runUntilIdle(withinMs?: number): Promise<void>
  /**
   * The result of `promise`, letting time pass from timer to timer until it has one. Only for worlds without real
   * sockets: time does not wait for the kernel.
   * @throws Error when no timer is left within `withinMs` (default one hour) and the promise still has no result
   */
  runUntil<T>(promise: Promise<T>, withinMs?: number): Promise<T>
  /** How many timers are armed. */
  readonly armed: number
}

type Timer = { readonly due: number; readonly run: () => void; cancelled: boolean }

const hourMs = 3_600_000

/** A virtual clock that begins at `now` (ms since 1970 UTC; by default a fixed day) and at monotonic 0. */
export function createVirtualClock(options: { readonly now?: number } = {}): VirtualClock {
  const start = options.now ?? Date.UTC(2026, 0, 1)
  /** Sorted by due time; equal times in the order of arming. */
  const timers: Timer[] = []
  let elapsed = 0

  const next = (until: number): Timer | null => {
    while (timers[0]?.cancelled === true) timers.shift()
    const first = timers[0]
    return first === undefined || first.due > until ? null : first
  }

  /** Runs the next timer that is due by `until`; false when there is none. */
  const step = async (until: number): Promise<boolean> => {
    const timer = next(until)
    if (timer === null) return false
    timers.shift()
    elapsed = Math.max(elapsed, timer.due)
    timer.cancelled = true
    timer.run()
    await settle()
    return true
  }

  return {
    now: () => start + Math.floor(elapsed),
    monotonic: () => elapsed,
    after(ms, run) {
      const timer: Timer = { due: elapsed + Math.max(0, ms), run, cancelled: false }
      timers.splice(placeOf(timers, timer.due), 0, timer)
      return () => {
        timer.cancelled = true
      }
    },
    get armed() {
      return timers.filter((timer) => !timer.cancelled).length
    },
    async advance(ms) {
      const until = elapsed + ms
      await settle()
      while (await step(until));
      elapsed = until
    },
    async runUntilIdle(withinMs = hourMs) {
      const until = elapsed + withinMs
      await settle()
      while (await step(until));
      if (next(Infinity) !== null)
        throw new Error(`timers are still armed after ${withinMs} ms of virtual time`)
    },
    async runUntil(promise, withinMs = hourMs) {
      const until = elapsed + withinMs
      let settled = false
      const mark = (): void => {
        settled = true
      }
      promise.then(mark, mark)
      await settle()
      while (!settled && (await step(until)));
      if (!settled) throw new Error(`no result after ${withinMs} ms of virtual time`)
      return promise
    },
  }
}

/** Where a timer due at `due` belongs: behind all that are due no later. */
function placeOf(timers: readonly Timer[], due: number): number {
  let low = 0
  let high = timers.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((timers[middle]?.due ?? Infinity) <= due) low = middle + 1
    else high = middle
  }
  return low
}

/** Two turns of the event loop: what is ready in the first may make something ready for the second. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
}
