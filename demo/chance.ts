// Chance that can be had twice: for acts that must know beforehand which mirrors will be drawn.

import { createHash } from 'node:crypto'
import type { Random } from '../src/runtime/runtime.ts'

/** The same bytes after each call of this function: SHA-256 of a counter. */
export function repeatableChance(): Random {
  let counter = 0
  return {
    bytes: (length) => {
      const parts: Buffer[] = []
      for (let have = 0; have < length; have += 32)
        parts.push(createHash('sha256').update(`${counter++}`).digest())
      return new Uint8Array(Buffer.concat(parts)).slice(0, length)
    },
  }
}
