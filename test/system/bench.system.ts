// The benches run to their end and measure everything that they name. What they measure is for people, never for tests.

import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { runProgram } from '../support/program.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The rows of the table in `output`, by their first column; every other cell is a number. */
function rowsOf(output: string): Map<string, readonly number[]> {
  const rows = new Map<string, readonly number[]>()
  for (const line of output.split('\n')) {
    const [name = '', ...cells] = line.split(/ {3,}/)
    const numbers = cells.flatMap((cell) => cell.split('–')).map(Number)
    if (numbers.length > 1 && !numbers.every(Number.isNaN)) rows.set(name, numbers)
  }
  return rows
}

function smoke(name: string): Promise<string> {
  const command = [process.execPath, `${root}bench/${name}.ts`, '--smoke']
  return runProgram(command, { timeoutMs: 180_000 })
}

function assertMeasured(rows: Map<string, readonly number[]>, names: readonly RegExp[]): void {
  assert.equal(rows.size, names.length, [...rows.keys()].join('; '))
  for (const [name, numbers] of rows) {
    assert.ok(
      names.some((expected) => expected.test(name)),
      name,
    )
    for (const number of numbers) assert.ok(number > 0, `${name}: ${numbers.join(', ')}`)
  }
}

test('bench:mirror measures mirrors beside nginx, Caddy and unbound, and says what bounds them', async () => {
  const output = await smoke('mirror')
  const servers = [/^nginx, .*\(h1\)/, /^nginx, .*nonce/, /^nginx, .*\(h2\)/, /^Caddy, file/]
  const others = [/^Caddy, body/, /^unbound/, /^mirror, cached/, /^mirror, .*nonce/]
  assertMeasured(rowsOf(output), [...servers, ...others])
  assert.match(output, /What bounds cached answers/)
  assert.match(output, /What bounds answers to a nonce/)
  assert.match(output, /\d+ %  TLS records and sockets/)
  assert.match(output, /a name takes [\d.]+ KiB/)
  assert.doesNotMatch(output, /cut off/)
})

test('bench:verify measures connects with a verdict and without', async () => {
  const output = await smoke('verify')
  assertMeasured(rowsOf(output), [/cached/, /new to them/, /^cold/])
  assert.match(output, /^median, warm: [\d.]+/m)
})
