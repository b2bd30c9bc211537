// Name constraints of CA certificates (RFC 5280 §4.2.1.10), for the names that a server can have.

import ipaddr from 'ipaddr.js'
import { quote } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import type { Certificate, NameConstraints } from '../runtime/runtime.ts'

/** The names of a certificate that constraints of the forms that we evaluate can meet. */
export type ConstrainedNames = Pick<Certificate, 'dnsNames' | 'ipAddresses'>

/** Why the names of `certificate` are not within the `constraints` of a CA above it, or null when they are. */
export function constraintBroken(
  certificate: ConstrainedNames,
  constraints: NameConstraints,
): string | null {
  if (constraints.hasOtherForms)
    return 'the constraints hold forms other than DNS names and addresses, which are not evaluated'
  if (checksOf(certificate, constraints) > limits.nameChecksMax)
    return `names and constraints are too many to compare (over ${limits.nameChecksMax} pairs)`
  for (const name of certificate.dnsNames) {
    const broken = dnsBroken(name.toLowerCase(), constraints)
    if (broken !== null) return `${quote(name)} is ${broken}`
  }
  for (const address of certificate.ipAddresses) {
    const broken = ipBroken(address, constraints)
    if (broken !== null) return `${address} is ${broken}`
  }
  return null
}

type Broken = 'excluded' | 'not permitted' | null

function dnsBroken(name: string, { permittedDns, excludedDns }: NameConstraints): Broken {
  if (excludedDns.some((base) => isWithinDns(name, base) || mayStandFor(name, base)))
    return 'excluded'
  const isPermitted =
    permittedDns.length === 0 || permittedDns.some((base) => isWithinDns(name, base))
  return isPermitted ? null : 'not permitted'
}

function ipBroken(address: string, { permittedIp, excludedIp }: NameConstraints): Broken {
  const octets = ipaddr.parse(address).toByteArray()
  if (excludedIp.some((range) => isWithinIp(octets, range))) return 'excluded'
  const isPermitted =
    permittedIp.length === 0 || permittedIp.some((range) => isWithinIp(octets, range))
  return isPermitted ? null : 'not permitted'
}

/** `name` is `base` or below it; a base with a leading dot takes only what is below; the empty base takes all. */
function isWithinDns(name: string, base: string): boolean {
  const tree = base.toLowerCase()
  if (tree === '' || name === tree) return true
  return name.endsWith(tree.startsWith('.') ? tree : `.${tree}`)
}

/** `*.example.com` may stand for an excluded `a.example.com`; RFC 5280 leaves open what a wildcard is within. */
function mayStandFor(name: string, base: string): boolean {
  const tree = base.toLowerCase()
  return name.startsWith('*.') && tree.slice(tree.indexOf('.')) === name.slice(1)
}

function isWithinIp(octets: readonly number[], range: Uint8Array): boolean {
  const half = range.length / 2
  return (
    octets.length === half &&
    octets.every((octet, i) => ((octet ^ (range[i] ?? 0)) & (range[half + i] ?? 0)) === 0)
  )
}

function checksOf(certificate: ConstrainedNames, constraints: NameConstraints): number {
  const dns = constraints.permittedDns.length + constraints.excludedDns.length
  const ip = constraints.permittedIp.length + constraints.excludedIp.length
  return certificate.dnsNames.length * dns + certificate.ipAddresses.length * ip
}
