// Reads DER (X.690 §8, §10) strictly, one level at a time: no recursion, no copies, and the first wrong byte stops.

import { Failure } from '../../base/failure.ts'

/** One value: its tag octet, its contents, and contents with header. Views into the bytes that were read. */
export interface DerValue {
  readonly tag: number
  readonly content: Uint8Array
  readonly whole: Uint8Array
}

/** Tag octets of X.680 that certificates use. */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  bmpString: 0x1e,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

/**
 * The values that follow each other in `bytes` and fill them exactly.
 * @throws Failure certificate-malformed, naming `what` was read
 */
export function derValues(bytes: Uint8Array, what: string): readonly DerValue[] {
  const values: DerValue[] = []
  let from = 0
  while (from < bytes.length) {
    const value = valueAt(bytes, from, what)
    values.push(value)
    from += value.whole.length
  }
  return values
}

/** The one value that `bytes` are. @throws Failure certificate-malformed */
export function derValue(bytes: Uint8Array, what: string): DerValue {
  const value = valueAt(bytes, 0, what)
  if (value.whole.length !== bytes.length)
    throw malformed(`${bytes.length - value.whole.length} bytes follow the ${what}`)
  return value
}

/** The contents of `value` when it has that tag. @throws Failure certificate-malformed */
export function expectTag(value: DerValue | undefined, tag: number, what: string): Uint8Array {
  if (value === undefined) throw malformed(`the ${what} is missing`)
  if (value.tag !== tag)
    throw malformed(`the ${what} has tag 0x${value.tag.toString(16)}, not 0x${tag.toString(16)}`)
  return value.content
}

/** Children of `value`, which must be a SEQUENCE. @throws Failure certificate-malformed */
export function derSequence(value: DerValue | undefined, what: string): readonly DerValue[] {
  return derValues(expectTag(value, tags.sequence, what), what)
}

/** Longest object identifier read, in octets; RFC 5280 appendix B needs 100 characters, UUID arcs 20 octets. */
const oidOctetsMax = 64

/** Dotted decimal form of an OBJECT IDENTIFIER's contents. @throws Failure certificate-malformed */
export function oidText(content: Uint8Array): string {
  const last = content.at(-1)
  if (last === undefined || last >= 0x80 || content.length > oidOctetsMax)
    throw malformed('an object identifier is empty, cut off or too long')
  const arcs: bigint[] = []
  let arc = 0n
  for (const octet of content) {
    arc = (arc << 7n) | BigInt(octet & 0x7f)
    if (octet >= 0x80) continue
    arcs.push(arc)
    arc = 0n
  }
  const [first = 0n, ...others] = arcs
  const root = first < 80n ? first / 40n : 2n
  return [root, first - root * 40n, ...others].join('.')
}

/** The failure for a certificate that is not what RFC 5280 says. */
export function malformed(why: string, cause?: unknown): Failure<'certificate-malformed'> {
  return new Failure('certificate-malformed', { why }, { cause })
}

function valueAt(bytes: Uint8Array, from: number, what: string): DerValue {
  const tag = bytes[from]
  const first = bytes[from + 1]
  if (tag === undefined || first === undefined) throw malformed(`the ${what} is cut off`)
  if ((tag & 0x1f) === 0x1f) throw malformed(`the ${what} holds a tag over 30`)
  let start = from + 2
  let length = first
  if (first >= 0x80) {
    const octets = first & 0x7f
    if (octets === 0) throw malformed(`the ${what} has an indefinite length, which DER forbids`)
    if (octets > 4) throw malformed(`the ${what} claims a length of over 4 GB`)
    length = 0
    for (let i = 0; i < octets; i++) length = length * 256 + (bytes[start + i] ?? 0)
    start += octets
    if (length < 0x80 || length < 256 ** (octets - 1))
      throw malformed(`the ${what} has a length that is not in its shortest form`)
  }
  const end = start + length
  if (end > bytes.length)
    throw malformed(`the ${what} is cut off: ${end - bytes.length} bytes are missing`)
  return { tag, content: bytes.subarray(start, end), whole: bytes.subarray(from, end) }
}
