// Fuzzes the functions of test/fuzz: `npm run fuzz -- TARGET [--seconds 60] [--seed N]`, or `--all` for every one.

import { randomInt } from 'node:crypto'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { hex } from '../src/base/bytes.ts'
import { fuzzTarget, type Outcome } from './fuzz/run.ts'
import type { Progress } from './fuzz/worker.ts'
import { root } from './sources.ts'

const inputMs = 1_000

interface Settings {
  readonly targets: readonly string[]
  readonly seconds: number
  readonly seed: number
  readonly atOnce: number
  /** Runs after which a target is left, whatever time there is. */
  readonly runs: number
  /** The folder with the targets. */
  readonly folder: string
}

process.exitCode = await main()

async function main(): Promise<number> {
  const settings = readSettings()
  if (settings === null) return 2
  const waiting = [...settings.targets]
  const outcomes: Outcome[] = []
  const work = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift())
      outcomes.push(await fuzzOne(name, settings))
  }
  await Promise.all(Array.from({ length: settings.atOnce }, work))
  const broken = outcomes.filter(({ kind }) => kind === 'broken').length
  process.stdout.write(`${outcomes.length - broken} targets hold, ${broken} broken\n`)
  return broken === 0 ? 0 : 1
}

function readSettings(): Settings | null {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      all: { type: 'boolean', default: false },
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: String(randomInt(2 ** 32)) },
      runs: { type: 'string', default: String(Number.MAX_SAFE_INTEGER) },
      'at-once': { type: 'string', default: '1' },
      from: { type: 'string', default: 'test/fuzz' },
    },
  })
  const folder = join(root, values.from)
  const known = readdirSync(folder)
    .filter((name) => name.endsWith('.ts'))
    .map((name) => name.slice(0, -'.ts'.length))
  const targets = values.all ? known : positionals
  const numbers = [values.seconds, values.seed, values.runs, values['at-once']].map(Number)
  const [seconds = 0, seed = 0, runs = 0, atOnce = 0] = numbers
  const isWrong = numbers.some((number) => !(number >= 0)) || atOnce < 1 || targets.length === 0
  if (!isWrong && targets.every((name) => known.includes(name)))
    return { targets, seconds, seed, atOnce, runs, folder }
  process.stderr.write(
    `fuzz: name targets, or --all; they are ${known.join(', ')}\n` +
      'hint: npm run fuzz -- TARGET... [--seconds 60] [--seed N] [--runs N] [--at-once N]\n',
  )
  return null
}

async function fuzzOne(name: string, settings: Settings): Promise<Outcome> {
  const { seconds, seed, runs, folder } = settings
  const say = (what: string): boolean => process.stdout.write(`${name}: ${what}\n`)
  say(`begins, seed ${seed}`)
  const start = performance.now()
  const passed = (): number => (performance.now() - start) / 1_000
  const outcome = await fuzzTarget({
    module: pathToFileURL(join(folder, `${name}.ts`)).href,
    covered: pathToFileURL(folder.startsWith(join(root, 'test')) ? join(root, 'src') : folder).href,
    corpus: seedsIn(join(folder, 'corpus', name)),
    seed,
    milliseconds: seconds * 1_000,
    runsMax: runs,
    inputMs,
    onProgress: (progress) => {
      if (Math.round(passed()) % 10 === 0) say(`${passed().toFixed(0)} s, ${growth(progress)}`)
    },
  })
  if (outcome.kind === 'sound')
    say(`holds: ${growth(outcome)}, ${Math.round(outcome.runs / passed())} runs/s, seed ${seed}`)
  else
    process.stderr.write(
      `${name}: broken in run ${outcome.runs}, seed ${seed}, by these ${outcome.input.length} bytes:\n` +
        `${hex(outcome.input)}\n${outcome.error}\n`,
    )
  return outcome
}

function growth({ runs, corpus, blocks }: Progress): string {
  return `${runs} runs, ${corpus} inputs, ${blocks} blocks`
}

/** The inputs to begin with, in a stable order. */
function seedsIn(folder: string): readonly Uint8Array[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .toSorted()
    .map((file) => new Uint8Array(readFileSync(join(folder, file))))
}
