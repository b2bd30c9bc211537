// Fuzz target: reading oblivious messages. They are refused, or what was read says the same when it is written again.

import assert from 'node:assert/strict'
import { limits } from '../../src/base/limits.ts'
import {
  readRequest,
  readResponse,
  writeRequest,
  writeResponse,
} from '../../src/protocol/binary-http.ts'
import {
  createGatewayKey,
  openRequest,
  readKeyConfiguration,
  sealRequest,
  writeKeyConfiguration,
} from '../../src/protocol/ohttp.ts'
import { nodeCrypto } from '../../src/runtime/node/crypto.ts'
import { nodeRandom } from '../../src/runtime/node/random.ts'

const needs = { crypto: nodeCrypto, random: nodeRandom }
const key = createGatewayKey(needs)

/**
 * Reads `bytes` as each kind of message that comes from a stranger, and as the response to a request of our own.
 * @throws AssertionError when a property does not hold
 */
export function fuzzOhttp(bytes: Uint8Array): void {
  const configuration = readKeyConfiguration(bytes)
  if (configuration !== null) {
    assert.deepEqual(readKeyConfiguration(writeKeyConfiguration(configuration)), configuration)
    const sealed = sealRequest(needs, configuration, bytes)
    assert.equal(sealed?.open(bytes) ?? null, null)
  }
  // Nobody who has not the key finds bytes that open.
  assert.equal(typeof openRequest(nodeCrypto, [{ ...key, keyId: bytes[0] ?? 0 }], bytes), 'string')
  const request = readRequest(bytes)
  if (request !== null) {
    assert.ok(request.fields.length <= limits.binaryHttpFieldsMax)
    assert.ok(request.content.length <= bytes.length)
    assert.deepEqual(readRequest(writeRequest(request)), request)
    assert.equal(readResponse(bytes), null)
  }
  const response = readResponse(bytes)
  if (response !== null) {
    assert.ok(response.status >= 200 && response.status < 600)
    assert.deepEqual(readResponse(writeResponse(response)), response)
  }
}
