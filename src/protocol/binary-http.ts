// Binary HTTP (RFC 9292): requests and responses of known length, without informational responses and without trailers.

import { concat, textOf, utf8 } from '../base/bytes.ts'
import { limits } from '../base/limits.ts'

/** Header fields in order; names in lower case (RFC 9292 §3.6). */
export type Fields = readonly (readonly [name: string, value: string])[]

/** A request; all but the content is ASCII. */
export interface BinaryRequest {
  readonly method: string
  readonly scheme: string
  readonly authority: string
  readonly path: string
  readonly fields: Fields
  readonly content: Uint8Array
}

/** A final response. */
export interface BinaryResponse {
  /** From 200 to 599. */
  readonly status: number
  readonly fields: Fields
  readonly content: Uint8Array
}

/** The framing indicators of messages of known length (RFC 9292 §3.3). */
const framing = { request: 0, response: 1 } as const

/** `request` in bytes, padded with zeros to the next multiple of `block` (RFC 9292 §3.8). */
export function writeRequest(request: BinaryRequest, block = 1): Uint8Array {
  const { method, scheme, authority, path } = request
  const control = [method, scheme, authority, path].map((one) => counted(utf8(one)))
  return padded([variable(framing.request), ...control, ...rest(request)], block)
}

/** `response` in bytes, padded with zeros to the next multiple of `block`. */
export function writeResponse(response: BinaryResponse, block = 1): Uint8Array {
  const control = variable(response.status)
  return padded([variable(framing.response), control, ...rest(response)], block)
}

/** The request in `bytes`; null when they are none, or none of the kind that is taken here. */
export function readRequest(bytes: Uint8Array): BinaryRequest | null {
  const reader = createReader(bytes)
  try {
    reader.expect(framing.request)
    const method = reader.text()
    const scheme = reader.text()
    const authority = reader.text()
    const path = reader.text()
    return { method, scheme, authority, path, ...readRest(reader) }
  } catch (error) {
    if (error === malformed) return null
    throw error
  }
}

/** The response in `bytes`; null when they are none, or none of the kind that is taken here. */
export function readResponse(bytes: Uint8Array): BinaryResponse | null {
  const reader = createReader(bytes)
  try {
    reader.expect(framing.response)
    const status = reader.variable()
    if (status < 200 || status > 599) throw malformed
    return { status, ...readRest(reader) }
  } catch (error) {
    if (error === malformed) return null
    throw error
  }
}

/** The value of the one field `name`; null when there is none, or more than one. */
export function fieldOf(fields: Fields, name: string): string | null {
  const [first, second] = fields.filter((field) => field[0] === name)
  return first === undefined || second !== undefined ? null : first[1]
}

function rest({ fields, content }: Pick<BinaryRequest, 'fields' | 'content'>): Uint8Array[] {
  const lines = fields.flatMap(([name, value]) => [counted(utf8(name)), counted(utf8(value))])
  // The last is the trailer section, without any.
  return [counted(concat(...lines)), counted(content), variable(0)]
}

function padded(parts: readonly Uint8Array[], block: number): Uint8Array {
  const message = concat(...parts)
  const length = Math.ceil(message.length / block) * block
  return concat(message, new Uint8Array(length - message.length))
}

/** An integer of variable length (RFC 9000 §16); no message here is as long as 2^30 bytes. */
function variable(value: number): Uint8Array {
  if (value < 0x40) return Uint8Array.of(value)
  if (value < 0x4000) return Uint8Array.of(0x40 | (value >> 8), value & 255)
  return Uint8Array.of(0x80 | (value >> 24), (value >> 16) & 255, (value >> 8) & 255, value & 255)
}

function counted(bytes: Uint8Array): Uint8Array {
  return concat(variable(bytes.length), bytes)
}

/** What a reader throws, and what alone its callers catch. */
const malformed = new Error('not a binary HTTP message')

interface Reader {
  variable(): number
  /** As many bytes as the integer before them says. */
  counted(): Uint8Array
  /** The same, as ASCII without control characters. */
  text(): string
  expect(value: number): void
  readonly isAtEnd: boolean
  /** All that is left. */
  left(): Uint8Array
}

/** Reads from the start of `bytes`; what is not there, or not allowed, throws `malformed`. */
function createReader(bytes: Uint8Array): Reader {
  let at = 0
  const take = (length: number): Uint8Array => {
    if (length > bytes.length - at) throw malformed
    at += length
    return bytes.subarray(at - length, at)
  }
  const readVariable = (): number => {
    const [first = 0] = take(1)
    const more = take((1 << (first >> 6)) - 1)
    // Eight bytes can say more than a number holds exactly; that is more than there are bytes in any case.
    return more.reduce((value, byte) => value * 256 + byte, first & 0x3f)
  }
  const readCounted = (): Uint8Array => take(readVariable())
  return {
    variable: readVariable,
    counted: readCounted,
    text: () => {
      const text = textOf(readCounted())
      if (text === null || !/^[\x20-\x7e]*$/.test(text)) throw malformed
      return text
    },
    expect: (value) => {
      if (readVariable() !== value) throw malformed
    },
    get isAtEnd() {
      return at === bytes.length
    },
    left: () => take(bytes.length - at),
  }
}

/**
 * Fields, content, trailers and padding. A message may be cut off where only empty parts would follow (RFC 9292 §3.8),
 * and a padding of anything but zeros is an error.
 */
function readRest(reader: Reader): Pick<BinaryRequest, 'fields' | 'content'> {
  const fields = reader.isAtEnd ? [] : readFields(createReader(reader.counted()))
  const content = reader.isAtEnd ? new Uint8Array() : new Uint8Array(reader.counted())
  // Trailers, which must not be there, begin with a zero as well.
  if (reader.left().some((byte) => byte !== 0)) throw malformed
  return { fields, content }
}

function readFields(reader: Reader): Fields {
  const fields: [string, string][] = []
  while (!reader.isAtEnd) {
    if (fields.length >= limits.binaryHttpFieldsMax) throw malformed
    const name = reader.text()
    // A field name is a token (RFC 9110 §5.6.2), here without capitals.
    if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name)) throw malformed
    fields.push([name, reader.text()])
  }
  return fields
}
