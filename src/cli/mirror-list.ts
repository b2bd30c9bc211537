// The client's list of mirrors on disk, and the flags that name others.

import { join } from 'node:path'
import { message, multiple, option, type ValueParser } from '@optique/core'
import { mirrorsOf, type MirrorFile } from '../client/directory.ts'
import type { ListEntry } from '../protocol/routes.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { file } from './values.ts'

/** `--bootstrap FILE`, as often as wanted. */
export const bootstrapOption = multiple(
  option('--bootstrap', file(), {
    description: message`know the mirrors of this file; repeatable. Default: the list in the home folder`,
  }),
)

/** `--vendor HASH`, as often as wanted. */
export const vendorOption = multiple(
  option('--vendor', spkiHash(), {
    description: message`believe only bootstrap files signed under this CA (sha256:… of its key); repeatable`,
  }),
)

/** `sha256:` and 64 hexadecimal digits, as `ca init` prints; the value is the digits in lower case. */
function spkiHash(): ValueParser<'sync', string> {
  return {
    mode: 'sync',
    metavar: 'HASH',
    placeholder: '0'.repeat(64),
    parse: (input) => {
      const digits = /^(?:sha256:)?([0-9a-fA-F]{64})$/.exec(input)?.[1]
      return digits === undefined
        ? {
            success: false,
            error: message`Expected ${'sha256:'} and 64 hexadecimal digits, but got ${input}.`,
          }
        : { success: true, value: digits.toLowerCase() }
    },
    format: (digits) => `sha256:${digits}`,
  }
}

/** Where the client's own list is kept. */
export function listPath(home: string): string {
  return join(home, 'mirrors.json')
}

/**
 * The mirrors of `files`, or of the client's own list when none is named; none at all when there is no list yet.
 * @throws Failure file-missing, file-failed, bootstrap-malformed, bootstrap-private, bootstrap-unvouched
 */
export async function loadMirrors(
  runtime: Runtime,
  options: {
    readonly bootstraps: readonly string[]
    readonly home: string
    readonly allowPrivate: boolean
    readonly vendors: readonly string[]
  },
): Promise<readonly ListEntry[]> {
  const own = listPath(options.home)
  const paths =
    options.bootstraps.length > 0
      ? options.bootstraps
      : (await runtime.files.exists(own))
        ? [own]
        : []
  const read = paths.map(async (source): Promise<MirrorFile> => ({
    source,
    bytes: await runtime.files.read(source, 'bootstrap file'),
  }))
  return mirrorsOf(runtime, await Promise.all(read), options)
}
