// `sightline completion`: scripts that complete command lines in shells, and the answers that the scripts ask for.

import { argument, bash, choice, fish, message, multiple, object, string, zsh } from '@optique/core'
import type { ShellCompletion, Suggestion } from '@optique/core'
import { defineCommand } from '../command.ts'
import { entries, find } from '../registry.ts'

const shells = { bash, zsh, fish } as const satisfies Record<string, ShellCompletion>

/** The command `completion`. */
export const completion = defineCommand({
  description: [
    'Prints a script that completes commands, options, values and file names when you press TAB. Load it in the start-up file of your shell.',
    'With words after --, prints what could stand in the place of the last one: that is what the script asks for.',
  ],
  takes: object({
    shell: argument(choice(['bash', 'zsh', 'fish'], { metavar: 'SHELL' }), {
      description: message`the shell that will read the script`,
    }),
    words: multiple(
      argument(string({ metavar: 'WORD' }), {
        description: message`the words of a command line, the last one unfinished`,
      }),
    ),
  }),
  examples: [
    { run: 'eval "$(sightline completion bash)"', tells: 'for ~/.bashrc' },
    { run: 'eval "$(sightline completion zsh)"', tells: 'for ~/.zshrc, after compinit' },
    { run: 'sightline completion fish | source', tells: 'for ~/.config/fish/config.fish' },
  ],
  run: async ({ out }, { shell, words }) => {
    const adapter: ShellCompletion = shells[shell]
    out.raw(
      words.length === 0
        ? adapter.generateScript('sightline', ['completion', shell, '--'])
        : [...adapter.encodeSuggestions(await suggestionsFor(words))].join(''),
    )
  },
})

/** What could stand in the place of the last of `words`. */
export async function suggestionsFor(words: readonly string[]): Promise<readonly Suggestion[]> {
  const last = words.at(-1) ?? ''
  const found = find(words.slice(0, -1), entries)
  if (found.kind === 'command') {
    const command = await found.entry.load()
    return command.suggest(found.rest, last)
  }
  const prefix = found.kind === 'group' ? `${found.name} ` : ''
  if (found.kind === 'unknown' && words.length > 1) return []
  const next = new Map<string, string>()
  for (const { name, summary } of entries) {
    if (!name.startsWith(prefix)) continue
    const [word = '', more] = name.slice(prefix.length).split(' ')
    if (word.startsWith(last)) next.set(word, more === undefined ? summary : `${word} …`)
  }
  return [...next].map(([name, summary]) => ({
    kind: 'literal',
    text: name,
    description: message`${summary}`,
  }))
}
