// Runs the commands of our documents as a reader would: in an empty folder, from top to bottom.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBench } from './cli/run.ts'
import { commandsIn } from './support/documents.ts'

const blocks = commandsIn('README.md', 'npm test')

test('the README says some commands that run', () => {
  assert.notEqual(blocks.length, 0)
})

for (const { document, script } of blocks)
  test(`${document}: ${script.split('\n')[1]}`, async () => {
    await using bench = await createBench()
    const { stdout, stderr, code } = await bench.run(`set -eu\n${script}`)
    assert.equal(code, 0, `${stdout}\n${stderr}`)
    assert.match(
      stdout,
      /^_443\._tcp\.www\.example\.test\. 300 IN TLSA 2 1 1 [0-9a-f]{64}$/m,
      'the record of the README',
    )
  })
