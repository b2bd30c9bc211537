// Runs the program in this process: signals, streams, and the exit status.

import { constants } from 'node:os'
import { exitCodes } from './exit.ts'
import { runProgram, type Surroundings } from './program.ts'

/** Runs the program with this process's words, environment and streams, and exits. */
export async function runInProcess(
  program: Pick<Surroundings, 'chapters' | 'compose'>,
): Promise<never> {
  const stop = new AbortController()
  stopOnSignals(stop)
  let lost: NodeJS.ErrnoException | null = null
  // A command that waits for nothing but a signal is alive too; without a timer Node would end it.
  const alive = setInterval(() => {}, 1 << 30)
  const code = await runProgram({
    ...program,
    words: process.argv.slice(2),
    env: process.env,
    stdout: process.stdout,
    stderr: process.stderr,
    stop: stop.signal,
    onBroken: (error) => {
      lost = error
      stop.abort(exitCodes.corroborated)
    },
  })
  clearInterval(alive)
  // A pipe is written to in the background: exit only when all of it has been taken.
  await Promise.all([flushed(process.stdout), flushed(process.stderr)])
  process.exit(complete(lost) ? code : exitCodes.failed)
}

function stopOnSignals(stop: AbortController): void {
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => {
      const code = 128 + constants.signals[name]
      // Whoever asks twice does not want to wait for a clean end.
      if (stop.signal.aborted) process.exit(code)
      stop.abort(code)
    })
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableEnded) resolve()
    else stream.write('', () => resolve())
  })
}

/** False, with a word on standard error, when the result is not where it should be. A reader that left wanted no more. */
function complete(lost: NodeJS.ErrnoException | null): boolean {
  if (lost === null || lost.code === 'EPIPE') return true
  process.stderr.write(`sightline: write the result to standard output: ${lost.message}\n`)
  return false
}
