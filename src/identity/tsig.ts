// Transaction signatures for DNS messages (RFC 8945): signing a request, verifying the answer to it.

import { concat } from '../base/bytes.ts'
import type { Crypto, HmacName } from '../runtime/runtime.ts'
import {
  decodeName,
  decodeReply,
  dnsCodes,
  encodeName,
  encodeRecord,
  uint16,
  type DnsRecord,
} from './dns-message.ts'

/** A secret shared with a DNS server. */
export interface TsigKey {
  /** Lower-case, with a final dot. */
  readonly name: string
  readonly algorithm: HmacName
  readonly secret: Uint8Array
}

/** What the signature of an answer proves. */
export type TsigCheck =
  | { readonly outcome: 'valid' }
  /** The server refused our signature with a code of `tsigErrors`; `serverTime` (ms) with `badTime` alone. */
  | { readonly outcome: 'refused'; readonly error: number; readonly serverTime: number | null }
  /** Nobody with the key is known to have said this. */
  | { readonly outcome: 'invalid'; readonly why: string }

/** Error codes in a TSIG record (RFC 8945 §3). */
export const tsigErrors = { badSignature: 16, badKey: 17, badTime: 18, badTruncation: 22 } as const

/** Seconds that the clocks of both sides may differ by (RFC 8945 §10 recommends 300). */
const fudgeSeconds = 300

/** The fields of a TSIG record that are signed, after the message. */
interface Variables {
  readonly key: TsigKey
  /** Seconds since 1970 UTC. */
  readonly time: number
  readonly fudge: number
  readonly error: number
  readonly other: Uint8Array
}

/** `message` with a TSIG record at its end, made at `now` (ms); the answer is verified with `mac`. */
export function signMessage(
  crypto: Pick<Crypto, 'hmac'>,
  key: TsigKey,
  request: { readonly message: Uint8Array; readonly now: number },
): { readonly message: Uint8Array; readonly mac: Uint8Array } {
  const { message } = request
  const time = Math.floor(request.now / 1000)
  const variables = { key, time, fudge: fudgeSeconds, error: 0, other: new Uint8Array(0) }
  const mac = crypto.hmac(key.algorithm, key.secret, concat(message, signedVariables(variables)))
  const data = concat(
    algorithmName(key),
    uint48(time),
    uint16(fudgeSeconds),
    uint16(mac.length),
    mac,
    message.subarray(0, 2),
    uint16(0),
    uint16(0),
  )
  const { types, classes } = dnsCodes
  const record = encodeRecord({
    name: key.name,
    type: types.tsig,
    class: classes.any,
    ttl: 0,
    data,
  })
  return { message: withAdditional(concat(message, record), 1), mac }
}

/** Whether the server that holds `key` has given `message` as the answer to the request signed with `mac`. */
export function checkReply(
  crypto: Pick<Crypto, 'hmac'>,
  key: TsigKey,
  reply: { readonly message: Uint8Array; readonly mac: Uint8Array; readonly now: number },
): TsigCheck {
  const { message } = reply
  const record = decodeReply(message)?.records.at(-1)
  const { types, classes } = dnsCodes
  if (record?.section !== 'additional' || record.type !== types.tsig)
    return { outcome: 'invalid', why: 'the answer is not signed' }
  const fields = readFields(message, record)
  if (fields === null || record.class !== classes.any || record.ttl !== 0)
    return { outcome: 'invalid', why: 'the signature of the answer does not parse' }
  const { error, mac, time, fudge, other } = fields
  // A server that does not know our key, or finds our signature wrong, cannot sign (RFC 8945 §5.3.2).
  if ((error === tsigErrors.badKey || error === tsigErrors.badSignature) && mac.length === 0)
    return { outcome: 'refused', error, serverTime: null }
  if (record.name !== key.name || fields.algorithm !== `hmac-${key.algorithm}.`)
    return { outcome: 'invalid', why: 'the answer is signed with another key' }
  const signed = concat(
    uint16(reply.mac.length),
    reply.mac,
    fields.originalId,
    withAdditional(message.subarray(0, record.at), -1).subarray(2),
    signedVariables({ key, time, fudge, error, other }),
  )
  if (!equalSecrets(mac, crypto.hmac(key.algorithm, key.secret, signed)))
    return { outcome: 'invalid', why: 'the signature of the answer is wrong' }
  if (error !== 0) {
    const serverTime = error === tsigErrors.badTime && other.length === 6 ? readUint48(other) : null
    return { outcome: 'refused', error, serverTime: serverTime === null ? null : serverTime * 1000 }
  }
  if (Math.abs(Math.floor(reply.now / 1000) - time) > fudge)
    return { outcome: 'invalid', why: 'the answer was signed at another time than now' }
  return { outcome: 'valid' }
}

function readFields(
  message: Uint8Array,
  record: DnsRecord,
):
  | (Omit<Variables, 'key'> & { algorithm: string; mac: Uint8Array; originalId: Uint8Array })
  | null {
  const name = decodeName(message, record.dataAt)
  const end = record.dataAt + record.data.length
  if (name === null || name.end + 10 > end) return null
  const data = message.subarray(name.end, end)
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const afterMac = 10 + view.getUint16(8)
  if (afterMac + 6 > data.length) return null
  const other = data.subarray(afterMac + 6)
  if (view.getUint16(afterMac + 4) !== other.length) return null
  return {
    algorithm: name.name,
    time: readUint48(data),
    fudge: view.getUint16(6),
    mac: data.subarray(10, afterMac),
    originalId: data.subarray(afterMac, afterMac + 2),
    error: view.getUint16(afterMac + 2),
    other,
  }
}

/** RFC 8945 §4.3.3, names in canonical form. */
function signedVariables({ key, time, fudge, error, other }: Variables): Uint8Array {
  return concat(
    encodeName(key.name),
    uint16(dnsCodes.classes.any),
    uint16(0),
    uint16(0),
    algorithmName(key),
    uint48(time),
    uint16(fudge),
    uint16(error),
    uint16(other.length),
    other,
  )
}

function algorithmName(key: TsigKey): Uint8Array {
  return encodeName(`hmac-${key.algorithm}`)
}

/** The message with its count of additional records changed. */
function withAdditional(message: Uint8Array, change: number): Uint8Array {
  const copy = Uint8Array.from(message)
  const view = new DataView(copy.buffer)
  view.setUint16(10, view.getUint16(10) + change)
  return copy
}

function uint48(value: number): Uint8Array {
  return concat(uint16(Math.floor(value / 2 ** 32)), uint16(value >>> 16), uint16(value))
}

function readUint48(bytes: Uint8Array): number {
  return bytes.subarray(0, 6).reduce((value, byte) => value * 256 + byte, 0)
}

/** Takes the same time wherever the first difference is. */
function equalSecrets(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length
  for (const [i, byte] of a.entries()) difference |= byte ^ (b[i] ?? 0)
  return difference === 0
}
