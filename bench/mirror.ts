// How many answers a mirror gives for a second of processor time, beside nginx, Caddy and unbound in the same run.

import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { ensurePackages } from '../test/support/packages.ts'
import {
  answersPerCpuSecond,
  type Burst,
  fetchText,
  h2load,
  wrk,
  writeNonceScript,
} from './lib/load.ts'
import { type BenchMirror, root, startMirror, startNames, startSites } from './lib/network.ts'
import { makePeerCertificate, startCaddy, startNginx, startUnbound } from './lib/peers.ts'
import { type Split, splitOf } from './lib/profile.ts'
import { type Program, run } from './lib/program.ts'
import { type Cycle, ratio, type Summary } from './lib/statistics.ts'
import { table } from './lib/table.ts'
import type { MemoryReport } from './processes/memory.ts'

const serverCore = 0
const loadCore = 1
const connections = 32
/** The mirror that is measured, and what it is asked. */
interface Subject extends BenchMirror {
  readonly sharedUrl: string
  readonly nonceUrl: string
  /** The question with `%NONCE%` in the place of its nonce. */
  readonly question: string
}

function subjectOf(mirror: BenchMirror, target: string): Subject {
  const nonceUrl = `${mirror.origin}/v1/observe`
  return {
    ...mirror,
    nonceUrl,
    sharedUrl: `${nonceUrl}?target=${encodeURIComponent(target)}`,
    question: JSON.stringify({ target, nonce: '%NONCE%' }),
  }
}

interface Plan {
  /** Cycles before those that count, in which code is compiled and caches fill. */
  readonly warmUp: number
  readonly cycles: number
  readonly seconds: number
  readonly profileSeconds: number
  readonly names: number
}

const fullPlan: Plan = { warmUp: 1, cycles: 9, seconds: 2, profileSeconds: 4, names: 100_000 }
/** Long enough to see that every part works, far too short to mean anything. */
const smokePlan: Plan = { warmUp: 0, cycles: 1, seconds: 1, profileSeconds: 1, names: 1_000 }

/** One server under one kind of load. */
interface Contestant {
  readonly name: string
  readonly program: Program
  readonly generate: (burst: Burst) => Promise<number | null>
  readonly url: string
  readonly script?: string
}

const names = {
  nginx: 'nginx, file of that size (h1)',
  nginxNonce: 'nginx, file of the nonce answer’s size (h1)',
  nginx2: 'nginx, file of that size (h2)',
  caddy: 'Caddy, file of that size (h1)',
  caddyMemory: 'Caddy, body in its configuration (h1)',
  unbound: 'unbound, DoH from local data (h2)',
  shared: 'mirror, cached signed answer (h1)',
  nonce: 'mirror, answer to a fresh nonce (h1)',
} as const

type Stack = AsyncDisposableStack

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** Everything that answers, each on the server's core; all are alive during the whole run. */
async function startContestants(
  folder: string,
  mirror: Subject,
  stack: Stack,
): Promise<readonly Contestant[]> {
  const keep = <P extends { readonly program: Program }>(peer: P): P => {
    stack.defer(() => peer.program.stop())
    return peer
  }
  const shared = await fetchText(mirror.sharedUrl)
  const nonceAnswer = await fetchText(
    mirror.nonceUrl,
    mirror.question.replace('%NONCE%', 'A'.repeat(22)),
  )
  const script = await writeNonceScript(folder, mirror.question)
  const setup = { folder, core: serverCore, ...(await makePeerCertificate(folder)) }
  // A batch of many makes an answer longer than one that was alone: its path has up to five digests.
  const files = { shared, nonce: nonceAnswer.padEnd(nonceAnswer.length + (5 * 32 * 4) / 3) }
  const nginx = keep(await startNginx(setup, files))
  const caddy = keep(await startCaddy(setup, files, shared))
  const unbound = keep(await startUnbound(setup))
  const of = (name: string, { program }: { readonly program: Program }, url: string) => ({
    name,
    program,
    url,
    generate: wrk,
  })
  return [
    of(names.nginx, nginx, `${nginx.origin}/shared`),
    of(names.nginxNonce, nginx, `${nginx.origin}/nonce`),
    { ...of(names.nginx2, nginx, `${nginx.origin}/shared`), generate: h2load },
    of(names.caddy, caddy, `${caddy.origin}/shared`),
    of(names.caddyMemory, caddy, `${caddy.origin}/memory`),
    { ...of(names.unbound, unbound, unbound.origin + unbound.path), generate: h2load },
    of(names.shared, mirror, mirror.sharedUrl),
    { ...of(names.nonce, mirror, mirror.nonceUrl), script },
  ]
}

/** One burst at each contestant in an order drawn anew, cycle by cycle. */
async function race(
  contestants: readonly Contestant[],
  mirror: Subject,
  plan: Plan,
): Promise<readonly Cycle[]> {
  const cycles: Cycle[] = []
  for (let cycle = -plan.warmUp; cycle < plan.cycles; cycle++) {
    const reached = new Map<string, number>()
    for (const one of shuffled(contestants)) {
      // The name stays in the mirror's cache: looking again is no part of a cached answer.
      await fetchText(mirror.sharedUrl)
      const { url, script } = one
      const burst = { url, connections, seconds: plan.seconds, core: loadCore }
      const measure = (): Promise<number | null> =>
        answersPerCpuSecond(one.program, () =>
          one.generate(script === undefined ? burst : { ...burst, script }),
        )
      // A generator that hung once rarely does it twice.
      const answers = (await measure()) ?? (await measure())
      if (answers !== null) reached.set(one.name, answers)
      else say(`cut off at its time limit: a burst at ${one.name}`)
    }
    if (cycle >= 0) cycles.push(reached)
  }
  return cycles
}

function shuffled<T>(items: readonly T[]): readonly T[] {
  return items
    .map((item) => ({ item, place: Math.random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ item }) => item)
}

function report(cycles: readonly Cycle[]): void {
  const cell = ({ median }: Summary): string => median.toFixed(2)
  const spread = ({ min, max }: Summary): string => `${min.toFixed(2)}–${max.toFixed(2)}`
  const rows = Object.values(names).map((name) => {
    const toNginx = ratio(cycles, name, names.nginx)
    return [
      name,
      cell(toNginx),
      spread(toNginx),
      cell(ratio(cycles, name, names.caddy)),
      cell(ratio(cycles, name, names.caddyMemory)),
      cell(ratio(cycles, name, names.unbound)),
    ]
  })
  say(
    table([
      ['', '÷ nginx h1', 'least–most', '÷ Caddy file', '÷ Caddy memory', '÷ unbound h2'],
      ...rows,
    ]),
  )
  say('')
  judge('cached answer ÷ nginx', ratio(cycles, names.shared, names.nginx), 0.4)
  judge('cached answer ÷ Caddy (file)', ratio(cycles, names.shared, names.caddy), 1)
  judge('nonce answer ÷ nginx', ratio(cycles, names.nonce, names.nginxNonce), 0.25)
}

function judge(what: string, reached: Summary, wanted: number): void {
  const verdict = reached.median >= wanted ? 'reached' : 'NOT reached'
  say(
    `${what}: median ${reached.median.toFixed(2)} of ${reached.count} cycles, at least ${wanted} wanted: ${verdict}`,
  )
}

interface ProfileOptions {
  readonly folder: string
  readonly resolver: number
  readonly target: string
  readonly seconds: number
}

/** Where the time of a mirror of its own goes under one kind of load, seen by V8's profiler outside the race. */
async function profile(options: ProfileOptions, kind: 'shared' | 'nonce'): Promise<Split> {
  const folder = join(options.folder, `profile-${kind}`)
  await mkdir(folder)
  const began = performance.now()
  const started = await startMirror({
    home: join(folder, 'home'),
    region: 'RIPE',
    resolver: options.resolver,
    core: serverCore,
    flags: ['--cpu-prof', `--cpu-prof-dir=${folder}`],
  })
  const mirror = subjectOf(started, options.target)
  await fetchText(mirror.sharedUrl)
  await sleep(500)
  const fromMs = performance.now() - began
  const burst = { connections, seconds: options.seconds, core: loadCore }
  await (kind === 'shared'
    ? wrk({ ...burst, url: mirror.sharedUrl })
    : wrk({
        ...burst,
        url: mirror.nonceUrl,
        script: await writeNonceScript(folder, mirror.question),
      }))
  await mirror.program.stop()
  return splitOf(folder, fromMs)
}

function reportSplit(what: string, split: Split): void {
  say(`\nWhat bounds ${what}: where the mirror's processor time goes`)
  for (const [work, share] of split) say(`  ${(100 * share).toFixed(0).padStart(3)} %  ${work}`)
}

async function reportMemory(count: number): Promise<void> {
  const ended = await run({
    name: 'memory',
    command: process.execPath,
    args: ['--expose-gc', join(root, 'bench', 'processes', 'memory.ts'), String(count)],
    core: null,
    limitMs: 120_000,
  })
  if (!ended.ok) throw new Error(`the memory measurement failed: ${ended.errors}`)
  const {
    names: held,
    empty,
    full,
  } = JSON.parse(ended.output.replace(/^ready /, '')) as MemoryReport
  const mb = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`
  say(
    `\nMemory of a mirror with ${held.toLocaleString('en')} cached names, each with its signed answer`,
  )
  say(
    `  (filled in its own process through the mirror's own routes, queue, cache and signer; only the look is canned)`,
  )
  say(`  resident ${mb(full.resident)} (without names ${mb(empty.resident)})`)
  say(`  heap ${mb(full.heap)} (without names ${mb(empty.heap)})`)
  say(`  a name takes ${((full.heap - empty.heap) / held / 1024).toFixed(1)} KiB of heap`)
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { smoke: { type: 'boolean', default: false } } })
  const plan = values.smoke ? smokePlan : fullPlan
  if (availableParallelism() < 2)
    throw new Error('this bench needs two cores: one for the servers, one for the load')
  await ensurePackages(
    'nginx',
    'caddy',
    'unbound',
    'wrk',
    'nghttp2-client',
    'openssl',
    'util-linux',
  )
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'sightline-bench-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const sites = await startSites({ addresses: ['127.1.0.1'], names: ['*.bench.test'] }, loadCore)
  stack.defer(() => sites.program.stop())
  const dns = await startNames({ network: '127.1', caSpki: sites.caSpki }, loadCore)
  stack.defer(() => dns.program.stop())
  const started = await startMirror({
    home: join(folder, 'mirror'),
    region: 'RIPE',
    resolver: dns.port,
    core: serverCore,
  })
  stack.defer(() => started.program.stop())
  const target = `https://s1.bench.test:${sites.port}`
  const mirror = subjectOf(started, target)
  const contestants = await startContestants(folder, mirror, stack)
  say(`Answers for a second of the server's processor time (all its threads and children), as ratios.
TLS 1.3 (AES-128-GCM, P-256), ${connections} connections kept alive; server on core ${serverCore}, load on core ${loadCore};
bursts of ${plan.seconds} s in random rotation, ${plan.cycles} cycles; each ratio is formed inside a cycle, its median shown.\n`)
  report(await race(contestants, mirror, plan))
  const at = { folder, resolver: dns.port, target, seconds: plan.profileSeconds }
  reportSplit('cached answers', await profile(at, 'shared'))
  reportSplit('answers to a nonce', await profile(at, 'nonce'))
  await reportMemory(plan.names)
}

await main()
