// What our code did while inputs ran: V8's block coverage, through the inspector of this thread.

import { Session, type Profiler } from 'node:inspector'

/** A function that ran, and its blocks that did not. */
export interface Ran {
  /** Script and place of the function. */
  readonly id: string
  /** Start and end of each block that did not run. A block inside of another one that is named is not named. */
  readonly unrun: readonly (readonly [number, number])[]
}

/** Counts what runs, until it is closed. */
export interface Coverage extends Disposable {
  /** What ran since the last call. Costs half a millisecond whatever ran, so many inputs share one call. */
  readonly take: () => readonly Ran[]
}

/** Starts counting in the scripts whose URL begins with `prefix`. */
export function startCoverage(prefix: string): Coverage {
  const session = new Session()
  session.connect()
  session.post('Profiler.enable')
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  return {
    take: () => {
      let ran: readonly Ran[] = []
      // The session is of this thread, so the callback runs before `post` returns.
      session.post('Profiler.takePreciseCoverage', (error, { result }) => {
        if (error !== null) throw error
        ran = result.filter(({ url }) => url.startsWith(prefix)).flatMap(ranIn)
      })
      return ran
    },
    [Symbol.dispose]: () => session.disconnect(),
  }
}

function ranIn(script: Profiler.ScriptCoverage): readonly Ran[] {
  return script.functions.flatMap(({ ranges: [whole, ...blocks] }) =>
    whole === undefined || whole.count === 0
      ? []
      : [
          {
            id: `${script.scriptId} ${whole.startOffset}-${whole.endOffset}`,
            unrun: blocks
              .filter(({ count }) => count === 0)
              .map(({ startOffset, endOffset }) => [startOffset, endOffset] as const),
          },
        ],
  )
}

/** All that was ever seen to run. */
export interface Frontier {
  /** Functions and blocks that ran. */
  readonly size: () => number
  /** Whether `ran` holds a function or a block that never ran before. */
  readonly isNew: (ran: readonly Ran[]) => boolean
  /** Remembers `ran`. */
  readonly learn: (ran: readonly Ran[]) => void
}

/**
 * An empty frontier. V8 lists a block only where its count differs from the block around it, so a block is known
 * from the first time that it did not run, and counts as run when its function runs and no unrun block holds it.
 */
export function createFrontier(): Frontier {
  const functions = new Map<
    string,
    Map<string, { readonly range: readonly [number, number]; ran: boolean }>
  >()
  const firstRuns = ({ id, unrun }: Ran) =>
    [...(functions.get(id)?.values() ?? [])].filter(
      (block) => !block.ran && !unrun.some((outer) => holds(outer, block.range)),
    )
  return {
    size: () =>
      [...functions.values()].reduce(
        (sum, blocks) => sum + 1 + [...blocks.values()].filter(({ ran }) => ran).length,
        0,
      ),
    isNew: (ran) => ran.some((each) => !functions.has(each.id) || firstRuns(each).length > 0),
    learn: (ran) => {
      for (const each of ran) {
        for (const block of firstRuns(each)) block.ran = true
        const blocks = functions.get(each.id) ?? new Map()
        functions.set(each.id, blocks)
        for (const range of each.unrun) {
          const key = range.join('-')
          if (!blocks.has(key)) blocks.set(key, { range, ran: false })
        }
      }
    },
  }
}

function holds(outer: readonly [number, number], inner: readonly [number, number]): boolean {
  return outer[0] <= inner[0] && inner[1] <= outer[1]
}
