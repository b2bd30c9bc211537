// `sightline explain`: checks an evidence file offline, and tells its story.

import { argument, message, object } from '@optique/core'
import { checkEvidence, readEvidence, type Evidence, type Finding } from '../../client/evidence.ts'
import { parseTarget } from '../../observation/target.ts'
import { defineCommand } from '../command.ts'
import { exitCodes, worst } from '../exit.ts'
import type { Output } from '../output.ts'
import { dim, green, red, text } from '../text.ts'
import { file } from '../values.ts'
import { exitCodeOf, printVerdict } from '../verdict-text.ts'

/** The command `explain`. */
export const explain = defineCommand({
  description: [
    'Checks what `verify --evidence` wrote, on any machine and without a network: that each mirror itself signed what it is said to have seen, at that time and about that target, and that the verdict follows from it by the policy that was used.',
    'What the client saw itself is its own word: nobody signed it. The nonces of the answers were its guard against replays, and cannot be checked by others; the times can.',
  ],
  takes: object({
    file: argument(file(), { description: message`an evidence file` }),
  }),
  examples: [
    {
      run: 'sightline verify example.com --evidence e.json; sightline explain e.json',
      tells: 'the same verdict, without asking anybody',
    },
  ],
  judges: true,
  run: async ({ runtime, out }, values) => {
    const evidence = readEvidence(
      await runtime.files.read(values.file, 'evidence file'),
      values.file,
    )
    const codes = evidence.map((one) => {
      const finding = checkEvidence(runtime.crypto, one)
      if (out.wantsJson) out.json({ ...finding, at: one.at, claimed: one.outcome })
      else printFinding(out, one, finding)
      return finding.holds ? exitCodeOf(finding.verdict.outcome) : exitCodes.contradicted
    })
    return worst(codes)
  },
})

function printFinding(out: Output, evidence: Evidence, finding: Finding): void {
  const when = new Date(evidence.at).toISOString()
  const sound = evidence.answers.length - finding.faults.length
  out.line(
    dim(
      `judged ${when}; ${sound} of ${evidence.answers.length} statements are signed as they must be`,
    ),
  )
  for (const fault of finding.faults) out.line(text`  ${red('✘')} ${fault}`)
  printVerdict(out, finding.verdict, parseTarget(evidence.target).display)
  out.line()
  out.line(
    finding.holds
      ? green('the evidence holds: the same verdict follows from it')
      : text`${red('the evidence does not hold')}: it claims ${evidence.outcome}`,
  )
}
