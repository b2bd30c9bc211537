// The bootstrap file: a small map from addresses to mirror ids that a new client starts from (R25–R28).

import { z } from 'zod'
import ipaddr from 'ipaddr.js'
import { Failure } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import { textOf } from '../base/bytes.ts'
import { listEntrySchema, type ListEntry } from './routes.ts'

const bootstrapSchema = z.object({
  v: z.literal(1),
  /** When it was made, ms since 1970 UTC. */
  iat: z.number().int().min(0),
  pairs: z.array(listEntrySchema).min(1).max(limits.bootstrapPairsMax),
})

/** A bootstrap file as read. */
export type Bootstrap = z.infer<typeof bootstrapSchema>

/** The file's text for `pairs`. */
export function writeBootstrap(pairs: readonly ListEntry[], now: number): string {
  return `${JSON.stringify({ v: 1, iat: now, pairs }, null, 2)}\n`
}

/** Reads the file `source`. @throws Failure bootstrap-malformed with what is wrong and where */
export function readBootstrap(bytes: Uint8Array, source: string): Bootstrap {
  const refuse = (why: string): never => {
    throw new Failure('bootstrap-malformed', { source, why })
  }
  if (bytes.length > limits.bootstrapBytesMax)
    return refuse(`it has ${bytes.length} bytes, at most ${limits.bootstrapBytesMax} are taken`)
  const text = textOf(bytes)
  if (text === null) return refuse('it is not text')
  const parsed = bootstrapSchema.safeParse(parseJson(text, refuse))
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    return refuse(`at ${issue?.path.join('.') || 'the top'}: ${issue?.message ?? 'unreadable'}`)
  }
  parsed.data.pairs.forEach((pair, i) => {
    if (!ipaddr.isValid(pair.ip))
      refuse(`at pairs.${i}.ip: ${JSON.stringify(pair.ip)} is not an IP address`)
  })
  return parsed.data
}

function parseJson(text: string, refuse: (why: string) => never): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    return refuse(error instanceof Error ? error.message : 'it is not JSON')
  }
}

/** Reads `https://IP:PORT#ID`, as `mirror` prints it. @throws Failure usage */
export function parseMirrorUrl(text: string): {
  readonly ip: string
  readonly port: number
  readonly id: string
} {
  const match =
    /^https:\/\/(\[[0-9a-fA-F:.]+\]|[0-9.]+)(?::(\d{1,5}))?\/?#([A-Za-z0-9_-]{43})$/.exec(text)
  const ip = match?.[1]?.replace(/^\[|\]$/g, '') ?? ''
  const port = Number(match?.[2] ?? 443)
  if (match === null || !ipaddr.isValid(ip) || port < 1 || port > 65_535) {
    throw new Failure('usage', {
      action: 'read mirror',
      what: `${JSON.stringify(text)} is not of the form https://IP:PORT#ID`,
    })
  }
  return { ip: ipaddr.parse(ip).toString(), port, id: match[3] ?? '' }
}

/** `https://IP:PORT#ID` of a mirror. */
export function formatMirrorUrl(mirror: {
  readonly ip: string
  readonly port: number
  readonly id: string
}): string {
  const host = mirror.ip.includes(':') ? `[${mirror.ip}]` : mirror.ip
  return `https://${host}:${mirror.port}#${mirror.id}`
}
