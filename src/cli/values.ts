// Kinds of values that several commands take: durations, addresses with ports.

import { message, type ValueParser } from '@optique/core'
import ipaddr from 'ipaddr.js'
import type { Endpoint } from '../runtime/runtime.ts'

const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** A duration such as `5s`, `250ms`, `1h` or `30d`, in milliseconds, within bounds. */
export function duration(bounds: {
  readonly minMs: number
  readonly maxMs: number
}): ValueParser<'sync', number> {
  return {
    mode: 'sync',
    metavar: 'TIME',
    placeholder: bounds.minMs,
    parse: (input) => {
      const match = /^([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h|d)$/.exec(input)
      if (match === null)
        return {
          success: false,
          error: message`Expected a duration such as ${'5s'}, ${'250ms'} or ${'1h'}, but got ${input}.`,
        }
      const ms = Math.round(Number(match[1]) * (units[match[2] ?? ''] ?? 1))
      if (ms < bounds.minMs || ms > bounds.maxMs)
        return {
          success: false,
          error: message`Expected a duration from ${durationText(bounds.minMs)} to ${durationText(bounds.maxMs)}, but got ${input}.`,
        }
      return { success: true, value: ms }
    },
    format: durationText,
  }
}

/** Milliseconds as a duration that `duration` reads: `5s`, `1.5s`, `250ms`, `1h`. */
export function durationText(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    const size = units[unit] ?? 1
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`
  }
  return ms > 1_000 ? `${ms / 1_000}s` : `${ms}ms`
}

/**
 * An IP address and a port: `192.0.2.1:53`, `[2001:db8::1]:53`. With `defaultPort` the port may be left out,
 * and with `anyPort` it may be 0, which lets the system choose.
 */
export function endpoint(
  options: { readonly defaultPort?: number; readonly anyPort?: boolean } = {},
): ValueParser<'sync', Endpoint> {
  const { defaultPort, anyPort = false } = options
  return {
    mode: 'sync',
    metavar: defaultPort === undefined ? 'IP:PORT' : 'IP[:PORT]',
    placeholder: { address: '127.0.0.1', port: defaultPort ?? 0 },
    parse: (input) => {
      const value = readEndpoint(input, defaultPort)
      if (value === null || (value.port === 0 && !anyPort))
        return {
          success: false,
          error:
            defaultPort === undefined
              ? message`Expected an IP address and a port such as ${'192.0.2.1:443'} or ${'[2001:db8::1]:443'}, but got ${input}.`
              : message`Expected an IP address such as ${'192.0.2.1'}, ${`192.0.2.1:${defaultPort}`} or ${'[2001:db8::1]'}, but got ${input}.`,
        }
      return { success: true, value }
    },
    format: endpointText,
  }
}

/** An endpoint as `endpoint` reads it, IPv6 in brackets. */
export function endpointText(value: Endpoint): string {
  return value.address.includes(':')
    ? `[${value.address}]:${value.port}`
    : `${value.address}:${value.port}`
}

function readEndpoint(input: string, defaultPort: number | undefined): Endpoint | null {
  const bare = ipaddr.IPv6.isValid(input) ? input : null
  const match = /^(?:\[([^\]]+)\]|([0-9.]+))(?::([0-9]{1,5}))?$/.exec(input)
  const host = bare ?? match?.[1] ?? match?.[2]
  const port = match?.[3] === undefined || bare !== null ? defaultPort : Number(match[3])
  if (host === undefined || port === undefined || port > 65_535) return null
  if (ipaddr.IPv4.isValidFourPartDecimal(host)) return match?.[1] ? null : { address: host, port }
  if (host.includes('%') || !ipaddr.IPv6.isValid(host)) return null
  return { address: ipaddr.IPv6.parse(host).toRFC5952String(), port }
}
