// A verdict for people: the outcome, k of n, what each vantage said, and why.

import type { Outcome, Verdict, VantageView } from '../verdict/verdict.ts'
import { exitCodes, type ExitCode } from './exit.ts'
import type { Output } from './output.ts'
import { bold, cyan, definition, dim, green, red, text, wrap, yellow, type Text } from './text.ts'

/** The exit status of an outcome. */
export function exitCodeOf(outcome: Outcome): ExitCode {
  return exitCodes[outcome]
}

const signs: Readonly<Record<Outcome, (words: string) => Text>> = {
  corroborated: (words) => green(`✔ ${words}`),
  contradicted: (words) => red(`✘ ${words}`),
  inconclusive: (words) => yellow(`? ${words}`),
  unverifiable: (words) => yellow(`– ${words}`),
}

/** The outcome in its colour, with its sign. */
export function outcomeText(outcome: Outcome): Text {
  return signs[outcome](outcome)
}

const saids: Readonly<Record<VantageView['said'], Text>> = {
  agrees: green('agrees'),
  dissents: red('dissents'),
  abstains: yellow('abstains'),
}

/** Prints `report` on `out`; `display` is the target as a person reads it. */
export function printVerdict(out: Output, report: Verdict, display: string): void {
  const { quorum } = report
  out.line(text`${outcomeText(report.outcome)}  ${bold(display)}`)
  const how = report.mode === 'authority' ? "by the owner's TLSA records" : 'by comparing keys'
  const count = `${quorum.agreeing} of ${quorum.asked} vantages agree (${quorum.needed} needed), ${quorum.dissenting} dissent, ${quorum.abstaining} abstain; policy ${report.policy}, ${how}`
  for (const line of wrap(count, out.columns - 2)) out.line(dim(`  ${line}`))
  out.line()
  out.table([
    [
      cyan('  here'),
      '',
      report.own.address ?? 'no handshake',
      shortKey(report.own.leafSpki),
      shortTlsa(report.own.tlsa),
    ],
    ...report.vantages.map((view): Text[] => [
      `  ${view.region ?? 'unknown'}`,
      saids[view.said],
      view.addresses.join(' ') || '–',
      shortKey(Object.values(view.keys)[0] ?? null),
      shortTlsa(view.tlsa),
    ]),
  ])
  out.line()
  const termWidth = Math.max(...report.reasons.map(({ code }) => code.length), 0)
  for (const { code, text: words } of report.reasons)
    for (const line of definition(dim(code), words, { columns: out.columns, termWidth }))
      out.line(line)
}

function shortKey(key: string | null): string {
  return key === null ? '–' : `${key.slice(0, 19)}…`
}

function shortTlsa(records: readonly string[]): string {
  const shown = records.map((record) => (record.length > 20 ? `${record.slice(0, 18)}…` : record))
  return shown.length === 0 ? 'no TLSA' : shown.join(', ')
}
