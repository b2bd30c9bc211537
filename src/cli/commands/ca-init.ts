// `sightline ca init`: makes an organisation's own CA.

import { argument, message, multiple, object, option, optional, string } from '@optique/core'
import { limits } from '../../base/limits.ts'
import { saveAuthority } from '../../identity/authority-store.ts'
import { createAuthority } from '../../identity/issue.ts'
import { defineCommand } from '../command.ts'
import { text } from '../text.ts'
import { caDirectory, caFiles, caOption, dayText, daysOption, spkiText } from './ca-shared.ts'

/** The command `ca init`. */
export const caInit = defineCommand({
  description: [
    'Makes a CA: a P-256 key and its certificate, which may sign server certificates and no further CA. Clients come to know it by a DNS record (see ca tlsa), so nothing has to be installed on them.',
    'With --names the CA is held to these names, by a critical extension that every client checks: a thief of its key cannot speak for others. An existing CA is never replaced.',
  ],
  takes: object({
    name: optional(
      argument(string({ metavar: 'NAME' }), {
        description: message`what people see as its name; default: Own CA`,
      }),
    ),
    names: multiple(
      option('--names', string({ metavar: 'NAMES' }), {
        description: message`names, addresses and address ranges that the CA may speak for, separated by commas; a name includes those below it`,
      }),
    ),
    ca: caOption,
    days: daysOption(limits.authorityDays),
  }),
  examples: [
    { run: 'sightline ca init', tells: 'a CA for everything that you run' },
    {
      run: 'sightline ca init "Example Corp" --names example.com,10.0.0.0/8',
      tells: 'a CA for these names and addresses alone',
    },
  ],
  files: caFiles,
  run: async ({ runtime, home, out }, options) => {
    const names = options.names.flatMap((list) => list.split(',').map((name) => name.trim()))
    const { name = 'Own CA', days } = options
    const made = createAuthority(runtime, { name, names, ...(days !== undefined && { days }) })
    const directory = caDirectory(home, options.ca)
    const paths = await saveAuthority(runtime.files, directory, made)
    const { notAfter } = made.certificate
    if (out.wantsJson)
      return out.json({
        name,
        ...paths,
        caSpki: spkiText(made.spkiHash),
        names,
        notAfter: new Date(notAfter).toISOString(),
      })
    out.table([
      ['key', paths.key],
      ['certificate', paths.certificate],
      ['key hash', spkiText(made.spkiHash)],
      ['valid until', dayText(notAfter)],
      ['speaks for', names.length === 0 ? 'any name' : names.join(', ')],
    ])
    out.note(text`keep the key secret, and a copy of it where a burning disk cannot take it
next: sightline ca issue ${names.find((one) => !one.includes('/')) ?? 'www.example.com'} --out DIR`)
  },
})
