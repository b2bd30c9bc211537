// Names that a certificate may hold (RFC 5280 §4.2.1.6) and names that a CA may be held to (§4.2.1.10).

import ipaddr from 'ipaddr.js'
import { Failure } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import { parseTarget } from '../observation/target.ts'
import type { NameConstraints } from '../runtime/runtime.ts'

/** A name of a server: a DNS name in lower-case ASCII, perhaps with `*` as its first label, or an IP address. */
export type ServerName =
  | { readonly kind: 'dns'; readonly text: string }
  | { readonly kind: 'ip'; readonly text: string; readonly bytes: Uint8Array }

/**
 * Reads one name for a certificate: `a.test`, `*.a.test`, `192.0.2.1`, `2001:db8::1` with or without brackets.
 * @throws Failure name-malformed
 */
export function parseServerName(text: string): ServerName {
  const refuse = (why: string): never => {
    throw new Failure('name-malformed', { name: text, why })
  }
  const wildcard = text.startsWith('*.')
  const host = canonicalHost(wildcard ? text.slice(2) : text, text)
  if (ipaddr.isValid(host))
    return wildcard
      ? refuse('addresses have no wildcard')
      : { kind: 'ip', text: host, bytes: Uint8Array.from(ipaddr.parse(host).toByteArray()) }
  if (wildcard && !host.includes('.'))
    return refuse('clients take no wildcard right below a top-level domain')
  return { kind: 'dns', text: wildcard ? `*.${host}` : host }
}

/** The name as a part of a file name on every system: `_wildcard.a.test`, `2001-db8--1`. */
export function fileNameOf(name: ServerName): string {
  return name.text.replace(/^\*/, '_wildcard').replaceAll(':', '-')
}

/**
 * The constraints of a CA that may speak for `names` alone: DNS names with everything below them, addresses,
 * and address ranges such as `10.0.0.0/8`. A form without a permitted name is excluded as a whole, since a
 * list of permitted DNS names says nothing about addresses, and the other way round.
 * @throws Failure name-malformed
 */
export function constraintsOf(names: readonly string[]): NameConstraints {
  const permittedDns: string[] = []
  const permittedIp: Uint8Array[] = []
  for (const text of names) {
    const range = parseRange(text)
    if (range !== null) permittedIp.push(range)
    else permittedDns.push(constraintName(text))
  }
  return {
    permittedDns,
    permittedIp,
    // A zero-length name is every name's ancestor.
    excludedDns: permittedDns.length === 0 ? [''] : [],
    excludedIp: permittedIp.length === 0 ? [new Uint8Array(8), new Uint8Array(32)] : [],
    hasOtherForms: false,
  }
}

/** Address and mask as the certificate holds them, or null when `text` is no address or range. */
function parseRange(text: string): Uint8Array | null {
  const [address = '', length, ...more] = text.replace(/^\[(.*)\]$/, '$1').split('/')
  if (!ipaddr.IPv4.isValidFourPartDecimal(address) && !ipaddr.IPv6.isValid(address)) return null
  const bytes = ipaddr.parse(address).toByteArray()
  const bits = length === undefined ? 8 * bytes.length : Number(length)
  if (
    more.length > 0 ||
    !/^[0-9]*$/.test(length ?? '') ||
    length === '' ||
    bits > 8 * bytes.length
  ) {
    const why = `the length of the prefix is not a number from 0 to ${8 * bytes.length}`
    throw new Failure('name-malformed', { name: text, why })
  }
  const mask = bytes.map((_, i) => 0xff & ~(0xff >> Math.min(8, Math.max(0, bits - 8 * i))))
  return Uint8Array.from([...bytes.map((byte, i) => byte & (mask[i] ?? 0)), ...mask])
}

function constraintName(text: string): string {
  if (text.startsWith('*') || text.startsWith('.')) {
    const why = 'a constraint covers the names below it by itself; write it without the star or dot'
    throw new Failure('name-malformed', { name: text, why })
  }
  return canonicalHost(text, text)
}

function canonicalHost(host: string, text: string): string {
  const refuse = (why: string, cause?: unknown): never => {
    throw new Failure('name-malformed', { name: text, why }, { cause })
  }
  if (host.length > limits.targetCharsMax) return refuse('it is too long')
  if (ipaddr.IPv6.isValid(host)) return ipaddr.IPv6.parse(host).toRFC5952String()
  if (/[:/]/.test(host) && !/^\[[^\]]*\]$/.test(host))
    return refuse('a certificate is for a name or an address, without scheme, port or path')
  try {
    return parseTarget(host).host
  } catch (cause) {
    if (!Failure.is(cause) || cause.code !== 'target-malformed') throw cause
    return refuse('why' in cause.details ? cause.details.why : cause.message, cause)
  }
}
