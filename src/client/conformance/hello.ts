// A greeting in TLS 1.2 and in nothing newer, byte by byte (RFC 5246 §7.4.1.2), to see whether a server still takes it.

import { concat } from '../../base/bytes.ts'
import type { Random } from '../../runtime/runtime.ts'

/** A ClientHello of a client that knows TLS 1.2 alone: without `supported_versions`, which TLS 1.3 needs. */
export function oldClientHello(random: Random): Uint8Array {
  const body = concat(
    Uint8Array.of(3, 3),
    random.bytes(32),
    // No session to resume.
    Uint8Array.of(0),
    counted(2, concat(...cipherSuites.map((suite) => uint(2, suite)))),
    // No compression.
    Uint8Array.of(1, 0),
    counted(2, concat(...extensions)),
  )
  const message = concat(Uint8Array.of(1), counted(3, body))
  return concat(Uint8Array.of(22, 3, 1), counted(2, message))
}

/** What the first byte of an answer says: that the greeting was taken up, or that it was not. */
export function answersOldHello(bytes: Uint8Array): boolean {
  // A record of a handshake; an alert is 21, and anything else is no TLS.
  return bytes[0] === 22
}

/** ECDHE with AES-GCM and ChaCha20, for ECDSA and RSA certificates. */
const cipherSuites = [0xc02b, 0xc02c, 0xc02f, 0xc030, 0xcca9, 0xcca8]

const extensions = [
  // supported_groups: x25519, secp256r1
  extension(10, counted(2, concat(uint(2, 29), uint(2, 23)))),
  // ec_point_formats: uncompressed
  extension(11, Uint8Array.of(1, 0)),
  // signature_algorithms: ECDSA with P-256, RSA-PSS, RSA, Ed25519
  extension(
    13,
    counted(2, concat(uint(2, 0x0403), uint(2, 0x0804), uint(2, 0x0401), uint(2, 0x0807))),
  ),
]

function extension(type: number, data: Uint8Array): Uint8Array {
  return concat(uint(2, type), counted(2, data))
}

function counted(octets: number, data: Uint8Array): Uint8Array {
  return concat(uint(octets, data.length), data)
}

function uint(octets: number, value: number): Uint8Array {
  return Uint8Array.from({ length: octets }, (_, i) => (value >> (8 * (octets - 1 - i))) & 255)
}
