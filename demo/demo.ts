// Plays the acts on the small Internet, tells what they came to, and takes everything down again.

import type { Output } from '../src/cli/output.ts'
import { exitCodes, type ExitCode } from '../src/cli/exit.ts'
import { dim, green, red, text, wrap } from '../src/cli/text.ts'
import { faultsOf, type Act, type Stage } from './act.ts'
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
    const faults: string[] = []
    for (const [i, act] of acts.entries())
      faults.push(...(await playAct(out, act, { stage, nth: i + 1 })))
    const seconds = ((world.clock.monotonic() - started) / 1000).toFixed(1)
    if (!out.wantsJson) printEnd(out, { faults: faults.length, seconds })
    for (const fault of faults) out.error(`demo: ${fault}`, null)
    if (keep) await keepRunning(stage, out)
    return faults.length === 0 ? exitCodes.corroborated : exitCodes.contradicted
  } finally {
    out.progress.clear()
    await internet.close()
  }
}

/** Plays one act; what was not as expected, each as a sentence. */
async function playAct(
  out: Output,
  act: Act,
  { stage, nth }: { readonly stage: Stage; readonly nth: number },
): Promise<readonly string[]> {
  const faults: string[] = []
  const verdicts: unknown[] = []
  if (!out.wantsJson) printAct(out, act, nth)
  stage.tell(`${act.name}: looking`)
  for await (const scene of act.play(stage)) {
    stage.signal.throwIfAborted()
    if (!out.wantsJson) printScene(out, scene, stage.internet.labels)
    // The object of `verify --json`: descriptors belong to evidence files.
    const { descriptors: _descriptors, ...verdict } = scene.report
    verdicts.push(verdict)
    for (const fault of faultsOf(scene))
      faults.push(`${act.name}, verdict ${verdicts.length}: ${fault}`)
    stage.tell(`${act.name}: looking again`)
  }
  if (out.wantsJson) out.json({ act: act.name, verdicts })
  return faults
}

function printWelcome(out: Output): void {
  const words =
    "A small Internet on this machine: a DNS of its own for .test, sites under their owners' own authorities, and ten mirrors in five regions of the world. Sockets, handshakes, DNS messages and verdicts are real; only the addresses are loopback."
  for (const line of wrap(words, out.columns)) out.line(line)
  out.line(
    dim('Keys and authorities are named by their first digits and, for you, by whose they are.'),
  )
}

function printEnd(out: Output, end: { readonly faults: number; readonly seconds: string }): void {
  out.line()
  out.line(
    end.faults === 0
      ? text`${green(`✔ all ${acts.length} acts came out as they must`)} ${dim(`in ${end.seconds} s`)}`
      : text`${red(`✘ not as expected: ${end.faults}`)} ${dim(`in ${end.seconds} s`)}`,
  )
  out.line(dim('npm run demo -- --keep leaves it running, with commands to try by hand'))
}
