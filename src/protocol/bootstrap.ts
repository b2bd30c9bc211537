// The bootstrap file: a small map from addresses to mirror ids that a new client starts from (R25–R28).

import { z } from 'zod'
import ipaddr from 'ipaddr.js'
import { Failure } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import { textOf } from '../base/bytes.ts'
import { spkiHash } from '../observation/fingerprint.ts'
import { isStatementSigned, readStatement, signStatement } from '../observation/jws.ts'
import { validatePath } from '../observation/path.ts'
import type { Certificate, Crypto, SigningKey } from '../runtime/runtime.ts'
import { listEntrySchema, type ListEntry } from './routes.ts'

const bootstrapSchema = z.object({
  v: z.literal(1),
  /** When it was made, ms since 1970 UTC. */
  iat: z.number().int().min(0),
  pairs: z.array(listEntrySchema).min(1).max(limits.bootstrapPairsMax),
})

/** A bootstrap file as read. */
export interface Bootstrap extends z.infer<typeof bootstrapSchema> {
  /** Lower-case hexadecimal SHA-256 of the SPKI of the vendor CA that vouches for it; null where nobody does. */
  readonly vendor: string | null
}

/** The certificate that a vendor signs bootstrap files with is for a name that begins with this, and so for nothing else. */
export const bootstrapSignerLabel = 'bootstrap.'

/** The file's text for `pairs`, vouched for by nobody. */
export function writeBootstrap(pairs: readonly ListEntry[], now: number): string {
  return `${JSON.stringify({ v: 1, iat: now, pairs }, null, 2)}\n`
}

/** The file's text for `pairs`, signed under a vendor's CA; `chain` is the signer's certificate and the CA, DER. */
export function signBootstrap(
  signer: { readonly key: SigningKey; readonly chain: readonly Uint8Array[] },
  pairs: readonly ListEntry[],
  now: number,
): string {
  const head = { type: 'smn-bootstrap+jws', certificates: signer.chain } as const
  return `${signStatement(signer.key, head, JSON.stringify({ v: 1, iat: now, pairs }))}\n`
}

/**
 * Reads the file `source`. A signed one is checked against the CA that it carries; whether that CA is one to believe
 * is the caller's question (`vendor`).
 * @throws Failure bootstrap-malformed with what is wrong and where
 */
export function readBootstrap(
  needs: { readonly crypto: Crypto; readonly now: number },
  bytes: Uint8Array,
  source: string,
): Bootstrap {
  const refuse = (why: string): never => {
    throw new Failure('bootstrap-malformed', { source, why })
  }
  if (bytes.length > limits.bootstrapBytesMax)
    return refuse(`it has ${bytes.length} bytes, at most ${limits.bootstrapBytesMax} are taken`)
  const text = textOf(bytes)?.trim()
  if (text === undefined) return refuse('it is not text')
  const isSigned = /^[A-Za-z0-9_-]+\./.test(text)
  const opened = isSigned ? openSigned(needs, text, refuse) : { content: text, vendor: null }
  const parsed = bootstrapSchema.safeParse(parseJson(opened.content, refuse))
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    return refuse(`at ${issue?.path.join('.') || 'the top'}: ${issue?.message ?? 'unreadable'}`)
  }
  parsed.data.pairs.forEach((pair, i) => {
    if (!ipaddr.isValid(pair.ip))
      refuse(`at pairs.${i}.ip: ${JSON.stringify(pair.ip)} is not an IP address`)
  })
  return { ...parsed.data, vendor: opened.vendor }
}

/** The content of a signed file, and the CA that stands behind it. */
function openSigned(
  { crypto, now }: { readonly crypto: Crypto; readonly now: number },
  text: string,
  refuse: (why: string) => never,
): { readonly content: string; readonly vendor: string } {
  const signed = readStatement(text, limits.bootstrapBytesMax)
  if (typeof signed === 'string') return refuse(`as a signed statement ${signed}`)
  if (signed.type !== 'smn-bootstrap+jws') return refuse(`it is a ${JSON.stringify(signed.type)}`)
  const [signer, authority] = readChain(crypto, signed.certificates, refuse)
  if (signer === undefined || authority === undefined || signed.certificates.length !== 2)
    return refuse('its chain is not a signer and a CA')
  const path = validatePath(
    {
      chain: [signer, authority],
      anchor: { kind: 'certificate', certificate: authority },
      at: now,
    },
    crypto,
  )
  if (!path.ok) return refuse(`its signer is not vouched for: ${path.text}`)
  if (!signer.dnsNames.some((name) => name.startsWith(bootstrapSignerLabel)))
    return refuse(
      `its signer is not for ${bootstrapSignerLabel}…, so it may not sign bootstrap files`,
    )
  if (!isStatementSigned(crypto, signed, { algorithm: 'ES256', spki: signer.spki }))
    return refuse('its signature does not verify')
  const content = textOf(signed.payload)
  return content === null
    ? refuse('its content is not text')
    : { content, vendor: spkiHash(crypto, authority) }
}

function readChain(
  crypto: Crypto,
  chain: readonly Uint8Array[],
  refuse: (why: string) => never,
): readonly Certificate[] {
  try {
    return chain.map((der) => crypto.readCertificate(der))
  } catch (error) {
    if (!Failure.is(error)) throw error
    return refuse(`a certificate of its signer cannot be used: ${error.message}`)
  }
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
