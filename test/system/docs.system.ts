// Runs those commands of our documents that need programs beside Node: OpenSSL as the server.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { createBench } from '../cli/run.ts'
import { commandsIn } from '../support/documents.ts'
import { ensurePackages } from '../support/packages.ts'

await ensurePackages('openssl')

test('README.md: a network of your own', { timeout: 60_000 }, async () => {
  const [block] = commandsIn('README.md', 'npm run test:system')
  assert.ok(block !== undefined)
  await using bench = await createBench()
  // What the block starts must end even where a command in it fails.
  const stopAll = `trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n`
  await writeFile(join(bench.folder, 'readme.sh'), `${stopAll}${block.script}`)
  const { stdout, stderr, code } = await bench.run('timeout 50 bash -eu readme.sh')
  assert.equal(code, 0, `${stdout}\n${stderr}`)
  assert.match(stdout, /corroborated +https:\/\/127\.0\.0\.1:8443\n.*3 of 3 vantages agree/)
})
