// `sightline ca tlsa`: prints the DNS record that names the CA of a service, or publishes it.

import {
  argument,
  integer,
  message,
  object,
  option,
  optional,
  string,
  withDefault,
} from '@optique/core'
import { Failure } from '../../base/failure.ts'
import { limits } from '../../base/limits.ts'
import { textOf } from '../../base/bytes.ts'
import { fromPem } from '../../base/pem.ts'
import { loadAuthority } from '../../identity/authority-store.ts'
import { publishRecord } from '../../identity/dns-update.ts'
import { parseTsigKey } from '../../identity/tsig-key-file.ts'
import {
  authorityAssociation,
  serverAssociation,
  tlsaOwner,
  zoneLine,
  type TlsaRecord,
} from '../../identity/zone-line.ts'
import type { AssociationText } from '../../observation/observation.ts'
import { parseTarget } from '../../observation/target.ts'
import { formatEndpoint } from '../../runtime/endpoint.ts'
import type { Endpoint } from '../../runtime/runtime.ts'
import { defineCommand, type Context } from '../command.ts'
import { text } from '../text.ts'
import { endpoint, file } from '../values.ts'
import { caDirectory, caFiles, caOption } from './ca-shared.ts'

/** The command `ca tlsa`. */
export const caTlsa = defineCommand({
  description: [
    'Prints the TLSA record of a service as a line for a zone file. It says that the key of your CA (2 1 1) vouches for the service, so it stays the same when servers get new certificates. With --leaf it names the key of one server (3 1 1), for a server without a CA.',
    'With --update the record is published by a dynamic update (RFC 2136) signed with a TSIG key, as BIND, Knot, PowerDNS and others take it. It replaces all TLSA records of the name in one step; with --add it stands beside them, which is how a new key is announced before it is used: wait for twice the TTL in between.',
  ],
  takes: object({
    target: argument(string({ metavar: 'TARGET' }), {
      description: message`the service: host, host:port, or scheme://host`,
    }),
    ttl: withDefault(
      option('--ttl', integer({ metavar: 'SECONDS', min: 0, max: limits.ttlMaxS }), {
        description: message`how long others may keep the record; 60 to 300 is wise`,
      }),
      limits.tlsaTtlS,
    ),
    leaf: optional(
      option('--leaf', file(), {
        description: message`name the key of the first certificate in this PEM file instead of the CA`,
      }),
    ),
    update: optional(
      option('--update', endpoint({ defaultPort: 53 }), {
        description: message`publish the record at this name server`,
      }),
    ),
    tsig: optional(
      option('--tsig', file(), {
        description: message`the key for it, as tsig-keygen writes it`,
      }),
    ),
    add: option('--add', { description: message`keep the records that are there` }),
    ca: caOption,
  }),
  examples: [
    {
      run: 'sightline ca tlsa https://www.example.com',
      tells: '_443._tcp.www.example.com. 300 IN TLSA 2 1 1 6b86…',
    },
    {
      run: 'sightline ca tlsa smtp://mx.example.com --update 192.0.2.53 --tsig dns.key',
      tells: 'publishes the record, and asks the server for it afterwards',
    },
  ],
  files: caFiles,
  run: async (context, options) => {
    const { out } = context
    const { update: server, tsig } = options
    if ((server === undefined) !== (tsig === undefined))
      throw new Failure('usage', {
        action: 'ca tlsa',
        what: server === undefined ? '--tsig has no --update' : '--update needs --tsig',
        hint: 'give both, as in --update 192.0.2.53 --tsig dns.key',
      })
    const owner = tlsaOwner(parseTarget(options.target))
    const association = await associationOf(context, options)
    const record = { owner, ttl: options.ttl, association }
    if (server === undefined || tsig === undefined) {
      if (out.wantsJson) return out.json({ ...record, line: zoneLine(record) })
      return out.line(zoneLine(record))
    }
    const { add: keepOthers } = options
    await publish(context, { record, server, tsig, keepOthers })
  },
})

async function publish(
  { runtime, out, signal }: Context,
  order: {
    readonly record: TlsaRecord
    readonly server: Endpoint
    readonly tsig: string
    readonly keepOthers: boolean
  },
): Promise<void> {
  const { record, server } = order
  const key = parseTsigKey(order.tsig, await runtime.files.read(order.tsig, 'TSIG key'))
  const { zone, associations } = await publishRecord(runtime, { ...order, key, signal })
  if (out.wantsJson) {
    const where = { server: formatEndpoint(server), zone, associations }
    return out.json({ ...record, line: zoneLine(record), ...where })
  }
  out.line(zoneLine(record))
  out.note(text`published in the zone ${zone} at ${formatEndpoint(server)}`)
  const others = associations.filter((association) => association !== record.association)
  for (const association of others) out.note(text`beside it: ${association}`)
}

async function associationOf(
  { runtime, home }: Context,
  options: { readonly leaf: string | undefined; readonly ca: string | undefined },
): Promise<AssociationText> {
  const { crypto, files } = runtime
  const path = options.leaf
  if (path === undefined) {
    const authority = await loadAuthority(runtime, caDirectory(home, options.ca))
    return authorityAssociation(crypto, authority.certificate)
  }
  const pem = textOf(await files.read(path, 'certificate')) ?? ''
  const [der] = fromPem('CERTIFICATE', pem) ?? []
  if (der === undefined)
    throw new Failure('file-malformed', { path, why: 'it holds no PEM certificate' })
  return serverAssociation(crypto, crypto.readCertificate(der))
}
