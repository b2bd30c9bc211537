// Where the process begins: signals, streams, and the exit status.

import { constants } from 'node:os'
import { runProgram } from './program.ts'

const stop = new AbortController()

for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.on(name, () => {
    const code = 128 + constants.signals[name]
    // Whoever asks twice does not want to wait for a clean end.
    if (stop.signal.aborted) process.exit(code)
    stop.abort(code)
  })

const code = await runProgram({
  words: process.argv.slice(2),
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  stop,
  compose: async (out) => (await import('./compose.ts')).composeRuntime(out),
})

// A pipe is written to in the background: exit only when all of it has been taken.
await Promise.all([flushed(process.stdout), flushed(process.stderr)])
process.exit(code)

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableEnded) resolve()
    else stream.write('', () => resolve())
  })
}
