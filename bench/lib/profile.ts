// Reads a CPU profile that V8 wrote (`--cpu-prof`) and says which kind of work the time went to.

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A kind of work in a server of ours, as the rows of the split. */
export type Work =
  | 'TLS records and sockets (native)'
  | 'HTTP of Node (JavaScript)'
  | 'signatures and digests'
  | 'Sightline'
  | 'dependencies'
  | 'garbage collection'

/** The share of each kind of work in the busy time, largest first. */
export type Split = readonly (readonly [work: Work, share: number])[]

type Frame = { readonly functionName: string; readonly url: string }
type Profile = {
  readonly nodes: readonly { readonly id: number; readonly callFrame: Frame }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
  readonly startTime: number
}

/** What a server does until it is asked, such as compiling modules, is no answering. */
const startUp =
  /\/(bootstrap|modules|esm|cjs)\/|internal\/util|^node:internal\/(fs|vm|process\/execution)/
const cryptoNames = /^(hash|oneShotDigest|signOneShot|verifyOneShot|sign|verify|digest)$/

function workOf({ functionName, url }: Frame): Work | null {
  if (functionName === '(idle)' || functionName === '(root)') return null
  if (functionName === '(garbage collector)') return 'garbage collection'
  if (cryptoNames.test(functionName) && (url === '' || url.startsWith('node:internal/crypto')))
    return 'signatures and digests'
  if (url.startsWith('node:internal/crypto')) return 'signatures and digests'
  if (url === '') return 'TLS records and sockets (native)'
  if (startUp.test(url)) return null
  if (url.startsWith('node:')) return 'HTTP of Node (JavaScript)'
  return url.includes('/node_modules/') ? 'dependencies' : 'Sightline'
}

/** The split of the one profile in `folder`, of what was sampled from `fromMs` after its start on. */
export async function splitOf(folder: string, fromMs: number): Promise<Split> {
  const [file = ''] = (await readdir(folder)).filter((name) => name.endsWith('.cpuprofile'))
  const profile = JSON.parse(await readFile(join(folder, file), 'utf8')) as Profile
  const frames = new Map(profile.nodes.map((node) => [node.id, node.callFrame]))
  const times = new Map<Work, number>()
  let elapsed = 0
  let total = 0
  profile.samples.forEach((id, i) => {
    const time = profile.timeDeltas[i] ?? 0
    elapsed += time
    const frame = frames.get(id)
    const work = frame === undefined ? null : workOf(frame)
    if (work === null || elapsed < fromMs * 1000) return
    times.set(work, (times.get(work) ?? 0) + time)
    total += time
  })
  return [...times]
    .map(([work, time]) => [work, time / total] as const)
    .toSorted(([, a], [, b]) => b - a)
}
