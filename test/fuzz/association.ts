// Fuzz target: reading a TLSA record, as text and from the wire. It is refused by name, or its canonical text reads as itself.

import assert from 'node:assert/strict'
import { Failure } from '../../src/base/failure.ts'
import { limits } from '../../src/base/limits.ts'
import {
  formatAssociation,
  isCanonicalAssociation,
  parseAssociation,
  readAssociation,
  type Association,
} from '../../src/observation/association.ts'

/** Reads `bytes` as text, and again as the data of a record. @throws AssertionError when a property does not hold */
export function fuzzAssociation(bytes: Uint8Array): void {
  const written = readText(new TextDecoder().decode(bytes))
  if (written !== null) check(written)
  const [usage = 0, selector = 0, matching = 0] = bytes
  const received = readAssociation({ usage, selector, matching, data: bytes.subarray(3) })
  if (typeof received !== 'string') check(received)
}

function readText(text: string): Association | null {
  try {
    return parseAssociation(text)
  } catch (error) {
    assert.ok(
      Failure.is(error) && error.code === 'association-malformed',
      `not a refusal: ${String(error)}`,
    )
    return null
  }
}

function check(association: Association): void {
  const text = formatAssociation(association)
  assert.ok(isCanonicalAssociation(text))
  assert.deepEqual(parseAssociation(text), {
    ...association,
    data: new Uint8Array(association.data),
  })
  assert.ok(association.data.length > 0 && association.data.length <= limits.tlsaDataBytesMax)
}
