// The real world as the small Internet uses it: Node's sockets, clock and chance, and a log that says nothing.

import { nodeClock } from '../src/runtime/node/clock.ts'
import { nodeCrypto } from '../src/runtime/node/crypto.ts'
import { nodeFiles } from '../src/runtime/node/files.ts'
import { silentLog } from '../src/runtime/node/log.ts'
import { nodeNetwork } from '../src/runtime/node/network.ts'
import { nodeRandom } from '../src/runtime/node/random.ts'
import { nodeDatabases } from '../src/runtime/node/sqlite.ts'
import type { Runtime } from '../src/runtime/runtime.ts'

/** Everything is real; only the addresses are those of this machine. */
export const world: Runtime = {
  clock: nodeClock,
  random: nodeRandom,
  crypto: nodeCrypto,
  network: nodeNetwork,
  files: nodeFiles,
  databases: nodeDatabases,
  log: silentLog,
}
