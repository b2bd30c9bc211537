// Who says where a mirror is: claims that nobody has checked yet, in keyed buckets, so that a flood pushes out itself (R97; protocol §9).

import {
  addCandidate,
  drawCandidates,
  emptyCandidates,
  removeCandidate,
  type Candidate,
  type CandidateTable,
} from '../../membership/candidates.ts'
import type { Parameters } from '../../membership/parameters.ts'
import type { Runtime } from '../../runtime/runtime.ts'

/** Claims that wait to be checked: that a mirror of this id answers at this address. */
export interface Claims {
  /** Takes a claim in; always. @returns those that had to make way for it */
  add(candidate: Candidate): readonly Candidate[]
  remove(candidate: Candidate): void
  /** How many there are. */
  readonly size: () => number
  /** At most `count` claims of different ids, every bucket with the same chance. */
  draw(count: number): readonly Candidate[]
}

/** An empty table of claims; `secret` decides on their places and is known to nobody else. */
export function createClaims(
  needs: Pick<Runtime, 'crypto' | 'random'>,
  options: { readonly secret: Uint8Array; readonly parameters: Parameters },
): Claims {
  const key = { ...options, crypto: needs.crypto, random: needs.random }
  let table = emptyTable(options.parameters)
  let size = 0
  /** Puts `after` in the place of the table before. @returns what it does not hold any more */
  const replace = (after: CandidateTable): readonly Candidate[] => {
    const place = after.buckets.findIndex((bucket, i) => bucket !== table.buckets[i])
    const before = table.buckets[place] ?? []
    const now = after.buckets[place] ?? []
    table = after
    size += now.length - before.length
    return before.filter((one) => !now.includes(one))
  }
  return {
    add: (candidate) =>
      replace(addCandidate(table, candidate, key)).filter((one) => !isSameClaim(one, candidate)),
    remove: (candidate) => {
      const after = removeCandidate(table, candidate, key)
      if (after !== table) replace(after)
    },
    size: () => size,
    draw: (count) => drawCandidates(table, count, needs.random),
  }
}

function isSameClaim(one: Candidate, other: Candidate): boolean {
  return one.id === other.id && one.ip === other.ip && one.port === other.port
}

/** One empty table serves all mirrors of a process: tables share what has not changed. */
const emptyTables = new WeakMap<Parameters, CandidateTable>()

function emptyTable(parameters: Parameters): CandidateTable {
  const known = emptyTables.get(parameters) ?? emptyCandidates(parameters)
  emptyTables.set(parameters, known)
  return known
}
