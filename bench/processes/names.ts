// A process that is the DNS of a bench: every name below `.test` exists, has one address and the TLSA record of one CA.

import type { Answer, DecodedPacket, Packet } from 'dns-packet'
import { AUTHORITATIVE_ANSWER, RECURSION_AVAILABLE } from 'dns-packet'
import { listenDns } from '../../demo/dns/listen.ts'

/** What every name answers with. */
export interface Names {
  /** The first two octets of every address, such as `127.1`; the number in a name makes the other two. */
  readonly network: string
  /** SHA-256 of the SPKI of the CA that every name authorises (TLSA 2 1 1), in hexadecimal. */
  readonly caSpki: string
}

const names = JSON.parse(process.argv[2] ?? '{}') as Names
const caSpki = Buffer.from(names.caSpki, 'hex')

function recordsOf(name: string, type: string): readonly Answer[] {
  const isService = name.startsWith('_')
  if (type === 'A' && !isService) return [{ type: 'A', name, ttl: 60, data: addressOf(name) }]
  if (type === 'TLSA' && isService && !name.startsWith('_ca.'))
    return [
      {
        type: 'TLSA',
        name,
        ttl: 60,
        data: { usage: 2, selector: 1, matchingType: 1, certificate: caSpki },
      },
    ]
  return []
}

function addressOf(name: string): string {
  const number = Number(/\d+/.exec(name)?.[0] ?? 0)
  return `${names.network}.${(number >> 8) & 255}.${number & 255}`
}

function reply(query: DecodedPacket): Promise<Packet> {
  const question = query.questions?.[0]
  const answers =
    question === undefined ? [] : recordsOf(question.name.toLowerCase(), question.type)
  const spelt = answers.map((record) => ({ ...record, name: question?.name ?? '' }))
  const nothing: Answer = {
    type: 'SOA',
    name: 'test',
    ttl: 60,
    data: {
      mname: 'ns.test',
      rname: 'hostmaster.test',
      serial: 1,
      refresh: 3600,
      retry: 600,
      expire: 86_400,
      minimum: 60,
    },
  }
  return Promise.resolve({
    type: 'response',
    id: query.id ?? 0,
    flags: AUTHORITATIVE_ANSWER | RECURSION_AVAILABLE | ((query.flags ?? 0) & 0x0100),
    questions: query.questions ?? [],
    answers: spelt,
    authorities: spelt.length === 0 ? [nothing] : [],
  })
}

const server = await listenDns('127.0.0.1', reply)
process.stdout.write(`ready ${server.endpoint.port}\n`)
