// The real world as one value, for programs that use Sightline as a library.

import { nodeClock } from './clock.ts'
import { nodeCrypto } from './crypto.ts'
import { nodeFiles } from './files.ts'
import { silentLog } from './log.ts'
import { nodeNetwork } from './network.ts'
import { nodeRandom } from './random.ts'
import { nodeDatabases } from './sqlite.ts'
import type { Runtime } from '../runtime.ts'

/** The real clock, chance, keys, network, files and databases, with a log that says nothing unless another is given. */
export function nodeRuntime(log: Runtime['log'] = silentLog): Runtime {
  return {
    clock: nodeClock,
    random: nodeRandom,
    crypto: nodeCrypto,
    network: nodeNetwork,
    files: nodeFiles,
    databases: nodeDatabases,
    log,
  }
}
