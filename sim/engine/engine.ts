// Virtual time: from timer to timer, and between two of them everything that promises have made ready.

import { setImmediate } from 'node:timers'
import type { Clock } from '../../src/runtime/runtime.ts'
import { createTimers } from './timers.ts'
import type { Trace } from './trace.ts'

/** A Clock whose time stands still until it is let pass, and which then passes as fast as it can. */
export interface Engine extends Clock {
  /**
   * Lets `ms` pass. Every timer that falls due runs at its own instant, in the order of due time and then of
   * arming, also those armed meanwhile. Before the first, after each, and at the end everything that is ready
   * gets its turn.
   * @throws what a timer throws, with the clock left at that instant
   */
  advance(ms: number): Promise<void>
  /**
   * Lets time pass from timer to timer until none is armed; `withinMs` bounds a timer that arms itself again for ever.
   * @throws Error when timers are left after `withinMs` (default one hour)
   */
  runUntilIdle(withinMs?: number): Promise<void>
  /**
   * The result of `promise`, letting time pass from timer to timer until it has one.
   * @throws Error when no timer is left within `withinMs` (default one hour) and the promise still has no result
   */
  runUntil<T>(promise: Promise<T>, withinMs?: number): Promise<T>
  /** How many timers are armed. */
  readonly armed: number
  /** How many have run. */
  readonly events: number
}

/** How an engine runs. */
export interface EngineOptions {
  /** Wall time at the start, ms since 1970 UTC; by default a fixed day. */
  readonly now?: number
  /** Lets everything that is ready have its turn; `settleMicrotasks` unless given. */
  readonly settle?: () => Promise<void>
  /** Holds the instant of each timer that runs. */
  readonly trace?: Trace
  /** Called after each timer, when all that it made ready has had its turn; what it throws ends the run. */
  readonly afterEvent?: () => void
  /** Called now and then, between two events: to tell how far it is, or to throw and so end the run. */
  readonly onPause?: () => void
}

const hourMs = 3_600_000

/** Events between two turns of the real event loop: some milliseconds, so that signals are heard. */
const eventsPerTurn = 2_048

/**
 * Resolves when no promise has a reaction left to run. Node empties its queue of microtasks, those that are added
 * meanwhile too, before it looks at what `nextTick` has queued: so one tick is enough, however long the chains are,
 * and a turn of the event loop, four times as dear, is not needed. Not for worlds with real sockets.
 */
export function settleMicrotasks(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}

/** A turn of the event loop, in which real sockets, signals and timers have theirs. */
export function turnEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** An engine at its start: monotonic time 0. */
export function createEngine(options: EngineOptions = {}): Engine {
  const { settle = settleMicrotasks, trace, afterEvent, onPause } = options
  const start = options.now ?? Date.UTC(2026, 0, 1)
  const timers = createTimers()
  let elapsed = 0
  let events = 0

  /** Runs timers while `goesOn`, until none is due by `until`. */
  const run = async (until: number, goesOn: () => boolean): Promise<void> => {
    await settle()
    while (goesOn()) {
      const next = timers.take(until)
      if (next === null) return
      if (next.due > elapsed) elapsed = next.due
      events += 1
      trace?.number(elapsed)
      next.run()
      await settle()
      afterEvent?.()
      if (events % eventsPerTurn === 0) {
        await turnEventLoop()
        onPause?.()
      }
    }
  }
  return {
    now: () => start + Math.floor(elapsed),
    monotonic: () => elapsed,
    after: (ms, work) => {
      const timer = timers.arm(elapsed + Math.max(0, ms), work)
      return () => timers.cancel(timer)
    },
    advance: async (ms) => {
      const until = elapsed + ms
      await run(until, always)
      elapsed = until
    },
    runUntilIdle: async (withinMs = hourMs) => {
      await run(elapsed + withinMs, always)
      if (timers.armed > 0)
        throw new Error(`timers are still armed after ${withinMs} ms of virtual time`)
    },
    runUntil: async (promise, withinMs = hourMs) => {
      let isSettled = false
      const mark = (): void => {
        isSettled = true
      }
      promise.then(mark, mark)
      await run(elapsed + withinMs, () => !isSettled)
      if (!isSettled) throw new Error(`no result after ${withinMs} ms of virtual time`)
      return promise
    },
    get armed() {
      return timers.armed
    },
    get events() {
      return events
    },
  }
}

function always(): boolean {
  return true
}
