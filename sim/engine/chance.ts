// Chance that a seed repeats: one stream for each thing that draws, so that one more draw here changes nothing there.

import type { Random } from '../../src/runtime/runtime.ts'
import { hashText } from './hash.ts'

/** A stream of chance. */
export interface Chance extends Random {
  /** From 0 to below 1. */
  uniform(): number
  /** A whole number from 0 to `bound` − 1. */
  below(bound: number): number
  /** True in a share `probability` of cases. */
  happens(probability: number): boolean
  /** One of `values`, which must not be empty. */
  oneOf<T>(values: readonly T[]): T
  /** `values` in random order. */
  shuffled<T>(values: readonly T[]): readonly T[]
  /** A time that is `mean` on average, and often less (exponential). */
  around(mean: number): number
  /** A stream of its own for the thing called `name`: the same for the same seed, whatever was drawn elsewhere. */
  stream(name: string): Chance
}

/** The stream that `seed` names. */
export function createChance(seed: string): Chance {
  const next = generator(seed)
  const uniform = (): number => (next() * 2 ** 21 + (next() >>> 11)) / 2 ** 53
  const below = (bound: number): number => Math.floor(uniform() * bound)
  const oneOf = <T>(values: readonly T[]): T => {
    if (values.length === 0) throw new Error('there is nothing to choose from')
    return values[below(values.length)] as T
  }
  return {
    uniform,
    below,
    oneOf,
    happens: (probability) => uniform() < probability,
    around: (mean) => -mean * Math.log(1 - uniform()),
    shuffled: (values) => {
      const shuffled = [...values]
      for (let i = shuffled.length - 1; i > 0; i--) {
        const j = below(i + 1)
        const moved = shuffled[i] as (typeof shuffled)[number]
        shuffled[i] = shuffled[j] as (typeof shuffled)[number]
        shuffled[j] = moved
      }
      return shuffled
    },
    bytes: (length) => {
      const bytes = new Uint8Array(length)
      for (let i = 0; i < length; i += 4) {
        const drawn = next()
        bytes[i] = drawn
        // Writes beyond the end have no effect.
        bytes[i + 1] = drawn >>> 8
        bytes[i + 2] = drawn >>> 16
        bytes[i + 3] = drawn >>> 24
      }
      return bytes
    },
    stream: (name) => createChance(`${seed}/${name}`),
  }
}

/** Words of 32 bits from a state of four (a small fast counter generator: sums, shifts and one rotation). */
function generator(seed: string): () => number {
  let [a = 0, b = 0, c = 0, counter = 0] = hashText(seed)
  const next = (): number => {
    const sum = (a + b + counter) >>> 0
    counter = (counter + 1) >>> 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) >>> 0
    c = (((c << 21) | (c >>> 11)) + sum) >>> 0
    return sum
  }
  for (let i = 0; i < 12; i++) next()
  return next
}
