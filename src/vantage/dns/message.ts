// One DNS question as octets, and what an answer says to it (RFC 1035, 2308, 3596, 6698, 6891), read as hostile input.

import ipaddr from 'ipaddr.js'
import { AUTHENTIC_DATA, encode, RECURSION_DESIRED } from 'dns-packet'
import { isPlainName, MalformedMessage, readName } from '../../base/dns-name.ts'
import { invariant } from '../../base/invariant.ts'
import { limits } from '../../base/limits.ts'
import {
  formatAssociation,
  readAssociation,
  type Association,
} from '../../observation/association.ts'
import type { DnsAnswer, DnsStatus } from '../../observation/observation.ts'
import {
  header,
  readSections,
  recordTypes,
  viewOf,
  type WireRecord,
  type WireSections,
} from './wire.ts'

/** What we ask for. */
export type QueryType = 'A' | 'AAAA' | 'NS' | 'TLSA'

/** One question as it is sent. */
export interface Question {
  /** 16 random bits. */
  readonly id: number
  /** Without a final dot, in the very case that the answer must repeat. */
  readonly name: string
  readonly type: QueryType
}

/**
 * What a datagram or a message over TCP turned out to be.
 * `stray`: not an answer to this question. `other-case`: it would be one, but for the case of the name.
 * `truncated`: the answer did not fit; ask over TCP. `alias`: aliases and not one word about the last of them, as from
 * a server that does not follow them; ask it for the last name.
 */
export type Reading =
  | { readonly kind: 'answer'; readonly answer: DnsAnswer }
  | {
      readonly kind: 'alias'
      readonly cname: readonly string[]
      readonly ttl: number
      readonly ad: boolean
    }
  | { readonly kind: 'stray' | 'other-case' | 'truncated' }

/**
 * The octets of a question to a recursive resolver. AD is set, so that the answer's AD bit means something without
 * signatures being sent along (RFC 6840 §5.7), and EDNS announces how long a datagram may be (RFC 6891).
 */
export function encodeQuery(question: Question): Uint8Array {
  invariant(isAskable(question.name), 'only names that DNS allows are asked for')
  return encode({
    type: 'query',
    id: question.id,
    flags: RECURSION_DESIRED | AUTHENTIC_DATA,
    questions: [{ type: question.type, class: 'IN', name: question.name }],
    additionals: [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: limits.dnsUdpPayloadBytes,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      },
    ],
  })
}

/** True when a question for `name` can be written: printable ASCII in labels of 1 to 63 octets, 253 in all. */
export function isAskable(name: string): boolean {
  return (
    name.length <= limits.nameOctetsMax &&
    /^[!-[\]-~]+$/u.test(name) &&
    name.split('.').every((label) => label.length >= 1 && label.length <= limits.labelOctetsMax)
  )
}

/**
 * What `message` says to `question`; any octets whatever are taken. It is an answer only if it is a response to a
 * standard query with our id and exactly our question, in our case unless `anyCase`.
 */
export function readAnswer(
  message: Uint8Array,
  question: Question,
  options: { readonly anyCase?: boolean } = {},
): Reading {
  const likeness = compareQuestion(message, question)
  if (likeness === 'other' || (likeness === 'other-case' && options.anyCase !== true))
    return { kind: likeness === 'other' ? 'stray' : 'other-case' }
  if ((viewOf(message).getUint16(2) & header.truncated) !== 0) return { kind: 'truncated' }
  try {
    return readSaying(message, question)
  } catch (error) {
    if (!(error instanceof MalformedMessage)) throw error
    return { kind: 'answer', answer: nonAnswer('malformed', error.message) }
  }
}

/** An answer that says nothing but why there is none. */
export function nonAnswer(status: DnsStatus, error: string): DnsAnswer {
  return { status, records: [], ttl: null, ad: false, cname: [], error }
}

/** True when the status says something about the name, and not about our way to it. */
export function isAnswer(answer: DnsAnswer): boolean {
  return answer.status === 'ok' || answer.status === 'nodata' || answer.status === 'nxdomain'
}

function compareQuestion(
  message: Uint8Array,
  question: Question,
): 'equal' | 'other-case' | 'other' {
  const end = questionEnd(question)
  if (message.length < end) return 'other'
  const view = viewOf(message)
  const flags = view.getUint16(2)
  if (
    view.getUint16(0) !== question.id ||
    (flags & header.response) === 0 ||
    (flags & header.opcodeMask) !== 0 ||
    view.getUint16(4) !== 1
  )
    return 'other'
  const asked = encodeQuery(question)
  let likeness: 'equal' | 'other-case' = 'equal'
  for (let at = header.octets; at < end; at++) {
    if (message[at] === asked[at]) continue
    // Only letters change with 0x20: lengths, our types and the class are below them.
    if (lowerLetter(message[at]) !== lowerLetter(asked[at])) return 'other'
    likeness = 'other-case'
  }
  return likeness
}

/** The name has one octet more than its text has in front, the root label behind; then come type and class. */
function questionEnd(question: Question): number {
  return header.octets + question.name.length + 2 + 4
}

function lowerLetter(octet: number | undefined): number | undefined {
  return octet !== undefined && octet >= 0x41 && octet <= 0x5a ? octet + 0x20 : octet
}

/** RFC 1035 §4.1.1, RFC 6895 §2.3: names for people. */
const rcodeNames: Readonly<Record<number, string>> = {
  1: 'FORMERR',
  2: 'SERVFAIL',
  3: 'NXDOMAIN',
  4: 'NOTIMP',
  5: 'REFUSED',
  16: 'BADVERS',
  23: 'BADCOOKIE',
}
const rcodes = { noError: 0, nxdomain: 3, refused: 5 } as const

/** @throws MalformedMessage */
function readSaying(message: Uint8Array, question: Question): Reading {
  const flags = viewOf(message).getUint16(2)
  const sections = readSections(message, questionEnd(question))
  const rcode = (flags & header.rcodeMask) | extendedRcode(sections)
  const ad = (flags & header.authentic) !== 0
  if (rcode !== rcodes.noError && rcode !== rcodes.nxdomain) {
    const text = `the resolver answered ${rcodeNames[rcode] ?? `with code ${rcode}`}`
    return answered(nonAnswer(rcode === rcodes.refused ? 'refused' : 'servfail', text))
  }
  const way = followAliases(message, sections.answers, question.name.toLowerCase())
  const found = sections.answers.filter(
    (record) => record.type === recordTypes[question.type] && record.owner === way.last,
  )
  if (found.length > 0) {
    if (rcode === rcodes.nxdomain)
      throw new MalformedMessage('it holds records and says that the name does not exist')
    const kept = readRecords(message, found, question.type)
    const ttl = Math.min(way.ttl, ...found.map((record) => record.ttl))
    const isUsable = kept.records.length > 0
    return answered({
      status: isUsable ? 'ok' : 'malformed',
      records: kept.records,
      ttl: isUsable ? ttl : null,
      ad: isUsable && ad,
      cname: way.cname,
      error: kept.error,
    })
  }
  const negativeTtl = readNegativeTtl(message, sections, way.last)
  if (rcode === rcodes.noError && negativeTtl === null) {
    if (way.cname.length > 0) return { kind: 'alias', cname: way.cname, ttl: way.ttl, ad }
    // RFC 2308 §2.2: a referral, and the silence of a server that does not resolve for us, deny nothing.
    const isReferral = sections.authorities.some((record) => record.type === recordTypes.NS)
    if (isReferral || (flags & (header.authoritative | header.recursionAvailable)) === 0)
      return answered(nonAnswer('refused', 'the server does not resolve for us'))
  }
  return answered({
    status: rcode === rcodes.nxdomain ? 'nxdomain' : 'nodata',
    records: [],
    ttl: negativeTtl === null ? null : Math.min(way.ttl, negativeTtl),
    ad,
    cname: way.cname,
    error: null,
  })
}

function answered(answer: DnsAnswer): Reading {
  return { kind: 'answer', answer }
}

/** The upper eight bits of the code, from OPT (RFC 6891 §6.1.3). */
function extendedRcode(sections: WireSections): number {
  const options = sections.additionals.filter((record) => record.type === recordTypes.OPT)
  if (options.length > 1) throw new MalformedMessage('it holds more than one OPT record')
  return ((options[0]?.ttl ?? 0) >>> 24) << 4
}

/** The aliases from `name` on, wherever they stand in the answer; what does not lie on the way is nothing to us. */
function followAliases(
  message: Uint8Array,
  answers: readonly WireRecord[],
  name: string,
): { readonly cname: readonly string[]; readonly last: string; readonly ttl: number } {
  const cname: string[] = []
  let last = name
  let ttl = Infinity
  for (;;) {
    const aliases = answers.filter(
      (record) => record.type === recordTypes.CNAME && record.owner === last,
    )
    const targets = new Set(aliases.map((alias) => readWholeName(message, alias)))
    const [target] = targets
    if (target === undefined) return { cname, last, ttl }
    if (targets.size > 1) throw new MalformedMessage('a name is an alias of two names')
    if (!isPlainName(target)) throw new MalformedMessage('an alias leads to what is no host name')
    if (cname.includes(target)) throw new MalformedMessage('aliases go round')
    cname.push(target)
    if (cname.length > limits.cnameStepsMax)
      throw new MalformedMessage(`there are more than ${limits.cnameStepsMax} aliases`)
    ttl = Math.min(ttl, ...aliases.map((alias) => alias.ttl))
    last = target
  }
}

function readWholeName(message: Uint8Array, record: WireRecord): string {
  const { name, end } = readName(message, record.start)
  if (end !== record.end) throw new MalformedMessage('a name in a record has another length')
  return name
}

/** RFC 2308 §5: how long the denial may be kept; null without the SOA that a denial comes with. */
function readNegativeTtl(message: Uint8Array, sections: WireSections, name: string): number | null {
  const soa = sections.authorities.find(
    (record) => record.type === recordTypes.SOA && isWithin(name, record.owner),
  )
  if (soa === undefined) return null
  const responsible = readName(message, readName(message, soa.start).end)
  if (responsible.end + 20 !== soa.end) throw new MalformedMessage('the SOA has another length')
  return Math.min(soa.ttl, viewOf(message).getUint32(responsible.end + 16))
}

function isWithin(name: string, zone: string): boolean {
  return zone === '' || name === zone || name.endsWith(`.${zone}`)
}

/**
 * The records as texts, each once, at most `limits.dnsRecordsMax` and `limits.dnsRecordsCharsMax`. A TLSA record that is no association (RFC 6698
 * §2.1: unknown numbers, a hash of another length) is left out and told: it must neither authenticate nor hide those
 * beside it; and where none is left, there is no answer, which is not the same as no policy.
 */
function readRecords(
  message: Uint8Array,
  found: readonly WireRecord[],
  type: QueryType,
): { readonly records: readonly string[]; readonly error: string | null } {
  const texts = new Set<string>()
  const faults: string[] = []
  for (const record of found) {
    const data = message.subarray(record.start, record.end)
    if (type === 'NS') texts.add(serverName(message, record))
    else if (type !== 'TLSA') texts.add(addressText(data, type))
    else {
      const association = associationOf(data)
      if (typeof association === 'string') faults.push(association)
      else texts.add(formatAssociation(association))
    }
  }
  const notes: string[] = []
  if (faults.length > 0)
    notes.push(`${faults.length} of ${found.length} TLSA records are left out: ${faults[0]}`)
  const kept = firstOf(texts)
  if (texts.size > kept.length)
    notes.push(`of ${texts.size} records the first ${kept.length} are kept`)
  return {
    records: kept,
    error: notes.length > 0 ? notes.join('; ') : null,
  }
}

/** As many of `texts` as an observation has room for. */
function firstOf(texts: ReadonlySet<string>): readonly string[] {
  const kept: string[] = []
  let chars = 0
  for (const text of texts) {
    chars += text.length
    if (kept.length >= limits.dnsRecordsMax || chars > limits.dnsRecordsCharsMax) break
    kept.push(text)
  }
  return kept
}

function serverName(message: Uint8Array, record: WireRecord): string {
  const name = readWholeName(message, record)
  if (!isPlainName(name)) throw new MalformedMessage('a name server has no host name')
  return name
}

function addressText(data: Uint8Array, type: 'A' | 'AAAA'): string {
  if (data.length !== (type === 'A' ? 4 : 16))
    throw new MalformedMessage(`an ${type} record has ${data.length} octets`)
  const address = ipaddr.fromByteArray([...data])
  return address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString()
}

function associationOf(data: Uint8Array): Association | string {
  const [usage, selector, matching] = data
  return usage === undefined || selector === undefined || matching === undefined
    ? 'it is shorter than its numbers'
    : readAssociation({ usage, selector, matching, data: data.subarray(3) })
}
