// Chance that a test can repeat: a small generator behind the Random seam. Never for keys.

import type { Random } from '../../src/runtime/runtime.ts'

/** The same bytes for the same `seed`, in the same order of asking (mulberry32). */
export function createSeededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) & 0xff
  }
  return { bytes: (length) => Uint8Array.from({ length }, next) }
}
