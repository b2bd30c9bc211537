// A process that writes batches to a store and says on stdout which were acknowledged, for tests that kill it.
// Arguments: the path, the first batch's number, a seed. It writes until it is killed.

import { writeSync } from 'node:fs'
import { argv } from 'node:process'
import { silentLog } from '../../src/runtime/node/log.ts'
import { nodeRuntime } from '../../src/runtime/node/runtime.ts'
import { openSqliteStore } from '../../src/store/sqlite/backend.ts'
import { appendLeaves, readFrontier } from '../../src/observation/merkle.ts'
import { nodeCrypto } from '../../src/runtime/node/crypto.ts'
import { createSeededRandom } from './seeded-random.ts'
import { batchChanges, leavesOf } from './store-crash.ts'

const [path = '', start = '0', seed = '0'] = argv.slice(2)
const runtime = nodeRuntime(silentLog)
const random = createSeededRandom(Number(seed))
// Mostly busy with the disk, or mostly with waiting: a kill then finds it at different work.
const store = openSqliteStore(runtime, path, { waitMs: Number(seed) % 3 === 0 ? 5 : null })
let frontier = await readFrontier(store.log, await store.log.size())
if (frontier === null) throw new Error('the log has lost its trunk')

for (let number = Number(start); ;) {
  // A few at once share a commit; each is acknowledged by itself.
  const together = 1 + ((random.bytes(1)[0] ?? 0) % 4)
  const acknowledged: Promise<void>[] = []
  for (let i = 0; i < together; i++, number++) {
    const size = frontier.size
    const made = appendLeaves(nodeCrypto, frontier, leavesOf(number))
    frontier = made.frontier
    const ack = (written: number) => void writeSync(1, `${written}\n`)
    acknowledged.push(
      store.commit(batchChanges(number, { size, nodes: made.nodes })).then(ack.bind(null, number)),
    )
  }
  await Promise.all(acknowledged)
}
