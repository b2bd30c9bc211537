// Runs a program to its end, for system tests that use real tools as servers' keys, clients or oracles.

import { spawn } from 'node:child_process'
import { Buffer } from 'node:buffer'

/** How a program ended. `code` is null when a signal ended it. */
export interface ProgramResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** What a program gets; `timeoutMs` (default one minute) bounds it. */
export interface ProgramOptions {
  readonly input?: string | Uint8Array
  readonly timeoutMs?: number
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

/**
 * Runs `command` (program, then its arguments) and gives its output whatever its exit code.
 * @throws Error when it cannot be started or does not end in time
 */
export function tryProgram(
  command: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  const [program = '', ...args] = command
  const timeoutMs = options.timeoutMs ?? 60_000
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...process.env, ...options.env },
      cwd: options.cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let late = false
    const timer = setTimeout(() => {
      late = true
      child.kill('SIGKILL')
    }, timeoutMs)
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout.on('data', (bytes: Buffer) => out.push(bytes))
    child.stderr.on('data', (bytes: Buffer) => err.push(bytes))
    // A program that ends without reading its input is judged by its exit code.
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
    child.once('error', (error) => {
      clearTimeout(timer)
      reject(new Error(`cannot run ${program}: ${error.message}`, { cause: error }))
    })
    child.once('close', (code) => {
      clearTimeout(timer)
      if (late) reject(new Error(`${command.join(' ')} did not end within ${timeoutMs} ms`))
      else
        resolve({
          code,
          stdout: Buffer.concat(out).toString('utf8'),
          stderr: Buffer.concat(err).toString('utf8'),
        })
    })
  })
}

/**
 * The standard output of `command`.
 * @throws Error with its standard error when it ends with another code than 0
 */
export async function runProgram(
  command: readonly string[],
  options: ProgramOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await tryProgram(command, options)
  if (code !== 0)
    throw new Error(`${command.join(' ')} ended with ${code}:\n${stderr.trim() || stdout.trim()}`)
  return stdout
}
