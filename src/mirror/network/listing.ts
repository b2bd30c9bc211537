// Our own list in 256 parts, made anew only where something has changed: in a large network nearly nothing does (R74, R132; protocol §3).

import { isBelowUptime } from '../../membership/failure-detector.ts'
import { bucketDigest, bucketOf, listBuckets } from '../../membership/list-digest.ts'
import type { Parameters } from '../../membership/parameters.ts'
import { listedOf, type KnownMirror } from '../../protocol/lists.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { metStates, type PeerRecord } from './record.ts'

/** The list that is drawn from records. */
export interface Listing {
  /** Takes over that a record has changed. */
  readonly note: (before: PeerRecord | null, after: PeerRecord | null) => void
  /**
   * Those whom we have met and who are up as they should be. Candidates are not in it: that they exist is hearsay. The
   * same object as long as nothing changes.
   */
  readonly known: () => readonly KnownMirror[]
  /** What `listDigest` makes of them. */
  readonly digest: () => Uint8Array
}

interface Bucket {
  readonly ids: Set<string>
  /** Null where it is to be made anew. */
  listed: readonly KnownMirror[] | null
  digest: Uint8Array | null
}

/** What a listing is made of. */
export interface ListingOptions {
  readonly parameters: Parameters
  readonly recordOf: (id: string) => PeerRecord | null
}

/** A list of nobody. */
export function createListing(
  { clock, crypto }: Pick<Runtime, 'clock' | 'crypto'>,
  { parameters, recordOf }: ListingOptions,
): Listing {
  const buckets = Array.from({ length: listBuckets }, emptyBucket)
  /** Who was down lately, and so may come into the list or leave it by nothing but time. */
  const missed = new Map<string, Bucket>()
  let period = 0
  let all: readonly KnownMirror[] | null = null
  const touch = (bucket: Bucket): void => {
    bucket.listed = null
    bucket.digest = null
    all = null
  }
  const listedIn = (bucket: Bucket): readonly KnownMirror[] => {
    const now = clock.now()
    bucket.listed ??= [...bucket.ids]
      .flatMap((id) => {
        const record = recordOf(id)
        return (record === null ? null : listedAs(record, now, parameters)) ?? []
      })
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    return bucket.listed
  }
  const letTimePass = (): void => {
    const current = Math.floor(clock.now() / parameters.uptime.sampleMs)
    if (current === period) return
    period = current
    for (const bucket of missed.values()) touch(bucket)
  }
  return {
    note: (before, after) => {
      const id = (after ?? before)?.entry.id ?? ''
      const bucket = buckets[bucketOf(id)]
      if (bucket === undefined || isSameToOthers(before, after)) return
      const isMet = after !== null && metStates.has(after.standing.state)
      if (isMet) bucket.ids.add(id)
      else if (!bucket.ids.delete(id)) return
      if (isMet && after.uptime.misses.length > 0) missed.set(id, bucket)
      else missed.delete(id)
      touch(bucket)
    },
    known: () => {
      letTimePass()
      all ??= buckets.flatMap(listedIn)
      return all
    },
    digest: () => {
      letTimePass()
      const whole = new Uint8Array(listBuckets * digestOctets)
      buckets.forEach((bucket, i) => {
        bucket.digest ??= bucketDigest(crypto, listedIn(bucket).map(listedOf))
        whole.set(bucket.digest, i * digestOctets)
      })
      return whole
    },
  }
}

const digestOctets = 32

function emptyBucket(): Bucket {
  return { ids: new Set(), listed: null, digest: null }
}

/** Measurements are ours alone. */
function isSameToOthers(before: PeerRecord | null, after: PeerRecord | null): boolean {
  return (
    before?.entry === after?.entry &&
    before?.standing.state === after?.standing.state &&
    before?.uptime === after?.uptime
  )
}

function listedAs(
  { entry, standing, uptime, since }: PeerRecord,
  now: number,
  parameters: Parameters,
): KnownMirror | null {
  const { id, ip, port, region } = entry
  const { state } = standing
  if (state !== 'active' && state !== 'inactive' && state !== 'probation') return null
  return isBelowUptime(uptime, now, parameters)
    ? null
    : { id, ip, port, region, since, status: state }
}
