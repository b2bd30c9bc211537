// What the behaviours of a mirror in its network have in common: what they work with, what they answer, and when they act.

import { integerBelow } from '../../membership/chance.ts'
import type { Parameters } from '../../membership/parameters.ts'
import type { Whereabouts } from '../../protocol/network.ts'
import type { HttpQuestion, HttpReply, Runtime } from '../../runtime/runtime.ts'
import type { Probe } from '../../vantage/probe.ts'
import type { Correspondence } from './correspondence.ts'
import type { Counts } from './counts.ts'
import type { Peers } from './peers.ts'

/** What every behaviour works with. */
export interface Core extends Pick<Runtime, 'clock' | 'random' | 'crypto' | 'log'> {
  /** Where this mirror is, as it tells others. */
  readonly self: Whereabouts
  readonly parameters: Parameters
  readonly peers: Peers
  readonly correspondence: Correspondence
  /** This mirror's own eyes. */
  readonly probe: Probe
  /** Takes private addresses too: for test networks alone. */
  readonly allowPrivate: boolean
  readonly counts: Counts
}

/** A request with its path taken apart. */
export interface Routed {
  readonly question: HttpQuestion
  readonly path: string
  /** Without the question mark. */
  readonly query: string
}

/** One behaviour. It acts by itself between `start` and `stop` alone, and answers always. */
export interface Part {
  /** The reply to a request that is this behaviour's; null for others. */
  readonly route?: (routed: Routed) => HttpReply | Promise<HttpReply> | null
  readonly start: () => void
  /** What is under way may end later; nothing new is begun. */
  readonly stop: () => void
}

/** Work that is done again and again. */
export interface Rhythm {
  /** Milliseconds from the end of one to the beginning of the next. */
  readonly everyMs: number
  readonly run: () => void | Promise<void>
}

/**
 * Does `run` every so often, first after a random part of the time: mirrors that began together do not act together.
 * What fails is told to the operator, and done again in its time.
 */
export function repeat(
  { clock, random, log }: Pick<Core, 'clock' | 'random' | 'log'>,
  name: string,
  { everyMs, run }: Rhythm,
): Pick<Part, 'start' | 'stop'> {
  let cancel: (() => void) | null = null
  const wait = (ms: number): void => {
    cancel = clock.after(ms, () => {
      const done = async (): Promise<void> => run()
      void done()
        .catch((error: unknown) =>
          log.warn(`${name} failed`, {
            error: error instanceof Error ? error.message : String(error),
          }),
        )
        .finally(() => {
          if (cancel !== null) wait(everyMs)
        })
    })
  }
  return {
    start: () => {
      if (cancel === null) wait(integerBelow(random, Math.max(1, Math.round(everyMs))))
    },
    stop: () => {
      cancel?.()
      cancel = null
    },
  }
}
