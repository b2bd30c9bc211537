// What this mirror keeps of another one, as it is written to the store (protocol §8).

import { z } from 'zod'
import { limits } from '../../base/limits.ts'
import type { Uptime } from '../../membership/failure-detector.ts'
import type { Peer } from '../../membership/peers.ts'
import type { Reputation } from '../../membership/reputation.ts'
import type { Standing, StandingState } from '../../membership/standing.ts'
import { shelfOf, type Shelf } from '../../store/shelves.ts'

/** Where a mirror is and what it calls itself. */
export interface PeerEntry {
  readonly id: string
  readonly ip: string
  readonly port: number
  readonly region: string | null
  readonly domain: string | null
}

/** That a mirror is at an address: told by somebody, and not checked, or checked in vain. */
export interface Claim {
  readonly ip: string
  readonly port: number
  /** `networkOf` whoever told us. */
  readonly source: string
  readonly heardAt: number
  /** Not to be checked before; ms since 1970 UTC. */
  readonly dueAt: number
  /** Checks that failed so far. */
  readonly failures: number
}

/** What a series of tests was for. */
export type SeriesPurpose = 'probation' | 'audit' | 'retest' | 'panel'

/** The latest series of our own tests of a mirror. */
export interface SeriesNote {
  readonly purpose: SeriesPurpose
  readonly endedAt: number
  readonly result: 'passed' | 'failed' | 'unclear'
  /** In words for its operator: what was tested, and what was wrong. No figure of its reputation. */
  readonly text: string
}

/** Another mirror in the eyes of this one. Plain data, never changed in place. */
export interface PeerRecord {
  /** As its own descriptor says once that was read; before, as was claimed. */
  readonly entry: PeerEntry
  /** `seq` of the descriptor that `entry` is from; 0 where it is from a claim. */
  readonly seq: number
  /** When we first heard of it, ms since 1970 UTC. */
  readonly since: number
  readonly standing: Standing
  /** Why it stands so, in words for its operator; null where there is nothing to say. */
  readonly reason: string | null
  readonly reputation: Reputation
  readonly uptime: Uptime
  readonly claims: readonly Claim[]
  readonly lastSeries: SeriesNote | null
}

/** An active mirror, as draws of mirrors need it. */
export interface ActivePeer extends Peer {
  readonly entry: PeerEntry
}

/** `text` as a reason: its beginning, when it is long. */
export function shortened(text: string): string {
  return text.slice(0, limits.reasonCharsMax)
}

/** States in which we have been at the mirror's address and found it there. */
export const metStates: ReadonlySet<StandingState> = new Set(['probation', 'active', 'inactive'])

const instant = z.number().int().min(0)
const text = z.string().max(limits.reasonCharsMax)
const address = z.string().min(2).max(45)
const port = z.number().int().min(1).max(65_535)
const count = z.number().min(0)
const counts = z.array(count).max(128)

const recordSchema: z.ZodType<PeerRecord> = z.object({
  entry: z.object({
    id: z.string().length(43),
    ip: address,
    port,
    region: z.string().max(16).nullable(),
    domain: z.string().max(limits.nameOctetsMax).nullable(),
  }),
  seq: instant,
  since: instant,
  standing: z.object({
    state: z.enum(['unknown', 'candidate', 'probation', 'active', 'inactive', 'gone']),
    since: instant,
    strikes: count,
    cleanSeries: count,
    testAt: instant.nullable(),
    testedAt: instant.nullable(),
    hop: z.enum(['first', 'later']),
    unreachableSince: instant.nullable(),
  }),
  reason: text.nullable(),
  reputation: z.object({
    pings: count,
    pingMs: count.nullable(),
    responses: z.object({ since: instant, running: counts, last: counts }),
    agreements: count,
    dissents: count,
    at: instant,
  }),
  uptime: z.object({ misses: z.array(instant).max(1024) }),
  claims: z
    .array(
      z.object({
        ip: address,
        port,
        source: z.string().max(64),
        heardAt: instant,
        dueAt: instant,
        failures: count,
      }),
    )
    .max(64),
  lastSeries: z
    .object({
      purpose: z.enum(['probation', 'audit', 'retest', 'panel']),
      endedAt: instant,
      result: z.enum(['passed', 'failed', 'unclear']),
      text,
    })
    .nullable(),
})

/** Where records are kept, by id. */
export const peerShelf: Shelf<PeerRecord> = shelfOf('peers', recordSchema)
