// `sightline version`: what is running here.

import { object } from '@optique/core'
import { readFileSync } from 'node:fs'
import { defineCommand } from '../command.ts'
import { text } from '../text.ts'

/** The version of the package, from its own description. */
export function packageVersion(): string {
  const description = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(description) as { version: string }).version
}

/** The command `version`. */
export const version = defineCommand({
  description: [
    'Prints the version of Sightline, and those of the Node and the OpenSSL that it runs with. Both decide which TLS versions, key exchange groups and certificates can be seen, so a report of a problem should hold them.',
  ],
  takes: object({}),
  examples: [
    { run: 'sightline version', tells: 'the three versions, one a line' },
    { run: 'sightline version --json', tells: 'the same as one JSON object' },
  ],
  run: async ({ out }) => {
    const versions = {
      sightline: packageVersion(),
      node: process.versions.node,
      openssl: process.versions.openssl ?? 'none',
    }
    if (out.wantsJson) out.json(versions)
    else for (const [name, value] of Object.entries(versions)) out.line(text`${name} ${value}`)
  },
})
