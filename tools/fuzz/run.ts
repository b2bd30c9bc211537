// Starts a fuzzing thread and watches it: an input that takes too long is a failure like any other.

import { Worker } from 'node:worker_threads'
import { createShared, current } from './shared.ts'
import type { Order, Progress, Report } from './worker.ts'

/** What to fuzz, and for how long. */
export interface FuzzOptions extends Omit<Order, 'shared'> {
  /** An input may run this long. */
  readonly inputMs: number
  readonly onProgress?: (progress: Progress) => void
}

/** How it ended. */
export type Outcome =
  | ({ readonly kind: 'sound' } & Progress)
  | {
      readonly kind: 'broken'
      readonly runs: number
      readonly input: Uint8Array
      readonly error: string
    }

/** Fuzzes one target to the end. Rejects only when the target cannot be loaded. */
export async function fuzzTarget(options: FuzzOptions): Promise<Outcome> {
  const { inputMs, onProgress, ...order } = options
  const shared = createShared()
  const worker = new Worker(new URL('worker.ts', import.meta.url), {
    workerData: { ...order, shared } satisfies Order,
    // A regular expression or a loop that eats memory ends its thread, not the machine.
    resourceLimits: { maxOldGenerationSizeMb: 1_024 },
  })
  const outcome = await new Promise<Outcome>((resolve, reject) => {
    const broken = (error: string): void => {
      const { run, input } = current(shared)
      resolve({ kind: 'broken', runs: run, input, error })
    }
    const watch = watchFor(inputMs, {
      run: () => current(shared).run,
      late: () => broken(`it took more than ${inputMs} ms`),
    })
    worker.on('message', (report: Report) => {
      if (report.kind === 'progress') onProgress?.(report)
      else if (report.kind === 'crash') resolve({ ...report, kind: 'broken' })
      else resolve({ ...report, kind: 'sound' })
    })
    worker.on('error', (error: NodeJS.ErrnoException) => {
      if (current(shared).run === 0) reject(error)
      else broken(`it ended its thread: ${error.message}`)
    })
    worker.once('exit', () => clearInterval(watch))
  })
  await worker.terminate()
  return outcome
}

/** Looks again and again whether the run is still the same one; the first run may take longer, as code is loaded. */
function watchFor(
  ms: number,
  of: { readonly run: () => number; readonly late: () => void },
): NodeJS.Timeout {
  let seen = { run: 0, since: performance.now() }
  const timer = setInterval(() => {
    const run = of.run()
    const now = performance.now()
    if (run === 0 || run !== seen.run) seen = { run, since: now }
    else if (now - seen.since > ms) {
      clearInterval(timer)
      of.late()
    }
  }, ms / 10)
  return timer
}
