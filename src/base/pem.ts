// PEM text around DER (RFC 7468), strict on what is read: labels match and the base64 is base64.

import { base64, fromBase64 } from './bytes.ts'

/** `der` as PEM with `label`, such as `CERTIFICATE`: lines of 64 characters and a final line feed. */
export function pemOf(label: string, der: Uint8Array): string {
  const lines = base64(der).match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

/**
 * The DER of every block with `label` in `text`, in order. Other text and blocks are passed over (RFC 7468 §2).
 * Null when a block is not closed or holds something other than base64.
 */
export function fromPem(label: string, text: string): readonly Uint8Array[] | null {
  const begin = `-----BEGIN ${label}-----`
  const end = `-----END ${label}-----`
  const blocks: Uint8Array[] = []
  for (let at = text.indexOf(begin); at !== -1; at = text.indexOf(begin, at)) {
    const close = text.indexOf(end, at)
    if (close === -1) return null
    const body = text.slice(at + begin.length, close).replace(/\s+/g, '')
    const der = body === '' ? null : fromBase64(body)
    if (der === null) return null
    blocks.push(der)
    at = close + end.length
  }
  return blocks
}
