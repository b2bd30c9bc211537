// TLSA records as an owner publishes them: owner name and zone-file line (RFC 6698 §2.2, §3; RFC 1035 §5).

import { Failure } from '../base/failure.ts'
import { spkiHash } from '../observation/fingerprint.ts'
import type { AssociationText } from '../observation/observation.ts'
import type { Target } from '../observation/target.ts'
import type { Certificate, Crypto } from '../runtime/runtime.ts'

/** One record to publish. */
export interface TlsaRecord {
  /** With its final dot, as in a zone file. */
  readonly owner: string
  /** Seconds. */
  readonly ttl: number
  readonly association: AssociationText
}

/**
 * The name under which the records of `target` are: `_8443._tcp.a.test.`
 * @throws Failure name-malformed for an address, which has no name to publish under
 */
export function tlsaOwner(target: Target): string {
  if (target.isAddress) {
    const why = 'an address has no TLSA record; name the host as clients do'
    throw new Failure('name-malformed', { name: target.host, why })
  }
  return `_${target.port}._tcp.${target.host}.`
}

/** `2 1 1` with the SHA-256 of the CA's key: it survives every renewal, of the servers and of the CA's certificate. */
export function authorityAssociation(
  crypto: Pick<Crypto, 'digest'>,
  certificate: Certificate,
): AssociationText {
  return `2 1 1 ${spkiHash(crypto, certificate)}`
}

/** `3 1 1` with the SHA-256 of one server's own key: for a server without a CA, to be changed with each new key. */
export function serverAssociation(
  crypto: Pick<Crypto, 'digest'>,
  certificate: Certificate,
): AssociationText {
  return `3 1 1 ${spkiHash(crypto, certificate)}`
}

/** The line for a zone file: `_8443._tcp.a.test. 300 IN TLSA 2 1 1 6b86…`. */
export function zoneLine(record: TlsaRecord): string {
  return `${record.owner} ${record.ttl} IN TLSA ${record.association}`
}
