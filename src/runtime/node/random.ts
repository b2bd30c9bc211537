// The system's random numbers.

import { randomBytes } from 'node:crypto'
import type { Random } from '../runtime.ts'

export const nodeRandom: Random = {
  bytes: (length) => new Uint8Array(randomBytes(length)),
}
