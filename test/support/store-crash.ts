// Kills a process that writes to a store, at any moment, and sees that everything acknowledged is there and nothing half.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { execPath } from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { hex, utf8 } from '../../src/base/bytes.ts'
import {
  appendLeaves,
  emptyFrontier,
  hashLeaf,
  readFrontier,
  type TreeNode,
} from '../../src/observation/merkle.ts'
import { nodeCrypto } from '../../src/runtime/node/crypto.ts'
import type { Random } from '../../src/runtime/runtime.ts'
import { shelfOf } from '../../src/store/shelves.ts'
import { grow, put, remove, type Change, type MirrorStore } from '../../src/store/store.ts'

const peers = shelfOf('peers', z.object({ batch: z.number(), filler: z.string() }))
const last = shelfOf('settings', z.number())

const rowsOf = (batch: number): number => 1 + (batch % 5)

/** The leaves that batch `batch` appends: none for some. */
export function leavesOf(batch: number): readonly Uint8Array[] {
  return Array.from({ length: batch % 4 }, (_, i) =>
    hashLeaf(nodeCrypto, utf8(`batch ${batch} leaf ${i}`)),
  )
}

/** Everything that batch `batch` changes: new rows, one row replaced, rows of the batch before moved, and the log. */
export function batchChanges(
  batch: number,
  log: { readonly size: number; readonly nodes: readonly TreeNode[] },
): readonly Change[] {
  const rows = Array.from({ length: rowsOf(batch) }, (_, i) =>
    put(peers, {
      key: `${batch}-${i}`,
      value: { batch, filler: 'x'.repeat((batch * 977) % 9_000) },
    }),
  )
  return [
    ...rows,
    put(last, { key: 'last', value: batch }),
    // The first row of each batch lives as long as no other follows.
    ...(batch === 0 ? [] : [remove(peers, `${batch - 1}-0`)]),
    ...(log.nodes.length === 0 ? [] : [grow(log.size, log.nodes)]),
  ]
}

/** Checks that `store` holds the batches from 0 to some last one, whole; how many. */
export async function checkWhole(store: MirrorStore): Promise<number> {
  const newest = await store.get(last, 'last')
  const batches = newest === null ? 0 : newest + 1
  const expected: string[] = []
  for (let batch = 0; batch < batches; batch++)
    for (let i = batch === batches - 1 ? 0 : 1; i < rowsOf(batch); i++)
      expected.push(`${batch}-${i}`)
  const rows = await store.load(peers)
  assert.deepEqual([...rows.keys()], expected.toSorted(), `${batches} batches`)
  for (const [key, { batch }] of rows) assert.ok(key.startsWith(`${batch}-`))
  const leaves = Array.from({ length: batches }, (_, batch) => leavesOf(batch)).flat()
  assert.equal(await store.log.size(), leaves.length)
  const kept = await store.log.leaves({ from: 0, to: leaves.length })
  assert.deepEqual(kept.map(hex), leaves.map(hex))
  const { frontier } = appendLeaves(nodeCrypto, emptyFrontier, leaves)
  assert.deepEqual(await readFrontier(store.log, leaves.length), frontier)
  return batches
}

/** When a writer is killed: after so many acknowledgements, or so many milliseconds after its start. */
export type Moment = { readonly acks: number } | { readonly ms: number }

/** A moment drawn by `random`; those by time fall into start, migration and recovery as well. */
export function drawMoment(random: Random): Moment {
  const [kind = 0, high = 0, low = 0] = random.bytes(3)
  const number = high * 256 + low
  return kind % 3 === 0 ? { ms: number % 600 } : { acks: 1 + (number % 40) }
}

/**
 * Runs a writer on the store at `path`, from batch `start` on, and kills it at `moment`.
 * @returns the number of the last batch that it said was acknowledged; null for none
 */
export async function writeAndKill(
  path: string,
  start: number,
  { moment, seed }: { readonly moment: Moment; readonly seed: number },
): Promise<number | null> {
  const program = fileURLToPath(new URL('store-writer.ts', import.meta.url))
  const writer = spawn(execPath, [program, path, String(start), String(seed)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let complaint = ''
  writer.stderr.on('data', (bytes: unknown) => (complaint += String(bytes)))
  const gone = once(writer, 'close')
  const timer = 'ms' in moment ? setTimeout(() => writer.kill('SIGKILL'), moment.ms) : null
  let newest: number | null = null
  let acks = 0
  for await (const line of createInterface({ input: writer.stdout })) {
    newest = Number(line)
    acks += 1
    if ('acks' in moment && acks >= moment.acks) writer.kill('SIGKILL')
  }
  const [code, signal] = (await gone) as readonly unknown[]
  if (timer !== null) clearTimeout(timer)
  assert.equal(signal, 'SIGKILL', `the writer ended by itself with ${String(code)}: ${complaint}`)
  return newest
}
