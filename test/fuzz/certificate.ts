// Fuzz target: reading a certificate, and asking everything of it. It is refused by name, or all questions have answers.

import assert from 'node:assert/strict'
import { Failure } from '../../src/base/failure.ts'
import { matchesName } from '../../src/observation/names.ts'
import { validatePath } from '../../src/observation/path.ts'
import { nodeCrypto } from '../../src/runtime/node/crypto.ts'
import type { Certificate } from '../../src/runtime/runtime.ts'
import { makeCertificate, makeKey } from '../support/certificates.ts'

const key = makeKey()
/** The extensions that we look into: key usage, alternative names, basic and name constraints, key ids, purposes. */
const extensionIds = [14, 15, 17, 19, 30, 32, 35, 37].map((last) => `2.5.29.${last}`)

/**
 * Reads `bytes` as a certificate; then, since hardly any random bytes are one, as an extension of a good certificate,
 * which the first byte chooses. @throws AssertionError when a property does not hold
 */
export function fuzzCertificate(bytes: Uint8Array): void {
  readAndAsk(bytes)
  const [choice = 0] = bytes
  const oid = extensionIds[choice % extensionIds.length] ?? ''
  const extensions = [{ oid, critical: choice >= 128, value: bytes.subarray(1) }]
  readAndAsk(makeCertificate({ key, dnsNames: ['a.test'], extensions }).der)
}

function readAndAsk(der: Uint8Array): void {
  const certificate = read(der)
  if (certificate === null) return
  assert.deepEqual(certificate.der, new Uint8Array(der))
  assert.ok(certificate.notBefore > -1e14 && certificate.notAfter < 3e14)
  for (const name of [...certificate.dnsNames, 'a.test', '192.0.2.1'])
    assert.equal(typeof matchesName(certificate, name), 'boolean')
  const result = validatePath(
    {
      chain: [certificate, certificate],
      anchor: { kind: 'certificate', certificate },
      at: certificate.notBefore,
    },
    nodeCrypto,
  )
  assert.ok(!result.ok, 'a certificate is never its own authority')
}

function read(der: Uint8Array): Certificate | null {
  try {
    return nodeCrypto.readCertificate(der)
  } catch (error) {
    assert.ok(
      Failure.is(error) && error.code === 'certificate-malformed',
      `not a refusal: ${String(error)}`,
    )
    return null
  }
}
