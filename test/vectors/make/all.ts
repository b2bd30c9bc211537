// All files of vectors, by their names.

import { descriptorVectors, encodingVectors, keyVectors } from './identity.ts'
import { letterVectors } from './letters.ts'
import { bootstrapVectors, listVectors } from './lists.ts'
import { logVectors } from './log.ts'
import { addressVectors, authorityVectors, targetVectors } from './names.ts'
import { obliviousVectors } from './oblivious.ts'
import { observationVectors } from './observations.ts'
import { tlsaVectors } from './tlsa.ts'

/** The text of each file; always the same. */
export async function vectorFiles(): Promise<ReadonlyMap<string, string>> {
  const files = [
    encodingVectors(),
    keyVectors(),
    descriptorVectors(),
    observationVectors(),
    listVectors(),
    bootstrapVectors(),
    await logVectors(),
    letterVectors(),
    targetVectors(),
    addressVectors(),
    authorityVectors(),
    tlsaVectors(),
    obliviousVectors(),
  ]
  return new Map(
    files.map(({ name, content }) => [
      `${name}.json`,
      `${JSON.stringify(content, null, 2).replace(/[\u0080-\uffff]/g, escaped)}\n`,
    ]),
  )
}

/** ASCII alone, so that no editor and no tool changes a byte. */
function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
