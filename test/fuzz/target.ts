// Fuzz target: reading a target. Whatever the text, it is refused by name or has one canonical form that reads as itself.

import assert from 'node:assert/strict'
import { Failure } from '../../src/base/failure.ts'
import { limits } from '../../src/base/limits.ts'
import { parseTarget } from '../../src/observation/target.ts'

/** Reads `bytes` as text. @throws AssertionError when a property does not hold */
export function fuzzTarget(bytes: Uint8Array): void {
  const written = new TextDecoder().decode(bytes)
  let target
  try {
    target = parseTarget(written)
  } catch (error) {
    assert.ok(
      Failure.is(error) && error.code === 'target-malformed',
      `not a refusal: ${String(error)}`,
    )
    return
  }
  assert.deepEqual({ ...parseTarget(target.text) }, { ...target })
  assert.ok(target.port >= 1 && target.port <= 65_535)
  assert.ok(target.host.length > 0 && target.host.length <= limits.nameOctetsMax)
  assert.match(target.text, /^[a-z0-9-]+:\/\/[a-z0-9.:[\]_-]+$/)
}
