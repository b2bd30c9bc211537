// The command `demo`: everything at once on loopback, in acts.

import { message, object, option } from '@optique/core'
import { defineCommand } from '../src/cli/command.ts'
import { runDemo } from './demo.ts'

/** The command `demo`. */
export const demo = defineCommand({
  description: [
    'Builds a small Internet on this machine: an authoritative DNS server, sites with certificates of their own authorities, ten mirrors in five regions, and attackers. Then it plays acts on it: an honest site, poisoned DNS, interception, lying and dead mirrors, a content network, a change of keys, a stolen authority.',
    'Nothing is staged: every verdict is the answer of the production code to real sockets. It needs no root, takes free ports, and leaves nothing behind.',
  ],
  takes: object({
    keep: option('--keep', {
      description: message`leave it running after the last act, and print commands to try by hand`,
    }),
  }),
  examples: [
    { run: 'sightline demo', tells: 'all acts, in about fifteen seconds' },
    { run: 'sightline demo --keep', tells: 'then try dig, openssl and sightline verify on it' },
    { run: 'sightline demo --json', tells: 'one object an act, with its verdicts' },
  ],
  tells: { good: 'every act came out as it must', bad: 'an act did not' },
  run: ({ out, signal }, { keep }) => runDemo({ out, signal, keep }),
})
