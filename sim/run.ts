// Runs one scenario with one seed: the same seed and the same code give the same trace and the same figures.

import { createFigureSheet, type Figure } from './figures.ts'
import { InvariantBroken } from './invariants.ts'
import type { Scenario, Size } from './scenario.ts'
import { createTrace } from './engine/trace.ts'
import { createWorld } from './world/world.ts'

/** What to run. */
export interface RunOptions extends Partial<Size> {
  readonly seed: number
  /** `made-up` unless given. */
  readonly keys?: 'made-up' | 'real'
  /** Told now and then how far it is. */
  readonly onProgress?: (progress: Progress) => void
  /** Ends the run when it aborts. */
  readonly signal?: AbortSignal
}

/** How far a run is. */
export interface Progress {
  /** Since its present world began, ms of virtual time. */
  readonly elapsedMs: number
  /** In all of its worlds. */
  readonly events: number
  readonly figures: number
}

/** What a run came to. All of it is repeatable. */
export interface RunResult extends Size {
  readonly scenario: string
  readonly seed: number
  /** The hash of everything that happened, 16 hexadecimal digits. */
  readonly trace: string
  readonly events: number
  readonly verdicts: number
  readonly figures: readonly Figure[]
  /** What was not as it must be, each as a sentence. */
  readonly faults: readonly string[]
}

/** Runs `scenario`. An invariant that breaks is among the faults, and ends the run. */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<RunResult> {
  const { seed, keys = 'made-up', onProgress, signal } = options
  const size = {
    mirrors: options.mirrors ?? scenario.defaults.mirrors,
    days: options.days ?? scenario.defaults.days,
  }
  const trace = createTrace()
  const sheet = createFigureSheet()
  const counts = { events: 0, verdicts: 0 }
  const inWorld: Parameters<Scenario['play']>[0]['inWorld'] = async (story, worldOptions = {}) => {
    const world = await createWorld({
      seed,
      keys,
      mirrors: size.mirrors,
      ...worldOptions,
      onPause: ({ engine }) => {
        signal?.throwIfAborted()
        const events = counts.events + engine.events
        onProgress?.({ elapsedMs: engine.monotonic(), events, figures: sheet.figures.length })
      },
    })
    try {
      await world.engine.runUntil(story(world), Infinity)
    } finally {
      counts.events += world.engine.events
      counts.verdicts += world.verdicts()
      trace.text(world.trace.hash())
    }
  }
  const faults: string[] = []
  try {
    await scenario.play({ ...size, seed, figures: sheet, inWorld })
  } catch (error) {
    signal?.throwIfAborted()
    faults.push(faultOf(error))
  }
  for (const figure of sheet.figures)
    if (!figure.fits) faults.push(`${figure.name}: ${figure.measured}, expected ${figure.expected}`)
  return {
    scenario: scenario.name,
    seed,
    ...size,
    trace: trace.hash(),
    ...counts,
    figures: sheet.figures,
    faults,
  }
}

/** What broke the run: an invariant as a sentence, a mistake of the code with its place. */
function faultOf(error: unknown): string {
  if (error instanceof InvariantBroken) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** The command that repeats a run. */
export function reproduction({
  scenario,
  seed,
  mirrors,
  days,
}: Pick<RunResult, 'scenario' | 'seed' | 'mirrors' | 'days'>): string {
  return `npx sightline simulate ${scenario} --seed ${seed} --mirrors ${mirrors} --days ${days}`
}
