// `sightline ca lint`: is a site served as clients of its own CA need it?

import { argument, message, object, string } from '@optique/core'
import { lint, type Finding } from '../../identity/lint.ts'
import { tlsaOwner } from '../../identity/zone-line.ts'
import { parseTarget } from '../../observation/target.ts'
import { defineCommand } from '../command.ts'
import { exitCodes } from '../exit.ts'
import type { Output } from '../output.ts'
import { bold, dim, green, red, text, yellow } from '../text.ts'
import { connectOption, connectTo, ownProbe, resolverOption } from '../vantage.ts'

/** The command `ca lint`. */
export const caLint = defineCommand({
  description: [
    'Looks at a site of yours as a client does, at each of its addresses, and tells what keeps clients away that know it by its TLSA records: a record that is missing or names another key, a CA that is not sent, names, dates, weak keys, addresses that serve something else.',
    'A fault keeps clients away or unprotected, a warning does not yet. TTLs are seen through a resolver, which may have kept a record for a while: ask the name server of the zone itself with --resolver to see them whole.',
  ],
  takes: object({
    target: argument(string({ metavar: 'TARGET' }), {
      description: message`the service: host, host:port, or scheme://host`,
    }),
    resolvers: resolverOption,
    connect: connectOption,
  }),
  examples: [
    { run: 'sightline ca lint https://www.example.com', tells: 'what is wrong, and what to do' },
    {
      run: 'sightline ca lint www.example.com --json --quiet',
      tells: 'for a monitor: one JSON object, and status 1 when there is a fault',
    },
  ],
  tells: { good: 'served as it must be; there may be warnings', bad: 'there are faults' },
  run: async ({ runtime, out, signal }, values) => {
    const target = parseTarget(values.target)
    const owner = tlsaOwner(target)
    const connect = connectTo(values.connect, target.port)
    out.progress.show(text`looking at ${target.display}`)
    const look = await ownProbe(runtime, values.resolvers).look(
      { target, ...(connect === null ? {} : { connect }) },
      signal,
    )
    out.progress.clear()
    const at = runtime.clock.now()
    const { sight, chains } = look
    const chosen = connect !== null
    const findings = lint(runtime.crypto, { target, sight, chosen, chains, at })
    const faults = findings.filter(({ severity }) => severity === 'fault').length
    if (out.wantsJson) {
      const addresses = sight.handshakes.map(({ address }) => address)
      const records = sight.dns.authority.records
      out.json({ target: target.text, owner, ok: faults === 0, addresses, records, findings })
    } else printFindings(out, findings, { display: target.display, faults })
    return faults === 0 ? exitCodes.corroborated : exitCodes.contradicted
  },
})

function printFindings(
  out: Output,
  findings: readonly Finding[],
  of: { readonly display: string; readonly faults: number },
): void {
  const { display, faults } = of
  const warnings = findings.length - faults
  const counts = `${count(faults, 'fault')}, ${count(warnings, 'warning')}`
  const sign = faults > 0 ? red('✘') : green('✔')
  out.line(text`${sign} ${bold(display)}  ${counts}`)
  for (const { id, severity, address, text: what, why, remedy } of findings) {
    out.line()
    const colour = severity === 'fault' ? red : yellow
    const where = address === null ? '' : ` at ${address}`
    out.line(text`${colour(severity)} ${bold(id)}${where}`)
    out.line(text`  ${what}`)
    out.line(text`  ${dim(why)}`)
    out.line(text`  to do: ${remedy}`)
  }
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
