// The trace of a run: everything that happened, folded into one hash. Two runs with the same one did the same.

import { avalanche, hashBytes } from './hash.ts'

/** Takes in what happens, in the order in which it does. */
export interface Trace {
  /** A whole number, by its lower 32 bits. */
  word(value: number): void
  /** A time or another number with fractions. */
  number(value: number): void
  bytes(value: Uint8Array): void
  text(value: string): void
  /** All of it until now, as 16 hexadecimal digits. */
  hash(): string
}

const encoder = new TextEncoder()

/** An empty trace. */
export function createTrace(): Trace {
  let low = 0x6a09e667
  let high = 0xbb67ae85
  const float = new Float64Array(1)
  const halves = new Uint32Array(float.buffer)
  const word = (value: number): void => {
    low = Math.imul(low ^ value, 0x9e3779b1)
    low = ((low << 15) | (low >>> 17)) + high
    high = Math.imul(high ^ low, 0x85ebca77)
    high ^= high >>> 13
  }
  const bytes = (value: Uint8Array): void => {
    for (const part of hashBytes(value)) word(part)
  }
  return {
    word,
    bytes,
    number: (value) => {
      float[0] = value
      word(halves[0] ?? 0)
      word(halves[1] ?? 0)
    },
    text: (value) => bytes(encoder.encode(value)),
    hash: () =>
      [avalanche(low ^ avalanche(high)), avalanche(high)]
        .map((half) => half.toString(16).padStart(8, '0'))
        .join(''),
  }
}
