// The two kinds of DNS server of the small Internet: one authoritative server, and recursive-looking resolvers with caches and, where an attacker got in, lies.

import { randomInt } from 'node:crypto'
import {
  AUTHORITATIVE_ANSWER,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
  type Answer,
  type DecodedPacket,
  type Packet,
  type Question,
} from 'dns-packet'
import type { Endpoint } from '../../src/runtime/runtime.ts'
import { exchangeDns, listenDns, type DnsServer } from './listen.ts'
import type { ZoneAnswer, Zones } from './zones.ts'

/** A resolver of one place, with its own cache. */
export interface RegionalResolver extends DnsServer {
  /** From now on, whatever `lies` holds a record for is answered from there; null ends it. */
  poison(lies: Zones | null): void
}

const responseCodes = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const

/** An answer, or the word that there is none to be had. */
type Result = Omit<ZoneAnswer, 'status'> & { readonly status: keyof typeof responseCodes }

const failed: Result = { status: 'SERVFAIL', answers: [], authorities: [] }

/** What a resolver announces with EDNS (RFC 6891). */
const edns: Answer = {
  type: 'OPT',
  name: '.',
  udpPayloadSize: 1232,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
}

/**
 * Serves `zones` at `address`. `regionOf` tells a resolver's region from its address: two regions may
 * get different answers to one question, as from any content network.
 */
export function serveAuthority(
  address: string,
  zones: Zones,
  regionOf: (address: string) => string | null,
): Promise<DnsServer> {
  return listenDns(address, async (query, from) =>
    respond(query, AUTHORITATIVE_ANSWER, zones.answer(questionOf(query), regionOf(from))),
  )
}

/**
 * A resolver at `address` that asks `authority` from that address, and remembers answers for as long
 * as their TTL allows.
 */
export async function serveResolver(
  address: string,
  authority: Endpoint,
): Promise<RegionalResolver> {
  const cache = new Map<string, { readonly result: Result; readonly until: number }>()
  let lies: Zones | null = null

  const ask = async (question: Question): Promise<Result> => {
    const key = `${question.type} ${question.name.toLowerCase()}`
    const held = cache.get(key)
    if (held !== undefined && held.until > Date.now()) return aged(held.result, held.until)
    const query: Packet = {
      type: 'query',
      id: randomInt(65_536),
      questions: [question],
      additionals: [edns],
    }
    const reply = await exchangeDns(query, authority, address)
    const result = resultOf(reply)
    cache.set(key, { result, until: Date.now() + 1_000 * ttlOf(result) })
    return result
  }

  const server = await listenDns(address, async (query) => {
    const question = questionOf(query)
    const flags = RECURSION_AVAILABLE | ((query.flags ?? 0) & RECURSION_DESIRED)
    const result =
      lies?.has(question.name, question.type) === true
        ? lies.answer(question, null)
        : await ask(question).catch(() => failed)
    return respond(query, flags, result)
  })
  return { ...server, poison: (zones) => void (lies = zones) }
}

function questionOf(query: DecodedPacket): Question {
  const question = query.questions?.[0]
  if (question === undefined) throw new Error('a query without a question was let through')
  return question
}

function resultOf(reply: DecodedPacket): Result {
  const code = (reply.flags ?? 0) & 15
  const status = (['NOERROR', 'NXDOMAIN', 'REFUSED'] as const).find(
    (name) => responseCodes[name] === code,
  )
  if (status === undefined) return failed
  return { status, answers: reply.answers ?? [], authorities: reply.authorities ?? [] }
}

/** How long the whole answer may be kept, in seconds: as long as the record in it that ages first. */
function ttlOf(result: Result): number {
  const ttls = [...result.answers, ...result.authorities].map((record) =>
    'ttl' in record ? (record.ttl ?? 0) : 0,
  )
  return ttls.length === 0 ? 0 : Math.min(...ttls)
}

/** The answer as it is told later: with the seconds that are left of it. */
function aged(result: Result, until: number): Result {
  const left = Math.ceil((until - Date.now()) / 1_000)
  const age = (record: Answer): Answer =>
    'ttl' in record ? { ...record, ttl: Math.min(record.ttl ?? 0, left) } : record
  return {
    status: result.status,
    answers: result.answers.map(age),
    authorities: result.authorities.map(age),
  }
}

/** The message that answers `query`, with the name in the very letters of the question (0x20). */
function respond(query: DecodedPacket, flags: number, result: Result): Packet {
  const question = questionOf(query)
  const asked = question.name.toLowerCase()
  const spell = (record: Answer): Answer =>
    record.name.toLowerCase() === asked ? { ...record, name: question.name } : record
  return {
    type: 'response',
    id: query.id,
    flags: flags | responseCodes[result.status],
    questions: [question],
    answers: result.answers.map(spell),
    authorities: [...result.authorities],
    additionals: query.additionals?.some((record) => record.type === 'OPT') === true ? [edns] : [],
  }
}
