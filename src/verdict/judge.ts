// Judges what was seen: pure, so that every policy is a table of cases and a network of thousands fits in one process.

import { matchesName } from '../observation/names.ts'
import { unusableOnly } from './remarks.ts'
import type { Crypto } from '../runtime/runtime.ts'
import { addressAgreement } from './addresses.ts'
import { countAuthority, type AuthorityCount } from './authority.ts'
import { isBallot, readBallot, type Ballot } from './ballot.ts'
import { diagnose } from './diagnose.ts'
import { createMatcher, ownChains, type Matcher, type OwnChain } from './own-chains.ts'
import { reason, type Reason, type ReasonCode } from './reasons.ts'
import { distinctRegistries } from './regions.ts'
import { ownRemarks, roundRemarks, vantageRemarks } from './remarks.ts'
import { countViews, type ViewsCount } from './views.ts'
import type { Abstention, Case, Judgement, Mode, Outcome, Verdict, VantageView } from './verdict.ts'

/**
 * Judges `subject`: waits while answers that are still out can decide, goes on to a further round when this one
 * is not clear, and otherwise says what is so. Needs digests and signatures of certificates from `crypto`.
 */
export function judge(crypto: Crypto, subject: Case): Judgement {
  const votes = subject.answers.map(readBallot)
  const ballots = votes.filter(isBallot)
  const blanks: Abstention[] = votes.flatMap((vote) => (isBallot(vote) ? [] : [vote]))
  const chains = ownChains(crypto, subject.own)
  const bench: Bench = {
    crypto,
    subject,
    ballots,
    chains,
    abstentions: [...subject.abstentions, ...blanks],
    matcher: createMatcher(crypto, chains, {
      target: subject.target,
      names: sharedBases(ballots, subject.round.needed),
      at: subject.at,
    }),
  }
  return beforehand(bench) ?? byAuthority(bench)
}

/** What the rules work with. */
interface Bench {
  readonly crypto: Crypto
  readonly subject: Case
  readonly ballots: readonly Ballot[]
  readonly chains: readonly OwnChain[]
  readonly abstentions: readonly Abstention[]
  readonly matcher: Matcher
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

function byAuthority(bench: Bench): Judgement {
  const { subject, matcher, ballots } = bench
  const { needed } = subject.round
  const counted = countAuthority(ballots, matcher, { needed, pending: subject.pending })
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
        : contradict(bench, counted, [
            reason(
              'vantages-disagree',
              `no statement about the owner's keys has the ${needed} votes that it needs: ${splitOf(counted)}`,
            ),
          ])
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

function byViews(bench: Bench): Judgement {
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
      return contradict(
        bench,
        parts,
        [
          reason(
            'other-key',
            `${counted.dissenting.length} of ${subject.round.asked} vantages were shown ${[...counted.keys.keys()].map((key) => key.slice(0, 12)).join(', ')}, this client ${chains.map((chain) => chain.leafSpki.slice(0, 12)).join(', ')}`,
          ),
        ],
        'views',
      )
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

/** What a rule found, before the verdict is written. */
interface Finding {
  readonly outcome: Outcome
  readonly mode: Mode
  readonly agreeing: readonly string[]
  readonly dissenting: readonly string[]
  readonly reasons: readonly Reason[]
}

type Counted = Pick<AuthorityCount, 'agreeing' | 'dissenting'>

/** Accepts, unless the policy demands more variety of regions than the agreeing vantages have. */
function accept(bench: Bench, finding: Finding): Judgement {
  const { subject, ballots } = bench
  const agreeing = ballots.filter((ballot) => finding.agreeing.includes(ballot.vantage.id))
  const regions = distinctRegistries(agreeing.map((ballot) => ballot.vantage.region))
  if (subject.policy.diversity === 'preferred' || regions.length >= subject.policy.registriesMin)
    return final(bench, finding)
  if (subject.pending > 0) return { state: 'wait' }
  const missing = reason(
    'too-few-regions',
    `the agreeing vantages are of ${regions.length} regions (${regions.join(', ')}), the policy needs ${subject.policy.registriesMin}`,
  )
  return escalate(bench, { ...finding, outcome: 'inconclusive', reasons: [missing] })
}

/** An alarm is raised only on answers that were made afresh, and only when no further round can clear it up. */
function contradict(
  bench: Bench,
  counted: Counted,
  reasons: readonly Reason[],
  mode: Mode = 'authority',
): Judgement {
  const diagnosis = bench.chains.flatMap((chain) => diagnose(chain, bench.ballots))
  return escalate(bench, {
    outcome: 'contradicted',
    mode,
    ...counted,
    reasons: [...reasons, ...diagnosis],
  })
}

function tooFew(bench: Bench, parts: Pick<Finding, 'mode' | 'agreeing' | 'dissenting'>): Judgement {
  const { needed, asked } = bench.subject.round
  const text = `${bench.ballots.length} of ${asked} vantages gave an answer that counts, ${needed} are needed`
  return escalate(bench, {
    ...parts,
    outcome: 'inconclusive',
    reasons: [reason('too-few-vantages', text)],
  })
}

function escalate(bench: Bench, finding: Finding): Judgement {
  const judgement = final(bench, finding)
  return bench.subject.round.last || judgement.state !== 'final'
    ? judgement
    : { state: 'escalate', verdict: judgement.verdict }
}

function final(bench: Bench, finding: Finding): Judgement {
  const { subject, ballots, abstentions, chains } = bench
  const dns = subject.own.sight.dns
  const views = bench.ballots.map((ballot) => viewOf(ballot, finding))
  const [chain] = chains
  const verdict: Verdict = {
    target: subject.target.text,
    outcome: finding.outcome,
    quorum: {
      agreeing: finding.agreeing.length,
      dissenting: finding.dissenting.length,
      abstaining: abstentions.length + views.filter((view) => view.said === 'abstains').length,
      asked: subject.round.asked,
      needed: subject.round.needed,
    },
    policy: subject.policy.name,
    mode: finding.mode,
    address: addressAgreement(
      [...dns.a.records, ...dns.aaaa.records],
      ballots,
      finding.outcome === 'corroborated',
    ),
    regions: distinctRegistries(ballots.map((ballot) => ballot.vantage.region)),
    views: viewCounts(bench, finding.mode),
    own: {
      address: chain === undefined ? null : endpointText(chain.address, subject.target.port),
      leafSpki: chain === undefined ? null : `sha256:${chain.leafSpki}`,
      caSpki: chain === undefined || chain.caSpki === null ? null : `sha256:${chain.caSpki}`,
      tlsa: dns.authority.records,
    },
    reasons: [
      ...finding.reasons,
      ...ownRemarks(subject.own, ballots),
      ...roundRemarks(subject.round, ballots),
      ...vantageRemarks(views, [...abstentions, ...subject.replaced]),
    ],
    vantages: [...views, ...[...abstentions, ...subject.replaced].map(blankView)],
  }
  return { state: 'final', verdict }
}

function viewOf(ballot: Ballot, finding: Finding): VantageView {
  const { id, region } = ballot.vantage
  const said = finding.agreeing.includes(id)
    ? 'agrees'
    : finding.dissenting.includes(id)
      ? 'dissents'
      : 'abstains'
  const keys = ballot.handshakes.flatMap((handshake) => {
    const leaf = handshake.chain[0]
    return leaf === undefined ? [] : [[handshake.address, `sha256:${leaf.spki}`] as const]
  })
  const failed = ballot.handshakes.find((one) => one.error !== null)
  return {
    id,
    region,
    said,
    why: said === 'abstains' ? (failed?.error?.text ?? 'it completed no handshake') : null,
    tlsa: ballot.claim.kind === 'names' ? ballot.claim.associations : [],
    addresses: ballot.addresses,
    keys: Object.fromEntries(keys),
    handshakes: ballot.handshakes.map((handshake) => handshake.outcome),
  }
}

function blankView(abstention: Abstention): VantageView {
  const { id, region } = abstention.vantage
  const nothing = { tlsa: [], addresses: [], keys: {}, handshakes: [] } as const
  return { id, region, said: 'abstains', why: abstention.text, ...nothing }
}

function viewCounts(bench: Bench, mode: Mode): Readonly<Record<string, number>> {
  const { ballots, chains, subject } = bench
  if (mode === 'views') {
    const counted = countViews(ballots, {
      chains,
      leafFits: false,
      round: subject.round,
      pending: 0,
    })
    return Object.fromEntries([...counted.keys].map(([key, n]) => [`sha256:${key}`, n]))
  }
  const counted = countAuthority(ballots, bench.matcher, {
    needed: subject.round.needed,
    pending: 0,
  })
  return Object.fromEntries([
    ...counted.votes,
    ...(counted.none.length > 0 ? [['none', counted.none.length] as const] : []),
  ])
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

/** An association with its hash shortened for a sentence. */
function short(association: string): string {
  const [usage, selector, matching, data = ''] = association.split(' ')
  return `${usage} ${selector} ${matching} ${data.length > 16 ? `${data.slice(0, 12)}…` : data}`
}

function endpointText(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
