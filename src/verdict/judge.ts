// Judges what was seen: pure, so that every policy is a table of cases and a network of thousands fits in one process.

import type { Crypto } from '../runtime/runtime.ts'
import { isBallot, readBallot, type Ballot } from './ballot.ts'
import type { Bench } from './bench.ts'
import { byAuthority } from './by-authority.ts'
import { final } from './conclude.ts'
import { createMatcher, ownChains, type Matcher } from './own-chains.ts'
import { reason, type ReasonCode } from './reasons.ts'
import type { Abstention, Answer, Case, Judgement, Outcome } from './verdict.ts'

/**
 * Judges `subject`: waits while answers that are still out can decide, goes on to a further round when this one
 * is not clear, and otherwise says what is so. Needs digests and signatures of certificates from `crypto`.
 */
export function judge(crypto: Crypto, subject: Case): Judgement {
  const votes = oncePerVantage(subject.answers).map(readBallot)
  const ballots = votes.filter(isBallot)
  const blanks: Abstention[] = votes.flatMap((vote) => (isBallot(vote) ? [] : [vote]))
  const chains = ownChains(crypto, subject.own)
  const { needed } = subject.round
  const matcherFor = (least: number): Matcher =>
    createMatcher(crypto, chains, {
      target: subject.target,
      names: sharedBases(ballots, least),
      at: subject.at,
    })
  const matcher = matcherFor(needed)
  const bench: Bench = {
    crypto,
    subject,
    ballots,
    chains,
    abstentions: [...subject.abstentions, ...blanks],
    matcher,
    hopeful: subject.pending > 0 ? matcherFor(needed - subject.pending) : matcher,
  }
  return beforehand(bench) ?? byAuthority(bench)
}

/** One vantage has one vote: what it says a second time is not heard. */
function oncePerVantage(answers: readonly Answer[]): readonly Answer[] {
  const heard = new Set<string>()
  return answers.filter(({ vantage }) => !heard.has(vantage.id) && heard.add(vantage.id))
}

/** Base domains of aliased hosts that enough vantages name; a certificate may be for them (RFC 7671 §7). */
function sharedBases(ballots: readonly Ballot[], needed: number): readonly string[] {
  const bases = ballots.flatMap((ballot) => (ballot.base === null ? [] : [ballot.base]))
  return [...new Set(bases)].filter((base) => bases.filter((one) => one === base).length >= needed)
}

/** Cases in which nothing can be compared, whatever the vantages say. */
function beforehand(bench: Bench): Judgement | null {
  const { subject, chains } = bench
  const { handshakes, dns } = subject.own.sight
  const finish = (outcome: Outcome, code: ReasonCode, text: string): Judgement =>
    final(bench, {
      outcome,
      mode: 'views',
      agreeing: [],
      dissenting: [],
      reasons: [reason(code, text)],
    })
  if (handshakes.length > 0 && handshakes.every((one) => one.outcome === 'unsupported'))
    return finish(
      'unverifiable',
      'handshake-unsupported',
      `the handshake behind ${subject.target.scheme}:// is not supported`,
    )
  if (subject.pending > 0) return chains.length === 0 ? { state: 'wait' } : null
  const refusals = bench.abstentions.filter((one) => one.code === 'private-target')
  if (refusals.length >= subject.round.needed && refusals.length > 0)
    return finish(
      'unverifiable',
      'private-target',
      `${refusals.length} of ${subject.round.asked} vantages do not look at private addresses`,
    )
  if (chains.length > 0) return null
  const [first] = handshakes
  if (first === undefined)
    return finish(
      'inconclusive',
      'own-dns-failed',
      `the local DNS gave no address: A ${dns.a.status}, AAAA ${dns.aaaa.status}`,
    )
  return finish(
    'inconclusive',
    'own-handshake-failed',
    `the handshake with ${first.address} port ${first.port} failed: ${first.error?.text ?? first.outcome}`,
  )
}
