// What the behaviours of a mirror in its network have in common: what they work with, what they answer, and when they act.

import { integerBelow } from '../../membership/chance.ts'
import type { Parameters } from '../../membership/parameters.ts'
import type { Whereabouts } from '../../protocol/network.ts'
import type { NetworkRouteId } from '../../protocol/route-table.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import type { Probe } from '../../vantage/probe.ts'
import type { RouteHandler } from '../dispatch.ts'
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

/** Handlers of routes between mirrors, by the route's id. */
export type NetworkHandlers = Readonly<Partial<Record<NetworkRouteId, RouteHandler>>>

/** One behaviour. It acts by itself between `start` and `stop` alone, and answers always. */
export interface Part {
  /** The requests that it answers; each handler belongs to one behaviour. */
  readonly handlers?: NetworkHandlers
  readonly start: () => void
  /** What is under way may end later; nothing new is begun. */
  readonly stop: () => void
  /** Writes down what is not written yet, after `stop`. @throws Failure of the store */
  readonly close?: () => Promise<void>
}

/** Lets `work` go on by itself; what fails is told to the operator under `name`. */
export function inBackground({ log }: Pick<Core, 'log'>, name: string, work: Promise<void>): void {
  work.catch((error: unknown) =>
    log.warn(`${name} failed`, { error: error instanceof Error ? error.message : String(error) }),
  )
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
  core: Pick<Core, 'clock' | 'random' | 'log'>,
  name: string,
  { everyMs, run }: Rhythm,
): Pick<Part, 'start' | 'stop'> {
  const { clock, random } = core
  let cancel: (() => void) | null = null
  const wait = (ms: number): void => {
    cancel = clock.after(ms, () => {
      const done = async (): Promise<void> => run()
      const doneAndWaiting = done().finally(() => {
        if (cancel !== null) wait(everyMs)
      })
      inBackground(core, name, doneAndWaiting)
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
