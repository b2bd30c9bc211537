// The client's list of mirrors on disk, and the flags that name others.

import { join } from 'node:path'
import { message, multiple, option, string } from '@optique/core'
import { mirrorsOf, type MirrorFile } from '../client/directory.ts'
import type { ListEntry } from '../protocol/routes.ts'
import type { Files } from '../runtime/runtime.ts'

/** `--bootstrap FILE`, as often as wanted. */
export const bootstrapOption = multiple(
  option('--bootstrap', string({ metavar: 'FILE' }), {
    description: message`know the mirrors of this file; repeatable. Default: the list in the home folder`,
  }),
)

/** Where the client's own list is kept. */
export function listPath(home: string): string {
  return join(home, 'mirrors.json')
}

/**
 * The mirrors of `files`, or of the client's own list when none is named; none at all when there is no list yet.
 * @throws Failure file-missing, file-failed, bootstrap-malformed, bootstrap-private
 */
export async function loadMirrors(
  files: Files,
  options: {
    readonly bootstraps: readonly string[]
    readonly home: string
    readonly allowPrivate: boolean
  },
): Promise<readonly ListEntry[]> {
  const own = listPath(options.home)
  const paths =
    options.bootstraps.length > 0 ? options.bootstraps : (await files.exists(own)) ? [own] : []
  const read = paths.map(async (source): Promise<MirrorFile> => ({
    source,
    bytes: await files.read(source, 'bootstrap file'),
  }))
  return mirrorsOf(await Promise.all(read), options)
}
