// Takes reports of clients: bounded, each once, and only those that hold an answer which we gave, with every signature verified (R107 to R115, protocol §7, §11).

import { fromBase64url } from '../../base/bytes.ts'
import { Failure } from '../../base/failure.ts'
import { limits } from '../../base/limits.ts'
import { parseObject, readStatement } from '../../observation/jws.ts'
import { isRejection, verifyObservation } from '../../observation/sign.ts'
import type { PublicKey } from '../../runtime/runtime.ts'
import { createDescriptors, type KnownDescriptor } from '../../protocol/descriptors.ts'
import { reportSchema, type Report } from '../../protocol/reports.ts'
import type { HttpQuestion, HttpReply } from '../../runtime/runtime.ts'
import { json, problem } from '../replies.ts'
import { createBudget } from './budget.ts'
import type { Dissents, ReportedObservation, VerifiedReport } from './dissents.ts'
import { createGivenAnswers } from './given.ts'
import type { Part } from './part.ts'
import { readPosted } from './posted.ts'
import type { TrialCore } from './trial.ts'

/** Takes reports. */
export interface Reports extends Part {
  /** Notes that we gave an answer for `nonce`: it may be reported. */
  given(nonce: string): void
}

/** What reports lead to. */
export interface ReportParts {
  readonly dissents: Dissents
  /** Has newly heard mirrors looked at (R114). */
  readonly wake: () => void
}

/** One observation of a report, of which nothing is believed yet. */
interface Unverified {
  readonly statement: string
  readonly iss: string
  readonly target: string
  readonly nonce: string
}

/** A receiver that no answer was given by yet. */
export function createReports(core: TrialCore, { dissents, wake }: ReportParts): Reports {
  const { counts, self } = core
  const answers = createGivenAnswers(core.clock)
  const ownKeys = createOwnKeys(core)
  const budget = createBudget(core, limits.reportSignaturesPerSecond)
  const verify = createVerifying(core, ownKeys.find)
  const hear = createHearing(core, wake)
  const refused = (reply: HttpReply): HttpReply => {
    counts.add('reportsRefused')
    return reply
  }
  const taken = async (report: VerifiedReport): Promise<HttpReply> => {
    await dissents.take(report)
    await core.peers.saved()
    return json(202, '{"taken":true}', 'no-store')
  }
  const take = (question: HttpQuestion): HttpReply | Promise<HttpReply> => {
    const posted = readPosted(question, { schema: reportSchema, bytesMax: limits.reportBytesMax })
    if ('refusal' in posted) return refused(posted.refusal)
    const read = readAll(posted.value)
    if (typeof read === 'string') return refused(problem('question-malformed', read))
    const own = read.find(({ iss, nonce }) => iss === self.id && answers.has(nonce))
    if (own === undefined)
      return refused(problem('report-foreign', 'report answers to the mirrors that gave them'))
    if (!budget.spend(read.length + 2 * posted.value.descriptors.length)) {
      counts.add('reportsDropped')
      return problem('reports-busy', 'a report more or less does not matter')
    }
    const verified = verify(read, posted.value)
    if (typeof verified === 'string') return refused(problem('statement-rejected', verified))
    answers.use(own.nonce)
    counts.add('reports')
    hear(verified.strangers, question)
    return taken({ target: own.target, nonce: own.nonce, answers: verified.answers })
  }
  return {
    given: (nonce) => {
      ownKeys.note()
      answers.add(nonce)
    },
    handlers: { report: take },
    start: () => {},
    stop: () => {},
  }
}

/** What the observations say of themselves, or why they are no report: of one target, and one of each mirror. */
function readAll({ observations }: Report): readonly Unverified[] | string {
  const read: Unverified[] = []
  for (const [i, statement] of observations.entries()) {
    const signed = readStatement(statement, limits.observationBytesMax)
    const content = typeof signed === 'string' ? null : parseObject(signed.payload)
    const { iss, target, nonce } = content ?? {}
    if (typeof iss !== 'string' || typeof target !== 'string' || typeof nonce !== 'string')
      return `at observations.${i}: it is no observation that was made for a nonce`
    read.push({ statement, iss, target, nonce })
  }
  const distinct = (of: (one: Unverified) => string): number => new Set(read.map(of)).size
  if (distinct(({ target }) => target) > 1) return 'at observations: they are of several targets'
  if (distinct(({ iss }) => iss) < read.length) return 'at observations: two are of one mirror'
  if (distinct(({ nonce }) => nonce) < read.length) return 'at observations: two have one nonce'
  return read
}

type FindKey = (keyId: string) => { readonly key: PublicKey } | null

/** Keys that our own answers were signed with lately. */
function createOwnKeys({ identity }: TrialCore) {
  const keys = new Map<string, { readonly key: PublicKey }>()
  return {
    note: (): void => {
      const { answerKeyId, answerKey } = identity()
      if (keys.has(answerKeyId)) return
      keys.set(answerKeyId, { key: answerKey.publicKey })
      const [oldest] = keys.keys()
      if (keys.size > ownKeysMax && oldest !== undefined) keys.delete(oldest)
    },
    find: (keyId: string) => keys.get(keyId) ?? null,
  }
}

/** An answer is reported within minutes, and a key lives for days: the last one and the one before are enough. */
const ownKeysMax = 2

interface Verification {
  readonly answers: readonly ReportedObservation[]
  /** Mirrors that we had not heard of. */
  readonly strangers: readonly KnownDescriptor[]
}

/** Verifies reports. One bad signature spoils a report: no honest client sends it. */
function createVerifying(core: TrialCore, ownKey: FindKey) {
  const { crypto, clock, self, identity, peers } = core
  const descriptors = createDescriptors(core)
  const keysOf = (id: string, sent: ReadonlyMap<string, string>): KnownDescriptor | null => {
    const statement = sent.get(id)
    const known = descriptors.known(id)
    if (known !== null && (statement === undefined || known.statement === statement)) return known
    return statement === undefined ? null : descriptors.learn(id, statement)
  }
  const verifyOne = (
    one: Unverified,
    sent: ReadonlyMap<string, string>,
  ): (ReportedObservation & { readonly known: KnownDescriptor | null }) | string | null => {
    const isOwn = one.iss === self.id
    const known = isOwn ? null : keysOf(one.iss, sent)
    if (!isOwn && known === null) return null
    const answerKeys = known?.answerKeys ?? ownKeysFor(one, ownKey)
    const verified = verifyObservation(crypto, one.statement, {
      vantage: one.iss,
      answerKeys,
      target: one.target,
      nonce: one.nonce,
      now: clock.now(),
    })
    if (isRejection(verified)) return `the observation of ${one.iss}: ${verified.text}`
    const descriptor = known?.statement ?? identity().descriptor
    return { observation: verified, statement: one.statement, descriptor, known }
  }
  return (read: readonly Unverified[], report: Report): Verification | string => {
    const sent = descriptorsById(report)
    const answers: ReportedObservation[] = []
    const strangers: KnownDescriptor[] = []
    try {
      for (const one of read) {
        const verified = verifyOne(one, sent)
        if (typeof verified === 'string') return verified
        // Whose keys we have not, and were not sent, cannot be believed, and does not spoil the others.
        if (verified === null) continue
        answers.push(verified)
        if (verified.known !== null && peers.record(one.iss) === null)
          strangers.push(verified.known)
      }
    } catch (error) {
      if (Failure.is(error)) return error.message.slice(0, limits.reasonCharsMax)
      throw error
    }
    return { answers, strangers }
  }
}

/** Our own keys expire with the answers that can be reported: what is remembered is good. */
function ownKeysFor({ statement }: Unverified, ownKey: FindKey) {
  const signed = readStatement(statement, limits.observationBytesMax)
  const keyId = typeof signed === 'string' ? null : signed.keyId
  const found = keyId === null ? null : ownKey(keyId)
  return keyId === null || found === null ? [] : [{ keyId, key: found.key, expires: Infinity }]
}

/** The descriptors that came along, by the ids that they claim. */
function descriptorsById({ descriptors }: Report): ReadonlyMap<string, string> {
  const byId = new Map<string, string>()
  for (const statement of descriptors) {
    const signed = readStatement(statement, limits.descriptorBytesMax)
    const id = typeof signed === 'string' ? null : parseObject(signed.payload)?.['id']
    if (typeof id === 'string' && fromBase64url(id)?.length === 32) byId.set(id, statement)
  }
  return byId
}

/** Takes mirrors in that a report names (R114): as from anybody, only that they exist is believed. */
function createHearing({ peers, counts }: TrialCore, wake: () => void) {
  return (strangers: readonly KnownDescriptor[], { peer }: HttpQuestion): void => {
    for (const { descriptor } of strangers) {
      const [first] = descriptor.addresses
      if (first === undefined) continue
      const { address: ip, port } = first
      if (peers.hear({ id: descriptor.id, ip, port, from: peer.address }, 'announced'))
        counts.add('mirrorsHeardOf')
    }
    if (strangers.length > 0) wake()
  }
}
