// From a finding to a judgement: accept, go on to a further round, or write the verdict down.

import { addressAgreement } from './addresses.ts'
import { countAuthority } from './authority.ts'
import type { Ballot } from './ballot.ts'
import type { Bench, Finding } from './bench.ts'
import { diagnose } from './diagnose.ts'
import { reason, type Reason } from './reasons.ts'
import { distinctRegistries } from './regions.ts'
import { ownRemarks, roundRemarks, vantageRemarks } from './remarks.ts'
import { countViews } from './views.ts'
import type { Abstention, Judgement, Mode, Verdict, VantageView } from './verdict.ts'

/** Who agrees and who does not; by the owner's authority unless it says otherwise. */
type Counted = Pick<Finding, 'agreeing' | 'dissenting'> & { readonly mode?: Mode }

/** Accepts, unless the policy demands more variety of regions than the agreeing vantages have. */
export function accept(bench: Bench, finding: Finding): Judgement {
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
export function contradict(bench: Bench, counted: Counted, reasons: readonly Reason[]): Judgement {
  const diagnosis = bench.chains.flatMap((chain) => diagnose(chain, bench.ballots))
  return escalate(bench, {
    outcome: 'contradicted',
    mode: counted.mode ?? 'authority',
    agreeing: counted.agreeing,
    dissenting: counted.dissenting,
    reasons: [...reasons, ...diagnosis],
  })
}

/** What follows when fewer vantages answered than are needed: a further round, or an inconclusive verdict. */
export function tooFew(
  bench: Bench,
  parts: Pick<Finding, 'mode' | 'agreeing' | 'dissenting'>,
): Judgement {
  const { needed, asked } = bench.subject.round
  const text =
    parts.mode === 'authority'
      ? `${bench.ballots.length} of ${asked} vantages gave an answer that counts, ${needed} are needed`
      : `${parts.agreeing.length} of ${asked} vantages agree, ${parts.dissenting.length} dissent, and the others completed no handshake: ${needed} must agree`
  return escalate(bench, {
    ...parts,
    outcome: 'inconclusive',
    reasons: [reason('too-few-vantages', text)],
  })
}

/** A further round where one may tell more, else the verdict. */
export function escalate(bench: Bench, finding: Finding): Judgement {
  const judgement = final(bench, finding)
  return bench.subject.round.last || judgement.state !== 'final'
    ? judgement
    : { state: 'escalate', verdict: judgement.verdict }
}

/** The judgement that ends the matter with `finding`, whatever rounds there could be. */
export function final(bench: Bench, finding: Finding): Judgement {
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
      address: chain === undefined ? null : endpointText(chain.address, chain.port),
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
  const counted = countAuthority(ballots, bench, {
    needed: subject.round.needed,
    pending: 0,
  })
  return Object.fromEntries([
    ...counted.votes,
    ...(counted.none.length > 0 ? [['none', counted.none.length] as const] : []),
  ])
}

function endpointText(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
