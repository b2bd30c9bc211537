// The command `simulate`: the network in virtual time, from a seed.

import {
  argument,
  choice,
  float,
  integer,
  message,
  object,
  option,
  optional,
  withDefault,
} from '@optique/core'
import { defineCommand, type Context } from '../src/cli/command.ts'
import { exitCodes, type ExitCode } from '../src/cli/exit.ts'
import { dim, text } from '../src/cli/text.ts'
import { runScenario, type Progress, type RunOptions } from './run.ts'
import { scenarioNamed, scenarios } from './scenarios/index.ts'
import { printResult, printScenarios, printSummary } from './screen.ts'
import { runSeeds } from './seeds.ts'

const seedMax = 2 ** 31 - 1

/** What is run where nothing else is said. */
const usual = 'everyday'

/** The command `simulate`. */
export const simulate = defineCommand({
  description: [
    'Plays a scenario on the network in virtual time: the production code of mirrors and clients, over a clock, a network, a DNS and attackers that are simulated. Thousands of mirrors fit into one process, and a day takes seconds.',
    'All chance comes from the seed. The same seed with the same code gives the same trace, a hash over every timer, message and decision, and the same figures. Shares are counted: behind each stands the interval in which the true one lies with 99.9 %, and what arithmetic says of it.',
    'After each event and verdict, what must always hold is checked. Where something does not, and where a figure is not what it must be, the status is 1, and the line that repeats the run is printed.',
  ],
  takes: object({
    scenario: optional(
      argument(
        choice(
          scenarios.map((one) => one.name),
          { metavar: 'SCENARIO' },
        ),
        {
          description: message`the story to play; ${usual} unless given`,
        },
      ),
    ),
    mirrors: optional(
      option('--mirrors', integer({ metavar: 'N', min: 1, max: 20_000 }), {
        description: message`mirrors of the network; each scenario has its own default`,
      }),
    ),
    days: optional(
      option('--days', float({ metavar: 'N', min: 0.001, max: 3_650 }), {
        description: message`virtual days, with fractions; more days are more trials`,
      }),
    ),
    seed: withDefault(
      option('--seed', integer({ metavar: 'S', min: 0, max: seedMax }), {
        description: message`where all chance comes from`,
      }),
      1,
    ),
    seeds: optional(
      option('--seeds', integer({ metavar: 'N', min: 1, max: 1_000_000 }), {
        description: message`run so many seeds from --seed on, on all processors, and report those that fail`,
      }),
    ),
    realKeys: option('--real-keys', {
      description: message`real keys and certificates, many times slower: for a few mirrors`,
    }),
    list: option('--list', { description: message`list the scenarios` }),
  }),
  examples: [
    { run: 'sightline simulate', tells: 'ordinary days, with all that goes wrong in them' },
    {
      run: 'sightline simulate liars --seed 7',
      tells: 'how often a share of liars wins, beside the closed form',
    },
    {
      run: 'sightline simulate everyday --mirrors 30 --days 0.2 --seeds 1000',
      tells: 'a night’s search for a seed that breaks something',
    },
  ],
  tells: { good: 'everything held, and every figure is what it must be', bad: 'something did not' },
  run: async (context, { list, seeds, scenario = usual, seed, mirrors, days, realKeys }) => {
    const { out } = context
    if (list) return printScenarios(out, scenarios)
    const options = {
      seed,
      ...(mirrors === undefined ? {} : { mirrors }),
      ...(days === undefined ? {} : { days }),
      ...(realKeys ? { keys: 'real' as const } : {}),
    }
    return seeds === undefined
      ? runOne(context, scenario, options)
      : runMany(context, scenario, { ...options, count: seeds })
  },
})

async function runOne(
  { out, runtime, signal }: Context,
  name: string,
  options: RunOptions,
): Promise<ExitCode> {
  const started = runtime.clock.monotonic()
  const result = await runScenario(scenarioNamed(name), {
    ...options,
    signal,
    onProgress: (progress) => out.progress.show(dim(`${name}: ${progressText(progress)}`)),
  })
  out.progress.clear()
  if (out.wantsJson) out.json(result)
  else printResult(out, result, runtime.clock.monotonic() - started)
  return result.faults.length === 0 ? exitCodes.corroborated : exitCodes.contradicted
}

async function runMany(
  { out, runtime, signal }: Context,
  name: string,
  options: RunOptions & { readonly count: number },
): Promise<ExitCode> {
  const started = runtime.clock.monotonic()
  const failed: number[] = []
  let done = 0
  await runSeeds({
    scenario: name,
    options,
    count: options.count,
    signal,
    onResult: (result) => {
      done += 1
      if (result.faults.length > 0) failed.push(result.seed)
      if (out.wantsJson) out.json(result)
      else if (result.faults.length > 0) printResult(out, result, null)
      out.progress.show(
        dim(
          text`${name}: ${`${done}`} of ${`${options.count}`} seeds, ${`${failed.length}`} failed`,
        ),
      )
    },
  })
  out.progress.clear()
  const ms = runtime.clock.monotonic() - started
  if (!out.wantsJson) printSummary(out, { scenario: name, count: options.count, failed, ms })
  return failed.length === 0 ? exitCodes.corroborated : exitCodes.contradicted
}

function progressText({ elapsedMs, events, figures }: Progress): string {
  const days = (elapsedMs / 86_400_000).toFixed(1)
  return `day ${days}, ${events} events, ${figures} figures`
}
