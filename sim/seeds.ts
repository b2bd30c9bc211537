// Many seeds of one scenario, on all processors: each run in a thread of its own world.

import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { RunOptions, RunResult } from './run.ts'
import { scenarioNamed } from './scenarios/index.ts'

/** What a worker is told to run. Plain data. */
export interface Job {
  readonly scenario: string
  readonly options: RunOptions
}

/** Which seeds, and who is told of each result. */
export interface SeedsTask extends Job {
  /** So many seeds from `options.seed` on. */
  readonly count: number
  readonly signal: AbortSignal
  /** The code of the threads; `worker.ts` unless given. */
  readonly worker?: URL
  readonly onResult: (result: RunResult) => void
}

/** Runs all seeds; results come as they are ready. A worker that breaks down has failed with its seed alone. */
export async function runSeeds(task: SeedsTask): Promise<void> {
  const { options, count } = task
  const lanes = Math.min(count, availableParallelism())
  let next = 0
  const take = (): number | null => (next < count ? options.seed + next++ : null)
  await Promise.all(Array.from({ length: lanes }, () => runLane(task, take)))
}

async function runLane(task: SeedsTask, take: () => number | null): Promise<void> {
  let worker: Worker | null = null
  const stop = (): void => void worker?.terminate()
  task.signal.addEventListener('abort', stop)
  try {
    for (let seed = take(); seed !== null; seed = take()) {
      task.signal.throwIfAborted()
      worker ??= new Worker(task.worker ?? new URL('./worker.ts', import.meta.url))
      const job: Job = { scenario: task.scenario, options: { ...task.options, seed } }
      worker.postMessage(job)
      try {
        const [result] = (await once(worker, 'message', { signal: task.signal })) as [RunResult]
        task.onResult(result)
      } catch (error) {
        task.signal.throwIfAborted()
        worker = null
        task.onResult(brokenDown(job, error))
      }
    }
  } finally {
    task.signal.removeEventListener('abort', stop)
    await worker?.terminate()
  }
}

function brokenDown({ scenario, options }: Job, error: unknown): RunResult {
  const { defaults } = scenarioNamed(scenario)
  const why = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return {
    scenario,
    seed: options.seed,
    mirrors: options.mirrors ?? defaults.mirrors,
    days: options.days ?? defaults.days,
    trace: '',
    events: 0,
    verdicts: 0,
    figures: [],
    faults: [`the run broke down: ${why}`],
  }
}
