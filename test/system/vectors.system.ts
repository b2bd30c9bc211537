// The test vectors in another language: a reader in Python, written from the specification, comes to the same results.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ensurePackages } from '../support/packages.ts'
import { tryProgram } from '../support/program.ts'

await ensurePackages('python3', 'python3-cryptography', 'python3-jsonschema')

const reader = fileURLToPath(new URL('vectors.py', import.meta.url))

test('a reader in Python takes and refuses what the vectors say', async () => {
  // Debian's own, which has the packages; newer releases of one warn of a name that older ones need.
  const { code, stdout, stderr } = await tryProgram(['/usr/bin/python3', '-W', 'ignore', reader])
  assert.equal(code, 0, stderr)
  const [, count] = /^(\d+) vectors$/m.exec(stdout) ?? []
  assert.ok(Number(count) > 250, stdout)
})
