// The one place where the parts of the world are put together for the command line.

import { nodeClock } from '../runtime/node/clock.ts'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import { nodeFiles } from '../runtime/node/files.ts'
import { lineLog } from '../runtime/node/log.ts'
import { nodeNetwork } from '../runtime/node/network.ts'
import { nodeRandom } from '../runtime/node/random.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { Output } from './output.ts'

/** The real world, with a log that `out` prints: as JSON where results are JSON. */
export function composeRuntime(out: Output): Runtime {
  return {
    clock: nodeClock,
    random: nodeRandom,
    crypto: nodeCrypto,
    network: nodeNetwork,
    files: nodeFiles,
    log: lineLog({
      write: (line) => out.log(line),
      now: () => nodeClock.now(),
      json: out.wantsJson,
    }),
  }
}
