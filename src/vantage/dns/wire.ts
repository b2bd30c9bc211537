// Walks a DNS message (RFC 1035 §4.1) within bounds: header, records and names as they stand, whatever a stranger wrote.

import { MalformedMessage, readName } from '../../base/dns-name.ts'

/** Numbers of the record types that we read (RFC 1035 §3.2.2, RFC 3596, RFC 6698, RFC 6891). */
export const recordTypes = { A: 1, NS: 2, CNAME: 5, SOA: 6, AAAA: 28, OPT: 41, TLSA: 52 } as const

/** Header bits (RFC 1035 §4.1.1, RFC 4035 §3.2.3) and sizes. */
export const header = {
  octets: 12,
  response: 0x8000,
  opcodeMask: 0x7800,
  authoritative: 0x0400,
  truncated: 0x0200,
  recursionAvailable: 0x0080,
  authentic: 0x0020,
  rcodeMask: 0x000f,
} as const

/** A record of class IN, or the OPT record; its data is looked into by those who know its type. */
export interface WireRecord {
  /** As `readName` writes it. */
  readonly owner: string
  readonly type: number
  /** Seconds; 0 where the top bit was set (RFC 2181 §8). For OPT the bits as they stand. */
  readonly ttl: number
  /** Where the data begins in the message, and where it ends. */
  readonly start: number
  readonly end: number
}

/** The sections after the questions. */
export interface WireSections {
  readonly answers: readonly WireRecord[]
  readonly authorities: readonly WireRecord[]
  readonly additionals: readonly WireRecord[]
}

/** A view of `bytes` that reads numbers; it throws RangeError past the end. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/**
 * All records of a message whose questions end at `offset`. The counts of the header are believed only as far as
 * there are octets; octets after the last record are ignored, as other resolvers do.
 * @throws MalformedMessage
 */
export function readSections(message: Uint8Array, offset: number): WireSections {
  const view = viewOf(message)
  let at = offset
  const section = (countAt: number): readonly WireRecord[] => {
    const records: WireRecord[] = []
    for (let left = view.getUint16(countAt); left > 0; left--) {
      const owner = readName(message, at)
      const start = owner.end + 10
      if (start > message.length) throw new MalformedMessage('a record is cut off')
      const type = view.getUint16(owner.end)
      const ttl = view.getUint32(owner.end + 4)
      const end = start + view.getUint16(owner.end + 8)
      if (end > message.length)
        throw new MalformedMessage('a record claims more octets than there are')
      at = end
      if (type === recordTypes.OPT) records.push({ owner: owner.name, type, ttl, start, end })
      else if (view.getUint16(owner.end + 2) === classIn)
        records.push({ owner: owner.name, type, ttl: ttl > ttlMax ? 0 : ttl, start, end })
    }
    return records
  }
  return { answers: section(6), authorities: section(8), additionals: section(10) }
}

const classIn = 1
const ttlMax = 0x7fff_ffff
