// Mirrors heard of and not yet tested, in keyed buckets: everybody is taken in, and a flood pushes out itself (R97; protocol §9).

import { concat, utf8 } from '../base/bytes.ts'
import type { Crypto, Random } from '../runtime/runtime.ts'
import { inRandomOrder, integerBelow } from './chance.ts'
import type { Parameters } from './parameters.ts'

/** One mirror heard of. */
export interface Candidate {
  readonly id: string
  readonly ip: string
  readonly port: number
  /** `networkOf` its own address. */
  readonly network: string
  /** `networkOf` the address of whoever told us: the newcomer itself, a mirror, or a client's relay. */
  readonly source: string
  /** Ms since 1970 UTC. */
  readonly heardAt: number
}

/** Candidates by bucket. An unchanged bucket is shared between the tables before and after. */
export interface CandidateTable {
  readonly buckets: readonly (readonly Candidate[])[]
}

/** A table without candidates. */
export function emptyCandidates(parameters: Parameters): CandidateTable {
  return { buckets: Array.from({ length: parameters.candidates.buckets }, () => []) }
}

/** What the place of a candidate depends on. */
export interface CandidateKey {
  readonly crypto: Pick<Crypto, 'digest'>
  /** 16 random octets or more of this mirror: nobody else can tell which buckets a flood would reach. */
  readonly secret: Uint8Array
  readonly parameters: Parameters
}

/**
 * The bucket of a candidate: of the 1,024, one source reaches 64, and in these the candidate's own network decides
 * (the two steps of Bitcoin's address manager). So neither one source nor one network fills the table.
 */
export function candidateBucket(
  { network, source }: Pick<Candidate, 'network' | 'source'>,
  { crypto, secret, parameters }: CandidateKey,
): number {
  const { buckets, bucketsPerSource } = parameters.candidates
  const hash = (text: string): number => {
    const [a = 0, b = 0, c = 0, d = 0] = crypto.digest('sha256', concat(secret, utf8(text)))
    return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
  }
  const slot = hash(`slot ${source} ${network}`) % bucketsPerSource
  return hash(`bucket ${source} ${slot}`) % buckets
}

/**
 * `table` with `candidate`, which is always taken; in a full bucket it takes the place of another one there at random.
 * Who is in its bucket already is refreshed.
 */
export function addCandidate(
  table: CandidateTable,
  candidate: Candidate,
  { random, ...key }: CandidateKey & { readonly random: Random },
): CandidateTable {
  const place = candidateBucket(candidate, key)
  const bucket = table.buckets[place] ?? []
  const present = bucket.findIndex(({ id }) => id === candidate.id)
  const { perBucket } = key.parameters.candidates
  const position =
    present >= 0
      ? present
      : bucket.length < perBucket
        ? bucket.length
        : integerBelow(random, bucket.length)
  const changed = [...bucket]
  changed[position] = candidate
  return { buckets: table.buckets.with(place, changed) }
}

/** `table` without `candidate`: it is being tested, or could not be reached. */
export function removeCandidate(
  table: CandidateTable,
  candidate: Candidate,
  key: CandidateKey,
): CandidateTable {
  const place = candidateBucket(candidate, key)
  const bucket = table.buckets[place] ?? []
  const left = bucket.filter(({ id }) => id !== candidate.id)
  return left.length === bucket.length ? table : { buckets: table.buckets.with(place, left) }
}

/** At most `count` candidates to be tested next, every bucket that has any with the same chance; no id twice. */
export function drawCandidates(
  table: CandidateTable,
  count: number,
  random: Random,
): readonly Candidate[] {
  const drawn = new Map<string, Candidate>()
  const filled = table.buckets.filter((bucket) => bucket.length > 0)
  // Bucket by bucket, one of each; then again, until there are enough or no more.
  const queues = [...inRandomOrder(random, filled)].map((bucket) => inRandomOrder(random, bucket))
  for (let open = queues; open.length > 0 && drawn.size < count;) {
    const still: typeof open = []
    for (const queue of open) {
      if (drawn.size >= count) break
      const { value, done } = queue.next()
      if (done === true) continue
      if (!drawn.has(value.id)) drawn.set(value.id, value)
      still.push(queue)
    }
    open = still
  }
  return [...drawn.values()]
}
