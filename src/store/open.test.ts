import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Failure, type FailureCode } from '../base/failure.ts'
import { nodeRuntime } from '../runtime/node/runtime.ts'
import { openStore } from './open.ts'

let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sightline-open-'))
})
after(() => rm(folder, { recursive: true, force: true }))

const runtime = nodeRuntime()
const self = 's'.repeat(43)
const failsWith = (code: FailureCode) => (error: unknown) =>
  Failure.is(error) && error.code === code

test('a store is named by its kind', async () => {
  const memory = await openStore(runtime, { url: 'memory:', owner: self })
  assert.ok(!memory.isDurable)
  await memory.close()
  const url = `sqlite:${join(folder, 'with space: and colon.db')}`
  const file = await openStore(runtime, { url, owner: self })
  assert.ok(file.isDurable)
  await file.close()
})

test('other names are refused', async () => {
  for (const url of ['', 'sqlite', 'sqlite:', 'memory', 'memory:x', 'postgres://a', 'mirror.db'])
    await assert.rejects(
      openStore(runtime, { url, owner: self }),
      failsWith('store-malformed'),
      url,
    )
})

test('a store belongs to one mirror', async () => {
  const url = `sqlite:${join(folder, 'mine.db')}`
  for (let start = 0; start < 2; start++)
    await (await openStore(runtime, { url, owner: self })).close()
  const other = 'o'.repeat(43)
  await assert.rejects(openStore(runtime, { url, owner: other }), failsWith('store-foreign'))
  // Refused, it is closed again.
  await (await openStore(runtime, { url, owner: self })).close()
})
