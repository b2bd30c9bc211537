// A mirror as an operator runs it: what it remembers over the sudden end of its process, and what it refuses to open.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { fromBase64url, textOf } from '../../src/base/bytes.ts'
import { checkHeads, verifyHead, type Head } from '../../src/observation/log-head.ts'
import type { Verified } from '../../src/observation/observation.ts'
import { isRejection } from '../../src/observation/sign.ts'
import { parseMirrorUrl } from '../../src/protocol/bootstrap.ts'
import { answerKeysOf, verifyDescriptor } from '../../src/protocol/descriptor.ts'
import { logConsistencyAnswerSchema, logHeadAnswerSchema } from '../../src/protocol/log.ts'
import { mirrorPool, peerOf } from '../../src/protocol/peers.ts'
import { problemCodeOf } from '../../src/protocol/problems.ts'
import { paths, wellKnownSchema } from '../../src/protocol/routes.ts'
import { nodeCrypto } from '../../src/runtime/node/crypto.ts'
import { nodeRuntime } from '../../src/runtime/node/runtime.ts'
import { createBench, transcriptOf, type Bench } from './run.ts'

const runtime = nodeRuntime()
const pool = mirrorPool(runtime)
let bench: Bench
before(async () => {
  bench = await createBench()
})
after(async () => {
  pool.close()
  await bench[Symbol.asyncDispose]()
})

/** A mirror that looks at closed ports of this machine, and asks nobody for names. */
const command = 'exec sightline mirror --listen 127.0.0.1:0 --resolver 127.0.0.1:1 --allow-private'

async function start(options: string) {
  const child = bench.start(`${command} ${options}`)
  const ended = transcriptOf(child)
  const printed: readonly unknown[] = await Promise.race([
    once(child.stdout ?? child, 'data'),
    ended.then(({ stderr }) => assert.fail(stderr)),
  ])
  const pair = parseMirrorUrl(
    String(printed[0])
      .replace(/^ready /, '')
      .trim(),
  )
  const get = async (path: string): Promise<string> => {
    const { signal } = new AbortController()
    const request = { method: 'GET', path, bytesMax: 65_536, signal } as const
    const { body } = await pool.request(peerOf({ ...pair }), request)
    return textOf(body) ?? ''
  }
  const head = async (): Promise<Verified<Head>> => {
    const now = runtime.clock.now()
    const { descriptor } = wellKnownSchema.parse(JSON.parse(await get(paths.descriptor)))
    const verified = verifyDescriptor(nodeCrypto, descriptor, { id: pair.id, now })
    const expected = { vantage: pair.id, answerKeys: answerKeysOf(verified), now }
    const statement = logHeadAnswerSchema.parse(JSON.parse(await get(paths.logHead))).head
    const made = verifyHead(nodeCrypto, statement, expected)
    assert.ok(!isRejection(made), JSON.stringify(made))
    return made
  }
  return {
    id: pair.id,
    get,
    head,
    look: (port: number) =>
      get(`${paths.observe}?target=${encodeURIComponent(`https://127.0.0.1:${port}`)}`),
    /** The first head with at least `size` leaves. */
    headOf: async (size: number): Promise<Verified<Head>> => {
      for (let tries = 0; tries < 100; tries++) {
        const made = await head()
        if (made.size >= size) return made
        await wait(100)
      }
      assert.fail(`no head of ${size} leaves`)
    },
    end: async (signal: 'SIGKILL' | 'SIGTERM') => {
      child.kill(signal)
      return ended
    },
  }
}

test('a mirror that is killed goes on with the history that its heads have told', async () => {
  const heads: Verified<Head>[] = []
  let looks = 0
  let id: string | null = null
  for (const signal of ['SIGKILL', 'SIGKILL', 'SIGTERM'] as const) {
    const mirror = await start('--home killed')
    assert.equal(mirror.id, (id ??= mirror.id))
    const atFirst = await mirror.head()
    assert.ok(atFirst.size >= looks)
    heads.push(atFirst)
    for (let i = 0; i < 3; i++) await mirror.look(++looks)
    heads.push(await mirror.headOf(atFirst.size + 3))
    const newest = heads.at(-1)
    assert.ok(newest !== undefined)
    for (const older of heads) {
      const path = `${paths.logConsistency}?from=${older.size}&to=${newest.size}`
      const proof = logConsistencyAnswerSchema.parse(JSON.parse(await mirror.get(path)))
      const hashes = [proof.root, ...proof.path].map((text) => fromBase64url(text))
      const [root, ...rest] = hashes.filter((hash) => hash !== null)
      assert.ok(root !== undefined)
      assert.deepEqual(checkHeads(nodeCrypto, [older, newest], { root, path: rest }), {
        outcome: 'consistent',
      })
    }
    // On its way to the disk while the process ends.
    await mirror.look(60_000 + looks)
    await mirror.end(signal)
  }
  // What was asked to end has written what was on its way.
  const mirror = await start('--home killed')
  assert.equal((await mirror.head()).size, (heads.at(-1)?.size ?? 0) + 1)
  await mirror.end('SIGTERM')
})

test('a mirror whose log has lost its trunk tells its operator, and answers without one', async () => {
  const first = await start('--home felled')
  for (const port of [1, 2]) await first.look(port)
  await first.headOf(2)
  await first.end('SIGTERM')
  const path = join(bench.folder, 'felled', 'mirror.db')
  const database = runtime.databases.open(path, { exclusive: true })
  assert.equal(database.run('DELETE FROM node WHERE level = 1'), 1)
  database.close()
  const mirror = await start('--home felled')
  assert.match(await mirror.look(3), /^{"observation":/)
  assert.equal(problemCodeOf(await mirror.get(paths.logHead)), 'log-missing')
  const { stderr } = await mirror.end('SIGTERM')
  assert.match(stderr, /log unusable.*the log is damaged: a node of the 2 leaves is missing/)
})

test('its memory lies in its home, for its owner alone, and is open once', async () => {
  const mirror = await start('--home kept')
  const { mode } = await stat(join(bench.folder, 'kept', 'mirror.db'))
  if (process.platform !== 'win32') assert.equal(mode & 0o777, 0o600)
  const second = await bench.run(`${command} --home kept`)
  assert.equal(second.code, 2)
  assert.match(
    second.stderr,
    /^sightline: open store ".*mirror\.db": another process has it open\n/,
  )
  await mirror.end('SIGTERM')
})

test('the memory of another mirror is refused, and so is what is no store', async () => {
  const first = await start('--home one --store sqlite:shared.db')
  await first.end('SIGTERM')
  const other = await bench.run(`${command} --home two --store sqlite:shared.db`)
  assert.equal(other.code, 2)
  assert.match(other.stderr, /it is the memory of mirror /)
  const unknown = await bench.run(`${command} --home two --store postgres://a`)
  assert.equal(unknown.code, 2)
  assert.match(unknown.stderr, /^sightline: read store "postgres:\/\/a": /)
})

test('a mirror that keeps nothing has no log, and says so', async () => {
  const mirror = await start('--home brief --store memory:')
  await mirror.look(1)
  assert.equal(problemCodeOf(await mirror.get(paths.logHead)), 'log-missing')
  await mirror.end('SIGTERM')
})
