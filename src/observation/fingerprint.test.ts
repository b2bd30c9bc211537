import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { makeRoot } from '../../test/support/certificates.ts'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import { certificateHash, mirrorIdOf, spkiHash } from './fingerprint.ts'

test('fingerprints are those that other tools print', () => {
  const made = makeRoot()
  const certificate = nodeCrypto.readCertificate(made.der)
  const sha256 = (data: Uint8Array, form: 'hex' | 'base64url'): string =>
    createHash('sha256').update(data).digest(form)
  assert.equal(spkiHash(nodeCrypto, certificate), sha256(made.spki, 'hex'))
  assert.equal(certificateHash(nodeCrypto, certificate), sha256(made.der, 'hex'))
  const id = mirrorIdOf(nodeCrypto, certificate.spki)
  assert.equal(id, sha256(made.spki, 'base64url'))
  assert.equal(id.length, 43)
})
