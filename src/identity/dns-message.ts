// The little of DNS messages (RFC 1035 §4) that an update needs: write requests, walk answers within bounds.

import { concat, utf8 } from '../base/bytes.ts'
import { MalformedMessage, readName } from '../base/dns-name.ts'

/** Types, classes and opcodes that we write or look for. */
export const dnsCodes = {
  types: { ns: 2, cname: 5, soa: 6, tlsa: 52, tsig: 250 },
  classes: { in: 1, none: 254, any: 255 },
  opcodes: { query: 0, update: 5 },
} as const

/** A message to send. In an update the sections are zone, prerequisites and updates (RFC 2136 §2). */
export interface Request {
  readonly id: number
  readonly opcode: number
  readonly question: { readonly name: string; readonly type: number }
  /** The update section, already as bytes. */
  readonly updates: readonly Uint8Array[]
}

/** A record as read. Names are lower-case, with a final dot. */
export interface DnsRecord {
  readonly section: 'answer' | 'authority' | 'additional'
  /** Where the record begins in the message, and where its data does. */
  readonly at: number
  readonly dataAt: number
  readonly name: string
  readonly type: number
  readonly class: number
  readonly ttl: number
  readonly data: Uint8Array
}

/** An answer as read. */
export interface Reply {
  readonly id: number
  readonly isReply: boolean
  readonly rcode: number
  readonly records: readonly DnsRecord[]
}

/** The bytes of a request without the length that TCP puts before it. */
export function encodeRequest(request: Request): Uint8Array {
  const header = [request.id, request.opcode << 11, 1, 0, request.updates.length, 0].map(uint16)
  const question = concat(
    encodeName(request.question.name),
    uint16(request.question.type),
    uint16(dnsCodes.classes.in),
  )
  return concat(...header, question, ...request.updates)
}

/** The bytes of one record, its names uncompressed. */
export function encodeRecord(
  record: Pick<DnsRecord, 'name' | 'type' | 'class' | 'ttl' | 'data'>,
): Uint8Array {
  return concat(
    encodeName(record.name),
    uint16(record.type),
    uint16(record.class),
    uint16(record.ttl >>> 16),
    uint16(record.ttl),
    uint16(record.data.length),
    record.data,
  )
}

/** The uncompressed wire form of a name of ASCII labels, with or without its final dot. */
export function encodeName(name: string): Uint8Array {
  const labels = name.split('.').filter((label) => label !== '')
  return concat(
    ...labels.map((label) => concat(Uint8Array.of(label.length), utf8(label))),
    Uint8Array.of(0),
  )
}

/** Two bytes, big-endian; higher bits are dropped. */
export function uint16(value: number): Uint8Array {
  return Uint8Array.of((value >>> 8) & 0xff, value & 0xff)
}

/** The answer in `message`, or null when it is no DNS message, or says more or less than its counts. */
export function decodeReply(message: Uint8Array): Reply | null {
  if (message.length < 12) return null
  const view = viewOf(message)
  let at = 12
  for (let i = 0; i < view.getUint16(4); i++) {
    const name = decodeName(message, at)
    if (name === null) return null
    at = name.end + 4
  }
  const records: DnsRecord[] = []
  for (const [i, section] of (['answer', 'authority', 'additional'] as const).entries()) {
    for (let left = view.getUint16(6 + 2 * i); left > 0; left--) {
      const found = decodeRecord(message, at, section)
      if (found === null) return null
      records.push(found)
      at = found.dataAt + found.data.length
    }
  }
  if (at !== message.length) return null
  const flags = view.getUint16(2)
  return { id: view.getUint16(0), isReply: flags >= 0x8000, rcode: flags & 0xf, records }
}

/** The name at `at`, with its final dot, and where the bytes after it begin; null when it is malformed. */
export function decodeName(
  message: Uint8Array,
  at: number,
): { readonly name: string; readonly end: number } | null {
  try {
    const { name, end } = readName(message, at)
    return { name: `${name}.`, end }
  } catch (error) {
    if (error instanceof MalformedMessage) return null
    throw error
  }
}

function decodeRecord(
  message: Uint8Array,
  at: number,
  section: DnsRecord['section'],
): DnsRecord | null {
  const owner = decodeName(message, at)
  if (owner === null || owner.end + 10 > message.length) return null
  const view = viewOf(message)
  const dataAt = owner.end + 10
  const dataEnd = dataAt + view.getUint16(owner.end + 8)
  if (dataEnd > message.length) return null
  return {
    section,
    at,
    dataAt,
    name: owner.name,
    type: view.getUint16(owner.end),
    class: view.getUint16(owner.end + 2),
    ttl: view.getUint32(owner.end + 4),
    data: message.subarray(dataAt, dataEnd),
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
