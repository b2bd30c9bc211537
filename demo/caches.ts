// Waiting for caches to forget: the TTL of the records, and the floor that mirrors keep answers for.

import { limits } from '../src/base/limits.ts'
import { sleep } from '../src/runtime/deadline.ts'
import type { Stage } from './act.ts'
import { recordTtl } from './owner.ts'
import { world } from './world.ts'

/** Waits until no cache can hold an answer from before this moment, telling how long it still takes. */
export async function cachesTurnOver(
  what: string,
  { tell, signal }: Pick<Stage, 'tell' | 'signal'>,
): Promise<void> {
  // An answer may be fetched by a mirror at the last moment of the resolver's, and is then kept for the floor.
  const seconds = recordTtl + limits.dnsCacheTtlMinS
  for (let left = seconds; left > 0; left--) {
    tell(`${what}; every cache has seen it in ${left} s`)
    await sleep(world.clock, 1000, signal)
  }
}
