// `sightline mirrors list`: the mirrors that this client knows, and with --check whether they answer.

import { message, object, option } from '@optique/core'
import { limits } from '../../base/limits.ts'
import { createDesk } from '../../client/ask.ts'
import type { SavedList } from '../../client/saved.ts'
import { formatMirrorUrl } from '../../protocol/bootstrap.ts'
import { deadline } from '../../runtime/deadline.ts'
import { defineCommand } from '../command.ts'
import {
  bootstrapOption,
  daysText,
  listPath,
  loadMirrors,
  noteAge,
  vendorOption,
} from '../mirror-list.ts'
import { dim, green, red, text, type Text } from '../text.ts'
import { allowPrivateOption } from '../vantage.ts'

/** The command `mirrors list`. */
export const mirrorsList = defineCommand({
  description: [
    'Shows the mirrors that this client knows, by region, and when and by how many mirrors the list was agreed on. With --check it connects to each, by address, and checks that its CA is the one that the list names.',
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
    const { mirrors, agreed } = await loadMirrors(runtime, { ...values, home })
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
    if (out.wantsJson) return out.json({ mirrors: rows, ...originOf(agreed) })
    if (agreed !== null) out.line(originText(agreed, runtime.clock.now()))
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
    noteAge(out, agreed, runtime.clock.now())
  },
})

/** When and by whom the list was made; nothing for a bootstrap file. */
function originOf(agreed: SavedList | null) {
  return agreed === null
    ? {}
    : { agreed: agreed.agreed, asked: agreed.asked, lists: agreed.from.length }
}

function originText({ agreed, asked, from }: SavedList, now: number): Text {
  const age = daysText(Math.max(0, now - agreed))
  return dim(`agreed on ${age} ago, by the lists of ${from.length} of ${asked} mirrors asked`)
}

function stateText(answers: boolean | null): Text {
  if (answers === null) return dim('not asked')
  return answers ? green('answers') : red('does not answer as this id')
}
