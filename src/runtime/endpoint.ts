// Reads and writes endpoints: an IP address and a port, in the host:port form of RFC 3986 §3.2.

import ipaddr from 'ipaddr.js'
import { Failure } from '../base/failure.ts'
import type { Endpoint } from './runtime.ts'

/**
 * The endpoint written as `text`: `192.0.2.1`, `192.0.2.1:53`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:53`.
 * The address comes back in its canonical text; an IPv4-mapped one as IPv4. `defaultPort` is taken where none is
 * written (null: it must be). With `lowestPort` 0, port 0 is taken too: the system chooses when listening.
 * @throws Failure address-malformed
 */
export function parseEndpoint(
  text: string,
  defaultPort: number | null,
  lowestPort: 0 | 1 = 1,
): Endpoint {
  const refuse = (why: string): never => {
    throw new Failure('address-malformed', { text, why })
  }
  const { address, port } = splitEndpoint(text)
  return {
    address: canonicalAddress(address) ?? refuse('it is not an IP address'),
    port:
      port === null
        ? (defaultPort ?? refuse('the port is missing'))
        : (readPort(port, lowestPort) ??
          refuse(`port ${JSON.stringify(port)} is not a number from ${lowestPort} to 65535`)),
  }
}

/** The text of an endpoint, IPv6 in brackets, as `parseEndpoint` reads it. */
export function formatEndpoint(endpoint: Endpoint): string {
  return endpoint.address.includes(':')
    ? `[${endpoint.address}]:${endpoint.port}`
    : `${endpoint.address}:${endpoint.port}`
}

function splitEndpoint(text: string): { readonly address: string; readonly port: string | null } {
  const match = /^\[(?<v6>[^[\]]*)\](?::(?<port>.*))?$/su.exec(text)
  // What brackets hold must be IPv6: an empty address is refused by the caller.
  if (match?.groups !== undefined)
    return {
      address: match.groups['v6']?.includes(':') === true ? match.groups['v6'] : '',
      port: match.groups['port'] ?? null,
    }
  const colon = text.indexOf(':')
  if (colon < 0 || text.indexOf(':', colon + 1) >= 0) return { address: text, port: null }
  return { address: text.slice(0, colon), port: text.slice(colon + 1) }
}

function readPort(text: string, lowest: 0 | 1): number | null {
  const port = /^[0-9]{1,5}$/u.test(text) ? Number(text) : -1
  return port >= lowest && port <= 65_535 ? port : null
}

function canonicalAddress(text: string): string | null {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return text
  if (!ipaddr.IPv6.isValid(text)) return null
  const address = ipaddr.IPv6.parse(text)
  return address.isIPv4MappedAddress()
    ? address.toIPv4Address().toString()
    : address.toRFC5952String()
}
