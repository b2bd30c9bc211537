// Is a site served as clients of its own CA need it? What DNS and each address show, as findings (RFC 7671 §5, §8; RFC 9525).

import { equalBytes } from '../base/bytes.ts'
import { quote } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import {
  formatAssociation,
  isNoAuthorityMarker,
  parseAssociation,
  type Association,
} from '../observation/association.ts'
import { matchesName } from '../observation/names.ts'
import type { Handshake, Sight } from '../observation/observation.ts'
import type { Target } from '../observation/target.ts'
import { matchAssociations, usable, type Match, type MissCode } from '../observation/tlsa.ts'
import type { Certificate, Crypto } from '../runtime/runtime.ts'
import { findingKinds, type FindingId, type Severity } from './lint-findings.ts'
import { weaknessOf } from './key-strength.ts'

/** Something that the owner should know. */
export interface Finding {
  readonly id: FindingId
  readonly severity: Severity
  /** The address that it is about, or null when it is about DNS or all of them. */
  readonly address: string | null
  /** What was found, with its values. */
  readonly text: string
  /** Why it matters, and what to do. */
  readonly why: string
  readonly remedy: string
}

/** What one vantage saw of the site. */
export interface LintInput {
  /** Its host is a name: an address has no records. */
  readonly target: Target
  readonly sight: Sight
  /** True when the address was chosen, so that those that DNS gives were not looked at. */
  readonly chosen: boolean
  /** The certificates of each completed handshake, by address. */
  readonly chains: ReadonlyMap<string, readonly Certificate[]>
  /** Wall time of the look, ms since 1970 UTC. */
  readonly at: number
}

type LintCrypto = Pick<Crypto, 'digest' | 'isSignedBy' | 'readCertificate'>
type Report = (id: FindingId, text: string) => void

/** What all checks of one site share. */
interface Site extends LintInput {
  readonly crypto: LintCrypto
  /** Records that can authenticate something. */
  readonly associations: readonly Association[]
  readonly names: readonly string[]
}

/** The findings about the site: DNS first, then address by address; faults and warnings as they come. */
export function lint(crypto: LintCrypto, input: LintInput): readonly Finding[] {
  const findings: Finding[] = []
  const reporter =
    (address: string | null): Report =>
    (id, text) => {
      const { severity, why, remedy } = findingKinds[id]
      findings.push({ id, severity, address, text, why, remedy })
    }
  const { dns, handshakes } = input.sight
  const records = dns.authority.records.map(parseAssociation)
  const base = dns.authority.base
  const names = [...new Set([input.target.host, ...(base === '' ? [] : [base])])]
  const site = { ...input, crypto, associations: usable(records), names }
  checkAddresses(input, reporter(null))
  checkRecords(site, records, reporter(null))
  for (const handshake of handshakes) checkHandshake(site, handshake, reporter(handshake.address))
  checkTogether(site, reporter(null))
  return findings
}

function checkAddresses({ target, sight, chosen }: LintInput, report: Report): void {
  const { a, aaaa } = sight.dns
  const answers = [
    { type: 'A', ...a },
    { type: 'AAAA', ...aaaa },
  ]
  const unanswered = answers.filter(({ status }) => !['ok', 'nodata', 'nxdomain'].includes(status))
  const [first] = unanswered
  if (first !== undefined)
    report(
      'address-unanswered',
      `DNS does not answer for ${unanswered.map(({ type }) => type).join(' and ')}: ${first.error ?? first.status}`,
    )
  const addresses = answers.flatMap(({ records }) => records)
  if (addresses.length === 0 && first === undefined)
    report('no-address', `${target.host} has no address`)
  const looked = new Set(sight.handshakes.map(({ address }) => address))
  const left = addresses.filter((address) => !looked.has(address))
  if (left.length > 0 && !chosen)
    report('address-not-looked-at', `not looked at: ${left.join(', ')}`)
}

function checkRecords(site: Site, records: readonly Association[], report: Report): void {
  const { authority } = site.sight.dns
  const owner = `${authority.owner}.`
  const { status, error, ttl } = authority
  if (status === 'nodata' || status === 'nxdomain')
    return report('record-missing', `no TLSA record at ${owner} or above`)
  if (status !== 'ok' && status !== 'malformed')
    return report('record-unanswered', `DNS does not answer for ${owner}: ${error ?? status}`)
  if (error !== null) report('record-malformed', `${owner}: ${error}`)
  for (const record of records) {
    if (isNoAuthorityMarker(record)) continue
    if (record.usage < 2) report('record-public-ca', `${owner} ${formatAssociation(record)}`)
    if (record.matching === 0)
      report('record-full', `${owner} holds ${record.data.length} bytes instead of a hash`)
  }
  if (site.associations.length === 0) report('record-unusable', `no record of ${owner} can be used`)
  if (ttl !== null && ttl > limits.tlsaTtlS)
    report('ttl-long', `the records of ${owner} may be kept for ${ttl} s`)
}

function checkHandshake(site: Site, handshake: Handshake, report: Report): void {
  const { outcome, error, protocol } = handshake
  const chain = site.chains.get(handshake.address) ?? []
  const [leaf] = chain
  if (outcome !== 'completed' || leaf === undefined)
    return report('no-handshake', error?.text ?? `the handshake ended as ${outcome}`)
  if (protocol === 'TLSv1' || protocol === 'TLSv1.1')
    report('old-protocol', `the server settled for ${protocol}`)
  for (const certificate of chain) {
    const weakness = weaknessOf(certificate.spki)
    if (weakness !== null) report('weak-key', `${nameOf(certificate)} has ${weakness}`)
  }
  if (site.associations.length === 0)
    return checkWithoutRecord(site, [leaf, ...chain.slice(1)], report)
  const { associations, names, at, crypto } = site
  const result = matchAssociations({ chain, associations, names, at }, crypto)
  if (result.matched !== null) return checkMatch(site, { ...result, chain }, report)
  // One of several records is enough: what the last one misses is the most that can be said.
  const reason = result.reasons.toSorted((x, y) => rank(x.code) - rank(y.code))[0]
  if (reason !== undefined)
    report(findingOf(reason.code, site, chain), `${reason.association}: ${reason.text}`)
}

/** What is wrong with the chain whatever the record will say. */
function checkWithoutRecord(
  { crypto, names, at }: Site,
  chain: readonly [Certificate, ...Certificate[]],
  report: Report,
): void {
  const [leaf, ...others] = chain
  if (!others.some((one) => one.basicConstraints?.ca === true && crypto.isSignedBy(leaf, one.spki)))
    report('ca-not-sent', `${nameOf(leaf)} came without the CA that signed it`)
  if (!isFor(leaf, names)) report('wrong-name', notFor(leaf, names))
  checkDates(chain, at, report)
}

function checkMatch(
  { names, at }: Site,
  match: Match & { readonly chain: readonly Certificate[] },
  report: Report,
): void {
  const { path, chain } = match
  const [leaf] = path
  const isKeyAlone = match.matched.usage % 2 === 1
  if (isKeyAlone && leaf !== undefined && !isFor(leaf, names))
    report('name-unchecked', notFor(leaf, names))
  checkDates(path, at, (id, text) =>
    report(isKeyAlone && id === 'out-of-date' ? 'dates-unchecked' : id, text),
  )
  const places = path.map((one) => chain.findIndex((sent) => equalBytes(sent.der, one.der)))
  if (places.some((place, i) => place !== i))
    report(
      'chain-disordered',
      `${chain.length} certificates were sent, not each signed by the next`,
    )
}

function isFor(leaf: Certificate, names: readonly string[]): boolean {
  return names.some((name) => matchesName(leaf, name))
}

function notFor(leaf: Certificate, names: readonly string[]): string {
  return `${nameOf(leaf)} is not for ${names.join(' or ')}`
}

function checkDates(path: readonly Certificate[], at: number, report: Report): void {
  for (const certificate of path) {
    const { notBefore, notAfter } = certificate
    const until = new Date(notAfter).toISOString()
    if (at > notAfter) report('out-of-date', `${nameOf(certificate)} expired ${until}`)
    else if (at < notBefore)
      report('out-of-date', `${nameOf(certificate)} begins ${new Date(notBefore).toISOString()}`)
    else if (notAfter - at < limits.expiryWarningMs)
      report('expires-soon', `${nameOf(certificate)} expires ${until}`)
  }
}

/** What shows only when all addresses are looked at. */
function checkTogether({ chains, associations, names, at, crypto }: Site, report: Report): void {
  // One at a time: a record with a weaker digest beside it is no stranger.
  const shown = associations.filter((one) =>
    [...chains.values()].some(
      (chain) =>
        matchAssociations({ chain, associations: [one], names, at }, crypto).matched !== null,
    ),
  )
  if (shown.length > 0)
    for (const one of associations.filter((each) => !shown.includes(each)))
      report('record-unmatched', `no address shows what ${formatAssociation(one)} names`)
  const tops = [...chains].flatMap(([address, chain]) => {
    const top = chain.at(-1)
    return top === undefined ? [] : [{ address, top }]
  })
  const [first, ...others] = tops
  const other = others.find(
    ({ top }) => first !== undefined && !equalBytes(top.spki, first.top.spki),
  )
  if (first !== undefined && other !== undefined)
    report(
      'authorities-differ',
      `${first.address} shows ${nameOf(first.top)}, ${other.address} shows ${nameOf(other.top)}`,
    )
}

/** The finding for why the records do not authenticate a chain. */
function findingOf(code: MissCode, { crypto }: Site, chain: readonly Certificate[]): FindingId {
  const top = chain.at(-1)
  // A chain that ends in a CA of its own lacks nothing: it is under another CA.
  const isWhole = chain.length > 1 && top !== undefined && crypto.isSignedBy(top, top.spki)
  if (code === 'anchor-not-sent') return isWhole ? 'chain-not-authorised' : 'ca-not-sent'
  if (code === 'expired' || code === 'not-yet-valid') return 'out-of-date'
  if (code === 'anchor-is-server') return 'usage-confused'
  return code === 'wrong-name' ? code : 'chain-not-authorised'
}

/** Of several records the one that came closest tells most. */
function rank(code: MissCode): number {
  const closest: readonly MissCode[] = [
    'wrong-name',
    'expired',
    'not-yet-valid',
    'anchor-is-server',
  ]
  const far: readonly MissCode[] = ['other-key', 'anchor-not-sent', 'weaker-digest']
  if (closest.includes(code)) return closest.indexOf(code)
  return far.includes(code) ? 100 + far.indexOf(code) : 50
}

function nameOf({ subject, dnsNames, ipAddresses, serial }: Certificate): string {
  const [name = ''] = [...dnsNames, ...ipAddresses]
  return `the certificate ${quote(subject || name || `serial ${serial}`)}`
}
