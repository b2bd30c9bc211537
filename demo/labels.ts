// Whose key is it? Gives the keys of the small Internet names that people can read; what nobody named keeps its digits.

import { hex } from '../src/base/bytes.ts'
import { world } from './world.ts'

/** A key as people read it. */
export interface Label {
  /** First digits of the hash and, where known, a name. */
  readonly text: string
  readonly isHostile: boolean
}

/** The names of keys, by the SHA-256 of their SubjectPublicKeyInfo. */
export interface Labels {
  add(spki: Uint8Array, name: string, side: 'honest' | 'hostile'): void
  /** The label of a hash in hexadecimal, with or without `sha256:` before it. */
  of(hash: string): Label
}

/** No names at first. */
export function createLabels(): Labels {
  const names = new Map<string, { readonly name: string; readonly isHostile: boolean }>()
  return {
    add: (spki, name, side) => {
      names.set(hex(world.crypto.digest('sha256', spki)), { name, isHostile: side === 'hostile' })
    },
    of: (hash) => {
      const digits = hash.replace('sha256:', '')
      const known = names.get(digits)
      const short = digits.slice(0, 4)
      return known === undefined
        ? { text: short, isHostile: false }
        : { text: `${short} ${known.name}`, isHostile: known.isHostile }
    },
  }
}
