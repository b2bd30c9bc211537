// `npm run demo`: the one command in a frame of its own, with the same flags, signals and exit statuses as all others.

import { composeRuntime } from '../src/cli/compose.ts'
import { runInProcess } from '../src/cli/process.ts'

// The program looks for a command's name before its flags.
process.argv.splice(2, 0, 'demo')

await runInProcess({
  chapters: [
    {
      title: 'Demonstration',
      entries: [
        {
          name: 'demo',
          summary: 'a small Internet on loopback, with attackers, in acts',
          load: async () => (await import('./command.ts')).demo,
        },
      ],
    },
  ],
  compose: async (out) => composeRuntime(out),
})
