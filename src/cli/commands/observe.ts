// `sightline observe`: what this vantage sees of a target, as an observation.

import { argument, message, object, string } from '@optique/core'
import type { Handshake, Sight } from '../../observation/observation.ts'
import { parseTarget } from '../../observation/target.ts'
import { defineCommand } from '../command.ts'
import type { Output } from '../output.ts'
import { bold, dim, green, red, text, type Text } from '../text.ts'
import { connectOption, connectTo, ownProbe, resolverOption } from '../vantage.ts'

/** The command `observe`. */
export const observe = defineCommand({
  description: [
    'Looks at a target from this machine alone and tells what is seen: addresses and aliases, TLSA records, and a TLS handshake with each address. Nothing is judged, and no HTTP request is made.',
  ],
  takes: object({
    target: argument(string({ metavar: 'TARGET' }), {
      description: message`host, host:port, https://host[:port], tls://host:port and the like`,
    }),
    resolvers: resolverOption,
    connect: connectOption,
  }),
  examples: [
    { run: 'sightline observe example.com', tells: 'addresses, records and keys' },
    { run: 'sightline observe tls://192.0.2.7:8443 --json', tells: 'one JSON object' },
  ],
  run: async ({ runtime, out, signal }, values) => {
    const target = parseTarget(values.target)
    const connect = connectTo(values.connect, target.port)
    out.progress.show(text`looking at ${target.display}`)
    const look = await ownProbe(runtime, values.resolvers).look(
      { target, ...(connect === null ? {} : { connect }) },
      signal,
    )
    out.progress.clear()
    if (out.wantsJson) out.json(look.sight)
    else printSight(out, look.sight, target.display)
  },
})

function printSight(out: Output, sight: Sight, display: string): void {
  const { a, aaaa, authority } = sight.dns
  out.line(bold(display))
  const answer = (given: { status: string; records: readonly string[] }): string =>
    given.records.length > 0 ? given.records.join(' ') : given.status
  out.table([
    ['  A', answer(a)],
    ['  AAAA', answer(aaaa)],
    ...(a.cname.length > 0 ? [['  alias of', a.cname.join(' → ')]] : []),
    ['  TLSA', answer(authority)],
    [dim('       at'), dim(authority.owner || '–')],
  ])
  for (const handshake of sight.handshakes) printHandshake(out, handshake)
}

function printHandshake(out: Output, handshake: Handshake): void {
  const state: Text =
    handshake.outcome === 'completed' ? green('completed') : red(handshake.outcome)
  out.line(text`  ${handshake.address} port ${handshake.port}: ${state}`)
  if (handshake.error !== null) out.line(text`    ${handshake.error.text}`)
  if (handshake.outcome !== 'completed') return
  const { protocol, cipher, group, alpn } = handshake
  out.line(text`    ${[protocol, cipher, group, alpn].filter((one) => one !== null).join(', ')}`)
  handshake.chain.forEach((link, i) =>
    out.line(text`    ${i === 0 ? 'leaf' : 'then'} ${dim('key')} ${link.spki}`),
  )
}
