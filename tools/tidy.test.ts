// The house's rules, held over the whole project; and for each rule, a snippet that breaks it.

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { failureCodes } from '../src/base/failure.ts'
import { checkCircles, checkLayers } from './layers.ts'
import { checkMission, missionRows } from './mission.ts'
import { openapiDocument } from '../src/protocol/openapi.ts'
import { referenceDocuments } from './reference.ts'
import { importsOf, mask, readProject, type Finding, type SourceFile } from './sources.ts'
import {
  checkClauses,
  checkMembers,
  madeAnew,
  specificationPath,
  withUnit,
} from './specification.ts'
import {
  checkBans,
  checkCatalogue,
  checkDocumented,
  checkHeaders,
  checkLeftovers,
  checkLinks,
  checkMachinePaths,
  checkVerified,
  place,
} from './tidy.ts'

type Check = (files: readonly SourceFile[]) => readonly Finding[]

interface Rule {
  readonly rule: string
  readonly check: Check
  /** What breaks the rule, by path. */
  readonly broken: readonly Readonly<Record<string, string>>[]
  /** What looks like a breach, and is none. */
  readonly sound: readonly Readonly<Record<string, string>>[]
}

const project = readProject()

const rules: readonly Rule[] = [
  {
    rule: 'dependencies run downwards only, and runtime/node is the only door to the world',
    check: checkLayers,
    broken: [
      { 'src/base/a.ts': "import { b } from '../runtime/b.ts'" },
      { 'src/base/a.ts': "import type { B } from '../observation/b.ts'" },
      { 'src/mirror/a.ts': "import { b } from '../client/b.ts'" },
      { 'src/observation/a.ts': "export * from '../verdict/b.ts'" },
      { 'src/client/a.ts': "const b = await import('../cli/b.ts')" },
      { 'src/client/a.ts': "import { x } from '../runtime/node/clock.ts'" },
      { 'src/runtime/a.ts': "import { x } from './node/clock.ts'" },
      { 'src/vantage/a.ts': "import { connect } from 'node:net'" },
      { 'src/vantage/a.ts': "import type { Socket } from 'node:net'" },
      { 'src/verdict/a.ts': "import pg from 'pg'" },
      { 'src/client/a.ts': "import { x } from '../../test/support/x.ts'" },
      { 'src/cellar/a.ts': "import { x } from '../base/x.ts'" },
    ],
    sound: [
      { 'src/verdict/a.ts': "import { b } from '../observation/b.ts'" },
      { 'src/cli/a.ts': "import { x } from '../runtime/node/clock.ts'\nimport 'node:net'" },
      { 'src/runtime/node/a.ts': "import 'node:net'\nimport { x } from '../runtime.ts'" },
      { 'src/vantage/tls/a.ts': "import { b } from '../dns/b.ts'\n// import 'node:net'" },
      { 'src/base/a.test.ts': "import 'node:test'" },
      { 'src/index.ts': "export { verify } from './client/verify.ts'" },
    ],
  },
  {
    rule: 'no files import each other in a circle',
    check: checkCircles,
    broken: [
      {
        'src/a.ts': "import { b } from './b.ts'",
        'src/b.ts': "import { c } from './c.ts'",
        'src/c.ts': "import type { A } from './a.ts'",
      },
    ],
    sound: [
      { 'src/a.ts': "import { b } from './b.ts'", 'src/b.ts': "const a = await import('./a.ts')" },
      {
        'src/a.ts': "import { b } from './b.ts'\nimport { c } from './c.ts'",
        'src/b.ts': "import { c } from './c.ts'",
        'src/c.ts': '',
      },
    ],
  },
  {
    rule: 'time, chance, processes and the network come by the seam',
    check: checkBans,
    broken: [
      { 'src/client/a.ts': 'const t = Date.now()' },
      { 'src/client/a.ts': 'const t = new Date()' },
      { 'src/client/a.ts': 'const t = performance.now()' },
      { 'src/client/a.ts': 'setTimeout(run, 5)' },
      { 'src/client/a.ts': '`${setInterval(run, 5)}`' },
      { 'src/client/a.ts': 'const now = setImmediate' },
      { 'src/client/a.ts': 'Math.random()' },
      { 'src/client/a.ts': 'AbortSignal.timeout(5)' },
      { 'src/client/a.ts': 'await crypto.subtle.digest()' },
      { 'src/client/a.ts': 'process.env.HOME' },
      { 'src/client/a.ts': 'Buffer.from(x)' },
      { 'src/client/a.ts': 'await fetch(url)' },
      { 'src/client/a.ts': 'export default 5' },
      { 'src/cli/a.ts': 'Math.random()' },
    ],
    sound: [
      { 'src/client/a.ts': "// setTimeout\nconst a = 'Date.now()'\nnew Date(ms).toISOString()" },
      { 'src/client/a.ts': 'const a = /Buffer/.test(x) ? `process` : app.fetch(request)' },
      { 'src/client/a.ts': 'class ArrayBufferLike {}\nclock.process.now()' },
      { 'src/runtime/node/a.ts': 'setTimeout(run, Date.now())' },
      { 'src/client/a.test.ts': 'setTimeout(run, Date.now())' },
    ],
  },
  {
    rule: 'only what verifies may say that something is verified',
    check: checkVerified,
    broken: [
      { 'src/client/a.ts': 'function verifyX() {\n  return x as Verified<Observation>\n}' },
      { 'src/observation/a.ts': 'function verifyX() {}\nfunction readX() { x as Verified<X> }' },
      { 'src/observation/a.test.ts': 'function verifyX() { return x as Verified<X> }' },
      { 'test/a.ts': 'const v = x as unknown as Verified<Observation>' },
    ],
    sound: [
      { 'src/protocol/a.ts': 'export function verifyList() {\n  return list as Verified<List>\n}' },
      { 'src/client/a.ts': 'function judge(x: Verified<Observation>) {} // as Verified<X>' },
    ],
  },
  {
    rule: 'each file begins with a sentence on its purpose',
    check: checkHeaders,
    broken: [
      { 'src/base/a.ts': "import { b } from './b.ts'\n// Does things." },
      { 'tools/a.ts': '// does things' },
      { 'src/base/a.test.ts': "import 'node:test'" },
    ],
    sound: [
      { 'src/base/a.ts': '// Does things.\n', 'src/base/a.test.ts': "import 'node:test'" },
      { 'README.md': 'x' },
    ],
  },
  {
    rule: 'what is exported is documented',
    check: checkDocumented,
    broken: [
      { 'src/base/a.ts': '// Header.\n\nexport function f(): void {}' },
      { 'src/base/a.ts': '// Header.\n\nexport const a = 5' },
      { 'src/base/a.ts': '/** Is b. */\nexport const b = {\n  c: 1,\n}\nexport const a = 5' },
    ],
    sound: [
      { 'src/base/a.ts': '/** Does. */\nexport async function f(): Promise<void> {}' },
      { 'src/base/a.ts': '/** Colours. */\nexport const a = 5\nexport const b = 6' },
      { 'src/base/a.ts': '/** Does. */\nexport function f(a: 1): 1\nexport function f(a: 2): 2\n' },
      { 'test/a.ts': 'export const a = 5' },
    ],
  },
  {
    rule: 'nothing is left unfinished or switched off',
    check: checkLeftovers,
    broken: [
      { 'src/base/a.ts': `// ${'TO'}DO: finish` },
      { 'README.md': `${'FIX'}ME` },
      { 'src/base/a.test.ts': "test.only('x', () => {})" },
      { 'src/base/a.test.ts': "test.skip('x', () => {})" },
      { 'src/base/a.test.ts': "test('x', { skip: true }, () => {})" },
    ],
    sound: [{ 'src/base/a.ts': "const only = mask.skip\nconst x = 'test.only(1)'" }],
  },
  {
    rule: 'no path of one machine stands anywhere',
    check: checkMachinePaths,
    broken: [
      { 'README.md': `see /${'work'}/main` },
      { 'src/base/a.ts': `const a = '/${'home'}/ada/x'` },
      { 'src/base/a.ts': `const a = "/${'tmp'}/x"` },
    ],
    sound: [{ 'README.md': 'https://a.test/work/home ~/work/x tmp/x' }],
  },
  {
    rule: 'links lead somewhere',
    check: checkLinks,
    broken: [
      { 'README.md': '[x](docs/absent.md)' },
      { 'docs/a.md': '[x](README.md)', 'README.md': '' },
      { 'README.md': '[x](a.md#there)', 'a.md': '# Here' },
      { 'README.md': '# Here\n[x](#there)' },
    ],
    sound: [
      {
        'README.md': '[x](docs/a.md#what-it-is-not) [y](docs/) [z](https://a.test/b)',
        'docs/a.md': '## What it is `not`',
      },
      { 'README.md': '```\n[x](absent.md)\n```\n# Here\n[x](#here)' },
    ],
  },
]

suite('the house is tidy', () => {
  for (const { rule, check, broken, sound } of rules) {
    test(rule, () => report(check(project)))
    test(`${rule}: the check can fail`, () => {
      for (const snippet of broken)
        assert.notEqual(check(filesOf(snippet)).length, 0, JSON.stringify(snippet))
      for (const snippet of sound) report(check(filesOf(snippet)))
    })
  }

  test('every failure code is documented', () => {
    report(checkCatalogue(fileAt('docs/reference/failures.md'), failureCodes))
  })

  test('the documents that come from code are up to date', async () => {
    for (const [path, text] of await referenceDocuments())
      assert.equal(
        fileAt(path).text,
        `${text}\n`,
        `${path} is old: npm run reference makes it anew`,
      )
  })

  test('every code is documented: the check can fail', () => {
    const table = { path: 'a.md', text: '| code |\n|---|\n| `a` | x |\n| `b` | y |\n| `b` | y |\n' }
    assert.deepEqual(
      checkCatalogue(table, ['a', 'c']).map((finding) => finding.what),
      [
        'says nothing about c',
        'has a row for b, which is unknown or twice',
        'has a row for b, which is unknown or twice',
      ],
    )
  })

  test('every demand of the specification is a clause, and every shape is told whole', () => {
    const file = fileAt(specificationPath)
    report(checkClauses(file))
    report(checkMembers(file, shapes()))
  })

  test('the specification: the checks can fail', () => {
    const clauses = (text: string): readonly string[] =>
      checkClauses({ path: 'a.md', text })
        .map(({ what }) => what)
        .filter((what) => !what.startsWith('has no clause'))
    assert.deepEqual(clauses('- **[A-1]** A MUST b.\n- **[AB-2]** C MAY\n  d, as AB-2 says.\n'), [])
    for (const text of [
      'A MUST b.',
      '- **[A-1]** A does b.',
      '- **[A-1]** A MUST b.\n- **[A-1]** A MUST c.',
      '- **[A-2]** A MUST b.\n- **[A-1]** A MUST c.',
      '- **[AB-1]** A MUST b, as AB-2 says.',
      '- **[A-1]** A MUST b.\nIt SHOULD c.',
    ])
      assert.notDeepEqual(clauses(text), [], text)
    const members = (rows: string): number =>
      checkMembers(
        { path: 'a.md', text: `<!-- members: X -->\n\n| member |\n|---|\n${rows}` },
        { X: { properties: { a: {}, b: {} } } },
      ).length
    assert.equal(members('| `a`, `b` |\n'), 0)
    assert.equal(members('| `a` |\n'), 1)
    assert.equal(members('| `a` |\n| `b` |\n| `c` |\n'), 1)
  })

  test('numbers of the specification come from the code', () => {
    assert.equal(
      madeAnew('at most 9 bytes<!-- nonceBytes --> and 1 day<!-- list.refreshMs -->'),
      'at most 16 bytes<!-- nonceBytes --> and 7 days<!-- list.refreshMs -->',
    )
    assert.throws(() => madeAnew('9<!-- nothing -->'), /nothing/)
    assert.throws(() => madeAnew('<!-- table: nothing -->\n<!-- end -->'), /nothing/)
    for (const [value, name, text] of [
      [60_000, 'aMs', '60 s'],
      [600_000, 'aMs', '10 minutes'],
      [3_600_000, 'aMs', '1 hour'],
      [1_500, 'aMs', '1.5 s'],
      [150, 'aMs', '150 ms'],
      [4_096, 'aBytesMax', '4,096 bytes'],
      [1_024, 'aCharsMax', '1,024 characters'],
      [30, 'aS', '30 s'],
      [0.1, 'weight', '0.1'],
    ] as const)
      assert.equal(withUnit(value, name), text)
  })

  test('the mission is whole, and what works is shown', () => {
    const paths = new Set(project.map(({ path }) => path))
    report(checkMission(fileAt('docs/mission.md'), (path) => paths.has(path)))
  })

  test('the mission is whole: the check can fail', () => {
    const rows = Object.entries(missionRows).flatMap(([letter, count]) =>
      Array.from({ length: count }, (_, i) => `| ${letter}${i + 1} | not yet | x |  |`),
    )
    const complaints = (change: (row: string) => string): readonly string[] =>
      checkMission(
        { path: 'm.md', text: rows.map(change).join('\n') },
        (path) => path === 'a.test.ts',
      ).map(({ what }) => what)
    const instead = (of: string, row: string) => (each: string) =>
      each.startsWith(`| ${of} |`) ? row : each
    assert.deepEqual(
      complaints((row) => row),
      [],
    )
    assert.deepEqual(complaints(instead('R1', '| R1 | works | x | `a.test.ts` |')), [])
    for (const row of [
      '',
      '| R1 | done | x | `a.test.ts` |',
      '| R1 | works | x |  |',
      '| R1 | works | x | `b.test.ts` |',
      '| R1 | not yet |  |  |',
      '| R1 | differs | x | so |',
      '| R1 | not yet | x | `a.test.ts` |',
      '| R2 | not yet | x |  |',
      '| R153 | not yet | x |  |',
    ])
      assert.notDeepEqual(complaints(instead('R1', row)), [], row)
  })
})

suite('the scanner', () => {
  test('mask() blanks comments and strings, and keeps places', () => {
    for (const [text, code] of [
      ["a // 'b\nc", 'a      \nc'],
      ['a /* b\n` */ c', 'a     \n     c'],
      [`a('b\\'c', "d")`, 'a(\'    \', " ")'],
      ['`a${b({ c: `d${e}` })}f`', '` ${b({ c: ` ${e}` })} `'],
      ['a / b / c', 'a / b / c'],
      ['x = /[\'"`//]/g.test(y)', 'x =           .test(y)'],
      ["f(/[/'\\]]/)", 'f(        )'],
      ["return /'/", 'return    '],
      ['`\\`${a}`', '`  ${a}`'],
    ] as const)
      assert.equal(mask(text, 'comments and strings'), code, text)
  })

  test('mask() can keep strings', () => {
    assert.equal(mask("a('//b') // c", 'comments'), "a('//b')     ")
  })

  test('importsOf() finds every way to import', () => {
    const text =
      "import a from 'a'\nimport {\n  b,\n  type B,\n} from './b.ts'\nimport 'c'\nexport * from \"d\"\n" +
      "const e = await import('e')\n// import 'f'\nconst g = \"import 'h'\"\nexport const i = 5\nconst from = 'j'\n"
    assert.deepEqual(
      importsOf({ path: 'x.ts', text }).map(({ module, line }) => `${module}:${line}`),
      ['a:1', './b.ts:2', 'c:6', 'd:7', 'e:8'],
    )
  })
})

function report(findings: readonly Finding[]): void {
  assert.ok(findings.length === 0, `\n${findings.map(place).join('\n')}`)
}

function shapes(): Readonly<Record<string, unknown>> {
  const { components } = openapiDocument()
  return (components as { readonly schemas: Readonly<Record<string, unknown>> }).schemas
}

function filesOf(snippet: Readonly<Record<string, string>>): readonly SourceFile[] {
  return Object.entries(snippet).map(([path, text]) => ({ path, text }))
}

function fileAt(path: string): SourceFile {
  return project.find((file) => file.path === path) ?? { path, text: '' }
}
