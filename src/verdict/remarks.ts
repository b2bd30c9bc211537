// Remarks beside a verdict: what else a reader should know about the round, the vantages and the own view.

import ipaddr from 'ipaddr.js'
import { countAssociations, type Ballot } from './ballot.ts'
import { reason, type Reason } from './reasons.ts'
import { shortAssociation } from './short.ts'
import type { Abstention, OwnLook, Round, VantageView } from './verdict.ts'

/** Remarks on the size and kind of the round. */
export function roundRemarks(round: Round, ballots: readonly Ballot[]): readonly Reason[] {
  return [
    ...(round.shortOf.vantages && round.asked > 0
      ? [
          reason(
            'small-network',
            `the network has fewer vantages than the policy wants: ${round.needed} of ${round.asked} must agree`,
          ),
        ]
      : []),
    ...(round.shortOf.regions && round.asked > 0
      ? [reason('few-regions', 'the network has vantages in fewer regions than the policy wants')]
      : []),
    ...(round.index > 0
      ? [
          reason(
            'asked-again',
            `round ${round.index + 1}: ${ballots.length} of ${round.asked} vantages answered afresh`,
          ),
        ]
      : []),
  ]
}

/** Who dissents and who abstains, each by name, so that nobody has to guess (B8). */
export function vantageRemarks(
  views: readonly VantageView[],
  abstentions: readonly Abstention[],
): readonly Reason[] {
  const said = views.flatMap((view) => {
    const name = view.region ?? view.id.slice(0, 8)
    if (view.said === 'dissents')
      return [reason('vantage-dissents', `${name} saw ${sawOf(view)}`, view.id)]
    return view.said === 'abstains'
      ? [reason('vantage-abstains', `${name}: ${view.why ?? 'no usable answer'}`, view.id)]
      : []
  })
  const silent = abstentions.map(({ vantage, text }) =>
    reason('vantage-abstains', `${vantage.region ?? vantage.id.slice(0, 8)}: ${text}`, vantage.id),
  )
  return [...said, ...silent]
}

function sawOf(view: VantageView): string {
  if (view.tlsa.length > 0) return view.tlsa.map(shortAssociation).join(', ')
  const keys = [...new Set(Object.values(view.keys))]
  return keys.length > 0
    ? `the key ${keys.map((key) => key.slice(7, 19)).join(', ')}`
    : 'no TLSA record'
}

/** Where the local DNS differs from what the vantages see. */
export function ownRemarks(own: OwnLook, ballots: readonly Ballot[]): readonly Reason[] {
  const { dns } = own.sight
  const votes = countAssociations(ballots)
  const known = dns.authority.records.some((record) => votes.has(record))
  const differs =
    ballots.length > 0 &&
    (dns.authority.records.length > 0 ? !known : votes.size > 0 && dns.authority.status === 'ok')
  const stripped =
    votes.size > 0 && (dns.authority.status === 'nodata' || dns.authority.status === 'nxdomain')
  const addresses = [...dns.a.records, ...dns.aaaa.records]
  const publicElsewhere = ballots.some((ballot) =>
    ballot.addresses.some((address) => !isPrivate(address)),
  )
  const split = addresses.length > 0 && addresses.every(isPrivate) && publicElsewhere
  return [
    ...(differs
      ? [reason('own-dns-differs', 'the local DNS shows other TLSA records than the vantages see')]
      : []),
    ...(stripped
      ? [reason('own-dns-differs', 'the local DNS shows no TLSA records, the vantages see some')]
      : []),
    ...(split
      ? [reason('split-horizon', `the local DNS gave the private address ${addresses.join(', ')}`)]
      : []),
  ]
}

function isPrivate(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() !== 'unicast'
}

/** Says when an owner publishes only records that need public authorities. */
export function unusableOnly(ballots: readonly Ballot[]): readonly Reason[] {
  const n = ballots.filter(({ claim }) => claim.kind === 'none' && claim.onlyUnusable).length
  return n > 0
    ? [reason('authority-unusable', `${n} vantages see only TLSA records of usages 0 and 1`)]
    : []
}
