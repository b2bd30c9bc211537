// Starts a real server for a test, waits until it serves, and stops it by its own handle.

import { spawn, type ChildProcess } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createConnection, createServer, type AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

/** What to start and how to see that it serves. */
export interface ServiceOptions {
  /** The program, then its arguments. It must stay in the foreground. */
  readonly command: readonly string[]
  /** True as soon as the service answers, given what it has printed so far; a throw counts as not yet. */
  readonly ready: (output: string) => Promise<boolean>
  /** Default 15 seconds. */
  readonly readyWithinMs?: number
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

/** A server that runs. */
export interface Service {
  readonly pid: number
  /** What it has printed so far (both streams, the last 256 kB). */
  output(): string
  /** Asks it to end, kills it after five seconds, and waits until it is gone. */
  stop(): Promise<void>
  /** Ends it at once, as a crash would, and waits until it is gone. */
  kill(): Promise<void>
}

const outputCharsMax = 262_144

/**
 * Starts `command` and waits until `ready` says true.
 * @throws Error with its output when it ends early or is not ready in time; it is stopped then
 */
export async function startService(options: ServiceOptions): Promise<Service> {
  const [program = '', ...args] = options.command
  const child = spawn(program, args, {
    env: { ...process.env, ...options.env },
    cwd: options.cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const take = (bytes: unknown): void => {
    output = (output + String(bytes)).slice(-outputCharsMax)
  }
  child.stdout.on('data', take)
  child.stderr.on('data', take)
  const service = serviceOf(child, () => output)
  const failed = await waitUntilReady(child, () => output, options)
  if (failed !== null) {
    await service.kill()
    throw new Error(`${options.command.join(' ')} ${failed}:\n${output.trim()}`)
  }
  return service
}

/** Null when ready, else what went wrong. */
async function waitUntilReady(
  child: ChildProcess,
  output: () => string,
  options: ServiceOptions,
): Promise<string | null> {
  const withinMs = options.readyWithinMs ?? 15_000
  const end = performance.now() + withinMs
  let failed: string | null = null
  child.once('error', (error) => {
    failed ??= `cannot be started: ${error.message}`
  })
  child.once('exit', (code, signal) => {
    failed ??= `ended with ${code ?? signal} before it was ready`
  })
  while (performance.now() < end) {
    const ready = await options.ready(output()).catch(() => false)
    if (failed !== null) return failed
    if (ready) return null
    await wait(50)
  }
  return `was not ready within ${withinMs} ms`
}

function serviceOf(child: ChildProcess, output: () => string): Service {
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    process.removeListener('exit', killWithUs)
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), 5_000)
    await gone
    clearTimeout(timer)
  }
  const killWithUs = (): void => void child.kill('SIGKILL')
  process.once('exit', killWithUs)
  return {
    pid: child.pid ?? 0,
    output,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  }
}

/** A port of 127.0.0.1 that neither TCP nor UDP uses at this moment. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 20; tries++) {
    const tcp = createServer()
    tcp.listen(0, '127.0.0.1')
    await once(tcp, 'listening')
    const { port } = tcp.address() as AddressInfo
    const isFree = await udpPortIsFree(port)
    tcp.close()
    await once(tcp, 'close')
    if (isFree) return port
  }
  throw new Error('no port is free for both TCP and UDP')
}

async function udpPortIsFree(port: number): Promise<boolean> {
  const udp = createSocket('udp4')
  try {
    udp.bind(port, '127.0.0.1')
    await once(udp, 'listening')
    return true
  } catch {
    return false
  } finally {
    udp.close()
  }
}

/** True when something accepts TCP connections at `port` of 127.0.0.1: a usual probe for `ready`. */
export async function acceptsTcp(port: number): Promise<boolean> {
  const socket = createConnection({ host: '127.0.0.1', port })
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
