// The one place where the parts of the world are put together for the command line.

import { nodeClock } from '../runtime/node/clock.ts'
import { lineLog } from '../runtime/node/log.ts'
import { nodeRuntime } from '../runtime/node/runtime.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { Output } from './output.ts'

/** The real world, with a log that `out` prints: as JSON where results are JSON. */
export function composeRuntime(out: Output): Runtime {
  return nodeRuntime(
    lineLog({
      write: (line) => out.log(line),
      now: () => nodeClock.now(),
      json: out.wantsJson,
    }),
  )
}
