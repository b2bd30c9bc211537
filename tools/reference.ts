// Makes the reference documents that come from code, and what comes from it in the specification.
// `node tools/reference.ts` writes them; the tests compare.

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { commandPage, programPage } from '../src/cli/help.ts'
import { chapters, type Entry } from '../src/cli/registry.ts'
import { render } from '../src/cli/text.ts'
import { findingKinds } from '../src/identity/lint-findings.ts'
import { openapiDocument } from '../src/protocol/openapi.ts'
import { reasonMeanings } from '../src/verdict/reasons.ts'
import { root } from './sources.ts'
import { madeAnew, specificationPath } from './specification.ts'

const columns = 80
const made = '<!-- Made from the code by `npm run reference`. -->'

/** Every document that is made, by its path from the root. */
export async function referenceDocuments(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['docs/reference/cli.md', await commandLine()],
    ['docs/reference/reasons.md', reasons()],
    ['docs/reference/findings.md', findings()],
    ['docs/spec/openapi.json', JSON.stringify(openapiDocument(), null, 2)],
    [specificationPath, await specification()],
  ])
}

/** The specification as it is, with the numbers and tables of now. */
async function specification(): Promise<string> {
  return madeAnew((await readFile(join(root, specificationPath), 'utf8')).trimEnd())
}

async function commandLine(): Promise<string> {
  const entries = chapters.flatMap((chapter) => chapter.entries)
  return [
    '# The command line',
    made,
    'What `sightline COMMAND --help` prints. Names, options, exit statuses and JSON fields are a contract: scripts may rely on them.',
    fenced(programPage(chapters, columns).map((line) => render(line, false))),
    ...(await Promise.all(entries.map(commandSection))),
  ].join('\n\n')
}

async function commandSection(entry: Entry): Promise<string> {
  const page = commandPage(entry, await entry.load(), columns)
  return `## sightline ${entry.name}\n\n${fenced(page.map((line) => render(line, false)))}`
}

function fenced(lines: readonly string[]): string {
  return ['```text', ...lines, '```'].join('\n')
}

function reasons(): string {
  const rows = Object.entries(reasonMeanings).map(
    ([code, meaning]) => `| \`${code}\` | ${meaning} |`,
  )
  return [
    '# Reasons of a verdict',
    made,
    'A verdict says why, by codes of this closed list. Codes are never reworded; the text beside a code, which holds the values, may be.',
    ['| code | meaning |', '|---|---|', ...rows].join('\n'),
  ].join('\n\n')
}

function findings(): string {
  const rows = Object.entries(findingKinds).map(
    ([id, { severity, why, remedy }]) => `| \`${id}\` | ${severity} | ${why} | ${remedy} |`,
  )
  return [
    '# Findings of `ca lint`',
    made,
    'A fault keeps clients away or unprotected, a warning does not yet. Ids are never reworded; the text beside an id, which holds the values, may be.',
    ['| id | severity | why it matters | what to do |', '|---|---|---|---|', ...rows].join('\n'),
  ].join('\n\n')
}

if (import.meta.main)
  for (const [path, text] of await referenceDocuments())
    await writeFile(join(root, path), `${text}\n`)
