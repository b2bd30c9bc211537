// The house's rules as checks over its files. Each says what is wrong and what to do instead.

import { posix } from 'node:path'
import { findAll, isTest, isTypeScript, mask, type Finding, type SourceFile } from './sources.ts'

/** A thing that our code does not use, and what it uses instead. */
interface Ban {
  readonly pattern: RegExp
  readonly instead: string
  /** Paths, from the root, under which it is allowed. */
  readonly allowed: readonly string[]
}

const world = ['src/runtime/node/', 'src/cli/']
const untyped = (name: string): RegExp => new RegExp(`(?<![.\\w$])${name}`, 'g')

/** Bans in src/, but for its tests. */
export const bans: readonly Ban[] = [
  { pattern: untyped('Date\\.now\\b'), instead: 'clock.now()', allowed: ['src/runtime/node/'] },
  { pattern: untyped('new Date\\(\\)'), instead: 'clock.now()', allowed: ['src/runtime/node/'] },
  {
    pattern: untyped('performance\\b'),
    instead: 'clock.monotonic()',
    allowed: ['src/runtime/node/'],
  },
  {
    pattern: untyped('set(Timeout|Interval|Immediate)\\b'),
    instead: 'clock.after() or sleep()',
    allowed: world,
  },
  { pattern: untyped('Math\\.random\\b'), instead: 'random.bytes()', allowed: [] },
  {
    pattern: untyped('crypto\\.(subtle|getRandomValues|randomUUID)\\b'),
    instead: 'the Crypto and Random seams',
    allowed: [],
  },
  { pattern: untyped('AbortSignal\\.timeout\\b'), instead: 'deadline(clock, …)', allowed: [] },
  { pattern: untyped('process\\b(?!:)'), instead: 'arguments that cli hands down', allowed: world },
  { pattern: untyped('Buffer\\b'), instead: 'Uint8Array and base/bytes.ts', allowed: world },
  { pattern: untyped('fetch\\('), instead: 'network.httpsPool()', allowed: [] },
  { pattern: /\bexport default\b/g, instead: 'a named export', allowed: [] },
]

/** Uses of what is banned in src/. */
export function checkBans(files: readonly SourceFile[]): readonly Finding[] {
  return production(files).flatMap((file) => {
    const code = mask(file.text, 'comments and strings')
    return bans
      .filter(({ allowed }) => !allowed.some((path) => file.path.startsWith(path)))
      .flatMap(({ pattern, instead }) =>
        findAll(file, pattern, { code, say: ([used]) => `uses ${used}: use ${instead}` }),
      )
  })
}

/** Casts to `Verified<…>` outside of the functions that verify: those of the signed statements, named `verify…`. */
export function checkVerified(files: readonly SourceFile[]): readonly Finding[] {
  return files.filter(isTypeScript).flatMap((file) => {
    const code = mask(file.text, 'comments and strings')
    return findAll(file, /\bas (?:unknown as )?Verified</g, {
      code,
      say: ({ index }) => {
        const within = [...code.slice(0, index).matchAll(/^(?:export )?function (\w+)/gm)].at(
          -1,
        )?.[1]
        return statements.test(file.path) && /^verify[A-Z]/.test(within ?? '')
          ? null
          : 'casts to Verified: only a verify… function of observation, protocol or membership may, at its end'
      },
    })
  })
}

const statements = /^src\/(observation|protocol|membership)\/(?!.*\.test\.ts$)/

/** TypeScript files that do not begin with a sentence on their purpose; that of a test beside its source is plain. */
export function checkHeaders(files: readonly SourceFile[]): readonly Finding[] {
  const paths = new Set(files.map(({ path }) => path))
  return files
    .filter(
      (file) =>
        isTypeScript(file) &&
        !(isTest(file.path) && paths.has(file.path.replace(/\.test\.ts$/, '.ts'))),
    )
    .filter((file) => !/^\/\/ [A-Z`'"$].*\S/.test(file.text))
    .map(({ path }) => ({ path, line: 1, what: 'begins without a sentence on its purpose' }))
}

/** Exported functions, constants and classes of src/ without a doc comment. A row of one-line constants needs one. */
export function checkDocumented(files: readonly SourceFile[]): readonly Finding[] {
  return production(files).flatMap((file) => {
    const lines = file.text.split('\n')
    const documented = (i: number): boolean => {
      const before = lines[i - 1] ?? ''
      if (/\*\/\s*$/.test(before) || /^\s*\/\/ oxlint-disable/.test(before)) return true
      return /^export (const|async function|function) .*[^{(,]$/.test(before) && documented(i - 1)
    }
    const overload = (i: number): boolean =>
      /^export (async )?function (\w+)\b.*[^{]$/.test(lines[i - 1] ?? '') && documented(i - 1)
    return lines.flatMap((line, i) => {
      const name = /^export (?:async function\*?|function\*?|const|class) (\w+)/.exec(line)?.[1]
      return name === undefined || documented(i) || overload(i)
        ? []
        : [{ path: file.path, line: i + 1, what: `exports ${name} without a doc comment` }]
    })
  })
}

// Put together from pieces, so that this file does not find itself.
const unfinished = new RegExp(
  `\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X'.repeat(3)].join('|')})\\b`,
  'g',
)
const switchedOff =
  /\b(?:test|it|describe|suite|t)\.(only|skip|todo)\(|\b(only|skip|todo):\s*(true|['"`])/g

/** What looks unfinished, and tests that are switched off. */
export function checkLeftovers(files: readonly SourceFile[]): readonly Finding[] {
  return files.flatMap((file) => [
    ...findAll(file, unfinished, { code: file.text, say: ([word]) => `holds ${word}: finish it` }),
    ...(isTypeScript(file)
      ? findAll(file, switchedOff, {
          code: mask(file.text, 'comments and strings'),
          say: ([word]) => `holds ${word}: every test runs`,
        })
      : []),
  ])
}

const machinePath = new RegExp(
  `(?<![\\w.~-])/(${['work', 'farm', 'root', 'home', 'Users', 'tmp'].join('|')})/(?!\\*)[\\w.@-]+`,
  'g',
)

/** Paths of one machine, which mean nothing on another. */
export function checkMachinePaths(files: readonly SourceFile[]): readonly Finding[] {
  return files.flatMap((file) =>
    findAll(file, machinePath, {
      code: file.text,
      say: ([path]) => `names ${path}, a path of one machine`,
    }),
  )
}

/** Links of Markdown files to files or headings that are not there. */
export function checkLinks(files: readonly SourceFile[]): readonly Finding[] {
  const paths = new Set(files.flatMap(({ path }) => [path, ...foldersOf(path)]))
  const headings = new Map(files.map((file) => [file.path, headingsOf(file.text)]))
  return files
    .filter(({ path }) => path.endsWith('.md'))
    .flatMap((file) =>
      findAll(file, /\]\(([^)\s]+)\)/g, {
        code: file.text.replace(/^```[\s\S]*?^```/gm, (block) => block.replace(/[^\n]/g, ' ')),
        say: ([, link = '']) => {
          if (/^[a-z]+:/.test(link)) return null
          const [target = '', anchor] = link.split('#')
          const path = target === '' ? file.path : posix.join(posix.dirname(file.path), target)
          if (!paths.has(path.replace(/\/$/, ''))) return `links to ${link}, which is not there`
          return anchor === undefined || (headings.get(path)?.has(anchor) ?? false)
            ? null
            : `links to ${link}, but ${path} has no such heading`
        },
      }),
    )
}

/** Names in the first column of a document's tables that are not `expected`, and expected ones that are missing. */
export function checkCatalogue(
  document: SourceFile,
  expected: readonly string[],
): readonly Finding[] {
  const rows = findAll(document, /^\| `([^`]+)` \|/gm, {
    code: document.text,
    say: ([, name = '']) => name,
  })
  const present = rows.map((row) => row.what)
  const at = (what: string, line = 1): Finding => ({ path: document.path, line, what })
  return [
    ...expected
      .filter((name) => !present.includes(name))
      .map((name) => at(`says nothing about ${name}`)),
    ...rows
      .filter((row, i) => !expected.includes(row.what) || present.indexOf(row.what) !== i)
      .map((row) => at(`has a row for ${row.what}, which is unknown or twice`, row.line)),
  ]
}

function production(files: readonly SourceFile[]): readonly SourceFile[] {
  return files.filter(
    (file) => file.path.startsWith('src/') && isTypeScript(file) && !isTest(file.path),
  )
}

function foldersOf(path: string): readonly string[] {
  const parts = path.split('/').slice(0, -1)
  return parts.map((_, i) => parts.slice(0, i + 1).join('/'))
}

/** Anchors of a Markdown text's headings, as forges make them. */
function headingsOf(text: string): ReadonlySet<string> {
  const anchors = [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  )
  return new Set(anchors)
}

/** Where a finding is, as editors understand it. */
export function place(finding: Finding): string {
  return `${finding.path}:${finding.line} ${finding.what}`
}
