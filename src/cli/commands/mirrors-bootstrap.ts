// `sightline mirrors bootstrap`: writes a bootstrap file from mirrors that one knows.

import { resolve } from 'node:path'
import { message, multiple, object, option, string } from '@optique/core'
import { Failure } from '../../base/failure.ts'
import { parseMirrorUrl, writeBootstrap } from '../../protocol/bootstrap.ts'
import type { ListEntry } from '../../protocol/routes.ts'
import { isRegionCode } from '../../verdict/regions.ts'
import { defineCommand } from '../command.ts'
import { text } from '../text.ts'

/** The command `mirrors bootstrap`. */
export const mirrorsBootstrap = defineCommand({
  description: [
    'Writes a bootstrap file: the addresses of mirrors with the fingerprints of their CAs, from which a client starts. A mirror prints its URL with its id when it is ready.',
  ],
  takes: object({
    mirrors: multiple(
      option('--mirror', string({ metavar: 'URL#ID=REGION' }), {
        description: message`a mirror and its region, such as https://192.0.2.7:443#…=RIPE-DE; repeatable`,
      }),
      { min: 1 },
    ),
    file: option('--out', string({ metavar: 'FILE' }), {
      description: message`the file to write; never replaced`,
    }),
  }),
  examples: [
    {
      run: 'sightline mirrors bootstrap --mirror "$A=ARIN-US" --mirror "$B=RIPE-DE" --out mirrors.json',
      tells: 'two mirrors in one file',
    },
  ],
  run: async ({ runtime, out }, values) => {
    const pairs = values.mirrors.map(readPair)
    const twice = pairs.find((pair, i) => pairs.findIndex((other) => other.id === pair.id) !== i)
    if (twice !== undefined)
      throw new Failure('usage', {
        action: 'write bootstrap',
        what: `the mirror ${JSON.stringify(twice.id)} is named twice`,
      })
    const path = resolve(values.file)
    const content = writeBootstrap(pairs, runtime.clock.now())
    await runtime.files.write(path, content, { mode: 0o644, exclusive: true })
    if (out.wantsJson) out.json({ file: path, pairs })
    else out.line(text`${path} with ${pairs.length} mirrors`)
  },
})

function readPair(given: string): ListEntry {
  const cut = given.lastIndexOf('=')
  const region = cut < 0 ? '' : given.slice(cut + 1)
  if (!isRegionCode(region))
    throw new Failure('usage', {
      action: 'read mirror',
      what: `${JSON.stringify(given)} must end in =REGION, such as =RIPE-DE`,
    })
  return { ...parseMirrorUrl(given.slice(0, cut)), region }
}
