// The simulator's clock for tests of deadlines, retries and caches, also beside real sockets.

import { createEngine, turnEventLoop, type Engine } from '../../sim/engine/engine.ts'

/** A Clock whose time stands still until it is advanced. */
export type VirtualClock = Engine

/** A virtual clock that begins at `now` (ms since 1970 UTC; by default a fixed day) and at monotonic 0. */
export function createVirtualClock(options: { readonly now?: number } = {}): VirtualClock {
  return createEngine({ ...options, settle })
}

/** Two turns of the event loop: what is ready in the first may make something ready for the second. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await turnEventLoop()
}
