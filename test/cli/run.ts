// Runs the real program as a person would, and gives what it printed and how it ended.

import { spawn, type ChildProcess } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** What a run came to. */
export interface Transcript {
  readonly stdout: string
  readonly stderr: string
  /** The exit status, or null when a signal ended the program. */
  readonly code: number | null
}

/** A place where `sightline` is a command: a folder of its own, an environment with nothing else in it. */
export interface Bench extends AsyncDisposable {
  readonly folder: string
  /** Starts one line of sh. */
  readonly start: (line: string) => ChildProcess
  /** Runs one line of sh to its end. */
  readonly run: (line: string) => Promise<Transcript>
}

/** A bench whose `sightline` runs `main`, a path from the root of the project. */
export async function createBench(main = 'src/cli/main.ts'): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'sightline-test-'))
  const bin = join(folder, '.bin')
  await mkdir(bin)
  const shim = join(bin, 'sightline')
  await writeFile(shim, `#!/bin/sh\nexec '${process.execPath}' '${join(root, main)}' "$@"\n`)
  await chmod(shim, 0o755)
  const env = { PATH: `${bin}:${process.env['PATH']}`, HOME: folder }
  // exec, so that a signal to the shell's process reaches the program itself where the line is one command.
  const start = (line: string): ChildProcess =>
    spawn('sh', ['-c', line], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  return {
    folder,
    start,
    run: (line) => transcriptOf(start(line)),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

/** What a started process prints until it ends. */
export function transcriptOf(child: ChildProcess): Promise<Transcript> {
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk))
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ stdout, stderr, code }))
  })
}
