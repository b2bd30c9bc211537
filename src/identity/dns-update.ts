// Publishes a TLSA record by dynamic update (RFC 2136) over TCP, every message signed with TSIG (RFC 8945).

import { concat } from '../base/bytes.ts'
import { Failure } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import { formatAssociation, parseAssociation } from '../observation/association.ts'
import type { AssociationText } from '../observation/observation.ts'
import { deadline } from '../runtime/deadline.ts'
import { formatEndpoint } from '../runtime/endpoint.ts'
import { NetworkError, type Connection, type Endpoint, type Runtime } from '../runtime/runtime.ts'
import {
  decodeReply,
  dnsCodes,
  encodeRecord,
  encodeRequest,
  uint16,
  type Reply,
  type Request,
} from './dns-message.ts'
import { checkReply, signMessage, tsigErrors, type TsigKey } from './tsig.ts'
import type { TlsaRecord } from './zone-line.ts'

type Needs = Pick<Runtime, 'clock' | 'random' | 'crypto' | 'network'>

/** What to publish, where, and with whose right. */
export interface Publication {
  readonly server: Endpoint
  readonly key: TsigKey
  readonly record: TlsaRecord
  /**
   * True leaves the records that are there beside the new one, as a roll-over needs (RFC 7671 §8.1);
   * false replaces them all in one step.
   */
  readonly keepOthers: boolean
  readonly signal: AbortSignal
}

/** What the server holds afterwards. */
export interface Published {
  /** The zone that was changed, with its final dot. */
  readonly zone: string
  /** All TLSA records of the owner name, as the server then answers. */
  readonly associations: readonly AssociationText[]
}

/** One connection to the server, and how to ask over it. */
interface Dialogue {
  readonly needs: Needs
  readonly publication: Publication
  readonly connection: Connection
  readonly signal: AbortSignal
  /** Bytes received beyond the last message. */
  rest: Uint8Array
}

/**
 * Puts the record into its zone, which is found by asking the server, and asks the server for it afterwards.
 * @throws Failure dns-update-failed
 */
export async function publishRecord(needs: Needs, publication: Publication): Promise<Published> {
  const { signal, done } = deadline(needs.clock, limits.dnsUpdateTimeoutMs, publication.signal)
  let connection: Connection | null = null
  try {
    connection = await needs.network.connect(publication.server, signal)
    const dialogue = { needs, publication, connection, signal, rest: new Uint8Array(0) }
    const zone = await findZone(dialogue)
    const reply = await ask(dialogue, {
      opcode: dnsCodes.opcodes.update,
      question: { name: zone, type: dnsCodes.types.soa },
      updates: updatesOf(publication),
    })
    if (reply.rcode !== 0) throw refused(publication, reply.rcode, zone)
    return { zone, associations: await readBack(dialogue) }
  } catch (cause) {
    if (!(cause instanceof NetworkError)) throw cause
    const advice = 'is it a name server that listens on TCP there? write --update IP:PORT'
    throw failed(publication, { why: cause.message, advice, cause })
  } finally {
    connection?.close()
    done()
  }
}

/** The zone that holds the owner name on this server: the name of the SOA record nearest above it. */
async function findZone(dialogue: Dialogue): Promise<string> {
  const { publication } = dialogue
  const { owner } = publication.record
  const { types } = dnsCodes
  let rcode = 0
  for (let name = owner; name !== '.'; name = parentOf(name)) {
    const question = { name, type: types.soa }
    const reply = await ask(dialogue, { opcode: dnsCodes.opcodes.query, question, updates: [] })
    const above = reply.records.filter((record) => isAtOrAbove(record.name, name))
    if (above.some((record) => record.type === types.cname && record.name === owner)) {
      const why = `${owner} is an alias (CNAME) there, and an alias holds no other records`
      const advice = 'remove the alias, or publish the record where it leads to'
      throw failed(publication, { why, advice })
    }
    const soa = above.find((record) => record.type === types.soa)
    if (soa !== undefined) return soa.name
    const referral = above.find(
      (record) => record.type === types.ns && record.section === 'authority' && record.name !== '.',
    )
    if (referral !== undefined) {
      const why = `the server has handed ${referral.name} to other servers`
      throw failed(publication, { why, advice: 'name the primary server of that zone' })
    }
    rcode = reply.rcode
  }
  const why = `it serves no zone above ${owner} (it answered ${rcodeName(rcode)})`
  throw failed(publication, { why, advice: 'name the primary server of the zone' })
}

function updatesOf({ record, keepOthers }: Publication): readonly Uint8Array[] {
  const { types, classes } = dnsCodes
  const of = { name: record.owner, type: types.tlsa }
  const removeAll = encodeRecord({ ...of, class: classes.any, ttl: 0, data: new Uint8Array(0) })
  const data = tlsaData(record.association)
  const add = encodeRecord({ ...of, class: classes.in, ttl: record.ttl, data })
  return keepOthers ? [add] : [removeAll, add]
}

/** Asks for the record, since a server may accept an update and still ignore it (RFC 2136 §3.4.2.2). */
async function readBack(dialogue: Dialogue): Promise<readonly AssociationText[]> {
  const { publication } = dialogue
  const { owner, association } = publication.record
  const { types, opcodes } = dnsCodes
  const question = { name: owner, type: types.tlsa }
  const reply = await ask(dialogue, { opcode: opcodes.query, question, updates: [] })
  const associations = reply.records
    .filter((record) => record.section === 'answer' && record.type === types.tlsa)
    .map((record) => associationText(record.data))
  if (!associations.includes(association)) {
    const why = `it accepted the update, but does not hold the record (it answered ${rcodeName(reply.rcode)})`
    throw failed(publication, { why, advice: 'look into the log of the server' })
  }
  return associations
}

/** Sends one signed request, and takes nothing but the signed answer to it. */
async function ask(dialogue: Dialogue, request: Omit<Request, 'id'>): Promise<Reply> {
  const { needs, publication, connection } = dialogue
  const { key } = publication
  const [high = 0, low = 0] = needs.random.bytes(2)
  const id = high * 256 + low
  const plain = encodeRequest({ ...request, id })
  const { message, mac } = signMessage(needs.crypto, key, {
    message: plain,
    now: needs.clock.now(),
  })
  await connection.write(concat(uint16(message.length), message))
  const answer = await readMessage(dialogue)
  const reply = decodeReply(answer)
  if (reply === null || !reply.isReply || reply.id !== id)
    throw failed(publication, { why: 'its answer is not an answer to our message', advice: null })
  const check = checkReply(needs.crypto, key, { message: answer, mac, now: needs.clock.now() })
  if (check.outcome === 'refused') throw signatureRefused(publication, check)
  if (check.outcome === 'invalid') {
    const why = `${check.why} (${rcodeName(reply.rcode)})`
    const advice = `does the server know the key ${key.name} with this secret?`
    throw failed(publication, { why, advice })
  }
  return reply
}

/** The next message (RFC 1035 §4.2.2: two bytes of length come before it). */
async function readMessage(dialogue: Dialogue): Promise<Uint8Array> {
  for (;;) {
    const { rest } = dialogue
    const end = 2 + (rest[0] ?? 0) * 256 + (rest[1] ?? 0)
    if (rest.length >= 2 && rest.length >= end) {
      dialogue.rest = rest.subarray(end)
      return rest.subarray(2, end)
    }
    const chunk = await dialogue.connection.read(dialogue.signal)
    if (chunk === null)
      throw new NetworkError('closed', 'it closed the connection without an answer')
    dialogue.rest = concat(rest, chunk)
  }
}

function tlsaData(association: AssociationText): Uint8Array {
  const { usage, selector, matching, data } = parseAssociation(association)
  return Uint8Array.from([usage, selector, matching, ...data])
}

function associationText(data: Uint8Array): AssociationText {
  const [usage = 0, selector = 0, matching = 0] = data
  return formatAssociation({ usage, selector, matching, data: data.subarray(3) })
}

function parentOf(name: string): string {
  const parent = name.slice(name.indexOf('.') + 1)
  return parent === '' ? '.' : parent
}

function isAtOrAbove(ancestor: string, name: string): boolean {
  return ancestor === '.' || name === ancestor || name.endsWith(`.${ancestor}`)
}

/** Response codes by number (RFC 1035 §4.1.1, RFC 2136 §2.2), and what to do about each in answer to an update. */
const rcodes: readonly { readonly name: string; readonly advice: string }[] = [
  { name: 'NOERROR', advice: '' },
  { name: 'FORMERR', advice: 'the server cannot read updates; is it an old one?' },
  { name: 'SERVFAIL', advice: 'can the server write its zone and journal? its log says more' },
  { name: 'NXDOMAIN', advice: 'a name that must exist is missing' },
  { name: 'NOTIMP', advice: 'the server does not take dynamic updates' },
  { name: 'REFUSED', advice: "allow the key in the zone's update-policy or allow-update" },
  { name: 'YXDOMAIN', advice: 'a name that must not exist is there' },
  { name: 'YXRRSET', advice: 'records that must not exist are there' },
  { name: 'NXRRSET', advice: 'records that must exist are missing' },
  { name: 'NOTAUTH', advice: 'name the primary server of the zone' },
  { name: 'NOTZONE', advice: 'the name is in another zone' },
]

function rcodeName(rcode: number): string {
  return rcodes[rcode]?.name ?? `RCODE${rcode}`
}

function refused(publication: Publication, rcode: number, zone: string): Failure {
  const why = `it did not update the zone ${zone} (${rcodeName(rcode)})`
  return failed(publication, { why, advice: rcodes[rcode]?.advice ?? null })
}

function signatureRefused(
  publication: Publication,
  check: { readonly error: number; readonly serverTime: number | null },
): Failure {
  const { name, algorithm } = publication.key
  switch (check.error) {
    case tsigErrors.badKey:
      return failed(publication, {
        why: `it does not know the key ${name} for hmac-${algorithm} (BADKEY)`,
        advice: 'compare name and algorithm in the key file with those on the server',
      })
    case tsigErrors.badSignature:
      return failed(publication, {
        why: `it found our signature with the key ${name} wrong (BADSIG)`,
        advice: 'the secret in the key file is not the one on the server',
      })
    case tsigErrors.badTime: {
      const clock =
        check.serverTime === null ? '' : `: it is ${new Date(check.serverTime).toISOString()} there`
      return failed(publication, {
        why: `its clock and ours differ by more than five minutes (BADTIME)${clock}`,
        advice: 'set both clocks, as with NTP',
      })
    }
    default:
      return failed(publication, { why: `it refused our signature (${check.error})`, advice: null })
  }
}

function failed(
  { server }: Publication,
  reason: { readonly why: string; readonly advice: string | null; readonly cause?: unknown },
): Failure {
  const { why, advice, cause } = reason
  return new Failure(
    'dns-update-failed',
    { server: formatEndpoint(server), why, advice },
    { cause },
  )
}
