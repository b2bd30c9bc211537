// What is left of a store whose process, or whose machine, ends in the middle of its work.

import assert from 'node:assert/strict'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { createSeededRandom } from '../../../test/support/seeded-random.ts'
import {
  batchChanges,
  checkWhole,
  drawMoment,
  leavesOf,
  writeAndKill,
} from '../../../test/support/store-crash.ts'
import { appendLeaves, emptyFrontier } from '../../observation/merkle.ts'
import { nodeCrypto } from '../../runtime/node/crypto.ts'
import { nodeRuntime } from '../../runtime/node/runtime.ts'
import { openSqliteStore } from './backend.ts'

let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sightline-crash-'))
})
after(() => rm(folder, { recursive: true, force: true }))

const runtime = nodeRuntime()

/** Checks the store at `path`; how many batches it holds. */
async function look(path: string): Promise<number> {
  const store = openSqliteStore(runtime, path)
  try {
    return await checkWhole(store)
  } finally {
    await store.close()
  }
}

test('killed at any moment, a store holds every acknowledged batch whole, and no half one', async (t) => {
  const path = join(folder, 'killed.db')
  const seed = 1 + Math.floor(Math.random() * 2 ** 31)
  t.diagnostic(`seed ${seed}`)
  const random = createSeededRandom(seed)
  let batches = 0
  for (let round = 0; round < 4; round++) {
    const moment = drawMoment(random)
    const newest = await writeAndKill(path, batches, { moment, seed: seed + round })
    const found = await look(path)
    assert.ok(found >= batches && found > (newest ?? -1), `${found} after ${newest}, ${batches}`)
    batches = found
  }
})

test('a journal cut off or damaged anywhere, as by a loss of power, leaves whole batches', async () => {
  const path = join(folder, 'torn.db')
  const store = openSqliteStore(runtime, path, { waitMs: null })
  let frontier = emptyFrontier
  for (let batch = 0; batch < 25; batch++) {
    const made = appendLeaves(nodeCrypto, frontier, leavesOf(batch))
    await store.commit(batchChanges(batch, { size: frontier.size, nodes: made.nodes }))
    frontier = made.frontier
  }
  const journal = await readFile(`${path}-wal`)
  assert.ok(journal.length > 100_000, `${journal.length} bytes of journal`)
  let copies = 0
  let shortest = Infinity
  await fc.assert(
    fc.asyncProperty(fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean(), async (at, cut) => {
      const offset = Math.floor(at * (journal.length - 1))
      const copy = join(folder, `torn-${++copies}.db`)
      await copyFile(path, copy)
      const bytes = cut ? journal.subarray(0, offset) : Uint8Array.from(journal)
      if (!cut) bytes[offset] = (bytes[offset] ?? 0) ^ 0xff
      await writeFile(`${copy}-wal`, bytes)
      shortest = Math.min(shortest, await look(copy))
      await rm(copy)
    }),
    {
      numRuns: 40,
      examples: [
        [0, true],
        [0.5, true],
        [0.5, false],
      ],
    },
  )
  assert.equal(shortest, 0)
  assert.equal(await checkWhole(store), 25)
  await store.close()
  assert.equal(await look(path), 25)
})
