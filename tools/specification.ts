// Keeps the specification true to the code: numbers and tables in it are made, and its clauses are held to their form.

import { limits } from '../src/base/limits.ts'
import { parameters } from '../src/membership/parameters.ts'
import { schemes } from '../src/observation/target.ts'
import { problems, problemType, type ProblemCode } from '../src/protocol/problems.ts'
import { routeTable } from '../src/protocol/route-table.ts'
import { refusedRanges, usualLowPorts } from '../src/vantage/address.ts'
import { findAll, type Finding, type SourceFile } from './sources.ts'

/** Where the specification is. */
export const specificationPath = 'docs/spec/secure-mirror-protocol.md'

/**
 * `text` with the numbers and tables of now. A number is marked as `60 s<!-- observationValidMs -->` (a limit) or
 * `15<!-- list.listsMin -->` (a parameter of the network), a table by `<!-- table: NAME -->` and `<!-- end -->`.
 * @throws Error for a name that there is not
 */
export function madeAnew(text: string): string {
  return text
    .replace(
      /[0-9][0-9,.]*(?: (?:ms|s|minutes?|hours?|days?|bytes|characters))?<!-- ([\w.]+) -->/g,
      (_, name: string) => `${quantity(name)}<!-- ${name} -->`,
    )
    .replace(
      /^<!-- table: (\w+) -->\n[\s\S]*?^<!-- end -->$/gm,
      (_, name: string) =>
        `<!-- table: ${name} -->\n\n${tableCalled(name).join('\n')}\n\n<!-- end -->`,
    )
}

/** The limit or parameter called `name`, with its unit. */
function quantity(name: string): string {
  const [section = '', key] = name.split('.')
  const values: unknown =
    key === undefined ? limits : Object.entries(parameters).find(([one]) => one === section)?.[1]
  const value = Object.entries(values ?? {}).find(([one]) => one === (key ?? name))?.[1]
  if (typeof value !== 'number') throw new Error(`the specification names ${name}, which is not`)
  return withUnit(value, key ?? name)
}

/** `value` in the unit that the end of its name says. */
export function withUnit(value: number, name: string): string {
  if (name.endsWith('Ms')) return duration(value)
  if (/Bytes(Max)?$/.test(name)) return `${grouped(value)} bytes`
  if (/Chars(Max)?$/.test(name)) return `${grouped(value)} characters`
  if (name.endsWith('S')) return duration(value * 1_000)
  return grouped(value)
}

function duration(ms: number): string {
  const units = [
    [86_400_000, 'day'],
    [3_600_000, 'hour'],
    [60_000, 'minute'],
  ] as const
  for (const [length, unit] of units) {
    const count = ms / length
    // Whole numbers of a unit; two minutes are better known as 120 s.
    if (Number.isInteger(count) && (unit !== 'minute' || count >= 5))
      return `${grouped(count)} ${unit}${count === 1 ? '' : 's'}`
  }
  return ms >= 1_000 && ms % 500 === 0 ? `${grouped(ms / 1_000)} s` : `${grouped(ms)} ms`
}

function grouped(value: number): string {
  return value.toLocaleString('en')
}

function tableCalled(name: string): readonly string[] {
  const make = tables[name]
  if (make === undefined) throw new Error(`the specification names table ${name}, which is not`)
  return make()
}

const tables: Readonly<Record<string, () => readonly string[]>> = {
  routes: () => [
    '| route | what it gives | status | problems | part |',
    '|---|---|---|---|---|',
    ...routeTable.map((route) => {
      const problemsOf = route.problems.map((code) => `\`${code}\``).join(', ')
      const query = route.parameters.filter((one) => one.in === 'query')
      const asked = query.map((one) => `${one.name}=`).join('&')
      const path = `${route.path}${asked === '' ? '' : `?${asked}`}`
      return `| \`${route.method} ${path}\` | ${route.summary} | ${route.gives.status} | ${problemsOf} | ${route.part} |`
    }),
  ],
  problems: () => [
    '| problem | `type` | status | title |',
    '|---|---|---|---|',
    ...(Object.keys(problems) as ProblemCode[]).map(
      (code) =>
        `| \`${code}\` | \`${problemType(code)}\` | ${problems[code].status} | ${problems[code].title} |`,
    ),
  ],
  schemes: () => [
    '| scheme | own port | TLS begins | ALPN |',
    '|---|---|---|---|',
    ...Object.entries(schemes).map(
      ([scheme, { port, upgrade, alpn }]) =>
        `| \`${scheme}\` | ${port ?? '–'} | ${begins[upgrade]} | ${alpn.map((one) => `\`${one}\``).join(', ')} |`,
    ),
  ],
  addresses: () => [
    '| range | why |',
    '|---|---|',
    ...refusedRanges.map(({ cidr, why }) => `| \`${cidr}\` | ${why} |`),
  ],
  ports: () => [
    `Ports below 1024 that are looked at: ${[...usualLowPorts].toSorted((a, b) => a - b).join(', ')}.`,
  ],
  parameters: () => [
    '| parameter | value |',
    '|---|---|',
    ...Object.entries(parameters).flatMap(([section, values]) =>
      Object.entries(values).map(
        ([name, value]: [string, number]) =>
          `| \`${section}.${name}\` | ${withUnit(value, name)} |`,
      ),
    ),
  ],
}

const begins = { implicit: 'at once', starttls: 'after an upgrade', ssh: 'never: SSH' } as const

/** The ids of the specification's clauses, in order. */
export function clausesOf(text: string): readonly string[] {
  return [...text.matchAll(/^- \*\*\[([A-Z]+-[0-9]+)\]\*\* /gm)].map(([, id = '']) => id)
}

/**
 * Breaches of form: an id that is there twice or out of order, a clause that demands nothing, a demand outside of a
 * clause, a mention of a clause or of a part that there is not.
 */
export function checkClauses(file: SourceFile): readonly Finding[] {
  const ids = clausesOf(file.text)
  const known = new Set(ids)
  const parts = new Set(ids.map(partOf))
  const demands = /\b(MUST|SHOULD|MAY)\b/
  const bodies = file.text.replace(/^<!-- table: [\s\S]*?^<!-- end -->$/gm, blanked)
  const inClauses = [...bodies.matchAll(/^- \*\*\[([A-Z]+-[0-9]+)\]\*\* .*(?:\n {2}.*)*/gm)]
  const outside = inClauses.reduce((rest, [clause]) => rest.replace(clause, blanked), bodies)
  const at = (what: string): Finding => ({ path: file.path, line: 1, what })
  return [
    ...ids.flatMap((id, i) => {
      if (ids.indexOf(id) !== i) return [at(`has clause ${id} twice`)]
      const before = ids.slice(0, i).findLast((one) => partOf(one) === partOf(id))
      return before !== undefined && numberOf(before) > numberOf(id)
        ? [at(`has clause ${id} after ${before}`)]
        : []
    }),
    ...inClauses.flatMap(([clause, id = '']) =>
      demands.test(clause) ? [] : [at(`has clause ${id}, which demands nothing`)],
    ),
    ...findAll(file, /(?<!\*)\b(?:MUST|SHOULD|MAY)\b/g, {
      code: outside,
      say: ([word]) => `says ${word} outside of a clause`,
    }),
    ...findAll(file, /\(?\b([A-Z]{2,}-[0-9]+)\b/g, {
      code: bodies,
      say: ([, id = '']) =>
        known.has(id) || !parts.has(partOf(id)) ? null : `mentions ${id}, which is no clause`,
    }),
    ...routeTable.flatMap(({ path, part }) =>
      parts.has(part) ? [] : [at(`has no clause ${part}-…, which ${path} is said to be under`)],
    ),
  ]
}

/** Tables of members that differ from the shapes in the OpenAPI document; `shapes` is its `components.schemas`. */
export function checkMembers(
  file: SourceFile,
  shapes: Readonly<Record<string, unknown>>,
): readonly Finding[] {
  return findAll(file, /^<!-- members: (\w+) -->\n\n((?:\|.*\n)+)/gm, {
    code: file.text,
    say: ([, name = '', table = '']) => {
      const shape = shapes[name]
      const properties =
        typeof shape === 'object' && shape !== null && 'properties' in shape
          ? Object.keys(shape.properties ?? {})
          : []
      const told = table
        .split('\n')
        .flatMap((row) => [...(/^\|([^|]*)\|/.exec(row)?.[1] ?? '').matchAll(/`(\w+)`/g)])
        .map(([, member = '']) => member)
      const same = told.toSorted().join() === properties.toSorted().join()
      return same ? null : `tells ${name} as ${told.join(', ')}, and it is ${properties.join(', ')}`
    },
  })
}

function partOf(id: string): string {
  return id.replace(/-[0-9]+$/, '')
}

function numberOf(id: string): number {
  return Number(/[0-9]+$/.exec(id)?.[0])
}

function blanked(text: string): string {
  return text.replace(/[^\n]/g, ' ')
}
