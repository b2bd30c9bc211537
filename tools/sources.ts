// Reads the project's own files for the house's checks, and tells code from comments and strings.

import { readFileSync, readdirSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root folder of the project. */
export const root = fileURLToPath(new URL('../', import.meta.url))

/** One text file of the project. */
export interface SourceFile {
  /** From the root of the project, with forward slashes. */
  readonly path: string
  readonly text: string
}

/** Something that a check found. `line` counts from 1. */
export interface Finding {
  readonly path: string
  readonly line: number
  readonly what: string
}

const skipped = new Set(['node_modules', 'dist', '.git', 'coverage'])
const textual = /\.(ts|tsx|cjs|mjs|md|json|txt|html|css|yml|yaml|sh)$|^\.ci\/|^LICENSE$/

/** Every text file of the project, but for the lock file and what is made or installed. */
export function readProject(): readonly SourceFile[] {
  const paths = (folder: string): readonly string[] =>
    readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      if (skipped.has(entry.name)) return []
      const path = join(folder, entry.name)
      return entry.isDirectory() ? paths(path) : [path]
    })
  return paths(root)
    .map((path) => relative(root, path).split(sep).join('/'))
    .filter((path) => textual.test(path) && path !== 'package-lock.json')
    .toSorted()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

/** True for our own TypeScript. */
export function isTypeScript(file: SourceFile): boolean {
  return /\.tsx?$/.test(file.path)
}

/** True for a file that only tests load. */
export function isTest(path: string): boolean {
  return path.startsWith('test/') || /\.test\.tsx?$/.test(path)
}

/** The findings of `pattern` in `code`, each on its line. `code` is the file's text or a masked form of it. */
export function findAll(
  file: SourceFile,
  pattern: RegExp,
  as: { readonly code: string; readonly say: (match: RegExpExecArray) => string | null },
): readonly Finding[] {
  const findings: Finding[] = []
  for (const match of as.code.matchAll(pattern)) {
    const what = as.say(match)
    if (what !== null) findings.push({ path: file.path, line: lineAt(as.code, match.index), what })
  }
  return findings
}

/** The line, from 1, that holds the character at `index`. */
export function lineAt(text: string, index: number): number {
  let line = 1
  for (let i = text.indexOf('\n'); i >= 0 && i < index; i = text.indexOf('\n', i + 1)) line++
  return line
}

/** What to blank out of TypeScript: comments alone, or also what stands in strings and regular expressions. */
export type Mask = 'comments' | 'comments and strings'

// One alternative a kind of token; a template's `${` … `}` parts are followed by the loop below.
const token =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\[\s\S]|[^'\\\n])*'|"(?:\\[\s\S]|[^"\\\n])*"|`|[{}]|\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/g

/** `text` with the masked parts as spaces, so that places and lines stay where they are. */
export function mask(text: string, what: Mask): string {
  let out = ''
  let at = 0
  // For each open brace, whether a template goes on after it closes.
  const braces: boolean[] = []
  const keep = (to: number): void => {
    out += text.slice(at, to)
    at = to
  }
  const blank = (to: number): void => {
    out += text.slice(at, to).replace(/[^\n]/g, ' ')
    at = to
  }
  const string = (to: number): void => {
    if (what === 'comments') keep(to)
    else blank(to)
  }
  const template = (): void => {
    const end = /\$\{|`/g
    end.lastIndex = at
    let found = end.exec(text)
    while (found !== null && isEscaped(text, found.index)) found = end.exec(text)
    string(found === null ? text.length : found.index)
    keep(Math.min(text.length, at + (found?.[0].length ?? 0)))
    if (found?.[0] === '${') braces.push(true)
  }
  while (at < text.length) {
    token.lastIndex = at
    const found = token.exec(text)
    if (found === null) break
    keep(found.index)
    const [word] = found
    const end = at + word.length
    if (word.startsWith('//') || word.startsWith('/*')) blank(end)
    else if (word.startsWith('/')) {
      if (mayBeginRegExp(out)) string(end)
      else keep(at + 1)
    } else if (word === '{' || word === '}') {
      keep(end)
      if (word === '{') braces.push(false)
      else if (braces.pop() === true) template()
    } else if (word === '`') {
      keep(end)
      template()
    } else {
      keep(at + 1)
      string(end - 1)
      keep(end)
    }
  }
  keep(text.length)
  return out
}

/** Whether a slash after `before` begins a regular expression: after a value it divides. */
function mayBeginRegExp(before: string): boolean {
  const last = before.trimEnd()
  return !/[\w$)\]'"`]$/.test(last) || /\b(return|typeof|case|in|of|await|yield)$/.test(last)
}

function isEscaped(text: string, index: number): boolean {
  let slashes = 0
  while (text[index - 1 - slashes] === '\\') slashes++
  return slashes % 2 === 1
}

/** Modules that a TypeScript file names in `import`, `export … from` and `import()`, type-only ones too. */
export function importsOf(
  file: SourceFile,
): readonly { readonly module: string; readonly line: number; readonly dynamic: boolean }[] {
  const code = mask(file.text, 'comments')
  const pattern =
    /^(?:import|export)\b[^'"`;]*?from\s*['"]([^'"]+)['"]|^import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm
  return [...code.matchAll(pattern)].map((match) => ({
    module: match[1] ?? match[2] ?? match[3] ?? '',
    line: lineAt(code, match.index),
    dynamic: match[3] !== undefined,
  }))
}
