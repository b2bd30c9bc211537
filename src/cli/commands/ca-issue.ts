// `sightline ca issue`: makes a server's key and certificate under the organisation's own CA.

import { resolve } from 'node:path'
import { argument, message, multiple, object, option, string, withDefault } from '@optique/core'
import { limits } from '../../base/limits.ts'
import { loadAuthority } from '../../identity/authority-store.ts'
import { issueServer } from '../../identity/issue.ts'
import { refuseToReplace, saveServer, serverPaths } from '../../identity/server-files.ts'
import { defineCommand } from '../command.ts'
import { text } from '../text.ts'
import { caDirectory, caFiles, caOption, dayText, daysOption, spkiText } from './ca-shared.ts'
import { folder } from '../values.ts'

/** The command `ca issue`. */
export const caIssue = defineCommand({
  description: [
    'Makes a P-256 key and a certificate for a server, signed by your CA. The chain file holds the certificate first and the CA last, because clients that know the CA by its DNS record need to be sent it.',
    'The first name names the files: * becomes _wildcard, and the colons of an address become dashes. Existing files are never replaced: write a renewal to another folder and swap.',
  ],
  takes: object({
    names: multiple(
      argument(string({ metavar: 'NAME' }), {
        description: message`a DNS name, *.name for every name one label below, or an IP address`,
      }),
      { min: 1 },
    ),
    directory: withDefault(
      option('--out', folder(), {
        description: message`folder for the two files; default: here`,
      }),
      '.',
    ),
    ca: caOption,
    days: daysOption(limits.serverDays),
  }),
  examples: [
    {
      run: 'sightline ca issue www.example.com example.com --out /etc/tls',
      tells: '/etc/tls/www.example.com.key and .crt',
    },
    { run: 'sightline ca issue 192.0.2.7 --days 7 --json', tells: 'for an address, a week long' },
  ],
  files: caFiles,
  run: async ({ runtime, home, out }, options) => {
    const { names, days } = options
    const authority = await loadAuthority(runtime, caDirectory(home, options.ca))
    const paths = serverPaths(resolve(options.directory), names[0] ?? '')
    await refuseToReplace(runtime.files, paths)
    const issued = issueServer(runtime, authority, {
      names,
      ...(days !== undefined && { days }),
    })
    await saveServer(runtime.files, paths, issued)
    if (out.wantsJson) return out.json({ ...paths, caSpki: spkiText(authority.spkiHash) })
    out.table([
      ['key', paths.key],
      ['chain', paths.chain],
    ])
    const { dnsNames, notAfter } = issued.certificate
    out.note(text`valid until ${dayText(notAfter)}`)
    // A record is published for a name of a service, which a wildcard or an address is not.
    const service = dnsNames.find((name) => !name.startsWith('*'))
    if (service !== undefined) out.note(text`next: sightline ca tlsa ${service}`)
  },
})
