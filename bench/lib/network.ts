// The network of a bench, each part a process of its own: its DNS, its sites, its mirrors, and the ways between them.

import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import type { Names } from '../processes/names.ts'
import type { Sites } from '../processes/site.ts'
import type { Way } from '../processes/delay.ts'
import { type Program, start } from './program.ts'

/** Where the project is. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** Starts one of `bench/processes/` and gives what it says after `ready`. */
async function startOwn(
  name: string,
  options: { readonly argument: unknown; readonly core: number | null },
): Promise<{ program: Program; said: string }> {
  const program = await start({
    name,
    command: process.execPath,
    args: [join(root, 'bench', 'processes', `${name}.ts`), JSON.stringify(options.argument)],
    core: options.core,
    ready: /^ready .*\n/m,
  })
  return { program, said: /^ready (.*)$/m.exec(program.output())?.[1] ?? '' }
}

/** A DNS server for every name below `.test`. */
export async function startNames(
  names: Names,
  core: number | null,
): Promise<{ readonly program: Program; readonly port: number }> {
  const { program, said } = await startOwn('names', { argument: names, core })
  return { program, port: Number(said) }
}

/** TLS services at one port of many addresses. */
export async function startSites(
  sites: Sites,
  core: number | null,
): Promise<{ readonly program: Program; readonly port: number; readonly caSpki: string }> {
  const { program, said } = await startOwn('site', { argument: sites, core })
  return { program, ...(JSON.parse(said) as { port: number; caSpki: string }) }
}

/** Relays that are as slow as long ways, in the order of `ways`. */
export async function startWays(
  ways: readonly Way[],
  core: number | null,
): Promise<{ readonly program: Program; readonly ports: readonly number[] }> {
  const { program, said } = await startOwn('delay', { argument: ways, core })
  return { program, ports: JSON.parse(said) as readonly number[] }
}

/** What a mirror of the bench is. */
export interface MirrorStart {
  /** Folder of its keys. */
  readonly home: string
  readonly region: string
  /** Loopback address that it listens at; default 127.0.0.1. */
  readonly address?: string
  /** Port of its resolver on 127.0.0.1. */
  readonly resolver: number
  readonly core: number | null
  /** Flags for Node, such as those of the profiler. */
  readonly flags?: readonly string[]
}

/** A running mirror. */
export interface BenchMirror {
  readonly program: Program
  readonly origin: string
  readonly address: string
  readonly port: number
  readonly id: string
  readonly region: string
}

/** A mirror as an operator runs it, by the command line. */
export async function startMirror(options: MirrorStart): Promise<BenchMirror> {
  const address = options.address ?? '127.0.0.1'
  const program = await start({
    name: 'mirror',
    command: process.execPath,
    args: [
      ...(options.flags ?? []),
      join(root, 'src', 'cli', 'main.ts'),
      'mirror',
      '--allow-private',
      `--listen=${address}:0`,
      `--home=${options.home}`,
      `--region=${options.region}`,
      `--resolver=127.0.0.1:${options.resolver}`,
    ],
    core: options.core,
    ready: /^ready .*\n/m,
  })
  const [, origin = '', port = '', id = ''] =
    /^ready (https:\/\/[\d.]+:(\d+))#(\S+)$/m.exec(program.output()) ?? []
  return { program, origin, address, port: Number(port), id, region: options.region }
}
