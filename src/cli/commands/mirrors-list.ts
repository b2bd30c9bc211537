// `sightline mirrors list`: the mirrors that this client knows, and with --check whether they answer.

import { message, object, option } from '@optique/core'
import { limits } from '../../base/limits.ts'
import { createDesk } from '../../client/ask.ts'
import { formatMirrorUrl } from '../../protocol/bootstrap.ts'
import { deadline } from '../../runtime/deadline.ts'
import { defineCommand } from '../command.ts'
import { bootstrapOption, listPath, loadMirrors, vendorOption } from '../mirror-list.ts'
import { dim, green, red, text, type Text } from '../text.ts'
import { allowPrivateOption } from '../vantage.ts'

/** The command `mirrors list`. */
export const mirrorsList = defineCommand({
  description: [
    'Shows the mirrors that this client knows, by region. With --check it connects to each, by address, and checks that its CA is the one that the list names.',
  ],
  takes: object({
    bootstraps: bootstrapOption,
    vendors: vendorOption,
    check: option('--check', { description: message`connect to each mirror and check its CA` }),
    allowPrivate: allowPrivateOption,
  }),
  examples: [{ run: 'sightline mirrors list --check', tells: 'which mirrors answer' }],
  files: [
    { path: '$SIGHTLINE_HOME/mirrors.json', what: 'the list, unless --bootstrap names others' },
  ],
  run: async ({ runtime, home, out, signal }, values) => {
    const mirrors = await loadMirrors(runtime, { ...values, home })
    const desk = createDesk(runtime)
    const { signal: bounded, done } = deadline(runtime.clock, limits.verifyTimeoutMs, signal)
    const rows = await Promise.all(
      mirrors.map(async (mirror) => ({
        ...mirror,
        answers: values.check ? await desk.warm(mirror, bounded) : null,
      })),
    ).finally(() => {
      done()
      desk.close()
    })
    if (out.wantsJson) return out.json({ mirrors: rows })
    const sorted = rows.toSorted((a, b) => (a.region ?? '').localeCompare(b.region ?? ''))
    out.table(
      sorted.map((row): Text[] => [
        row.region ?? 'unknown',
        formatMirrorUrl(row),
        stateText(row.answers),
      ]),
    )
    if (rows.length === 0)
      out.note(text`no mirrors are known; a list would be at ${listPath(home)}`)
  },
})

function stateText(answers: boolean | null): Text {
  if (answers === null) return dim('not asked')
  return answers ? green('answers') : red('does not answer as this id')
}
