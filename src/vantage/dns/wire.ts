// Walks a DNS message (RFC 1035 §4.1) within bounds: header, records and names as they stand, whatever a stranger wrote.

import { limits } from '../../base/limits.ts'

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

/** A message that breaks the rules of its own form; the text says which. */
export class MalformedMessage extends Error {
  constructor(text: string) {
    super(text)
    this.name = 'MalformedMessage'
  }
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

/**
 * The name at `offset`, in lower case, without a final dot ('' is the root), and where it ends in place. Octets that
 * no host name has, and dots inside a label, are written `\DDD` (RFC 1035 §5.1), so that two names are equal exactly
 * when their texts are.
 * @throws MalformedMessage for names over 255 octets, unknown label types, and pointers that do not lead backwards
 */
export function readName(
  message: Uint8Array,
  offset: number,
): { readonly name: string; readonly end: number } {
  const labels: string[] = []
  let octets = 0
  let pointers = 0
  let end: number | null = null
  /** Pointers must lead in front of this: so they come to an end. */
  let front = offset
  for (let at = offset; ;) {
    const length = octetAt(message, at)
    if (length === 0) return { name: labels.join('.'), end: end ?? at + 1 }
    if (length > limits.labelOctetsMax) {
      const target = ((length & 0x3f) << 8) | octetAt(message, at + 1)
      if (length < 0xc0) throw new MalformedMessage('a name holds a label of unknown type')
      if (target >= front) throw new MalformedMessage('a name points at itself or forwards')
      if (++pointers > limits.dnsPointersMax)
        throw new MalformedMessage('a name is a chain of pointers')
      end ??= at + 2
      front = target
      at = target
      continue
    }
    octets += length + 1
    if (octets > limits.nameOctetsMax + 1) throw new MalformedMessage('a name is too long')
    if (at + 1 + length > message.length) throw new MalformedMessage('a name is cut off')
    labels.push(labelText(message.subarray(at + 1, at + 1 + length)))
    at += length + 1
  }
}

function octetAt(message: Uint8Array, at: number): number {
  const octet = message[at]
  if (octet === undefined) throw new MalformedMessage('a name is cut off')
  return octet
}

/** ASCII alone is lowered (RFC 4343): Unicode rules would make names equal that DNS holds different. */
function labelText(label: Uint8Array): string {
  let text = ''
  for (const octet of label) {
    if (octet >= 0x41 && octet <= 0x5a) text += String.fromCharCode(octet + 0x20)
    else if (octet <= 0x20 || octet >= 0x7f || octet === 0x2e || octet === 0x5c)
      text += `\\${String(octet).padStart(3, '0')}`
    else text += String.fromCharCode(octet)
  }
  return text
}

/** True for a name whose text is its labels as they are: one that we may print, and ask for again. */
export function isPlainName(name: string): boolean {
  return name !== '' && !name.includes('\\')
}
