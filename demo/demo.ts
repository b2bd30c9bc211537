// Plays the acts on the small Internet, tells what they came to, and takes everything down again.

import type { Output } from '../src/cli/output.ts'
import { exitCodes, type ExitCode } from '../src/cli/exit.ts'
import { bold, dim, green, join, red, text, wrap, type Text } from '../src/cli/text.ts'
import { jsonOf } from '../src/cli/commands/verify.ts'
import { outcomeText } from '../src/cli/verdict-text.ts'
import type { Outcome } from '../src/verdict/verdict.ts'
import { faultsOf, type Act, type Scene, type Stage } from './act.ts'
import { acts } from './acts/index.ts'
import { buildInternet } from './internet.ts'
import { keepRunning } from './keep.ts'
import { printAct, printScene } from './screen.ts'
import { world } from './world.ts'

/** How to play. */
export interface DemoOptions {
  readonly out: Output
  /** Aborts when somebody wants it to stop. */
  readonly signal: AbortSignal
  /** Leaves the small Internet running after the last act, until `signal` aborts. */
  readonly keep: boolean
}

/** Plays all acts. The status is good only when each came out as it must; results are never written into the code. */
export async function runDemo({ out, signal, keep }: DemoOptions): Promise<ExitCode> {
  const started = world.clock.monotonic()
  const tell = (what: string): void => out.progress.show(dim(what))
  tell('building a small Internet: DNS, ten mirrors, their certificates')
  const internet = await buildInternet()
  try {
    if (!out.wantsJson) printWelcome(out)
    const stage = { internet, signal, tell }
    const played: Played[] = []
    for (const act of acts) played.push(await playAct(out, act, { stage, nth: played.length + 1 }))
    const faults = played.flatMap((one) => one.faults)
    const seconds = ((world.clock.monotonic() - started) / 1000).toFixed(1)
    if (!out.wantsJson) printEnd(out, played, seconds)
    for (const fault of faults) out.error(`demo: ${fault}`, null)
    if (keep) await keepRunning(stage, out)
    else if (!out.wantsJson) out.line(dim('--keep leaves it running, with commands to try by hand'))
    return faults.length === 0 ? exitCodes.corroborated : exitCodes.contradicted
  } finally {
    out.progress.clear()
    await internet.close()
  }
}

/** An act that is over. */
interface Played {
  readonly act: Act
  readonly outcomes: readonly Outcome[]
  /** What was not as expected, each as a sentence. */
  readonly faults: readonly string[]
}

async function playAct(
  out: Output,
  act: Act,
  { stage, nth }: { readonly stage: Stage; readonly nth: number },
): Promise<Played> {
  const scenes: Scene[] = []
  if (!out.wantsJson) printAct(out, act, nth)
  stage.tell(`${act.name}: looking`)
  for await (const scene of act.play(stage)) {
    stage.signal.throwIfAborted()
    scenes.push(scene)
    if (!out.wantsJson) printScene(out, scene, stage.internet.labels)
    stage.tell(`${act.name}: looking again`)
  }
  if (out.wantsJson)
    out.json({ act: act.name, verdicts: scenes.map((scene) => jsonOf(scene.report)) })
  return {
    act,
    outcomes: scenes.map((scene) => scene.report.outcome),
    faults: scenes.flatMap((scene, i) =>
      faultsOf(scene).map((fault) => `${act.name}, verdict ${i + 1}: ${fault}`),
    ),
  }
}

function printWelcome(out: Output): void {
  const words =
    "A small Internet on this machine: a DNS of its own for .test, sites under their owners' own authorities, and ten mirrors in five regions of the world. Sockets, handshakes, DNS messages and verdicts are real; only the addresses are loopback."
  for (const line of wrap(words, out.columns)) out.line(line)
  out.line(dim('Keys are written as the first digits of their SHA-256, and whose they are.'))
}

function printEnd(out: Output, played: readonly Played[], seconds: string): void {
  out.line()
  out.line(bold('What happened, and what Sightline said'))
  out.table(
    played.map(({ act, outcomes }, i) => [
      `${`${i + 1}`.padStart(2)} ${act.title}`,
      join(runs(outcomes), ', '),
    ]),
  )
  out.line()
  const faults = played.flatMap((one) => one.faults).length
  out.line(
    faults === 0
      ? text`${green(`✔ all ${played.length} acts came out as they must`)} ${dim(`in ${seconds} s`)}`
      : text`${red(`✘ not as expected: ${faults}`)} ${dim(`in ${seconds} s`)}`,
  )
}

/** The outcomes in order, those that repeat as one. */
function runs(outcomes: readonly Outcome[]): readonly Text[] {
  const found: { readonly outcome: Outcome; times: number }[] = []
  for (const outcome of outcomes) {
    const last = found.at(-1)
    if (last?.outcome === outcome) last.times += 1
    else found.push({ outcome, times: 1 })
  }
  return found.map(({ outcome, times }) =>
    times > 1 ? text`${outcomeText(outcome)} ×${times}` : outcomeText(outcome),
  )
}
