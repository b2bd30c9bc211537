// Kinds of values that several commands take: durations, addresses with ports.

import { message, text, type ValueParser } from '@optique/core'
import { Failure } from '../base/failure.ts'
import { formatEndpoint, parseEndpoint } from '../runtime/endpoint.ts'
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
 * An endpoint as `parseEndpoint` reads it: `192.0.2.1:53`, `[2001:db8::1]:53`. With `defaultPort` the port may be
 * left out, and with `anyPort` it may be 0, which lets the system choose.
 */
export function endpoint(
  options: { readonly defaultPort?: number; readonly anyPort?: boolean } = {},
): ValueParser<'sync', Endpoint> {
  const { defaultPort = null, anyPort = false } = options
  return {
    mode: 'sync',
    metavar: defaultPort === null ? 'IP:PORT' : 'IP[:PORT]',
    placeholder: { address: '127.0.0.1', port: defaultPort ?? 0 },
    parse: (input) => {
      try {
        return { success: true, value: parseEndpoint(input, defaultPort, anyPort ? 0 : 1) }
      } catch (error) {
        if (!Failure.is(error)) throw error
        return { success: false, error: [text(`${error.message}.`)] }
      }
    },
    format: formatEndpoint,
  }
}

/** The path of a file, which need not exist yet; shells complete it. */
export function file(metavar: 'FILE' | 'NAME|FILE' = 'FILE'): ValueParser<'sync', string> {
  return path(metavar, 'file')
}

/** The path of a folder, which need not exist yet; shells complete it. */
export function folder(metavar: 'DIR' | 'CA-DIR' = 'DIR'): ValueParser<'sync', string> {
  return path(metavar, 'directory')
}

function path(
  metavar: ValueParser['metavar'],
  type: 'file' | 'directory',
): ValueParser<'sync', string> {
  return {
    mode: 'sync',
    metavar,
    placeholder: '.',
    parse: (input) =>
      input === ''
        ? { success: false, error: message`Expected a path, but got an empty one.` }
        : { success: true, value: input },
    format: (value) => value,
    suggest: (prefix) => [{ kind: 'file', type, pattern: prefix }],
  }
}
