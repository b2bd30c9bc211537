// Byte strings and their text forms (RFC 4648), without Node's Buffer, so that pure rooms run anywhere.

const utf8Encoder = new TextEncoder()
const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The UTF-8 bytes of `text`. */
export function utf8(text: string): Uint8Array {
  return utf8Encoder.encode(text)
}

/** The text of UTF-8 `bytes`, or null when they are not UTF-8. */
export function textOf(bytes: Uint8Array): string | null {
  try {
    return utf8Decoder.decode(bytes)
  } catch {
    return null
  }
}

/** Lower-case hexadecimal digits of `bytes`. */
export function hex(bytes: Uint8Array): string {
  let digits = ''
  for (const byte of bytes) digits += byte.toString(16).padStart(2, '0')
  return digits
}

/** The bytes of hexadecimal `digits` (either case), or null when they are not pairs of hexadecimal digits. */
export function fromHex(digits: string): Uint8Array | null {
  if (digits.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(digits)) return null
  const bytes = new Uint8Array(digits.length / 2)
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16)
  return bytes
}

// Table-driven loops: a mirror encodes a statement for every answer, and `btoa` over a string of bytes is ten
// times slower.
const urlAlphabet = utf8('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')
/** The six bits of each character code of the alphabet, 255 for all others. */
const urlValues = new Uint8Array(128).fill(255)
urlAlphabet.forEach((code, value) => (urlValues[code] = value))

/** Base64url without padding (RFC 4648 §5, RFC 7515 §2). */
export function base64url(bytes: Uint8Array): string {
  const codes = new Uint8Array(Math.ceil((bytes.length * 4) / 3))
  let written = 0
  for (let i = 0; i < bytes.length; i += 3) {
    const group = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    // Writes beyond the end of the array, after a last group of one or two bytes, have no effect.
    codes[written++] = urlAlphabet[group >> 18] ?? 0
    codes[written++] = urlAlphabet[(group >> 12) & 63] ?? 0
    codes[written++] = urlAlphabet[(group >> 6) & 63] ?? 0
    codes[written++] = urlAlphabet[group & 63] ?? 0
  }
  return utf8Decoder.decode(codes)
}

/** The bytes of unpadded base64url `text`, or null when it is not the one canonical form of some bytes. */
export function fromBase64url(text: string): Uint8Array | null {
  if (text.length % 4 === 1) return null
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4))
  let written = 0
  let group = 0
  for (let i = 0; i < text.length; i++) {
    const value = urlValues[text.charCodeAt(i)] ?? 255
    if (value === 255) return null
    group = (group << 6) | value
    const held = i & 3
    if (held > 0) bytes[written++] = (group >> (6 - 2 * held)) & 255
  }
  // The bits left over after the last byte carry nothing: other values of them would be other texts of the same bytes.
  const leftover = [0, 0, 15, 3][text.length % 4] ?? 0
  return (group & leftover) === 0 ? bytes : null
}

/** Base64 with padding (RFC 4648 §4). */
export function base64(bytes: Uint8Array): string {
  const padding = '='.repeat((3 - (bytes.length % 3)) % 3)
  return base64url(bytes).replaceAll('-', '+').replaceAll('_', '/') + padding
}

/** The bytes of padded base64 `text`, or null when it is not base64. */
export function fromBase64(text: string): Uint8Array | null {
  try {
    return Uint8Array.from(atob(text), (c) => c.charCodeAt(0))
  } catch {
    return null
  }
}

/** `parts` one after the other in one array. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

/** True when both hold the same bytes. Not constant-time: for public values only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
