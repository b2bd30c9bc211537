// `sightline mirrors bootstrap`: writes a bootstrap file from mirrors that one knows.

import { resolve } from 'node:path'
import { message, multiple, object, option, optional, string } from '@optique/core'
import { Failure } from '../../base/failure.ts'
import { limits } from '../../base/limits.ts'
import { loadAuthority } from '../../identity/authority-store.ts'
import { issueServer, type Authority } from '../../identity/issue.ts'
import {
  bootstrapSignerLabel,
  parseMirrorUrl,
  signBootstrap,
  writeBootstrap,
} from '../../protocol/bootstrap.ts'
import type { ListEntry } from '../../protocol/routes.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { isRegionCode } from '../../verdict/regions.ts'
import { defineCommand } from '../command.ts'
import { text } from '../text.ts'
import { spkiText } from './ca-shared.ts'
import { file, folder } from '../values.ts'

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
    sign: optional(
      option('--sign', folder('CA-DIR'), {
        description: message`sign it as a vendor, with the CA in this folder`,
      }),
    ),
    file: option('--out', file(), {
      description: message`the file to write; never replaced`,
    }),
  }),
  examples: [
    {
      run: 'sightline mirrors bootstrap --mirror "$A=ARIN-US" --mirror "$B=RIPE-DE" --out mirrors.json',
      tells: 'two mirrors in one file',
    },
    {
      run: 'sightline mirrors bootstrap --mirror "$A=ARIN-US" --sign vendor-ca --out mirrors.jws',
      tells: 'a file that a vendor vouches for; clients take it with --vendor',
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
    const now = runtime.clock.now()
    const vendor =
      values.sign === undefined ? null : await loadAuthority(runtime, resolve(values.sign))
    const content =
      vendor === null
        ? writeBootstrap(pairs, now)
        : signBootstrap(signerOf(runtime, vendor), pairs, now)
    await runtime.files.write(path, content, { mode: 0o644, exclusive: true })
    const signedBy = vendor === null ? null : spkiText(vendor.spkiHash)
    if (out.wantsJson) out.json({ file: path, pairs, vendor: signedBy })
    else
      out.line(
        text`${path} with ${pairs.length} mirrors${signedBy === null ? '' : `, vouched for by ${signedBy}`}`,
      )
  },
})

/** A key of its own for this one file, under a name that marks it; the vendor's other certificates cannot sign one. */
function signerOf(runtime: Runtime, vendor: Authority) {
  const [permitted = 'invalid'] = vendor.certificate.nameConstraints?.permittedDns ?? []
  const name = `${bootstrapSignerLabel}${permitted.replace(/^\./, '')}`
  const issued = issueServer(runtime, vendor, { names: [name], days: limits.bootstrapDays })
  return { key: issued.key, chain: [issued.certificate.der, vendor.certificate.der] }
}

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
