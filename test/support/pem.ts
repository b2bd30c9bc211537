// Reads PEM chains in tests.

import { nodeCrypto } from '../../src/runtime/node/crypto.ts'
import type { Certificate } from '../../src/runtime/runtime.ts'

/** The DER certificates of a PEM text, in order. */
export function derOfChain(chainPem: string): readonly Uint8Array[] {
  return [...chainPem.matchAll(/-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/g)].map(
    (match) => new Uint8Array(Buffer.from(match[1] ?? '', 'base64')),
  )
}

/** The certificates of a PEM text, in order. */
export function readCertificates(chainPem: string): readonly Certificate[] {
  return derOfChain(chainPem).map((der) => nodeCrypto.readCertificate(der))
}
