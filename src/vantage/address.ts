// Where a vantage does not knock on behalf of strangers (protocol §11): whatever is not global unicast by the IANA
// special-purpose registries (RFC 6890, RFC 8190 and the documents named beside each row), and low ports without TLS.

import ipaddr from 'ipaddr.js'
import { schemes } from '../observation/target.ts'

/**
 * Why a vantage does not connect to `address` for a stranger; null when it is global unicast. Addresses that carry
 * another one (6to4, Teredo, NAT64) are judged by what they carry. Text with a zone, or that is no canonical
 * address, is refused too.
 */
export function addressRefusal(address: string): string | null {
  if (address.includes('%')) return 'it has a zone, and so belongs to one link (RFC 4007 §11)'
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) return refusalV4(ipaddr.IPv4.parse(address))
  if (ipaddr.IPv6.isValid(address)) return refusalV6(ipaddr.IPv6.parse(address))
  return 'it is not an IP address'
}

/** True when `text` is an IP address, and not only something that a resolver would read as one. */
export function isAddress(text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text)
}

/**
 * Why a vantage does not connect to `port` for a stranger; null when it does. From 1024 up every port is allowed,
 * because test and internal services live anywhere; below, only those of `lowPorts`, because a connection to the
 * services there is more often an annoyance than a question.
 */
export function portRefusal(
  port: number,
  lowPorts: ReadonlySet<number> = usualLowPorts,
): string | null {
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    return 'it is not a port from 1 to 65535'
  return port >= 1024 || lowPorts.has(port) ? null : 'no service with TLS usually has this port'
}

/** The usual ports below 1024 of all schemes, and of DNS over TLS (RFC 7858 §3.1). */
export const usualLowPorts: ReadonlySet<number> = new Set(
  [...Object.values(schemes).map((row) => row.port), 853].filter(
    (port): port is number => port !== null && port < 1024,
  ),
)

function refusalV4(address: ipaddr.IPv4): string | null {
  const row = specialV4.find(({ range }) => address.match(range))
  return row === undefined ? null : row.why
}

function refusalV6(address: ipaddr.IPv6): string | null {
  const carrier = carriers.find(({ range }) => address.match(range))
  if (carrier !== undefined) return refusalOfCarried(carrier, address.toByteArray())
  const row = specialV6.find(({ range }) => address.match(range))
  return row === undefined ? null : row.why
}

function refusalOfCarried(carrier: Carrier, octets: readonly number[]): string | null {
  for (const inner of carrier.carried(octets)) {
    const why = refusalV4(new ipaddr.IPv4(inner))
    if (why !== null) return `${carrier.name} of ${inner.join('.')}: ${why}`
  }
  return null
}

interface Row<A extends ipaddr.IPv4 | ipaddr.IPv6> {
  readonly cidr: string
  readonly range: [A, number]
  readonly why: string
}

const v4 = (cidr: string, why: string): Row<ipaddr.IPv4> => ({
  cidr,
  range: ipaddr.IPv4.parseCIDR(cidr),
  why,
})
const v6 = (cidr: string, why: string): Row<ipaddr.IPv6> => ({
  cidr,
  range: ipaddr.IPv6.parseCIDR(cidr),
  why,
})

/**
 * The IANA IPv4 Special-Purpose Address Registry and multicast. Its rows that are globally reachable are refused
 * as well: an anycast service (AS112, AMT, TURN, PCP) is answered by the nearest machine, possibly of our own network.
 */
const specialV4: readonly Row<ipaddr.IPv4>[] = [
  v4('0.0.0.0/8', 'this network (RFC 791 §3.2)'),
  v4('10.0.0.0/8', 'private use (RFC 1918)'),
  v4('100.64.0.0/10', 'shared by carriers (RFC 6598)'),
  v4('127.0.0.0/8', 'loopback (RFC 1122 §3.2.1.3)'),
  v4('169.254.0.0/16', 'link-local (RFC 3927)'),
  v4('172.16.0.0/12', 'private use (RFC 1918)'),
  v4('192.0.0.0/24', 'IETF protocol assignments (RFC 6890 §2.1)'),
  v4('192.0.2.0/24', 'documentation (RFC 5737)'),
  v4('192.31.196.0/24', 'AS112 anycast (RFC 7535)'),
  v4('192.52.193.0/24', 'multicast tunnelling anycast (RFC 7450)'),
  v4('192.88.99.0/24', '6to4 relay anycast (RFC 7526)'),
  v4('192.168.0.0/16', 'private use (RFC 1918)'),
  v4('192.175.48.0/24', 'AS112 anycast (RFC 7534)'),
  v4('198.18.0.0/15', 'benchmarking (RFC 2544)'),
  v4('198.51.100.0/24', 'documentation (RFC 5737)'),
  v4('203.0.113.0/24', 'documentation (RFC 5737)'),
  v4('224.0.0.0/4', 'multicast (RFC 5771)'),
  v4('255.255.255.255/32', 'limited broadcast (RFC 919)'),
  v4('240.0.0.0/4', 'reserved (RFC 1112 §4)'),
]

/** The IANA IPv6 Special-Purpose Address Registry, multicast, and all that is not allocated. The first match counts. */
const specialV6: readonly Row<ipaddr.IPv6>[] = [
  v6('::/128', 'unspecified (RFC 4291 §2.5.2)'),
  v6('::1/128', 'loopback (RFC 4291 §2.5.3)'),
  v6('::/96', 'IPv4-compatible (RFC 4291 §2.5.5.1)'),
  v6('::ffff:0:0/96', 'IPv4-mapped (RFC 4291 §2.5.5.2)'),
  v6('64:ff9b:1::/48', 'translation within a network (RFC 8215)'),
  v6('100::/64', 'discarded (RFC 6666)'),
  v6('100:0:0:1::/64', 'dummy prefix (RFC 9780)'),
  v6('2001:1::1/128', 'port control anycast (RFC 7723)'),
  v6('2001:1::2/128', 'TURN anycast (RFC 8155)'),
  v6('2001:1::3/128', 'service registration anycast (RFC 9665)'),
  v6('2001:2::/48', 'benchmarking (RFC 5180)'),
  v6('2001:3::/32', 'multicast tunnelling anycast (RFC 7450)'),
  v6('2001:4:112::/48', 'AS112 anycast (RFC 7535)'),
  v6('2001:10::/28', 'ORCHID (RFC 4843)'),
  v6('2001:20::/28', 'ORCHIDv2, a name and not a place (RFC 7343)'),
  v6('2001:30::/28', 'drone identification, a name and not a place (RFC 9374)'),
  v6('2001::/23', 'IETF protocol assignments (RFC 2928)'),
  v6('2001:db8::/32', 'documentation (RFC 3849)'),
  v6('2620:4f:8000::/48', 'AS112 anycast (RFC 7534)'),
  v6('3fff::/20', 'documentation (RFC 9637)'),
  v6('5f00::/16', 'segment routing (RFC 9602)'),
  v6('fc00::/7', 'unique local (RFC 4193)'),
  v6('fe80::/10', 'link-local (RFC 4291 §2.5.6)'),
  v6('fec0::/10', 'site-local (RFC 3879)'),
  v6('ff00::/8', 'multicast (RFC 4291 §2.7)'),
  // IANA has allocated 2000::/3 alone as global unicast (RFC 4291 §2.4); these three are all the rest.
  v6('::/3', 'not allocated as global unicast (RFC 4291 §2.4)'),
  v6('4000::/2', 'not allocated as global unicast (RFC 4291 §2.4)'),
  v6('8000::/1', 'not allocated as global unicast (RFC 4291 §2.4)'),
]

/** The rows of both registries, for documents. Of the rows of one family the first that fits counts. */
export const refusedRanges: readonly { readonly cidr: string; readonly why: string }[] = [
  ...specialV4,
  ...specialV6,
]

interface Carrier {
  readonly range: [ipaddr.IPv6, number]
  readonly name: string
  /** The IPv4 addresses that packets to the address of these 16 octets go to. */
  readonly carried: (octets: readonly number[]) => readonly number[][]
}

/** IPv6 prefixes whose addresses lead to an IPv4 address that they hold. */
const carriers: readonly Carrier[] = [
  {
    range: ipaddr.IPv6.parseCIDR('64:ff9b::/96'),
    // RFC 6052 §2.1 and §3.1: only global IPv4 addresses may be written so.
    name: 'NAT64',
    carried: (octets) => [octets.slice(12, 16)],
  },
  {
    range: ipaddr.IPv6.parseCIDR('2002::/16'),
    // RFC 3056 §2.
    name: '6to4',
    carried: (octets) => [octets.slice(2, 6)],
  },
  {
    range: ipaddr.IPv6.parseCIDR('2001::/32'),
    // RFC 4380 §4: the server, then the client with all its bits flipped.
    name: 'Teredo',
    carried: (octets) => [octets.slice(4, 8), octets.slice(12, 16).map((octet) => octet ^ 0xff)],
  },
]
