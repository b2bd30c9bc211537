// The command as a mirror's author would run it: against a real mirror on loopback.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { createBench } from './run.ts'

test('sightline conformance passes sightline mirror', async () => {
  await using bench = await createBench()
  const mirror = bench.start(
    'exec sightline mirror --listen 127.0.0.1:0 --resolver 127.0.0.1:9 --allow-private',
  )
  const gone = once(mirror, 'exit')
  try {
    let printed = ''
    for await (const chunk of mirror.stdout ?? []) {
      printed += String(chunk)
      if (printed.includes('\n')) break
    }
    const url = /^ready (\S+)$/m.exec(printed)?.[1] ?? assert.fail(printed)
    const options = '--target 127.0.0.1:9 --allow-private --json'
    const { stdout, stderr, code } = await bench.run(`sightline conformance '${url}' ${options}`)
    const report = JSON.parse(stdout) as {
      mirror: string
      failed: number
      passed: number
      checks: { clause: string; outcome: string; text: string | null }[]
    }
    assert.deepEqual(
      report.checks.filter(({ outcome }) => outcome === 'failed'),
      [],
    )
    assert.equal(report.mirror, url)
    assert.ok(report.passed > 80)
    assert.equal(code, 0, stderr)
  } finally {
    mirror.kill()
    await gone
  }
})
