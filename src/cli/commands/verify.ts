// `sightline verify`: looks from here and from the network, and judges.

import {
  argument,
  message,
  multiple,
  object,
  option,
  optional,
  string,
  withDefault,
} from '@optique/core'
import { limits } from '../../base/limits.ts'
import { createClient, type Report } from '../../client/client.ts'
import { writeEvidence } from '../../client/evidence.ts'
import { parseTarget } from '../../observation/target.ts'
import type { Files } from '../../runtime/runtime.ts'
import { isPolicyName, policies, readPolicy, type Policy } from '../../verdict/policies.ts'
import { defineCommand } from '../command.ts'
import { worst } from '../exit.ts'
import { bootstrapOption, loadMirrors, noteAge, vendorOption } from '../mirror-list.ts'
import { bold, text } from '../text.ts'
import { duration, file } from '../values.ts'
import {
  allowPrivateOption,
  connectOption,
  connectTo,
  ownProbe,
  resolverOption,
} from '../vantage.ts'
import { exitCodeOf, printVerdict } from '../verdict-text.ts'

/** The command `verify`. */
export const verify = defineCommand({
  description: [
    'Asks whether a TLS service is the one that everybody else sees, and the one that its owner names. This machine looks itself: local DNS, TLS handshake. At the same moment mirrors in different regions look from their own places. Their signed answers are compared, and the verdict says who said what, k of n, and why.',
    'Where the owner publishes TLSA records, enough vantages must see the record that the presented chain matches. Where there are none, enough vantages must have been shown the same key.',
    'Nothing is alarmed on the first sight of a difference: more vantages are asked afresh before.',
  ],
  takes: object({
    targets: multiple(
      argument(string({ metavar: 'TARGET' }), {
        description: message`host, host:port, https://host[:port], tls://host:port and the like`,
      }),
      { min: 1 },
    ),
    bootstraps: bootstrapOption,
    vendors: vendorOption,
    policy: withDefault(
      option('--policy', file('NAME|FILE'), {
        description: message`literal, default, high or mpic, or a JSON file`,
      }),
      'default',
    ),
    resolvers: resolverOption,
    connect: connectOption,
    timeout: withDefault(
      option('--timeout', duration({ minMs: 100, maxMs: 120_000 }), {
        description: message`for each target as a whole`,
      }),
      limits.verifyTimeoutMs,
    ),
    evidence: optional(
      option('--evidence', file(), {
        description: message`write the signed observations, which anybody can check`,
      }),
    ),
    oblivious: option('--oblivious', {
      description: message`ask each mirror through another: that one sees who asks, and the mirror sees what`,
    }),
    allowPrivate: allowPrivateOption,
  }),
  examples: [
    { run: 'sightline verify example.com', tells: 'is this the real example.com?' },
    {
      run: 'sightline verify https://www.example.com:8443 --policy high --json',
      tells: 'a stricter policy, for a program',
    },
    {
      run: 'sightline verify example.com --resolver 192.0.2.53 --connect 198.51.100.7',
      tells: 'what a user of that resolver would get, at that address',
    },
    {
      run: 'sightline verify example.com --oblivious',
      tells: 'without telling any mirror who wants to know',
    },
  ],
  files: [
    {
      path: '$SIGHTLINE_HOME/mirrors.json',
      what: 'the mirrors that are known, unless --bootstrap names others',
    },
  ],
  judges: true,
  run: async ({ runtime, home, out, signal }, values) => {
    const targets = values.targets.map(parseTarget)
    const policy = await choosePolicy(runtime.files, values.policy)
    const { mirrors, agreed } = await loadMirrors(runtime, { ...values, home })
    const probe = ownProbe(runtime, values.resolvers)
    const { timeout: timeoutMs, oblivious } = values
    const client = createClient(runtime, { mirrors, probe, policy, timeoutMs, oblivious })
    const reports: Report[] = []
    try {
      for (const target of targets) {
        out.progress.show(
          text`looking at ${target.display} from here and from ${mirrors.length} mirrors`,
        )
        const connect = connectTo(values.connect, target.port)
        const report = await client.verify(target, {
          signal,
          ...(connect === null ? {} : { connect }),
        })
        out.progress.clear()
        reports.push(report)
        if (out.wantsJson) out.json(jsonOf(report))
        else printVerdict(out, report, target.display)
      }
    } finally {
      client.close()
    }
    if (values.evidence !== undefined)
      await runtime.files.write(
        values.evidence,
        writeEvidence(reports.map((one) => one.evidence)),
        {
          mode: 0o644,
          exclusive: true,
        },
      )
    if (mirrors.length === 0)
      out.note(
        text`no mirrors are known: name a bootstrap file with --bootstrap, or make a list with ${bold('sightline mirrors refresh')}`,
      )
    noteAge(out, agreed, runtime.clock.now())
    return worst(reports.map((report) => exitCodeOf(report.outcome)))
  },
})

/** A built-in policy, or one from a file. @throws Failure policy-malformed, file-missing */
async function choosePolicy(files: Files, name: string): Promise<Policy> {
  if (isPolicyName(name)) return policies[name]
  return readPolicy(await files.read(name, 'policy'), name)
}

/** The documented object of `--json`; descriptors and the rest of the evidence belong to the evidence file. */
export function jsonOf(report: Report): Omit<Report, 'descriptors' | 'evidence'> {
  const { descriptors: _descriptors, evidence: _evidence, ...rest } = report
  return rest
}
