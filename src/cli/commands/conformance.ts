// `sightline conformance`: does a mirror, of whatever make, keep the protocol?

import { argument, message, object, option, string, withDefault } from '@optique/core'
import { tryConformance, type CheckResult } from '../../client/conformance/conformance.ts'
import { parseTarget } from '../../observation/target.ts'
import { parseMirrorUrl } from '../../protocol/bootstrap.ts'
import { defineCommand } from '../command.ts'
import { exitCodes } from '../exit.ts'
import type { Output } from '../output.ts'
import { bold, dim, green, red, text, yellow, type Text } from '../text.ts'
import { allowPrivateOption } from '../vantage.ts'

/** The command `conformance`. */
export const conformance = defineCommand({
  description: [
    'Tries a mirror from outside, over HTTPS, and tells which clauses of the specification (docs/spec/secure-mirror-protocol.md) it keeps and which it breaks. It is for whoever writes a mirror, in any language.',
    'Some hundred small requests are made, one after the other, within seconds. Nothing is asked that changes what the mirror thinks of anybody. What a mirror does not have, such as a log, is skipped.',
  ],
  takes: object({
    mirror: argument(string({ metavar: 'URL#ID' }), {
      description: message`the mirror, as it names itself: https://IP:PORT#ID`,
    }),
    target: withDefault(
      option('--target', string({ metavar: 'TARGET' }), {
        description: message`what the mirror is asked to look at`,
      }),
      'https://example.com',
    ),
    allowPrivate: allowPrivateOption,
  }),
  examples: [
    {
      run: 'sightline conformance https://192.0.2.7#ID',
      tells: 'each clause, and whether it is kept',
    },
    {
      run: 'sightline conformance https://127.0.0.1:8443#ID --target 127.0.0.1:4433 --allow-private --json',
      tells: 'a mirror of a test network, for a program',
    },
  ],
  tells: { good: 'every clause that was tried is kept', bad: 'some are broken' },
  run: async ({ runtime, out, signal }, values) => {
    const mirror = parseMirrorUrl(values.mirror)
    const target = parseTarget(values.target)
    const { allowPrivate } = values
    const result = await tryConformance(runtime, {
      mirror,
      target,
      allowPrivate,
      signal,
      onCheck: ({ clause, demand }) => out.progress.show(text`${clause}: ${demand}`),
    })
    out.progress.clear()
    if (out.wantsJson) out.json(result)
    else {
      for (const check of result.checks) printCheck(out, check)
      const { passed, failed, skipped } = result
      const sign = failed > 0 ? red('✘') : green('✔')
      out.line()
      out.line(
        text`${sign} ${bold(result.mirror)}  ${passed} kept, ${failed} broken, ${skipped} skipped`,
      )
    }
    return result.failed > 0 ? exitCodes.contradicted : exitCodes.corroborated
  },
})

const signs: Readonly<Record<CheckResult['outcome'], Text>> = {
  passed: green('✔'),
  failed: red('✘'),
  skipped: dim('–'),
}

function printCheck(out: Output, { clause, demand, outcome, text: why }: CheckResult): void {
  out.line(text`${signs[outcome]} ${clause.padEnd(9)} ${demand}`)
  if (why === null) return
  out.line(text`            ${outcome === 'failed' ? yellow(why) : dim(why)}`)
}
