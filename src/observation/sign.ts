// Signs and verifies observations: who says it, for which question, when (protocol §5).

import { limits } from '../base/limits.ts'
import { textOf } from '../base/bytes.ts'
import type { Crypto, PublicKey, SigningKey } from '../runtime/runtime.ts'
import { isStatementSigned, readStatement, signStatement } from './jws.ts'
import type { Observation, Verified } from './observation.ts'
import { observationSchema } from './schema.ts'

/** A key that a vantage signs its answers with, named by the thumbprint that `kid` carries. */
export interface AnswerKey {
  readonly keyId: string
  readonly key: PublicKey
  /** Until when the vantage may sign with it, ms since 1970 UTC. */
  readonly expires: number
}

/** What an observation must be, to be the answer to our question. */
export interface ExpectedObservation {
  readonly vantage: string
  readonly answerKeys: readonly AnswerKey[]
  readonly target: string
  /** Null for the shared variant that was asked for without a nonce. */
  readonly nonce: string | null
  /** Our wall time, ms since 1970 UTC. */
  readonly now: number
}

/** Why a statement was not taken, as data: a mirror that sends nonsense abstains. */
export interface Rejection {
  readonly code:
    | 'malformed'
    | 'wrong-type'
    | 'wrong-key'
    | 'bad-signature'
    | 'wrong-vantage'
    | 'wrong-target'
    | 'wrong-nonce'
    | 'wrong-time'
    | 'stale'
  readonly text: string
}

/** The compact statement of `observation`, signed alone. */
export function signObservation(key: SigningKey, keyId: string, observation: Observation): string {
  return signStatement(key, { type: 'smn-obs+jws', keyId }, JSON.stringify(observation))
}

/**
 * The observation in `statement` when it is the expected vantage's own, fresh answer to our question;
 * otherwise the reason why it is not. The one way to a `Verified<Observation>`.
 */
export function verifyObservation(
  crypto: Crypto,
  statement: string,
  expected: ExpectedObservation,
): Verified<Observation> | Rejection {
  const signed = readStatement(statement, limits.observationBytesMax)
  if (typeof signed === 'string') return reject('malformed', signed)
  if (signed.type !== 'smn-obs+jws')
    return reject('wrong-type', `it is a ${JSON.stringify(signed.type)}`)
  const answerKey = expected.answerKeys.find((key) => key.keyId === signed.keyId)
  if (answerKey === undefined)
    return reject('wrong-key', 'it is signed with a key that the vantage did not announce')
  if (!isStatementSigned(crypto, signed, answerKey.key))
    return reject('bad-signature', 'its signature does not verify')
  const observation = readPayload(signed.payload)
  if (observation === null) return reject('malformed', 'its content is not an observation')
  return misfitOf(observation, expected, answerKey) ?? (observation as Verified<Observation>)
}

/** True for a Rejection, false for what was verified. */
export function isRejection(value: Verified<object> | Rejection): value is Rejection {
  return 'code' in value
}

function readPayload(payload: Uint8Array): Observation | null {
  const text = textOf(payload)
  if (text === null) return null
  try {
    return observationSchema.parse(JSON.parse(text))
  } catch {
    return null
  }
}

function misfitOf(
  observation: Observation,
  expected: ExpectedObservation,
  answerKey: AnswerKey,
): Rejection | null {
  const { now } = expected
  if (observation.iss !== expected.vantage)
    return reject('wrong-vantage', 'it names another vantage as its author')
  if (observation.target !== expected.target)
    return reject('wrong-target', `it is about ${JSON.stringify(observation.target)}`)
  if (observation.nonce !== expected.nonce)
    return reject('wrong-nonce', 'it does not carry the nonce of our question')
  if (Math.abs(observation.sent - now) > limits.clockSkewMs) {
    const seconds = Math.round((observation.sent - now) / 1000)
    return reject(
      'wrong-time',
      `its time differs from ours by ${seconds} s; one of the two clocks is wrong`,
    )
  }
  if (observation.sent > answerKey.expires)
    return reject('wrong-key', 'its key had expired when it was signed')
  if (observation.exp < observation.sent || observation.exp < now - limits.clockSkewMs)
    return reject('stale', 'it has expired')
  if ((observation.status === 'answered') !== (observation.sight !== null))
    return reject('malformed', 'its status and its content disagree')
  if (observation.sight === null) return null
  const age = observation.sent - observation.sight.at
  if (age < 0 || age > limits.observationValidMs)
    return reject('stale', `its DNS data was ${Math.round(age / 1000)} s old when it was signed`)
  return null
}

function reject(code: Rejection['code'], text: string): Rejection {
  return { code, text }
}
