// Runs one fuzz target in a thread of its own, guided by coverage, until its time is over or an input breaks it.

import { parentPort, workerData } from 'node:worker_threads'
import { utf8 } from '../../src/base/bytes.ts'
import { chanceFrom, type Chance } from './chance.ts'
import { createFrontier, startCoverage, type Ran } from './coverage.ts'
import { mutate, type Material } from './mutate.ts'
import { begin, inputBytesMax } from './shared.ts'

/** What the thread is told. */
export interface Order {
  /** URL of the module that exports the target. */
  readonly module: string
  /** URL under which the code lies whose coverage counts. */
  readonly covered: string
  readonly corpus: readonly Uint8Array[]
  readonly seed: number
  readonly milliseconds: number
  /** Number of runs after which to stop, so that a run can be repeated exactly. */
  readonly runsMax: number
  /** Where the input that runs now is shown to the one who watches. */
  readonly shared: SharedArrayBuffer
}

/** How far the thread has come. */
export interface Progress {
  readonly runs: number
  /** Inputs that reached something new. */
  readonly corpus: number
  /** Functions and blocks that ran. */
  readonly blocks: number
}

/** What the thread tells; `crash` or `end` comes last. */
export type Report =
  | ({ readonly kind: 'progress' } & Progress)
  | ({ readonly kind: 'end' } & Progress)
  | {
      readonly kind: 'crash'
      readonly runs: number
      readonly input: Uint8Array
      readonly error: string
    }

/** A target: throws when a property does not hold for `input`. */
type Target = (input: Uint8Array) => void | Promise<void>

const progressMs = 1_000
/** Inputs that share one look at the coverage. */
const batchInputs = 32

async function fuzz(order: Order, tell: (report: Report) => void): Promise<void> {
  const { target, dictionary } = await load(order.module)
  const corpus: [Uint8Array, ...Uint8Array[]] = [new Uint8Array(), ...order.corpus]
  const chance = chanceFrom(order.seed)
  const material: Material = { chance, corpus, dictionary, lengthMax: inputBytesMax }
  using coverage = startCoverage(order.covered)
  const frontier = createFrontier()
  const start = performance.now()
  let told = start
  let runs = 0
  const progress = (): Progress => ({ runs, corpus: corpus.length, blocks: frontier.size() })
  const run = async (input: Uint8Array): Promise<void> => {
    begin(order.shared, ++runs, input)
    const error = await failureOf(target, input)
    if (error !== null) throw new Broken(input, error)
  }
  const trace = async (input: Uint8Array): Promise<readonly Ran[]> => {
    await run(input)
    return coverage.take()
  }
  const learn = async (input: Uint8Array): Promise<void> => {
    const ran = await trace(input)
    if (!frontier.isNew(ran)) return
    const same = JSON.stringify(ran)
    corpus.push(
      await shorten(input, async (shorter) => JSON.stringify(await trace(shorter)) === same),
    )
    frontier.learn(ran)
  }
  try {
    let batch: readonly Uint8Array[] = [...corpus.splice(1), ...noise(chance)]
    for (;;) {
      for (const input of batch) await run(input)
      // Something new ran: once more, one by one, to see which input it was.
      if (frontier.isNew(coverage.take())) for (const input of batch) await learn(input)
      const now = performance.now()
      if (now - start >= order.milliseconds || runs >= order.runsMax)
        return tell({ kind: 'end', ...progress() })
      if (now - told >= progressMs) {
        told = now
        tell({ kind: 'progress', ...progress() })
      }
      batch = Array.from({ length: batchInputs }, () => mutate(choose(corpus, chance), material))
    }
  } catch (error) {
    if (!(error instanceof Broken)) throw error
    tell({ kind: 'crash', runs, input: error.input, error: error.message })
  }
}

/** An input that broke a property. */
class Broken extends Error {
  readonly input: Uint8Array

  constructor(input: Uint8Array, message: string) {
    super(message)
    this.input = input
  }
}

/** One of the newest half of the time, since they stand at the frontier; else any. */
function choose(corpus: readonly [Uint8Array, ...Uint8Array[]], chance: Chance): Uint8Array {
  const newest = Math.min(corpus.length, 8)
  const fromEnd = chance.below(chance.below(2) === 0 ? newest : corpus.length)
  return corpus[corpus.length - 1 - fromEnd] ?? corpus[0]
}

/** `input` without the pieces that it does the same without: on short inputs a change hits what matters. */
async function shorten(
  input: Uint8Array,
  doesTheSame: (shorter: Uint8Array) => Promise<boolean>,
): Promise<Uint8Array> {
  let kept = input
  for (let piece = kept.length >> 1; piece > 0; piece >>= 1)
    for (let at = kept.length - piece; at >= 0; at -= piece) {
      const shorter = new Uint8Array(kept.length - piece)
      shorter.set(kept.subarray(0, at))
      shorter.set(kept.subarray(at + piece), at)
      if (await doesTheSame(shorter)) kept = shorter
      if (piece < kept.length >> 4) break
    }
  return kept
}

/** Inputs of every length, so that a target without a corpus gets past its first check of the length. */
function noise(chance: Chance): readonly Uint8Array[] {
  return Array.from({ length: batchInputs }, (_, i) =>
    Uint8Array.from({ length: 1 << (i % 10) }, () => chance.below(256)),
  )
}

async function failureOf(target: Target, input: Uint8Array): Promise<string | null> {
  try {
    // A copy, so that a target that changes its input does not change the corpus.
    await target(input.slice())
    return null
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error)
  }
}

/** The module's one function whose name begins with `fuzz`, and its `dictionary` where it has one. */
async function load(
  module: string,
): Promise<{ readonly target: Target; readonly dictionary: readonly Uint8Array[] }> {
  const exported = (await import(module)) as Readonly<Record<string, unknown>>
  const targets = Object.entries(exported).filter(
    ([name, value]) => name.startsWith('fuzz') && typeof value === 'function',
  )
  const [first] = targets
  if (first === undefined || targets.length > 1)
    throw new Error(
      `${module} exports ${targets.length} functions whose name begins with fuzz, not 1`,
    )
  const words = (exported['dictionary'] ?? []) as readonly (string | Uint8Array)[]
  return {
    target: first[1] as Target,
    dictionary: words.map((word) => (typeof word === 'string' ? utf8(word) : word)),
  }
}

if (parentPort !== null) {
  const port = parentPort
  await fuzz(workerData as Order, (report) => port.postMessage(report))
}
