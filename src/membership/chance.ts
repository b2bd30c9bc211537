// Uniform choices out of random bytes: what every draw of the network's rules is made of.

import type { Random } from '../runtime/runtime.ts'

/** A uniform integer from 0 to `bound` − 1 (0 for a bound below 2); values that would favour the low ones are drawn again. */
export function integerBelow(random: Random, bound: number): number {
  if (bound <= 1) return 0
  const range = 2 ** 32
  const fair = range - (range % bound)
  for (;;) {
    const [a = 0, b = 0, c = 0, d = 0] = random.bytes(4)
    const value = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
    if (value < fair) return value % bound
  }
}

/**
 * `values` in random order, drawn as they are taken: the first ten of ten thousand cost ten draws and no copy
 * (Fisher–Yates, remembering only what was moved).
 */
export function* inRandomOrder<T>(random: Random, values: readonly T[]): Generator<T, void, void> {
  const moved = new Map<number, T>()
  const at = (i: number): T => (moved.has(i) ? moved.get(i) : values[i]) as T
  for (let i = 0; i < values.length; i++) {
    const drawn = i + integerBelow(random, values.length - i)
    const value = at(drawn)
    if (drawn !== i) moved.set(drawn, at(i))
    moved.delete(i)
    yield value
  }
}

/** At most `count` of `values`, each at most once, uniformly, in random order. */
export function sample<T>(random: Random, values: readonly T[], count: number): readonly T[] {
  const drawn: T[] = []
  if (count <= 0) return drawn
  for (const value of inRandomOrder(random, values)) {
    drawn.push(value)
    if (drawn.length >= count) break
  }
  return drawn
}
