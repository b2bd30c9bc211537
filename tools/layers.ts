// Which room may use which: dependencies run downwards only, and only runtime/node touches the world.

import { posix } from 'node:path'
import { importsOf, isTest, isTypeScript, type Finding, type SourceFile } from './sources.ts'

/** The rooms of src/, lowest first. A room may use every room below it, and beside it only what `beside` says. */
export const layers: readonly (readonly string[])[] = [
  ['base'],
  ['runtime'],
  ['observation', 'verdict', 'membership', 'protocol'],
  ['identity', 'vantage', 'store', 'inspect', 'channel'],
  ['mirror', 'hub', 'client'],
  ['shield', 'proxy'],
  ['cli', 'index'],
]

/** What a room may use of its own layer. */
export const beside: Readonly<Record<string, readonly string[]>> = {
  verdict: ['observation'],
  membership: ['observation', 'verdict'],
  protocol: ['observation', 'membership'],
  channel: ['identity'],
}

/** Rooms that run anywhere, in a browser too. */
const neutral: readonly string[] = ['base', 'observation', 'verdict', 'membership', 'protocol']

/** Packages that run anywhere too. */
const neutralPackages: readonly string[] = ['ipaddr.js', 'tldts', 'tr46', 'zod']

/** Rooms that may import `node:` modules. */
const worldly: readonly string[] = ['runtime/node', 'cli']
/** Rooms that may import runtime/node: those that put the real world together. */
const composing: readonly string[] = ['cli', 'index']

/** Imports that go upwards, sidewards, or past the door to the world. */
export function checkLayers(files: readonly SourceFile[]): readonly Finding[] {
  return files
    .filter((file) => file.path.startsWith('src/') && isTypeScript(file) && !isTest(file.path))
    .flatMap((file) =>
      importsOf(file).flatMap(({ module, line }) => {
        const what = objectionTo(module, file.path)
        return what === null ? [] : [{ path: file.path, line, what }]
      }),
    )
}

function objectionTo(module: string, from: string): string | null {
  const room = roomOf(from)
  if (module.startsWith('node:'))
    return worldly.includes(room)
      ? null
      : `imports "${module}": only runtime/node and cli touch the world; take what is needed from runtime/runtime.ts as an argument`
  if (!module.startsWith('.'))
    return !neutral.includes(room) || neutralPackages.includes(module)
      ? null
      : `imports "${module}": ${room} runs in browsers too, and uses of packages only ${neutralPackages.join(', ')}`
  const target = posix.join(posix.dirname(from), module)
  if (!target.startsWith('src/')) return `imports "${module}": src/ uses nothing outside of src/`
  return objectionToRoom(room, roomOf(target))
}

function objectionToRoom(room: string, target: string): string | null {
  if (room === target || (room === 'runtime/node' && target === 'runtime')) return null
  if (target === 'runtime/node')
    return composing.includes(room)
      ? null
      : 'imports runtime/node: only cli and index put the real world together; take a part of Runtime as an argument'
  const [from, to] = [levelOf(room), levelOf(target)]
  if (from === null) return `"${room}" is no known room: give it a place in tools/layers.ts`
  if (to === null) return `"${target}" is no known room: give it a place in tools/layers.ts`
  if (to < from || (beside[room]?.includes(target) ?? false)) return null
  return to === from
    ? `${room} uses ${target}, which is beside it: they meet in a lower room, such as protocol`
    : `${room} uses ${target}, which is above it: dependencies run downwards only`
}

/** `src/verdict/judge.ts` is in `verdict`, `src/index.ts` in `index`, and what is in runtime/node in `runtime/node`. */
function roomOf(path: string): string {
  if (path.startsWith('src/runtime/node/')) return 'runtime/node'
  const [, room = ''] = path.split('/')
  return room.replace(/\.ts$/, '')
}

function levelOf(room: string): number | null {
  const level = layers.findIndex((rooms) => rooms.includes(room.split('/')[0] ?? ''))
  return level < 0 ? null : level
}

/** Groups of files that import each other in a circle; an `import()` when a command runs does not count. */
export function checkCircles(files: readonly SourceFile[]): readonly Finding[] {
  const graph = new Map(
    files.filter(isTypeScript).map((file) => [file.path, usesOf(file)] as const),
  )
  const state = new Map<string, 'open' | 'done'>()
  const findings: Finding[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === 'done') return
    if (state.get(path) === 'open') {
      const circle = [...trail.slice(trail.indexOf(path)), path]
      findings.push({ path, line: 1, what: `is in a circle of imports: ${circle.join(' → ')}` })
      return
    }
    state.set(path, 'open')
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path])
    state.set(path, 'done')
  }
  for (const path of graph.keys()) visit(path, [])
  return findings
}

function usesOf(file: SourceFile): readonly string[] {
  return importsOf(file)
    .filter(({ module, dynamic }) => module.startsWith('.') && !dynamic)
    .map(({ module }) => posix.join(posix.dirname(file.path), module))
}
