// How runs look on a terminal.

import { exitCodes, type ExitCode } from '../src/cli/exit.ts'
import type { Output } from '../src/cli/output.ts'
import { bold, dim, green, red, text, type Text } from '../src/cli/text.ts'
import { valueText, type Figure } from './figures.ts'
import { reproduction, type RunResult } from './run.ts'
import type { Scenario } from './scenario.ts'

/** Prints the figures of a run, what was wrong, and, with `ms` of wall time, what it cost. */
export function printResult(out: Output, result: RunResult, ms: number | null): void {
  const { scenario, seed, mirrors, days, figures, faults, trace, events, verdicts } = result
  out.line(bold(`${scenario}, seed ${seed}: ${mirrors} mirrors, ${days} days`))
  if (figures.length > 0)
    out.table(figures.map(rowOf), ['', 'measured', '99.9 % interval', 'expected'])
  for (const fault of faults) out.line(text`${red('✘')} ${fault}`)
  if (faults.length > 0) out.line(text`repeat it with: ${bold(reproduction(result))}`)
  out.line(text`trace ${trace} ${dim(`over ${events} events and ${verdicts} verdicts`)}`)
  if (ms === null) return
  const rate = Math.round(events / Math.max(0.001, ms / 1000))
  out.line(dim(`${(ms / 1000).toFixed(1)} s, ${rate} events per second`))
}

/** Prints what many seeds came to. */
export function printSummary(
  out: Output,
  summary: {
    readonly scenario: string
    readonly count: number
    readonly failed: readonly number[]
    readonly ms: number
  },
): void {
  const { scenario, count, failed, ms } = summary
  const verdict =
    failed.length === 0
      ? green(`✔ all ${count} seeds held`)
      : red(
          `✘ ${failed.length} of ${count} seeds failed: ${failed.toSorted((a, b) => a - b).join(', ')}`,
        )
  out.line(text`${bold(scenario)} ${verdict} ${dim(`in ${(ms / 1000).toFixed(1)} s`)}`)
}

/** Lists `scenarios`. */
export function printScenarios(out: Output, scenarios: readonly Scenario[]): ExitCode {
  if (out.wantsJson)
    for (const { name, summary, defaults } of scenarios) out.json({ name, summary, ...defaults })
  else
    out.table(
      scenarios.map(({ name, summary, defaults }) => [
        bold(name),
        summary,
        dim(`${defaults.mirrors} mirrors, ${defaults.days} days`),
      ]),
    )
  return exitCodes.corroborated
}

function rowOf(figure: Figure): readonly Text[] {
  const { name, unit, measured, trials, interval, expected, fits } = figure
  const words = (value: number): string => valueText(value, unit)
  return [
    text`${fits ? ' ' : red('✘')} ${name}`,
    trials === 0 ? dim('not tried') : words(measured),
    interval === null || trials === 0
      ? ''
      : dim(`${words(interval.low)} to ${words(interval.high)}`),
    expected === null ? '' : words(expected),
  ]
}
