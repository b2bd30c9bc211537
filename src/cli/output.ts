// All that the program prints. Results go to standard output; progress, notes and errors to standard error.
// No capital at the start and no full stop at the end of a message: it is a line of a terminal, not prose.

import { createProgress, widthOfTerminal, type Progress, type ProgressStream } from './progress.ts'
import { bold, dim, jsonLine, pad, red, render, text, widthOf, yellow, type Text } from './text.ts'

/** A standard stream, as far as we use it. */
export interface OutputStream extends ProgressStream {
  on(event: 'error', listener: (error: Error) => void): unknown
}

/** What a command prints with. Plain strings are untrusted and escaped; style with `text` of text.ts. */
export interface Output {
  /** Whether results are to be JSON (`--json`): then print with `json` alone. */
  readonly wantsJson: boolean
  /** Whether standard output is a terminal that a person watches. */
  readonly isTerminal: boolean
  /** Columns that there are for text, between 40 and 100. */
  readonly columns: number
  /** A line of the result. */
  line(value?: Text): void
  /** One object of the result, on a line of its own. */
  json(value: unknown): void
  /** Rows of the result in aligned columns, two spaces apart; `head` is printed above where given. */
  table(rows: readonly (readonly Text[])[], head?: readonly string[]): void
  /** A part of the result as it is, unescaped and without a line break: for text that is all our own. */
  raw(chunk: string): void
  /** `ready <address>` on standard output: the one line that says that a service serves. */
  ready(address: string): void
  /** A remark on standard error; not with `--quiet`. */
  note(value: Text): void
  /** Something that the person should know, on standard error, even with `--quiet`. */
  warn(value: Text): void
  /** `sightline: <message>` and, where there is one, `hint: …`, on standard error. */
  error(message: string, hint: string | null): void
  /** A line of a log on standard error, as it is but escaped; not with `--quiet`. */
  log(value: string): void
  readonly progress: Progress
}

/** How to print. */
export interface OutputOptions {
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  readonly env: Readonly<Record<string, string | undefined>>
  readonly json: boolean
  readonly quiet: boolean
  /** Called once when standard output takes nothing more: `EPIPE` when its reader has gone (`| head`). */
  readonly onBroken: (error: Error) => void
}

/** The output of one run of the program. */
export function createOutput(options: OutputOptions): Output {
  const { stdout, stderr, env, quiet } = options
  const colours = { out: hasColours(stdout, env), err: hasColours(stderr, env) }
  const progress = createProgress(stderr, { enabled: !quiet, colours: colours.err })
  const out = guarded(stdout, options.onBroken)
  const err = guarded(stderr, () => {})
  const writeOut = (line: string): void => {
    progress.clear()
    out(`${line}\n`)
  }
  const writeErr = (value: Text): void => {
    progress.clear()
    err(`${render(value, colours.err)}\n`)
  }
  const unlessQuiet = (value: Text): void => {
    if (!quiet) writeErr(value)
  }
  return {
    wantsJson: options.json,
    isTerminal: stdout.isTTY === true,
    columns: Math.min(100, Math.max(40, widthOfTerminal(stdout))),
    line: (value = '') => writeOut(render(value, colours.out)),
    json: (value) => writeOut(jsonLine(value)),
    table: (rows, head) => {
      for (const line of columnsOf(rows, head)) writeOut(render(line, colours.out))
    },
    raw: (chunk) => {
      progress.clear()
      out(chunk)
    },
    ready: (address) => writeOut(render(`ready ${address}`, false)),
    note: unlessQuiet,
    warn: (value) => writeErr(text`${yellow('warning:')} ${value}`),
    error: (message, hint) => {
      writeErr(text`${red('sightline:')} ${message}`)
      if (hint !== null) writeErr(text`${dim('hint:')} ${hint}`)
    },
    log: unlessQuiet,
    progress,
  }
}

/** Whether `stream` gets colours: NO_COLOR says no, FORCE_COLOR says yes, else a terminal does (no-color.org). */
export function hasColours(
  stream: { readonly isTTY?: boolean | undefined },
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') return false
  if (env['FORCE_COLOR'] !== undefined) return !['0', 'false'].includes(env['FORCE_COLOR'])
  return stream.isTTY === true && env['TERM'] !== 'dumb'
}

/** Writes until the stream breaks, and tells so once. */
function guarded(stream: OutputStream, onBroken: (error: Error) => void): (chunk: string) => void {
  let broken = false
  stream.on('error', (error) => {
    if (broken) return
    broken = true
    onBroken(error)
  })
  return (chunk) => {
    if (!broken) stream.write(chunk)
  }
}

function columnsOf(
  rows: readonly (readonly Text[])[],
  head: readonly string[] | undefined,
): readonly Text[] {
  const all = head === undefined ? rows : [head.map((name) => bold(name)), ...rows]
  const widths: number[] = []
  for (const row of all)
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, widthOf(cell))
    })
  return all.map((row) =>
    row.reduce<Text>((line, cell, i) => {
      const last = i === row.length - 1
      const padded = last ? cell : pad(cell, (widths[i] ?? 0) + 2)
      return i === 0 ? padded : text`${line}${padded}`
    }, ''),
  )
}
