// Names in DNS messages (RFC 1035 §3.1, §4.1.4), read within bounds whatever a stranger wrote.

import { limits } from './limits.ts'

/** A message that breaks the rules of its own form; the text says which. */
export class MalformedMessage extends Error {
  constructor(text: string) {
    super(text)
    this.name = 'MalformedMessage'
  }
}

/**
 * The name at `offset`, in lower case, without a final dot ('' is the root), and where it ends in place. Octets that
 * no host name has, and dots inside a label, are written `\DDD` (RFC 1035 §5.1), so that two names are equal exactly
 * when their texts are.
 * @throws MalformedMessage for names over 255 octets, unknown label types, and pointers that do not lead backwards
 */
export function readName(
  message: Uint8Array,
  offset: number,
): { readonly name: string; readonly end: number } {
  const labels: string[] = []
  let octets = 0
  let pointers = 0
  let end: number | null = null
  /** Pointers must lead in front of this: so they come to an end. */
  let front = offset
  for (let at = offset; ;) {
    const length = octetAt(message, at)
    if (length === 0) return { name: labels.join('.'), end: end ?? at + 1 }
    if (length > limits.labelOctetsMax) {
      const target = ((length & 0x3f) << 8) | octetAt(message, at + 1)
      if (length < 0xc0) throw new MalformedMessage('a name holds a label of unknown type')
      if (target >= front) throw new MalformedMessage('a name points at itself or forwards')
      if (++pointers > limits.dnsPointersMax)
        throw new MalformedMessage('a name is a chain of pointers')
      end ??= at + 2
      front = target
      at = target
      continue
    }
    octets += length + 1
    if (octets > limits.nameOctetsMax + 1) throw new MalformedMessage('a name is too long')
    if (at + 1 + length > message.length) throw new MalformedMessage('a name is cut off')
    labels.push(labelText(message.subarray(at + 1, at + 1 + length)))
    at += length + 1
  }
}

function octetAt(message: Uint8Array, at: number): number {
  const octet = message[at]
  if (octet === undefined) throw new MalformedMessage('a name is cut off')
  return octet
}

/** ASCII alone is lowered (RFC 4343): Unicode rules would make names equal that DNS holds different. */
function labelText(label: Uint8Array): string {
  let text = ''
  for (const octet of label) {
    if (octet >= 0x41 && octet <= 0x5a) text += String.fromCharCode(octet + 0x20)
    else if (octet <= 0x20 || octet >= 0x7f || octet === 0x2e || octet === 0x5c)
      text += `\\${String(octet).padStart(3, '0')}`
    else text += String.fromCharCode(octet)
  }
  return text
}

/** True for a name whose text is its labels as they are: one that we may print, and ask for again. */
export function isPlainName(name: string): boolean {
  return name !== '' && !name.includes('\\')
}
