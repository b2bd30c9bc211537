// One run of the program: from the words of a command line to an exit status.

import { findSimilar } from '@optique/core/suggestion'
import { Failure, quote } from '../base/failure.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { Call, Command } from './command.ts'
import type { Complaint } from './complaint.ts'
import { exitCodes } from './exit.ts'
import { commandPage, groupPage, programPage, synopsisWords, type Page } from './help.ts'
import { homeOf } from './home.ts'
import { createOutput, type Output, type OutputStream } from './output.ts'
import { find, type Chapter, type Entry } from './registry.ts'

/** What the program is given by the process that it runs in. */
export interface Surroundings {
  /** The words after the program's name. */
  readonly words: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  /** Aborts, with the status to end with as its reason, when somebody asks the program to stop. */
  readonly stop: AbortSignal
  /** Called when standard output takes nothing more. */
  readonly onBroken: (error: Error) => void
  /** The commands that there are. */
  readonly chapters: readonly Chapter[]
  /** The runtime that a command works with; its log goes to `out`. */
  readonly compose: (out: Output) => Promise<Runtime>
}

/** Runs the command that the words name, and says with which status to exit. Never rejects. */
export async function runProgram(around: Surroundings): Promise<number> {
  const plain = outputFor(around, { json: false, quiet: false })
  try {
    const step = await understand(around.words, around.chapters)
    switch (step.kind) {
      case 'page':
        for (const line of step.page(plain.columns)) plain.line(line)
        return exitCodes.corroborated
      case 'wrong':
        plain.error(step.wrong, step.hint)
        return exitCodes.usage
      case 'call':
        return await perform(step, around)
      default:
        return step satisfies never
    }
  } catch (error) {
    return report(error, 'start', { out: plain, env: around.env })
  }
}

type Step =
  | { readonly kind: 'page'; readonly page: (columns: number) => Page }
  | ({ readonly kind: 'wrong' } & Complaint)
  | {
      readonly kind: 'call'
      readonly entry: Entry
      readonly command: Command
      readonly call: Call
    }

/** What the words ask for. */
async function understand(words: readonly string[], chapters: readonly Chapter[]): Promise<Step> {
  const [first, ...later] = words
  if (first === undefined) return wrong('no command given', 'sightline --help lists the commands')
  if (first === '--help' || first === '-h')
    return { kind: 'page', page: (columns) => programPage(chapters, columns) }
  if (first === '--version' || first === '-V') return await understand(['version'], chapters)
  if (first === 'help') return await understand([...later, '--help'], chapters)
  const entries = chapters.flatMap((chapter) => chapter.entries)
  const found = find(words, entries)
  if (found.kind === 'unknown') return unknown(first, entries)
  if (found.kind === 'group')
    return found.rest[0]?.startsWith('-') === true && asksForHelp(found.rest)
      ? { kind: 'page', page: (columns) => groupPage(found.name, found.members, columns) }
      : incomplete(found)
  const { entry, rest } = found
  const command = await entry.load()
  if (asksForHelp(rest))
    return { kind: 'page', page: (columns) => commandPage(entry, command, columns) }
  const call = command.read(rest)
  return 'wrong' in call
    ? explained(call, { entry, command, words: rest })
    : { kind: 'call', entry, command, call }
}

type Group = Extract<ReturnType<typeof find>, { kind: 'group' }>

function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--')
  return (end < 0 ? words : words.slice(0, end)).some((word) => word === '--help' || word === '-h')
}

function unknown(word: string, among: readonly Entry[]): Step {
  const isOption = word.startsWith('-')
  const names = among.flatMap(({ name }) => [name, name.split(' ')[0] ?? name])
  const near = nearest(word, isOption ? ['--help', '--version'] : names)
  return wrong(
    `unknown ${isOption ? 'option' : 'command'}: ${quote(word)}`,
    near === null ? 'sightline --help lists the commands' : `did you mean ${near}?`,
  )
}

function incomplete(group: Group): Step {
  const seconds = group.members.map(({ name }) => name.slice(group.name.length + 1))
  const [word] = group.rest
  if (word === undefined)
    return wrong(`${group.name}: it needs one more word`, `one of ${seconds.join(', ')}`)
  const near = nearest(word, seconds)
  return wrong(
    `${group.name}: unknown command: ${quote(word)}`,
    near === null ? `one of ${seconds.join(', ')}` : `did you mean ${group.name} ${near}?`,
  )
}

/** The one of `names` that was meant by `word`: the first that it begins, else the most alike; null when none is. */
function nearest(word: string, names: readonly string[]): string | null {
  const begun = word === '' ? undefined : names.find((name) => name.startsWith(word))
  return begun ?? findSimilar(word, names, { maxSuggestions: 1 })[0] ?? null
}

function explained(
  complaint: Complaint,
  of: { readonly entry: Entry; readonly command: Command; readonly words: readonly string[] },
): Step {
  const [name = '', ...terms] = synopsisWords(of.entry, of.command)
  const needed = terms.filter((term) => !term.startsWith('['))
  return wrong(
    `${of.entry.name}: ${missingOf(complaint, needed, of.words) ?? complaint.wrong}`,
    complaint.hint ?? `it is used as "${[name, ...needed].join(' ')}"; ${name} --help tells more`,
  )
}

/** What is missing, by its name, where the library says only that something is. */
function missingOf(
  { wrong: what }: Complaint,
  needed: readonly string[],
  words: readonly string[],
): string | null {
  const isOption = (term: string): boolean => term.startsWith('-')
  const typed = words.map((word) => word.split('=')[0])
  const absent = /^(expected at least 1 value|no matching option)/.test(what)
    ? needed.filter((term) => !isOption(term) || !typed.includes(term.split(' ')[0]))
    : needed.filter((term) => !isOption(term) && what === 'missing required argument')
  const [term, ...others] = absent
  return term === undefined || (others.length > 0 && !isOption(term))
    ? null
    : `${term.replace('...', '')} is missing`
}

function wrong(what: string, hint: string): Step {
  return { kind: 'wrong', wrong: what, hint }
}

async function perform(
  { entry, command, call }: Extract<Step, { kind: 'call' }>,
  around: Surroundings,
): Promise<number> {
  const { env, stop } = around
  const out = outputFor(around, call)
  try {
    const runtime = await around.compose(out)
    const code = await call.run({ runtime, home: homeOf(env), out, signal: stop, env })
    return stop.aborted ? stoppedCode(command, stop, code) : code
  } catch (error) {
    if (stop.aborted) return stoppedCode(command, stop, null)
    return report(error, entry.name, { out, env })
  } finally {
    out.progress.clear()
  }
}

/** A service that is asked to stop has done its work; a question that is stopped has no answer. */
function stoppedCode(command: Command, signal: AbortSignal, code: number | null): number {
  if (command.serves === true) return exitCodes.corroborated
  return code ?? (typeof signal.reason === 'number' ? signal.reason : exitCodes.failed)
}

/** Tells what went wrong, in one line with a hint, and gives the exit status. */
function report(
  error: unknown,
  action: string,
  to: { readonly out: Output; readonly env: Surroundings['env'] },
): number {
  const debug = (to.env['SIGHTLINE_DEBUG'] ?? '') !== ''
  if (Failure.is(error)) {
    to.out.error(error.message, error.hint)
    if (debug) trace(error, to.out)
    return error.blame === 'usage' ? exitCodes.usage : exitCodes.failed
  }
  const what = error instanceof Error ? error.message : String(error)
  to.out.error(
    `${action}: a defect of sightline: ${what}`,
    debug
      ? 'please report these lines, with the command that you typed'
      : 'please report it with what SIGHTLINE_DEBUG=1 prints, and the command that you typed',
  )
  if (debug) trace(error, to.out)
  return exitCodes.failed
}

function trace(error: unknown, out: Output): void {
  for (let each = error; each instanceof Error; each = each.cause)
    for (const line of (each.stack ?? each.message).split('\n')) out.log(line)
}

function outputFor(around: Surroundings, call: Pick<Call, 'json' | 'quiet'>): Output {
  return createOutput({
    ...call,
    stdout: around.stdout,
    stderr: around.stderr,
    env: around.env,
    onBroken: around.onBroken,
  })
}
