// The system's random numbers.

import { randomBytes } from 'node:crypto'
import type { Random } from '../runtime.ts'

/** Chance from the system. */
export const nodeRandom: Random = {
  bytes: (length) => new Uint8Array(randomBytes(length)),
}
