// Signs DNS answers as a name server does (RFC 8945 §5.3), without the code under test.

import { Buffer } from 'node:buffer'
import { createHmac } from 'node:crypto'

/** How an answer is signed, rightly or wrongly. */
export interface ReplySigning {
  readonly secret: Uint8Array
  /** On the wire, in lower case. */
  readonly keyName: Uint8Array
  /** Time of signing, since 1970 UTC. */
  readonly seconds: number
  /** The signature of the request that is answered. */
  readonly requestMac: Uint8Array
  readonly error?: number
  readonly other?: Uint8Array
  /** How much of the signature is sent; all 32 bytes by default. */
  readonly macOctets?: number
}

const algorithmName = Buffer.from('\x0bhmac-sha256\x00', 'latin1')

/** `message` with a TSIG record (hmac-sha256) at its end. */
export function signReply(message: Uint8Array, how: ReplySigning): Buffer {
  const { error = 0, other = new Uint8Array(0), macOctets = 32 } = how
  const times = Buffer.concat([number(how.seconds, 6), number(300, 2)])
  const tail = Buffer.concat([number(error, 2), number(other.length, 2), other])
  const anyClass = Buffer.concat([number(255, 2), number(0, 4)])
  const mac = createHmac('sha256', how.secret)
    .update(Buffer.concat([number(how.requestMac.length, 2), how.requestMac, message]))
    .update(Buffer.concat([how.keyName, anyClass, algorithmName, times, tail]))
    .digest()
    .subarray(0, macOctets)
  const id = message.subarray(0, 2)
  const data = Buffer.concat([algorithmName, times, number(mac.length, 2), mac, id, tail])
  const head = [how.keyName, number(250, 2), anyClass, number(data.length, 2)]
  const signed = Buffer.concat([message, ...head, data])
  signed.writeUInt16BE(signed.readUInt16BE(10) + 1, 10)
  return signed
}

/** `value` in `octets` bytes, big-endian. */
export function number(value: number, octets: number): Buffer {
  const bytes = Buffer.alloc(octets)
  bytes.writeUIntBE(value, 0, octets)
  return bytes
}
