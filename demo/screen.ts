// How an act looks on a terminal: what happens, who is connected to whom, who sees what, the verdict, and what it means.

import type { Output } from '../src/cli/output.ts'
import {
  bold,
  cyan,
  dim,
  green,
  join,
  red,
  text,
  wrap,
  yellow,
  type Text,
} from '../src/cli/text.ts'
import { outcomeText } from '../src/cli/verdict-text.ts'
import type { Report } from '../src/client/client.ts'
import { registries, registryOf } from '../src/verdict/regions.ts'
import type { VantageView } from '../src/verdict/verdict.ts'
import type { Act, Scene } from './act.ts'
import type { Labels } from './labels.ts'

const indent = '   '
/** Width of the column of names before verdicts and reasons. */
const nameWidth = 24

/** Prints the head of the act that is the `nth`. */
export function printAct(out: Output, act: Act, nth: number): void {
  const rule = '─'.repeat(Math.max(1, out.columns - act.title.length - act.name.length - 5))
  out.line()
  out.line(text`${bold(`${nth}`.padStart(2))} ${bold(act.title)} ${dim(`${rule} ${act.name}`)}`)
  paragraph(out, act.story, (line) => line)
}

/** Prints one scene. */
export function printScene(out: Output, scene: Scene, labels: Labels): void {
  out.line()
  if (scene.caption !== null) paragraph(out, scene.caption, bold)
  if (scene.picture !== null) {
    out.line(text`${indent}${cyan(scene.picture)}`)
    out.line()
    out.table(rowsOf(scene.report, labels), [
      `${indent}who looks`,
      'DNS leads to',
      'key shown',
      'CA named in DNS',
    ])
    const late = notWaitedFor(scene.report)
    if (late > 0)
      out.line(dim(`${indent}${late} more need not be waited for: the answer is certain`))
    out.line()
  }
  if (scene.browser !== null) out.line(browserLine(scene.browser))
  out.line(verdictLine(scene.report))
  if (scene.picture !== null) printReasons(out, scene.report)
  wrap(scene.meaning, out.columns - indent.length - 2).forEach((line, i) => {
    out.line(text`${indent}${bold(`${i === 0 ? '→' : ' '} ${line}`)}`)
  })
}

function paragraph(out: Output, words: string, style: (line: string) => Text): void {
  for (const line of wrap(words, out.columns - indent.length))
    out.line(text`${indent}${style(line)}`)
}

function browserLine(browser: string): Text {
  const says =
    browser === 'padlock' ? yellow('shows its padlock') : text`refuses ${dim(`(${browser})`)}`
  return text`${indent}${"today's browser".padEnd(nameWidth)} ${says}`
}

function verdictLine({ outcome, quorum, timings }: Report): Text {
  const count = `${quorum.agreeing} of ${quorum.asked} agree, ${quorum.needed} needed`
  return text`${indent}${bold('Sightline'.padEnd(nameWidth))} ${bold(outcomeText(outcome))}  ${count}  ${dim(`${Math.round(timings.totalMs)} ms`)}`
}

/** Vantages that were asked and had not answered when the verdict was certain. */
function notWaitedFor({ quorum }: Report): number {
  return quorum.asked - quorum.agreeing - quorum.dissenting - quorum.abstaining
}

/** The reasons, but for what the table shows anyway: who dissents from a refusal, and which record was missed. */
function printReasons(out: Output, { reasons, outcome }: Report): void {
  const width = Math.max(30, out.columns - indent.length - nameWidth - 1)
  for (const { code, text: words } of reasons) {
    if (code === 'certificate-not-matching') continue
    if (code === 'vantage-dissents' && outcome !== 'corroborated') continue
    wrap(words, width).forEach((line, i) => {
      out.line(text`${indent}${dim((i === 0 ? code : '').padEnd(nameWidth))} ${line}`)
    })
  }
}

/** You, and below the vantages: those of one registry region that saw the same share a row. */
function rowsOf(report: Report, labels: Labels): readonly (readonly Text[])[] {
  const { own } = report
  const you: readonly Text[] = [
    text`${indent}${bold('you')}`,
    own.address?.replace(/:\d+$/, '') ?? '–',
    own.leafSpki === null ? '–' : keyText(own.leafSpki, labels),
    namesText(own.tlsa, labels),
  ]
  const groups = Map.groupBy(report.vantages.toSorted(byRegion), (view) =>
    JSON.stringify([
      registryOf(view.region),
      view.said,
      view.why,
      view.tlsa,
      view.addresses,
      ownKeys(view),
    ]),
  )
  return [you, ...[...groups.values()].flatMap((views) => rowOf(views, labels))]
}

function rowOf(views: readonly VantageView[], labels: Labels): readonly (readonly Text[])[] {
  const [view] = views
  if (view === undefined) return []
  const countries = views.map(({ region }) => region?.split('-')[1] ?? '').join(' ')
  const keys = ownKeys(view)
  return [
    [
      text`${indent}${registryOf(view.region).padEnd(7)} ${countries}`,
      view.addresses.join(' ') || '–',
      keys.length === 0
        ? '–'
        : join(
            keys.map((key) => keyText(key, labels)),
            ' ',
          ),
      view.said === 'abstains' ? '–' : namesText(view.tlsa, labels),
      saidTexts[view.said],
    ],
  ]
}

const saidTexts: Readonly<Record<VantageView['said'], Text>> = {
  agrees: green('✔ agrees'),
  dissents: red('✘ differs'),
  abstains: yellow('· silent'),
}

/** The keys that a vantage was shown where its own DNS led it. */
function ownKeys({ keys, addresses }: VantageView): readonly string[] {
  const shown = addresses.flatMap((address) => keys[address] ?? [])
  return [...new Set(shown)]
}

function namesText(associations: readonly string[], labels: Labels): Text {
  if (associations.length === 0) return dim('no record')
  return join(
    associations.map((one) => keyText(one.split(' ')[3] ?? '', labels)),
    ', ',
  )
}

function keyText(hash: string, labels: Labels): Text {
  const label = labels.of(hash)
  return label.isHostile ? red(label.text) : label.text
}

function byRegion(a: VantageView, b: VantageView): number {
  return order(a) - order(b) || (a.region ?? '').localeCompare(b.region ?? '')
}

function order(view: VantageView): number {
  return registries.findIndex((registry) => registry === registryOf(view.region))
}
