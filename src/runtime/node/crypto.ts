// The Crypto seam on node:crypto: digests here, keys, secrets and certificates from their own files.

import { createHash, createHmac, hash } from 'node:crypto'
import type { Crypto } from '../runtime.ts'
import { isSignedBy, readCertificate } from './certificates.ts'
import { nodeKeys } from './keys.ts'
import { nodeSecrets } from './secrets.ts'

/** Crypto by node:crypto. */
export const nodeCrypto: Crypto = {
  ...nodeKeys,
  ...nodeSecrets,
  digest: (name, data) =>
    data.length < 65_536
      ? new Uint8Array(hash(name, data, 'buffer'))
      : new Uint8Array(createHash(name).update(data).digest()),
  hmac: (name, key, data) => new Uint8Array(createHmac(name, key).update(data).digest()),
  readCertificate,
  isSignedBy,
}
