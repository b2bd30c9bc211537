// What verification adds to a connect: the time with it divided by the time without, over ways as long as the Internet's.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Client, createClient } from '../src/client/client.ts'
import { parseTarget, type Target } from '../src/observation/target.ts'
import type { ListEntry } from '../src/protocol/routes.ts'
import { nodeClock } from '../src/runtime/node/clock.ts'
import { nodeCrypto } from '../src/runtime/node/crypto.ts'
import { nodeFiles } from '../src/runtime/node/files.ts'
import { nodeNetwork } from '../src/runtime/node/network.ts'
import { nodeRandom } from '../src/runtime/node/random.ts'
import { nodeDatabases } from '../src/runtime/node/sqlite.ts'
import type { Runtime } from '../src/runtime/runtime.ts'
import { createResolver, type Resolver } from '../src/vantage/dns/resolver.ts'
import { createProbe, type Probe } from '../src/vantage/probe.ts'
import { fetchText } from './lib/load.ts'
import { startMirror, startNames, startSites, startWays } from './lib/network.ts'
import { quantile } from './lib/statistics.ts'
import { table } from './lib/table.ts'
import type { Way } from './processes/delay.ts'

/** Round trips in milliseconds. */
const ownResolverRtt = 20
const siteRtt = 60
/** Three mirrors at each distance, in the five registries, as they lie from a place in Europe. */
const mirrorPlaces = [
  { region: 'RIPE-DE', rtt: 30 },
  { region: 'RIPE-SE', rtt: 30 },
  { region: 'AFRINIC-EG', rtt: 30 },
  { region: 'ARIN-US', rtt: 90 },
  { region: 'ARIN-CA', rtt: 90 },
  { region: 'LACNIC-BR', rtt: 90 },
  { region: 'APNIC-JP', rtt: 150 },
  { region: 'APNIC-AU', rtt: 150 },
  { region: 'APNIC-SG', rtt: 150 },
] as const

interface Plan {
  /** Targets that are connected to first, unmeasured, so that both ways of connecting run compiled. */
  readonly warmUp: number
  readonly known: number
  readonly unknown: number
  readonly cold: number
}

const fullPlan: Plan = { warmUp: 20, known: 200, unknown: 60, cold: 30 }
const smokePlan: Plan = { warmUp: 1, known: 3, unknown: 1, cold: 1 }

const log = { info: () => {}, warn: () => {} }
const runtime: Runtime = {
  clock: nodeClock,
  random: nodeRandom,
  crypto: nodeCrypto,
  network: nodeNetwork,
  files: nodeFiles,
  databases: nodeDatabases,
  log,
}

/** The world as this machine sees it: slow ways to its resolver, to the sites and to the mirrors. */
interface World {
  readonly resolver: Resolver
  readonly probe: Probe
  readonly mirrors: readonly ListEntry[]
  /** Lets every mirror look at `target`, so that it is in their caches. */
  readonly tellMirrors: (target: Target) => Promise<void>
  /** The n-th site, counted from 1. */
  readonly target: (number: number) => Target
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** The n-th address in a /16 of loopback: the one that `bench/processes/names.ts` gives the n-th name there. */
function addressOf(network: string, number: number): string {
  return `${network}.${number >> 8}.${number & 255}`
}

/** Sites at 127.1/16, which mirrors reach at once; this machine reaches them through ways at 127.2/16. */
async function build(folder: string, count: number, stack: AsyncDisposableStack): Promise<World> {
  const numbers = Array.from({ length: count }, (_, i) => i + 1)
  const sites = await startSites(
    { addresses: numbers.map((n) => addressOf('127.1', n)), names: ['*.bench.test'] },
    null,
  )
  stack.defer(() => sites.program.stop())
  const { port, caSpki } = sites
  const [namesOfMirrors, ownNames] = await Promise.all([
    startNames({ network: '127.1', caSpki }, null),
    startNames({ network: '127.2', caSpki }, null),
  ])
  stack.defer(() => namesOfMirrors.program.stop())
  stack.defer(() => ownNames.program.stop())
  const running = await Promise.all(
    mirrorPlaces.map(({ region }, i) =>
      startMirror({
        home: join(folder, region),
        region,
        // Each in a network of its own, as mirrors are.
        address: `127.${10 + i}.0.1`,
        resolver: namesOfMirrors.port,
        core: null,
      }),
    ),
  )
  for (const mirror of running) stack.defer(() => mirror.program.stop())
  const { program, ports } = await startWays(
    [
      {
        protocol: 'udp',
        listen: { address: '127.0.0.1', port: 0 },
        to: { address: '127.0.0.1', port: ownNames.port },
        rttMs: ownResolverRtt,
      },
      ...running.map(({ address, port: to }, i): Way => ({
        protocol: 'tcp',
        listen: { address, port: 0 },
        to: { address, port: to },
        rttMs: mirrorPlaces[i]?.rtt ?? 0,
      })),
      ...numbers.map((n): Way => ({
        protocol: 'tcp',
        listen: { address: addressOf('127.2', n), port },
        to: { address: addressOf('127.1', n), port },
        rttMs: siteRtt,
      })),
    ],
    null,
  )
  stack.defer(() => program.stop())
  const [dnsPort = 0, ...mirrorPorts] = ports
  const resolver = createResolver(runtime, { servers: [{ address: '127.0.0.1', port: dnsPort }] })
  return {
    resolver,
    probe: createProbe(runtime, { resolver, allowPrivate: true }),
    mirrors: running.map(({ address, id, region }, i) => ({
      ip: address,
      port: mirrorPorts[i] ?? 0,
      id,
      region,
    })),
    tellMirrors: async (target) => {
      const query = `/v1/observe?target=${encodeURIComponent(target.text)}`
      await Promise.all(running.map(({ origin }) => fetchText(origin + query)))
    },
    target: (number) => parseTarget(`https://s${number}.bench.test:${port}`),
  }
}

/** A connect as it is today: both address families asked at once, then TCP and TLS, by the client's own probe. */
async function connectPlainly(world: World, target: Target): Promise<number> {
  const { signal } = new AbortController()
  const began = performance.now()
  const [a] = await Promise.all([
    world.resolver.query(target.host, 'A', signal),
    world.resolver.query(target.host, 'AAAA', signal),
  ])
  const addresses = a.records.map((address) => ({ address, origin: 'own' as const }))
  const { handshakes } = await world.probe.shake(target, addresses, signal)
  const elapsed = performance.now() - began
  if (handshakes[0]?.outcome !== 'completed')
    throw new Error(`${target.text} was not reached: ${handshakes[0]?.error?.text ?? 'no address'}`)
  return elapsed
}

interface Verified {
  readonly elapsed: number
  /** Whether the verdict came noticeably later than the own connection. */
  readonly waited: boolean
}

/** What judging takes when all answers are there is no waiting. */
const waitMs = 5

/** The same with a verdict. Only a corroborated site counts: anything else is a fault of the bench. */
async function connectVerified(client: Client, target: Target): Promise<Verified> {
  const began = performance.now()
  const verdict = await client.verify(target)
  const elapsed = performance.now() - began
  if (verdict.outcome !== 'corroborated') {
    const reasons = verdict.reasons.map((reason) => `${reason.code}: ${reason.text}`)
    throw new Error(`${target.text} is ${verdict.outcome}: ${reasons.join('; ')}`)
  }
  return { elapsed, waited: verdict.timings.addedMs > waitMs }
}

interface Pair {
  readonly plain: number
  readonly verified: number
  readonly waited: boolean
}

/** Both ways of connecting to one target, one right after the other, in an order drawn by chance. */
async function measure(
  world: World,
  target: Target,
  verify: () => Promise<Verified>,
): Promise<Pair> {
  const plainFirst = Math.random() < 0.5
  const before = plainFirst ? await connectPlainly(world, target) : null
  const { elapsed, waited } = await verify()
  const plain = before ?? (await connectPlainly(world, target))
  return { plain, verified: elapsed, waited }
}

interface Results {
  readonly known: readonly Pair[]
  readonly unknown: readonly Pair[]
  readonly cold: readonly Pair[]
}

async function measureAll(world: World, plan: Plan): Promise<Results> {
  const connect = (): Client =>
    createClient(runtime, { mirrors: world.mirrors, probe: world.probe })
  let number = 0
  const next = async (client: Client, isKnown: boolean): Promise<Pair> => {
    const target = world.target(++number)
    // The farthest mirror's answer to the last question, which nobody waited for, is still on its way: until it has
    // come, its connection is not free, and the next question to that mirror would open another one.
    await sleep(Math.max(...mirrorPlaces.map((place) => place.rtt)))
    if (isKnown) await world.tellMirrors(target)
    return measure(world, target, () => connectVerified(client, target))
  }
  const client = connect()
  const known: Pair[] = []
  const unknown: Pair[] = []
  const cold: Pair[] = []
  try {
    const warmed = await client.warm()
    if (warmed !== world.mirrors.length)
      throw new Error(`only ${warmed} of ${world.mirrors.length} mirrors could be warmed`)
    for (let i = 0; i < plan.warmUp; i++) await next(client, i % 2 === 0)
    for (let i = 0; i < plan.known; i++) known.push(await next(client, true))
    for (let i = 0; i < plan.unknown; i++) unknown.push(await next(client, false))
  } finally {
    client.close()
  }
  for (let i = 0; i < plan.cold; i++) {
    const fresh = connect()
    try {
      cold.push(await next(fresh, true))
    } finally {
      fresh.close()
    }
  }
  return { known, unknown, cold }
}

function report({ known, unknown, cold }: Results): void {
  const ratios = (pairs: readonly Pair[]): number[] =>
    pairs.map(({ plain, verified }) => verified / plain)
  const row = (name: string, pairs: readonly Pair[]): string[] => {
    const values = ratios(pairs)
    const cells = [0.5, 0.95, 0, 1].map((q) => quantile(values, q).toFixed(2))
    return [name, String(values.length), ...cells]
  }
  say(
    table([
      ['with verification ÷ without', 'targets', 'median', 'p95', 'least', 'most'],
      row('warm connections, a name that mirrors have cached', known),
      row('warm connections, a name that is new to them', unknown),
      row('cold: the first question of a client', cold),
    ]),
  )
  const ways = ownResolverRtt + 2 * siteRtt
  const plain = quantile(
    known.map((pair) => pair.plain / ways),
    0.5,
  )
  say(
    `\nA plain connect took ${plain.toFixed(2)} of the round trips that it consists of (median): the rest is work.`,
  )
  const waited = known.filter((pair) => pair.waited).length / known.length
  say(
    `Where mirrors had cached the name, the verdict waited for their answers at ${(100 * waited).toFixed(0)} % of the targets.`,
  )
  for (const [what, q, most] of [
    ['median', 0.5, 1.05],
    ['p95', 0.95, 1.25],
  ] as const) {
    const reached = quantile(ratios(known), q)
    say(
      `${what}, warm: ${reached.toFixed(3)}, at most ${most} wanted: ${reached <= most ? 'reached' : 'NOT reached'}`,
    )
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { smoke: { type: 'boolean', default: false } } })
  const plan = values.smoke ? smokePlan : fullPlan
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'sightline-bench-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const world = await build(folder, plan.warmUp + plan.known + plan.unknown + plan.cold, stack)
  say(`Time until a connection is settled, with the verdict of the default policy and without any.
Round trips: own resolver ${ownResolverRtt} ms, sites ${siteRtt} ms, three mirrors each at 30, 90 and 150 ms, for TCP, TLS and each answer.
Each target is new to the client; both ways are measured one right after the other, their order drawn by chance.
A mirror's own look at a name that is new to it goes over undelayed ways: its place in the network is its own.\n`)
  report(await measureAll(world, plan))
}

await main()
