// Manual pages, made from the command definitions: of the program, of a group of commands, of one command.

import {
  formatMessage,
  formatUsageTerm,
  type DocEntry,
  type Message,
  type UsageTerm,
} from '@optique/core'
import type { Command } from './command.ts'
import type { Chapter, Entry } from './registry.ts'
import { bold, definition, dim, text, widthOf, wrap, type Text } from './text.ts'

/** A page as lines to print one after the other. */
export type Page = readonly Text[]

const indent = '  '

/** The page of the program: what it is, and its commands. */
export function programPage(chapters: readonly Chapter[], columns: number): Page {
  const rows = chapters.flatMap((chapter) => chapter.entries.map((entry) => nameOf(entry)))
  const width = Math.max(...rows.map(widthOf))
  return [
    ...heading('NAME', false),
    ...paragraph('sightline – is this server the one that everybody else sees?', columns),
    ...heading('SYNOPSIS'),
    text`${indent}${bold('sightline')} COMMAND [options] [arguments]`,
    ...heading('DESCRIPTION'),
    ...paragraph(
      'Looks at a TLS service from many places, compares what they see with what its owner published, and judges. No certificate authority is asked. Around that answer it gives an owner what is needed to have TLS everywhere with an authority of their own.',
      columns,
    ),
    ...chapters.flatMap((chapter) => [
      ...heading(chapter.title.toUpperCase()),
      ...chapter.entries.flatMap((entry) =>
        definition(nameOf(entry), entry.summary, { columns, termWidth: width }),
      ),
    ]),
    ...heading('EXIT STATUS'),
    ...exitStatus({ judges: true }, columns),
    ...heading('ENVIRONMENT'),
    ...environment(columns),
    ...heading('SEE ALSO'),
    ...paragraph('sightline COMMAND --help shows the page of one command.', columns),
  ]
}

/** The page of a first word such as `ca`, with the commands that begin with it. */
export function groupPage(name: string, members: readonly Entry[], columns: number): Page {
  const width = Math.max(...members.map((entry) => widthOf(nameOf(entry))))
  return [
    ...heading('NAME', false),
    ...paragraph(`sightline ${name} – ${members.length} commands`, columns),
    ...heading('COMMANDS'),
    ...members.flatMap((entry) =>
      definition(nameOf(entry), entry.summary, { columns, termWidth: width }),
    ),
    ...heading('SEE ALSO'),
    ...paragraph(`sightline ${name} COMMAND --help shows the page of one command.`, columns),
  ]
}

/** The page of one command. */
export function commandPage(entry: Entry, command: Command, columns: number): Page {
  const page = command.page()
  const described = page.sections.flatMap((section) => section.entries)
  const listed = (wanted: (term: UsageTerm) => boolean): readonly Text[] =>
    described.filter(({ term }) => wanted(term)).flatMap((row) => option(row, columns))
  const section = (title: string, lines: readonly Text[]): readonly Text[] =>
    lines.length === 0 ? [] : [...heading(title), ...lines]
  return [
    ...heading('NAME', false),
    ...paragraph(`sightline ${entry.name} – ${entry.summary}`, columns),
    ...heading('SYNOPSIS'),
    ...synopsis(entry, command, columns),
    ...heading('DESCRIPTION'),
    ...command.description.flatMap((words, i) => [
      ...(i === 0 ? [] : ['']),
      ...paragraph(words, columns),
    ]),
    ...section(
      'ARGUMENTS',
      listed((term) => term.type === 'argument'),
    ),
    ...section(
      'OPTIONS',
      listed((term) => term.type !== 'argument'),
    ),
    ...heading('EXIT STATUS'),
    ...exitStatus(command, columns),
    ...section(
      'FILES',
      (command.files ?? []).flatMap(({ path, what }) => definition(bold(path), what, { columns })),
    ),
    ...heading('ENVIRONMENT'),
    ...environment(columns),
    ...heading('EXAMPLES'),
    ...command.examples.flatMap(({ run, tells }) => [
      text`${indent}${dim('#')} ${dim(tells)}`,
      text`${indent}${dim('$')} ${run}`,
    ]),
  ]
}

/** The synopsis of a command as plain words: what may stand in square brackets may be left out. */
export function synopsisWords(entry: Entry, command: Command): readonly string[] {
  const terms = command.page().usage ?? []
  const words = terms.map((term) => formatUsageTerm(term, { optionsSeparator: '|' }))
  const isArgument = (_: string, i: number): boolean => mentions(terms[i], 'argument')
  const options = words.filter((word, i) => !isArgument(word, i))
  return [`sightline ${entry.name}`, ...options, ...words.filter(isArgument)]
}

function synopsis(entry: Entry, command: Command, columns: number): readonly Text[] {
  const [name = '', ...words] = synopsisWords(entry, command)
  const hanging = ' '.repeat(indent.length + name.length + 1)
  const lines: string[] = []
  for (const word of words) {
    const line = lines.at(-1)
    if (line !== undefined && hanging.length + line.length + 1 + word.length <= columns)
      lines[lines.length - 1] = `${line} ${word}`
    else lines.push(word)
  }
  return lines.map((line, i) =>
    i === 0 ? text`${indent}${bold(name)} ${line}` : `${hanging}${line}`,
  )
}

function mentions(term: UsageTerm | undefined, type: UsageTerm['type']): boolean {
  if (term === undefined) return false
  if (term.type === type) return true
  return 'terms' in term && term.terms.flat().some((inner) => mentions(inner, type))
}

function option({ term, description, default: usual, choices }: DocEntry, columns: number): Page {
  const plain = (value: Message): string => formatMessage(value, { quotes: false })
  const words = description === undefined ? '' : plain(description)
  // A description that tells the default itself says it better than its value would.
  const tellsDefault = usual === undefined || /\bdefault:/i.test(words)
  const what = [
    words,
    choices === undefined ? '' : `(one of ${plain(choices)})`,
    tellsDefault ? '' : `[default ${plain(usual)}]`,
  ]
  return definition(
    bold(formatUsageTerm(term, { optionsSeparator: ', ' })),
    what.filter((part) => part !== '').join(' '),
    { columns },
  )
}

function nameOf(entry: Entry): Text {
  return bold(entry.name)
}

function heading(title: string, spaced = true): readonly Text[] {
  return spaced ? ['', bold(title)] : [bold(title)]
}

function paragraph(words: string, columns: number): readonly Text[] {
  return wrap(words, columns - indent.length).map((line) => `${indent}${line}`)
}

function exitStatus(
  of: Pick<Command, 'judges' | 'serves' | 'tells'>,
  columns: number,
): readonly Text[] {
  const { judges = false, serves = false, tells } = of
  const usual = serves ? 'it was stopped by SIGINT or SIGTERM' : 'it did what was asked'
  const good = judges ? 'corroborated: enough vantages see the same, and it is authorised' : usual
  const bad = 'contradicted: this is not what the others see, or not what the owner authorised'
  const rows: readonly (readonly [string, string, boolean])[] = [
    ['0', tells?.good ?? good, true],
    ['1', tells?.bad ?? bad, judges || tells !== undefined],
    ['2', 'wrong usage', true],
    ['3', 'inconclusive: too few vantages answered', judges],
    ['4', 'unverifiable: there is nothing to compare with', judges],
    ['5', 'it failed itself: disk, or network of our own', true],
  ]
  return rows
    .filter(([, , applies]) => applies)
    .flatMap(([code, what]) => definition(bold(code), what, { columns, termWidth: 1 }))
}

function environment(columns: number): readonly Text[] {
  const rows: readonly (readonly [string, string])[] = [
    [
      'SIGHTLINE_HOME',
      'folder with keys and lists [default ~/.local/share/sightline, or sightline in XDG_DATA_HOME]',
    ],
    ['SIGHTLINE_DEBUG', 'when set, errors come with the place in the code'],
    ['NO_COLOR, FORCE_COLOR', 'never, or always, print in colour'],
  ]
  return rows.flatMap(([name, what]) => definition(bold(name), what, { columns }))
}
