// Puts DNS messages together octet by octet, so that a test can break any rule of their form.

import { concat, utf8 } from '../../src/base/bytes.ts'

/** Type numbers for `record` and `question`. */
export const types = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  TXT: 16,
  AAAA: 28,
  OPT: 41,
  TLSA: 52,
} as const

/** Header flags. */
export const flags = {
  response: 0x8000,
  authoritative: 0x0400,
  truncated: 0x0200,
  recursionDesired: 0x0100,
  recursionAvailable: 0x0080,
  authentic: 0x0020,
} as const

/** What a recursive resolver sets in an ordinary answer. */
export const usual = flags.response | flags.recursionDesired | flags.recursionAvailable

/** Where the first question's name begins. */
export const questionAt = 12

/** Two octets. */
export function u16(value: number): Uint8Array {
  return Uint8Array.of((value >> 8) & 0xff, value & 0xff)
}

/** Four octets. */
export function u32(value: number): Uint8Array {
  return concat(u16(value >>> 16), u16(value & 0xffff))
}

/** One label with its length, of any octets. */
export function label(octets: string | Uint8Array): Uint8Array {
  const bytes = typeof octets === 'string' ? utf8(octets) : octets
  return concat(Uint8Array.of(bytes.length), bytes)
}

/** A whole name from its text. */
export function name(text: string): Uint8Array {
  const labels = text === '' ? [] : text.split('.')
  return concat(...labels.map((part) => label(part)), Uint8Array.of(0))
}

/** A compression pointer. */
export function pointer(offset: number): Uint8Array {
  return u16(0xc000 | offset)
}

/** A question of class IN. */
export function question(owner: string, type: number): Uint8Array {
  return concat(name(owner), u16(type), u16(1))
}

/** A record; `length` lies about the data when given. */
export function record(
  owner: Uint8Array,
  type: number,
  options: {
    readonly data: Uint8Array
    readonly ttl?: number
    readonly length?: number
    readonly class?: number
  },
): Uint8Array {
  const { data, ttl = 300, length = data.length } = options
  return concat(owner, u16(type), u16(options.class ?? 1), u32(ttl), u16(length), data)
}

/** The data of a SOA record with the given minimum. */
export function soaData(minimum: number): Uint8Array {
  return concat(name('ns.test'), name('admin.test'), u32(1), u32(2), u32(3), u32(4), u32(minimum))
}

/** The parts of a message; `counts` (questions, answers, authorities, additionals) lies when given. */
export interface MessageParts {
  readonly id: number
  readonly flags?: number
  readonly questions: readonly Uint8Array[]
  readonly answers?: readonly Uint8Array[]
  readonly authorities?: readonly Uint8Array[]
  readonly additionals?: readonly Uint8Array[]
  readonly counts?: readonly [number, number, number, number]
}

/** The octets of a message. */
export function message(parts: MessageParts): Uint8Array {
  const sections = [
    parts.questions,
    parts.answers ?? [],
    parts.authorities ?? [],
    parts.additionals ?? [],
  ]
  const counts = parts.counts ?? sections.map((section) => section.length)
  return concat(
    u16(parts.id),
    u16(parts.flags ?? usual),
    ...counts.map((count) => u16(count)),
    ...sections.flat(),
  )
}
