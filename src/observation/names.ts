// Is this certificate for that host? (RFC 9525 §6; addresses by iPAddress only.)

import ipaddr from 'ipaddr.js'
import type { Certificate } from '../runtime/runtime.ts'

/**
 * True when `certificate` is for `host`: an ASCII name in lower case (A-labels), or an address in canonical text.
 * Subject alternative names alone count. The common name never does (RFC 9525 §2), though OpenSSL still falls back to
 * it: name constraints do not bind it, and every tool that issues certificates has written alternative names for years.
 */
export function matchesName(certificate: Certificate, host: string): boolean {
  return ipaddr.isValid(host)
    ? certificate.ipAddresses.includes(host)
    : certificate.dnsNames.some((pattern) => matchesPattern(pattern.toLowerCase(), host))
}

/** RFC 9525 §6.3: `*` stands for exactly the whole left-most label, and never right above a top-level domain. */
function matchesPattern(pattern: string, host: string): boolean {
  if (!pattern.startsWith('*.')) return pattern === host
  const parent = pattern.slice(2)
  const dot = host.indexOf('.')
  return dot > 0 && parent.includes('.') && host.slice(dot + 1) === parent
}
