// Reads and writes targets: what is asked about (scheme, host, port). RFC 3986 authority forms, UTS 46 names.

import ipaddr from 'ipaddr.js'
import tr46 from 'tr46'
import { Failure } from '../base/failure.ts'
import { limits } from '../base/limits.ts'

/** How a service comes to speak TLS: from the first byte, after an upgrade, or not at all (SSH has its own). */
export type Upgrade = 'implicit' | 'starttls' | 'ssh'

type SchemeRow = {
  readonly port: number | null
  readonly upgrade: Upgrade
  readonly alpn: readonly string[]
}

const implicit = (port: number | null, ...alpn: string[]): SchemeRow => ({
  port,
  upgrade: 'implicit',
  alpn,
})
const starttls = (port: number): SchemeRow => ({ port, upgrade: 'starttls', alpn: [] })

/** Every scheme with its usual port (null: the port must be written), its way to TLS, and the ALPN we offer. */
export const schemes = {
  https: implicit(443, 'h2', 'http/1.1'),
  tls: implicit(null),
  smtps: implicit(465),
  submissions: implicit(465),
  imaps: implicit(993, 'imap'),
  pop3s: implicit(995, 'pop3'),
  ldaps: implicit(636),
  ftps: implicit(990, 'ftp'),
  nntps: implicit(563),
  xmpps: implicit(5223, 'xmpp-client'),
  'xmpps-server': implicit(5270, 'xmpp-server'),
  ircs: implicit(6697),
  smtp: starttls(25),
  submission: starttls(587),
  lmtp: starttls(24),
  imap: starttls(143),
  pop3: starttls(110),
  ldap: starttls(389),
  ftp: starttls(21),
  nntp: starttls(119),
  xmpp: starttls(5222),
  'xmpp-server': starttls(5269),
  sieve: starttls(4190),
  irc: starttls(6667),
  postgres: starttls(5432),
  mysql: starttls(3306),
  ssh: { port: 22, upgrade: 'ssh', alpn: [] },
} as const satisfies Record<string, SchemeRow>

export type Scheme = keyof typeof schemes

/** A service somewhere: what every question is about. Made by `parseTarget` alone. */
export interface Target {
  readonly scheme: Scheme
  /** Lower-case ASCII name without a final dot, or an IP address in canonical text without brackets. */
  readonly host: string
  readonly port: number
  readonly isAddress: boolean
  /** The one canonical text: scheme, host (bracketed when IPv6), and the port unless it is the usual one. */
  readonly text: string
  /** The text as a person reads it: Unicode beside ASCII where the name is internationalised. */
  readonly display: string
}

/**
 * The target written as `text`: `host`, `host:port`, or `scheme://host[:port]`.
 * @throws Failure target-malformed with what is wrong and where
 */
export function parseTarget(text: string): Target {
  const refuse = (why: string): never => {
    throw new Failure('target-malformed', { target: text, why })
  }
  if (text.length > limits.targetCharsMax)
    refuse(`it has ${text.length} characters, at most ${limits.targetCharsMax} are taken`)
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\s\u0000-\u001f\u007f]/u.test(text)) refuse('it holds white space or control characters')
  const { scheme, rest } = splitScheme(text, refuse)
  const authority = splitAuthority(rest, refuse)
  const host = canonicalHost(authority.host, refuse)
  const port = readPort(authority.port, scheme, refuse)
  return makeTarget(scheme, host, port)
}

/** True when `text` is exactly the canonical text of some target: for values from the network. */
export function isCanonicalTarget(text: string): boolean {
  try {
    return parseTarget(text).text === text
  } catch {
    return false
  }
}

function splitScheme(
  text: string,
  refuse: (why: string) => never,
): { scheme: Scheme; rest: string } {
  const match = /^([^/?#[\]@]*?):\/\/(.*)$/s.exec(text)
  if (match === null) return { scheme: 'https', rest: text }
  const name = (match[1] ?? '').toLowerCase()
  if (!Object.hasOwn(schemes, name))
    return refuse(
      `unknown scheme ${JSON.stringify(name)}; known are ${Object.keys(schemes).join(', ')}`,
    )
  return { scheme: name as Scheme, rest: (match[2] ?? '').replace(/\/$/, '') }
}

function splitAuthority(
  rest: string,
  refuse: (why: string) => never,
): { host: string; port: string | null } {
  if (rest === '') return refuse('the host is missing')
  if (rest.includes('@')) return refuse('a user name has no place in a target')
  if (/[/?#\\]/.test(rest))
    return refuse('a path has no place in a target; give scheme, host and port')
  if (rest.startsWith('[')) {
    const match = /^\[([^\]]*)\](?::(.*))?$/s.exec(rest)
    if (match === null)
      return refuse(
        'the bracketed address is not closed, or something other than a port follows it',
      )
    if (!ipaddr.IPv6.isValid(match[1] ?? ''))
      return refuse(`${JSON.stringify(match[1])} in brackets is not an IPv6 address`)
    return { host: match[1] ?? '', port: match[2] ?? null }
  }
  const parts = rest.split(':')
  if (parts.length > 2)
    return refuse('an IPv6 address is written in brackets, as in https://[2001:db8::1]:443')
  return { host: parts[0] ?? '', port: parts[1] ?? null }
}

function readPort(text: string | null, scheme: Scheme, refuse: (why: string) => never): number {
  if (text === null)
    return (
      schemes[scheme].port ?? refuse(`${scheme}:// has no usual port; write ${scheme}://host:port`)
    )
  if (!/^[0-9]{1,5}$/.test(text))
    return refuse(`port ${JSON.stringify(text)} is not a number from 1 to 65535`)
  const port = Number(text)
  return port >= 1 && port <= 65_535 ? port : refuse(`port ${port} is not between 1 and 65535`)
}

function canonicalHost(text: string, refuse: (why: string) => never): string {
  if (text === '') return refuse('the host is missing')
  if (text.includes('%'))
    return refuse('zone identifiers and percent escapes are not taken in a host')
  if (ipaddr.IPv6.isValid(text)) return ipaddr.IPv6.parse(text).toRFC5952String()
  // Digits of other scripts become ASCII only by the rules for names.
  const host = looksLikeIpv4(text) ? text : canonicalName(text, refuse)
  return !looksLikeIpv4(host) || ipaddr.IPv4.isValidFourPartDecimal(host)
    ? host
    : refuse(
        `${JSON.stringify(host)} looks like an IPv4 address, but is not four decimal numbers from 0 to 255`,
      )
}

/** As browsers do, a host whose last label is a number, decimal or hexadecimal, is taken for an address. */
function looksLikeIpv4(host: string): boolean {
  return /(^|\.)([0-9]+|0x[0-9a-f.]*)\.?$/i.test(host)
}

function canonicalName(text: string, refuse: (why: string) => never): string {
  const ascii = toAscii(text.replace(/[.。．｡]$/u, ''))
  if (ascii === null) return refuse('the host name is not a valid internationalised name (UTS 46)')
  if (ascii.length > limits.nameOctetsMax)
    return refuse(`the host name has ${ascii.length} octets, DNS allows ${limits.nameOctetsMax}`)
  for (const label of ascii.split('.')) {
    if (label === '') return refuse('the host name has an empty label')
    if (label.length > limits.labelOctetsMax)
      return refuse(
        `the label ${JSON.stringify(label)} has ${label.length} octets, DNS allows ${limits.labelOctetsMax}`,
      )
    if (!/^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?$/.test(label))
      return refuse(`the label ${JSON.stringify(label)} holds characters that no host name has`)
  }
  return ascii
}

function toAscii(name: string): string | null {
  // UTS 46 leaves such a name as it is, and nearly every name that a mirror is asked about is one.
  if (/^[a-z0-9_.-]+$/.test(name) && !name.includes('xn--')) return name
  return tr46.toASCII(name, {
    checkBidi: true,
    checkHyphens: false,
    checkJoiners: true,
    useSTD3ASCIIRules: false,
    transitionalProcessing: false,
    verifyDNSLength: false,
  })
}

function makeTarget(scheme: Scheme, host: string, port: number): Target {
  // Of the hosts that have passed, those of digits and dots alone are IPv4 addresses.
  const isAddress = host.includes(':') || /^[0-9.]+$/.test(host)
  const bracketed = host.includes(':') ? `[${host}]` : host
  const suffix = port === schemes[scheme].port ? '' : `:${port}`
  const text = `${scheme}://${bracketed}${suffix}`
  return Object.freeze({ scheme, host, port, isAddress, text, display: displayOf(text, host) })
}

function displayOf(text: string, host: string): string {
  if (!/(^|\.)xn--/.test(host)) return text
  const unicode = tr46.toUnicode(host, { checkBidi: true, checkHyphens: false }).domain
  const scripts = scriptsOf(unicode)
  const warning = scripts.length > 1 ? `; mixes ${scripts.join(' and ')} letters` : ''
  return `${text} (${unicode}${warning})`
}

const scriptNames = [
  'Latin',
  'Cyrillic',
  'Greek',
  'Armenian',
  'Hebrew',
  'Arabic',
  'Han',
  'Hiragana',
  'Katakana',
  'Hangul',
  'Devanagari',
  'Thai',
  'Georgian',
  'Cherokee',
] as const
const scriptPatterns = scriptNames.map((name) => ({
  name,
  pattern: new RegExp(`\\p{Script=${name}}`, 'u'),
}))
/** Scripts that are written together in one language (UTS 39 §5.1), and so are not a sign of imitation. */
const together = new Set([
  'Han Hiragana',
  'Han Katakana',
  'Hiragana Katakana',
  'Han Hiragana Katakana',
  'Han Hangul',
])

/** Scripts that one label of `name` mixes though no language writes them together; empty when none does. */
function scriptsOf(name: string): readonly string[] {
  for (const label of name.split('.')) {
    const found = scriptPatterns.filter(({ pattern }) => pattern.test(label)).map((row) => row.name)
    if (found.length > 1 && !together.has(found.join(' '))) return found
  }
  return []
}
