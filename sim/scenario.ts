// What a scenario is: a story told to a world, and what is counted in it.

import type { FigureSheet } from './figures.ts'
import type { Setting, World } from './world/world.ts'

/** A scenario, as its file in `scenarios/` writes it. */
export interface Scenario {
  readonly name: string
  /** One line without a full stop. */
  readonly summary: string
  /** Of a run that says nothing else. */
  readonly defaults: Size
  readonly play: (stage: Stage) => Promise<void>
}

/** How large a run is. */
export interface Size {
  readonly mirrors: number
  /** Virtual days. */
  readonly days: number
}

/** Where a scenario plays. */
export interface Stage extends Size {
  readonly seed: number
  readonly figures: FigureSheet
  /** A world of this run: its seed, its mirrors, its trace. The story is told to it in its own time. */
  readonly inWorld: (
    story: (world: World) => Promise<void>,
    options?: WorldOptions,
  ) => Promise<void>
}

/** What a scenario may want of its world. */
export type WorldOptions = Partial<Pick<Setting, 'mirrors' | 'places' | 'keys'>>

/** The same, for reading. */
export function defineScenario(scenario: Scenario): Scenario {
  return scenario
}
