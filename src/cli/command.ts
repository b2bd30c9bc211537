// What a command is: what it takes, its manual page, and what it does.

import {
  getDocPage,
  object,
  option,
  parse,
  suggest,
  message,
  type DocPage,
  type Parser,
  type Suggestion,
} from '@optique/core'
import type { Runtime } from '../runtime/runtime.ts'
import { exitCodes, type ExitCode } from './exit.ts'
import type { Output } from './output.ts'
import { complaintOf, type Complaint } from './complaint.ts'

/** What a running command is given. */
export interface Context {
  readonly runtime: Runtime
  /** Absolute path of the folder with keys and lists. It need not exist yet. */
  readonly home: string
  readonly out: Output
  /** Aborts on SIGINT and SIGTERM: finish what must be finished, and return. */
  readonly signal: AbortSignal
  readonly env: Readonly<Record<string, string | undefined>>
}

/** One command as its file in `commands/` writes it. `V` is what its options and arguments come to. */
export interface CommandDefinition<V> {
  /** The manual page's paragraphs. Plain text; lines are broken where the terminal ends. */
  readonly description: readonly string[]
  /** Options and arguments: an `object({ … })` of Optique. `--json`, `--quiet` and `--help` are added to it. */
  readonly takes: Parser<'sync', V, unknown>
  /** At least one. `tells` says what it shows. */
  readonly examples: readonly { readonly run: string; readonly tells: string }[]
  /** True when the exit status tells an outcome, as `verify` does. */
  readonly judges?: boolean
  /** What the statuses 0 and 1 tell, where they tell something of this command's own. */
  readonly tells?: { readonly good: string; readonly bad: string }
  /** True when it serves until it is stopped; a signal then is its ordinary end. */
  readonly serves?: boolean
  /** Files that it reads or writes, for its manual page. */
  readonly files?: readonly { readonly path: string; readonly what: string }[]
  /** @returns the exit status; nothing means 0. @throws Failure */
  readonly run: (context: Context, values: V) => Promise<ExitCode | void>
}

/** Words that were understood: ready to run. */
export interface Call {
  readonly json: boolean
  readonly quiet: boolean
  readonly run: (context: Context) => Promise<ExitCode>
}

/** A command as the program sees it, whatever it takes. */
export interface Command extends Omit<CommandDefinition<never>, 'takes' | 'run'> {
  readonly page: () => DocPage
  /** What could stand for `last` after `words`. */
  readonly suggest: (words: readonly string[], last: string) => readonly Suggestion[]
  /** The call that `words` (without the command's name) ask for, or what is wrong with them. */
  readonly read: (words: readonly string[]) => Call | Complaint
}

const common = object({
  json: option('--json', { description: message`print results as JSON, one object a line` }),
  quiet: option('-q', '--quiet', { description: message`print no progress and no notes` }),
  help: option('-h', '--help', { description: message`show this page` }),
})

/** The command of a definition. */
export function defineCommand<V>(definition: CommandDefinition<V>): Command {
  const { takes, run, ...described } = definition
  const parser = object({ own: takes, common })
  return {
    ...described,
    page: () => getDocPage(parser) ?? { sections: [] },
    suggest: (words, last) => suggest(parser, prefixed(words, last)),
    read: (words) => {
      const result = parse(parser, words)
      if (!result.success) return complaintOf(result.error)
      // The library's `V extends infer U ? U : never` is V, but the compiler does not look inside.
      const { own, common: flags } = result.value
      return {
        json: flags.json,
        quiet: flags.quiet,
        run: async (context) => (await run(context, own as V)) ?? exitCodes.corroborated,
      }
    },
  }
}

/** Words with an unfinished last one, in the form that the library wants. */
function prefixed(words: readonly string[], last: string): [string, ...string[]] {
  const [first, ...rest] = words
  return first === undefined ? [last] : [first, ...rest, last]
}
