// Evidence: everything that a verdict rests on, so that a third party can check the signatures and judge again, offline (B14).

import { z } from 'zod'
import { base64, fromBase64, textOf } from '../base/bytes.ts'
import { Failure } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import { parseObject, readStatement } from '../observation/jws.ts'
import { sightSchema } from '../observation/schema.ts'
import { isRejection, verifyObservation } from '../observation/sign.ts'
import { parseTarget } from '../observation/target.ts'
import { answerKeysOf, verifyDescriptor } from '../protocol/descriptor.ts'
import type { Certificate, Crypto } from '../runtime/runtime.ts'
import { judge } from '../verdict/judge.ts'
import { policySchema } from '../verdict/policies.ts'
import type { Abstention, Answer, Case, OwnLook, Verdict } from '../verdict/verdict.ts'
import type { SignedAnswer } from './ask.ts'

const text = z.string().max(2_048)
const vantage = z.object({ id: z.string().length(43), region: z.string().max(16).nullable() })
const abstention = z.object({ vantage, code: z.string().max(64), text })
const outcome = z.enum(['corroborated', 'contradicted', 'inconclusive', 'unverifiable'])

/** Mirrors that were replaced and are named. */
const namedMax = 100

const evidenceSchema = z.object({
  v: z.literal(1),
  /** When it was judged, ms since 1970 UTC. */
  at: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  target: z.string().max(limits.targetCharsMax),
  policy: policySchema,
  round: z.object({
    asked: z.number().int().min(0).max(100),
    needed: z.number().int().min(0).max(100),
    index: z.number().int().min(0).max(10),
    fresh: z.boolean(),
    last: z.boolean(),
    shortOf: z.object({ vantages: z.boolean(), regions: z.boolean() }),
  }),
  /** What the client saw itself: its own word, which nobody signed. */
  own: z.object({
    sight: sightSchema,
    chains: z.record(
      z.string().max(45),
      z.array(z.string().max(2 * limits.certificateBytesMax)).max(limits.chainCertificatesMax),
    ),
  }),
  answers: z
    .array(
      z.object({
        vantage,
        observation: z.string().max(limits.observationBytesMax),
        descriptor: z.string().max(limits.descriptorBytesMax),
      }),
    )
    .max(100),
  abstentions: z.array(abstention).max(100),
  replaced: z.array(abstention).max(namedMax),
  pending: z.number().int().min(0).max(100),
  /** The outcome that was reached with all this. */
  outcome,
})

/** What one verdict rests on. Plain JSON. */
export type Evidence = z.infer<typeof evidenceSchema>

const bundleSchema = z.object({
  v: z.literal(1),
  evidence: z.array(evidenceSchema).min(1).max(100),
})

/** The evidence of `subject`, which `answers` were judged in and which came to `verdict`. */
export function evidenceOf(
  subject: Case,
  answers: readonly SignedAnswer[],
  verdict: Pick<Verdict, 'outcome'>,
): Evidence {
  const { target: _target, ...sight } = subject.own.sight
  const chains = [...subject.own.chains].map(([address, chain]) => [
    address,
    chain.map((certificate) => base64(certificate.der)),
  ])
  return structuredClone({
    v: 1 as const,
    at: subject.at,
    target: subject.target.text,
    policy: subject.policy,
    round: subject.round,
    own: { sight, chains: Object.fromEntries(chains) as Record<string, string[]> },
    answers: answers.map(({ vantage: from, statement, descriptor }) => ({
      vantage: from,
      observation: statement,
      descriptor,
    })),
    abstentions: subject.abstentions,
    // Named, not counted: with a dead network they are as many as there are mirrors.
    replaced: subject.replaced.slice(0, namedMax),
    pending: subject.pending,
    outcome: verdict.outcome,
  }) as Evidence
}

/** The text of an evidence file. */
export function writeEvidence(evidence: readonly Evidence[]): string {
  return `${JSON.stringify({ v: 1, evidence }, null, 2)}\n`
}

/** Reads the evidence file `source`. @throws Failure file-malformed with the place */
export function readEvidence(bytes: Uint8Array, source: string): readonly Evidence[] {
  const refuse = (why: string): never => {
    throw new Failure('file-malformed', { path: source, why })
  }
  if (bytes.length > limits.evidenceBytesMax)
    return refuse(`it has ${bytes.length} bytes, at most ${limits.evidenceBytesMax} are taken`)
  const content = textOf(bytes)
  if (content === null) return refuse('it is not text')
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch (error) {
    return refuse(error instanceof Error ? error.message : 'it is not JSON')
  }
  const parsed = bundleSchema.safeParse(value)
  if (parsed.success) return parsed.data.evidence
  const issue = parsed.error.issues[0]
  return refuse(`at ${issue?.path.join('.') || 'the top'}: ${issue?.message ?? 'unreadable'}`)
}

/** What a third party finds. */
export interface Finding {
  /** Why statements of it are not believed; none when all is in order. */
  readonly faults: readonly string[]
  /** What the statements that are in order come to, judged again. */
  readonly verdict: Verdict
  /** True when nothing is wrong and the same outcome follows. */
  readonly holds: boolean
}

/**
 * Checks every signature of `evidence` as of its own time, and judges again by the policy that it names.
 * @throws Failure certificate-malformed, target-malformed when its own part cannot be read
 */
export function checkEvidence(crypto: Crypto, evidence: Evidence): Finding {
  const faults: string[] = []
  const answers = evidence.answers.flatMap((signed) => {
    const answer = openAnswer(crypto, evidence, signed)
    if (typeof answer !== 'string') return [answer]
    faults.push(`${signed.vantage.region ?? signed.vantage.id.slice(0, 8)}: ${answer}`)
    return []
  })
  const judgement = judge(crypto, {
    target: parseTarget(evidence.target),
    own: ownLookOf(crypto, evidence),
    answers,
    abstentions: evidence.abstentions as readonly Abstention[],
    replaced: evidence.replaced as readonly Abstention[],
    pending: 0,
    policy: evidence.policy,
    round: { ...evidence.round, last: true },
    at: evidence.at,
  })
  if (judgement.state !== 'final') throw new Error('without pending answers a judgement is final')
  const { verdict } = judgement
  return { faults, verdict, holds: faults.length === 0 && verdict.outcome === evidence.outcome }
}

/** The answer when its mirror made it about this target at that time; otherwise why it is not believed. */
function openAnswer(
  crypto: Crypto,
  evidence: Evidence,
  signed: Evidence['answers'][number],
): Answer | string {
  const { id } = signed.vantage
  try {
    const descriptor = verifyDescriptor(crypto, signed.descriptor, { id, now: evidence.at })
    const verified = verifyObservation(crypto, signed.observation, {
      vantage: id,
      answerKeys: answerKeysOf(descriptor),
      target: evidence.target,
      nonce: nonceOf(signed.observation),
      now: evidence.at,
    })
    return isRejection(verified)
      ? verified.text
      : { vantage: signed.vantage, observation: verified }
  } catch (error) {
    if (Failure.is(error)) return error.message
    throw error
  }
}

/** The nonce was the asker's own guard against replays: a third party can only take it as it stands. */
function nonceOf(statement: string): string | null {
  const read = readStatement(statement, limits.observationBytesMax)
  const nonce = typeof read === 'string' ? null : parseObject(read.payload)?.['nonce']
  return typeof nonce === 'string' ? nonce : null
}

function ownLookOf(crypto: Crypto, evidence: Evidence): OwnLook {
  const chains = Object.entries(evidence.own.chains).map(([address, chain]) => {
    const certificates = chain.map((one): Certificate => {
      const der = fromBase64(one)
      if (der === null) throw new Failure('certificate-malformed', { why: 'it is not base64' })
      return crypto.readCertificate(der)
    })
    return [address, certificates] as const
  })
  return { sight: { ...evidence.own.sight, target: evidence.target }, chains: new Map(chains) }
}
