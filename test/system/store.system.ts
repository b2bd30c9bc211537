// A mirror's memory against many sudden ends of its process.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { nodeRuntime } from '../../src/runtime/node/runtime.ts'
import { openSqliteStore } from '../../src/store/sqlite/backend.ts'
import { createSeededRandom } from '../support/seeded-random.ts'
import { checkWhole, drawMoment, writeAndKill } from '../support/store-crash.ts'

const rounds = 60

test(`killed ${rounds} times, a store has lost nothing that it acknowledged`, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sightline-crash-'))
  const path = join(folder, 'mirror.db')
  const seed = Number(process.env['SIGHTLINE_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  t.diagnostic(`SIGHTLINE_TEST_SEED=${seed} repeats the moments of these rounds`)
  const random = createSeededRandom(seed)
  let batches = 0
  let acknowledged = 0
  try {
    for (let round = 0; round < rounds; round++) {
      const moment = drawMoment(random)
      const newest = await writeAndKill(path, batches, { moment, seed: seed + round })
      const store = openSqliteStore(nodeRuntime(), path)
      const found = await checkWhole(store)
      await store.close()
      assert.ok(found >= batches && found > (newest ?? -1), `${found} after ${newest}`)
      batches = found
      acknowledged = Math.max(acknowledged, (newest ?? -1) + 1)
    }
    t.diagnostic(`${acknowledged} batches were acknowledged, ${batches} are there`)
    assert.ok(acknowledged > rounds)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
