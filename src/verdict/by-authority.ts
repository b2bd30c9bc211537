// Judges by the owner's authority: the chain must match a record that enough vantages see (protocol §6.1).

import { addressAgreement } from './addresses.ts'
import { countAuthority, type AuthorityCount } from './authority.ts'
import type { Bench } from './bench.ts'
import { byViews } from './by-views.ts'
import { accept, contradict, escalate, final, tooFew } from './conclude.ts'
import { completed } from './ballot.ts'
import { reason, type Reason } from './reasons.ts'
import { unusableOnly } from './remarks.ts'
import { shortAssociation as short } from './short.ts'
import type { Judgement } from './verdict.ts'

/** The judgement of `bench`, by the keys where the owner names none. */
export function byAuthority(bench: Bench): Judgement {
  const { subject, matcher, ballots } = bench
  const { needed } = subject.round
  const counted = countAuthority(ballots, bench, { needed, pending: subject.pending })
  switch (counted.standing) {
    case 'open':
      return { state: 'wait' }
    case 'authorised':
      return acceptByAuthority(bench, counted)
    case 'absent':
      return subject.policy.withoutAuthority === 'views'
        ? byViews(bench)
        : final(bench, {
            outcome: 'unverifiable',
            mode: 'authority',
            agreeing: counted.none,
            dissenting: counted.dissenting.filter((id) => !counted.none.includes(id)),
            reasons: [
              reason(
                'no-authority',
                `${counted.none.length} of ${ballots.length} vantages see no TLSA records for this service`,
              ),
              ...unusableOnly(ballots),
            ],
          })
    case 'unauthorised':
      return contradict(bench, counted, [
        reason(
          'not-authorised',
          `${votesFor(counted)} vantages see ${counted.accepted.map(short).join(', ')}, which the chain shown here does not match`,
        ),
        ...matcher
          .misses(counted.accepted)
          .map((miss) =>
            reason('certificate-not-matching', `${short(miss.association)}: ${miss.text}`),
          ),
      ])
    case 'split':
      return ballots.length < needed
        ? tooFew(bench, { mode: 'authority', ...counted })
        : escalate(bench, {
            // Which side is right is not known, so there is nothing to diagnose.
            outcome: 'contradicted',
            mode: 'authority',
            agreeing: counted.agreeing,
            dissenting: counted.dissenting,
            reasons: [
              reason(
                'vantages-disagree',
                `no statement about the owner's keys has the ${needed} votes that it needs: ${splitOf(counted)}`,
              ),
            ],
          })
  }
}

function acceptByAuthority(bench: Bench, counted: AuthorityCount): Judgement {
  const { subject, matcher, ballots } = bench
  const refusal = literalRefusal(bench, counted)
  if (refusal !== null) return refusal
  const matching = matcher.matching(counted.accepted)
  const byCa = matching.some((association) => association.startsWith('2 '))
  const further = counted.accepted.filter((association) => !matching.includes(association))
  const own = subject.own.sight.dns
  const addresses = addressAgreement([...own.a.records, ...own.aaaa.records], ballots, true)
  return accept(bench, {
    outcome: 'corroborated',
    mode: 'authority',
    agreeing: counted.agreeing,
    dissenting: counted.dissenting,
    reasons: [
      reason(
        byCa ? 'ca-authorised' : 'key-authorised',
        `${counted.agreeing.length} of ${subject.round.asked} vantages see ${matching.map(short).join(', ')}, and the chain shown here matches`,
      ),
      ...(further.length > 0
        ? [reason('next-key-announced', `the owner also names ${further.map(short).join(', ')}`)]
        : []),
      ...otherKeysHere(bench),
      ...(addresses === 'proved'
        ? [
            reason(
              'addresses-vary',
              'the vantages were given other addresses; the key proves the one given here',
            ),
          ]
        : []),
    ],
  })
}

/** Vantages that were shown another leaf at the very address used here: harmless with several servers, or a theft. */
function otherKeysHere({ chains, ballots }: Bench): readonly Reason[] {
  return chains.flatMap((chain) => {
    const others = ballots.filter((ballot) =>
      completed(ballot).some(
        ({ address, chain: shown }) =>
          address === chain.address && shown[0]?.spki !== chain.leafSpki,
      ),
    )
    return others.length === 0
      ? []
      : [
          reason(
            'other-key-same-authority',
            `at ${chain.address} ${others.length} of ${ballots.length} vantages were shown another key`,
          ),
        ]
  })
}

/** The literal policy's further demand: the same addresses everywhere (R53). */
function literalRefusal(bench: Bench, counted: AuthorityCount): Judgement | null {
  if (bench.subject.policy.address !== 'equal') return null
  const own = addressSet([...bench.subject.own.sight.dns.a.records])
  const differing = bench.ballots.filter(
    (ballot) => addressSet(ballot.addresses.filter((one) => one.includes('.'))) !== own,
  )
  if (differing.length === 0) return null
  const names = differing.map((ballot) => ballot.vantage.region ?? ballot.vantage.id.slice(0, 8))
  return contradict(bench, counted, [
    reason(
      'addresses-differ',
      `the local DNS gave ${own || 'no address'}; ${names.join(', ')} gave ${differing.map((ballot) => ballot.addresses.join(' ')).join('; ')}`,
    ),
  ])
}

function addressSet(addresses: readonly string[]): string {
  return [...new Set(addresses)].toSorted().join(' ')
}

function votesFor(counted: AuthorityCount): string {
  const most = Math.max(
    ...counted.accepted.map((association) => counted.votes.get(association) ?? 0),
  )
  return `${most}`
}

function splitOf(counted: AuthorityCount): string {
  const named = [...counted.votes].map(([association, n]) => `${n} see ${short(association)}`)
  return [...named, ...(counted.none.length > 0 ? [`${counted.none.length} see none`] : [])].join(
    ', ',
  )
}
