// Judges by comparing keys, where the owner names none (protocol §6.3).

import { matchesName } from '../observation/names.ts'
import type { Bench } from './bench.ts'
import { accept, contradict, final, tooFew } from './conclude.ts'
import type { OwnChain } from './own-chains.ts'
import { reason, type Reason } from './reasons.ts'
import { unusableOnly } from './remarks.ts'
import { countViews, type ViewsCount } from './views.ts'
import type { Case, Judgement } from './verdict.ts'

/** The judgement of `bench` from the keys that each vantage was shown. */
export function byViews(bench: Bench): Judgement {
  const { subject, ballots, chains } = bench
  const counted = countViews(ballots, {
    chains,
    leafFits: chains.every((chain) => leafFits(chain, subject)),
    round: subject.round,
    pending: subject.pending,
  })
  const parts = {
    mode: 'views',
    agreeing: [...counted.support.keys()],
    dissenting: counted.dissenting,
  } as const
  switch (counted.standing) {
    case 'open':
      return { state: 'wait' }
    case 'same':
      return accept(bench, {
        ...parts,
        outcome: 'corroborated',
        reasons: [supportReason(bench, counted), ...unusableOnly(ballots), ...leafRemarks(bench)],
      })
    case 'other':
      return contradict(bench, parts, [
        reason(
          'other-key',
          `${counted.dissenting.length} of ${subject.round.asked} vantages were shown ${[...counted.keys.keys()].map((key) => key.slice(0, 12)).join(', ')}, this client ${chains.map((chain) => chain.leafSpki.slice(0, 12)).join(', ')}`,
        ),
      ])
    case 'blind':
      return counted.blind.length === ballots.length && ballots.length > 0
        ? final(bench, {
            ...parts,
            outcome: 'inconclusive',
            reasons: [
              reason(
                'nobody-reached-it',
                `none of ${ballots.length} vantages completed a handshake with the target`,
              ),
            ],
          })
        : tooFew(bench, parts)
  }
}

function leafFits(chain: OwnChain, subject: Case): boolean {
  const [leaf] = chain.certificates
  return (
    leaf !== undefined &&
    matchesName(leaf, subject.target.host) &&
    leaf.notBefore <= subject.at &&
    subject.at <= leaf.notAfter
  )
}

/** Where nobody's authority counts, a wrong name or date is worth saying though everybody sees it. */
function leafRemarks(bench: Bench): readonly Reason[] {
  const { subject, chains } = bench
  return chains.flatMap((chain) => {
    const [leaf] = chain.certificates
    if (leaf === undefined) return []
    const dated = leaf.notBefore <= subject.at && subject.at <= leaf.notAfter
    return [
      ...(dated
        ? []
        : [
            reason(
              'certificate-dates',
              `the certificate shown at ${chain.address} is outside of its dates`,
            ),
          ]),
      ...(matchesName(leaf, subject.target.host)
        ? []
        : [
            reason(
              'certificate-name',
              `the certificate shown at ${chain.address} is not for ${subject.target.host}`,
            ),
          ]),
    ]
  })
}

function supportReason(bench: Bench, counted: ViewsCount): Reason {
  const kinds = [...counted.support.values()]
  const of = `${kinds.length} of ${bench.subject.round.asked} vantages`
  if (kinds.every((kind) => kind === 'same-key'))
    return reason(
      'same-key',
      `${of} were shown the same key at addresses that they found themselves`,
    )
  return kinds.some((kind) => kind === 'same-issuer')
    ? reason('same-issuer', `${of} were shown this key or another of the same issuing CA`)
    : reason(
        'same-key-same-address',
        `${of} were shown the same key, some of them at the address given here`,
      )
}
