// A fast hash of 128 bits for the simulator alone: seeds, traces and made-up signatures. It resists accidents, not enemies.

/** A hash, or a key of one: four words of 32 bits. */
export type Words = Uint32Array

/** The words that a hash starts from where there is no key. */
export const noKey: Words = Uint32Array.of(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344)

const multipliers = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f] as const
const [m0, m1, m2, m3] = multipliers

/** The hash of `bytes` under `key`. */
export function hashBytes(bytes: Uint8Array, key: Words = noKey): Words {
  let [a = 0, b = 0, c = 0, d = 0] = key
  const whole = bytes.length & ~15
  let i = 0
  while (i < whole) {
    a = stir(a ^ word(bytes, i), m0) + b
    b = stir(b ^ word(bytes, i + 4), m1) + c
    c = stir(c ^ word(bytes, i + 8), m2) + d
    d = stir(d ^ word(bytes, i + 12), m3) + a
    i += 16
  }
  for (; i < bytes.length; i++) {
    a = stir(a ^ (bytes[i] ?? 0), m0) + b
    b = stir(b ^ a, m1) + c
  }
  c ^= bytes.length
  // Three rounds carry every bit into every word.
  for (let round = 0; round < 3; round++) {
    a = avalanche(a + d)
    b = avalanche(b ^ a)
    c = avalanche(c + b)
    d = avalanche(d ^ c)
  }
  return Uint32Array.of(a, b, c, d)
}

const encoder = new TextEncoder()

/** The hash of a text's UTF-8 bytes under `key`. */
export function hashText(text: string, key: Words = noKey): Words {
  return hashBytes(encoder.encode(text), key)
}

/** A number from 0 to below 1 that depends on `text` and `key` alone. */
export function shareOf(text: string, key: Words = noKey): number {
  const [a = 0, b = 0] = hashText(text, key)
  return (a * 2 ** 21 + (b >>> 11)) / 2 ** 53
}

/** `value` with its bits spread over the word. */
export function avalanche(value: number): number {
  let mixed = value ^ (value >>> 16)
  mixed = Math.imul(mixed, 0x7feb352d)
  mixed ^= mixed >>> 15
  mixed = Math.imul(mixed, 0x846ca68b)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

function stir(value: number, multiplier: number): number {
  const product = Math.imul(value, multiplier)
  return (product << 13) | (product >>> 19)
}

function word(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24)
  )
}
