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
  return {
    add: (candidate) => {
      const before = table
      table = addCandidate(table, candidate, key)
      return pushedOut(before, table, candidate)
    },
    remove: (candidate) => {
      table = removeCandidate(table, candidate, key)
    },
    draw: (count) => drawCandidates(table, count, needs.random),
  }
}

/** One empty table serves all mirrors of a process: tables share what has not changed. */
const emptyTables = new WeakMap<Parameters, CandidateTable>()

function emptyTable(parameters: Parameters): CandidateTable {
  const known = emptyTables.get(parameters) ?? emptyCandidates(parameters)
  emptyTables.set(parameters, known)
  return known
}

/** What `before` held and `after` does not; they differ in one bucket. */
function pushedOut(
  before: CandidateTable,
  after: CandidateTable,
  added: Candidate,
): readonly Candidate[] {
  const place = after.buckets.findIndex((bucket, i) => bucket !== before.buckets[i])
  const left = new Set(after.buckets[place])
  return (before.buckets[place] ?? []).filter(
    (one) =>
      !left.has(one) && !(one.id === added.id && one.ip === added.ip && one.port === added.port),
  )
}
