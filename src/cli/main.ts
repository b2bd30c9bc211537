// The program `sightline`: its commands, in the real world.

import { runInProcess } from './process.ts'
import { chapters } from './registry.ts'

await runInProcess({
  chapters,
  // Loaded when a command runs, so that help and wrong usage answer at once.
  compose: async (out) => (await import('./compose.ts')).composeRuntime(out),
})
