// Fuzz target: reading what mirrors say of others. It is refused by name, or it is within its bounds and signed.

import assert from 'node:assert/strict'
import { base64url, fromBase64url, utf8 } from '../../src/base/bytes.ts'
import { Failure } from '../../src/base/failure.ts'
import { limits } from '../../src/base/limits.ts'
import { listDigest } from '../../src/membership/list-digest.ts'
import { listedOf, verifyBootstrapSeen, verifyMirrorList } from '../../src/protocol/lists.ts'
import { nodeCrypto } from '../../src/runtime/node/crypto.ts'

const { key } = nodeCrypto.generateKey('Ed25519')
const now = Date.UTC(2026, 0, 1)
const id = 'A'.repeat(43)
const author = { id, answerKeys: [{ keyId: 'k', key: key.publicKey, expires: now + 1_000 }], now }
const all = { bucket: null, region: null, status: null }

/**
 * Reads `bytes` as the content of each kind of statement, signed, and as a statement that nobody signed.
 * @throws AssertionError when a property does not hold
 */
export function fuzzLists(bytes: Uint8Array): void {
  const raw = new TextDecoder('latin1').decode(bytes)
  assert.equal(
    orNull(() => verifyMirrorList(nodeCrypto, raw, { ...author, ...all })),
    null,
  )
  const list = orNull(() =>
    verifyMirrorList(nodeCrypto, signed('smn-list+jws', bytes), { ...author, ...all }),
  )
  if (list !== null) {
    assert.ok(list.mirrors.length <= limits.listEntriesMax)
    assert.ok(list.mirrors.every((one) => fromBase64url(one.id)?.length === 32))
    // Whatever it holds has a digest, and the order of the entries has no part in it.
    const entries = list.mirrors.map(listedOf)
    assert.deepEqual(listDigest(nodeCrypto, entries), listDigest(nodeCrypto, entries.toReversed()))
  }
  const seen = orNull(() =>
    verifyBootstrapSeen(nodeCrypto, signed('smn-bootstrap-seen+jws', bytes), author),
  )
  if (seen !== null) assert.ok(seen.files.length <= limits.bootstrapsSeenMax)
}

function signed(type: string, payload: Uint8Array): string {
  const header = base64url(utf8(JSON.stringify({ alg: 'EdDSA', typ: type, kid: 'k' })))
  const input = `${header}.${base64url(payload)}`
  return `${input}.${base64url(key.sign(utf8(input)))}`
}

function orNull<T>(verify: () => T): T | null {
  try {
    return verify()
  } catch (error) {
    if (Failure.is(error) && error.code === 'statement-rejected') return null
    throw error
  }
}
