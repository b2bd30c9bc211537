// Starts other programs pinned to one core, measures the processor time of all their threads and children, stops them by handle.

import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'

/** A running program. */
export interface Program {
  readonly name: string
  readonly pid: number
  /** What it has written to standard output so far. */
  output(): string
  /** Processor time of all threads of the program and of its children since they started, in seconds. */
  cpuSeconds(): Promise<number>
  /** Resident memory of the program and its children, in bytes. */
  residentBytes(): Promise<number>
  /** Ends it, and waits until it is gone. */
  stop(): Promise<void>
}

export interface Start {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** The core that it is pinned to (`taskset`); null leaves it to the system. */
  readonly core: number | null
  /** It is ready when its output matches, or when this loopback port takes connections. */
  readonly ready: RegExp | number
  readonly env?: Readonly<Record<string, string>>
}

/** Whatever ends this process early must not leave servers behind. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

/** A program gets this long to become ready: slow machines need seconds, never half a minute. */
const readyMs = 30_000

/** Starts a program and resolves when it is ready. @throws Error with what it wrote when it ends before that */
export async function start(options: Start): Promise<Program> {
  const child = launch(options)
  let output = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr
    .setEncoding('utf8')
    .on('data', (text: string) => (errors = (errors + text).slice(-4096)))
  await once(child, 'spawn')
  const pid = child.pid ?? 0
  const isReady = (): Promise<boolean> | boolean =>
    typeof options.ready === 'number' ? takesConnections(options.ready) : options.ready.test(output)
  const until = Date.now() + readyMs
  while (!(await isReady())) {
    if (child.exitCode !== null || Date.now() > until) {
      await stop(child)
      throw new Error(`${options.name} did not become ready: ${errors}${output}`)
    }
    await sleep(20)
  }
  return {
    name: options.name,
    pid,
    output: () => output,
    cpuSeconds: async () => sum(await Promise.all((await family(pid)).map(processCpuSeconds))),
    residentBytes: async () => sum(await Promise.all((await family(pid)).map(processResident))),
    stop: () => stop(child),
  }
}

/** The result of a program that ends by itself. */
export interface Finished {
  readonly output: string
  readonly errors: string
  /** False when it was cut off at the time limit, or ended with an error. */
  readonly ok: boolean
}

/** Runs a program to its end, and no longer than `limitMs`: load generators are known to hang. */
export async function run(
  options: Omit<Start, 'ready'> & { readonly limitMs: number },
): Promise<Finished> {
  const child = launch(options)
  let output = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const closed = once(child, 'close')
  const guard = setTimeout(() => child.kill('SIGKILL'), options.limitMs)
  await closed
  clearTimeout(guard)
  return { output, errors, ok: child.exitCode === 0 }
}

/** A loopback port that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port was given')
  return address.port
}

function launch(options: Omit<Start, 'ready'>): ChildProcessByStdio<null, Readable, Readable> {
  const [command, ...args]: [string, ...string[]] =
    options.core === null
      ? [options.command, ...options.args]
      : ['taskset', '-c', String(options.core), options.command, ...options.args]
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const closed = once(child, 'close')
  child.kill('SIGTERM')
  const guard = setTimeout(() => child.kill('SIGKILL'), 5_000)
  await closed
  clearTimeout(guard)
}

async function takesConnections(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** The process and all its descendants. */
async function family(pid: number): Promise<readonly number[]> {
  const children: number[] = []
  for (const thread of await readdir(`/proc/${pid}/task`)) {
    const text = await readFile(`/proc/${pid}/task/${thread}/children`, 'utf8').catch(() => '')
    for (const child of text.split(' ')) if (child !== '') children.push(Number(child))
  }
  return [pid, ...(await Promise.all(children.map(family))).flat()]
}

/** From the scheduler's own account in nanoseconds: /proc/PID/stat counts in ticks of 10 ms. */
async function processCpuSeconds(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`)
  const times = threads.map(async (thread) => {
    // A thread that ended since the directory was read has no account any more.
    const text = await readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').catch(() => '0')
    return Number.parseInt(text, 10) / 1e9
  })
  return sum(await Promise.all(times))
}

async function processResident(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
