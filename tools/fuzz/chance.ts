// Seeded chance: the same seed gives the same run of the fuzzer.

/** A source of chance. */
export interface Chance {
  /** A whole number from 0 up to, but without, `below`. */
  readonly below: (below: number) => number
  /** One of `from`, which holds something. */
  readonly pick: <T>(from: readonly [T, ...T[]]) => T
}

/** Chance from a 32-bit seed (the sfc32 generator; any seed gives a long period). */
export function chanceFrom(seed: number): Chance {
  let [a, b, c, counter] = [seed | 0, 0x9e3779b9 | 0, 0x243f6a88 | 0, 1]
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    return sum >>> 0
  }
  for (let i = 0; i < 12; i++) next()
  const below = (bound: number): number => Math.floor((next() / 2 ** 32) * bound)
  return { below, pick: (from) => from[below(from.length)] ?? from[0] }
}
