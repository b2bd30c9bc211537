// Reads what others show as evidence: signed answers that contradict each other (protocol §7).

import { Failure } from '../../base/failure.ts'
import { limits } from '../../base/limits.ts'
import { claimOf } from '../../membership/claim.ts'
import { compareAnswers } from '../../membership/dissent.ts'
import { parseObject, readStatement } from '../../observation/jws.ts'
import type { Observation, Verified } from '../../observation/observation.ts'
import { isRejection, verifyObservation } from '../../observation/sign.ts'
import { answerKeysOf, verifyDescriptor } from '../../protocol/descriptor.ts'
import type { ContradictionEvidence } from '../../protocol/removal.ts'
import type { TrialCore } from './trial.ts'

/**
 * The targets about which `subject` contradicts the other mirrors of the evidence, each once. Only evidence whose every
 * signature holds counts, and only when it is of the last days. It says where to look, and no more: those who own a
 * name can make anybody contradict.
 */
export function targetsOf(
  core: TrialCore,
  subject: string,
  packs: readonly ContradictionEvidence[],
): readonly string[] {
  const targets = packs.flatMap((pack) => targetOf(core, subject, pack) ?? [])
  return [...new Set(targets)]
}

function targetOf(
  core: TrialCore,
  subject: string,
  { observations, descriptors }: ContradictionEvidence,
): string | null {
  try {
    const read = observations.map((statement, i) => openOne(core, statement, descriptors[i] ?? ''))
    const [first] = read
    if (first === undefined || read.some(({ target }) => target !== first.target)) return null
    const answers = read.map(({ iss, sight, sent }) => ({
      by: iss,
      at: sight?.at ?? sent,
      claim: sight === null ? null : claimOf(sight.dns.authority),
      addresses: [],
    }))
    const found = compareAnswers(answers, 'default', core.parameters)
    const isContradiction = found.some(
      (one) => one.subject === subject && one.outcome === 'dissent',
    )
    return isContradiction ? first.target : null
  } catch (error) {
    if (Failure.is(error)) return null
    throw error
  }
}

/** One observation, verified as of the time that it was made. @throws Failure statement-rejected */
function openOne(
  { crypto, clock, parameters }: TrialCore,
  statement: string,
  descriptor: string,
): Verified<Observation> {
  const signed = readStatement(statement, limits.observationBytesMax)
  const content = typeof signed === 'string' ? null : parseObject(signed.payload)
  const { iss, target, nonce, sent } = content ?? {}
  const refuse = (why: string): never => {
    throw new Failure('statement-rejected', { kind: 'evidence', why })
  }
  if (
    typeof iss !== 'string' ||
    typeof target !== 'string' ||
    typeof nonce !== 'string' ||
    typeof sent !== 'number'
  )
    return refuse('it is no observation that was made for a nonce')
  const age = clock.now() - sent
  if (age > parameters.dissent.oncePerMs || age < -limits.clockSkewMs)
    return refuse('it is not of the last days')
  const author = verifyDescriptor(crypto, descriptor, { id: iss, now: sent })
  const verified = verifyObservation(crypto, statement, {
    vantage: iss,
    answerKeys: answerKeysOf(author),
    target,
    nonce,
    now: sent,
  })
  return isRejection(verified) ? refuse(verified.text) : verified
}
