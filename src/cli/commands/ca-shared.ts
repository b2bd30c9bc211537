// What the `ca` commands share: where the CA is, and how keys and dates are shown.

import { join, resolve } from 'node:path'
import { integer, message, option, optional } from '@optique/core'
import { hex } from '../../base/bytes.ts'
import { limits } from '../../base/limits.ts'
import { authorityPaths } from '../../identity/authority-store.ts'
import { folder } from '../values.ts'

/** The option `--ca DIR`. */
export const caOption = optional(
  option('--ca', folder(), {
    description: message`folder of the CA, instead of ca in SIGHTLINE_HOME`,
  }),
)

/** The option `--days N`. */
export const daysOption = (usual: number) =>
  optional(
    option('--days', integer({ metavar: 'N', min: 1, max: limits.certificateDaysMax }), {
      description: message`days that the certificate is valid, instead of ${String(usual)}`,
    }),
  )

/** The absolute path of the folder of the CA. */
export function caDirectory(home: string, chosen: string | undefined): string {
  return chosen === undefined ? join(home, 'ca') : resolve(chosen)
}

/** The files of a CA, for manual pages. */
export const caFiles = [
  { path: authorityPaths('SIGHTLINE_HOME/ca').key, what: 'the key of the CA; it must stay secret' },
  { path: authorityPaths('SIGHTLINE_HOME/ca').certificate, what: 'the certificate of the CA' },
]

/** The hash of a key, as results show it. */
export function spkiText(hash: Uint8Array): string {
  return `sha256:${hex(hash)}`
}

/** The day of `ms`, in UTC. */
export function dayText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
