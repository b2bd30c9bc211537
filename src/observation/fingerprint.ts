// Fingerprints of certificates and keys: what is compared, pinned and published (protocol §2, RFC 7469 §2.4).

import { base64url, hex } from '../base/bytes.ts'
import type { Certificate, Crypto } from '../runtime/runtime.ts'

/** Lower-case hexadecimal SHA-256 of the certificate's SubjectPublicKeyInfo: the data of a TLSA record `x 1 1`. */
export function spkiHash(crypto: Pick<Crypto, 'digest'>, certificate: Certificate): string {
  return hex(crypto.digest('sha256', certificate.spki))
}

/** Lower-case hexadecimal SHA-256 of the whole certificate: the data of a TLSA record `x 0 1`. */
export function certificateHash(crypto: Pick<Crypto, 'digest'>, certificate: Certificate): string {
  return hex(crypto.digest('sha256', certificate.der))
}

/** The id of the mirror whose CA has this public key (DER): base64url SHA-256, 43 characters. */
export function mirrorIdOf(crypto: Pick<Crypto, 'digest'>, spki: Uint8Array): string {
  return base64url(crypto.digest('sha256', spki))
}
