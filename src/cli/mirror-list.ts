// The client's list of mirrors on disk, and the flags that name others.

import { join } from 'node:path'
import { message, multiple, option, type ValueParser } from '@optique/core'
import { mirrorsOf, type MirrorFile } from '../client/directory.ts'
import { isSavedList, mirrorsIn, readSavedList, type SavedList } from '../client/saved.ts'
import { parameters } from '../membership/parameters.ts'
import type { ListEntry } from '../protocol/routes.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { Output } from './output.ts'
import { bold, text } from './text.ts'
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

/** Where the bootstrap files are remembered that the list began with. */
export function bootstrapsPath(home: string): string {
  return join(home, 'bootstraps.json')
}

/** The mirrors that a command works with. */
export interface LoadedMirrors {
  readonly mirrors: readonly ListEntry[]
  /** The list that mirrors agreed on, where they come from it; null for those of a bootstrap file. */
  readonly agreed: SavedList | null
}

/**
 * The mirrors of `bootstraps`, or of the client's own list when none is named; none at all when there is no list yet.
 * @throws Failure file-missing, file-failed, file-malformed, bootstrap-malformed, bootstrap-private, bootstrap-unvouched
 */
export async function loadMirrors(
  runtime: Runtime,
  options: {
    readonly bootstraps: readonly string[]
    readonly home: string
    readonly allowPrivate: boolean
    readonly vendors: readonly string[]
  },
): Promise<LoadedMirrors> {
  const own = listPath(options.home)
  if (options.bootstraps.length > 0) {
    const files = await readFiles(runtime, options.bootstraps)
    return { mirrors: mirrorsOf(runtime, files, options), agreed: null }
  }
  if (!(await runtime.files.exists(own))) return { mirrors: [], agreed: null }
  const bytes = await runtime.files.read(own, 'list of mirrors')
  // A bootstrap file that somebody put in the place of a list serves as well.
  if (!isSavedList(bytes))
    return { mirrors: mirrorsOf(runtime, [{ source: own, bytes }], options), agreed: null }
  const agreed = readSavedList(bytes, own)
  return { mirrors: mirrorsIn(agreed), agreed }
}

/** The bootstrap files at `paths`. @throws Failure file-missing, file-failed */
export function readFiles(
  runtime: Pick<Runtime, 'files'>,
  paths: readonly string[],
): Promise<readonly MirrorFile[]> {
  return Promise.all(
    paths.map(async (source) => ({
      source,
      bytes: await runtime.files.read(source, 'bootstrap file'),
    })),
  )
}

/** Says that a list should be renewed, when it is older than it should be (R36). */
export function noteAge(out: Output, agreed: SavedList | null, now: number): void {
  const ageMs = agreed === null ? 0 : now - agreed.agreed
  if (ageMs > parameters.list.refreshMs)
    out.note(
      text`the list of mirrors is ${daysText(ageMs)} old: renew it with ${bold('sightline mirrors refresh')}`,
    )
}

/** Whole days, or less than one, as people say it. */
export function daysText(ms: number): string {
  const days = Math.floor(ms / 86_400_000)
  if (days < 1) return 'less than a day'
  return days === 1 ? 'a day' : `${days} days`
}
