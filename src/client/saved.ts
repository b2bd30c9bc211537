// What a client keeps between its runs: the list that mirrors agreed on, and the bootstrap files that it began with.

import { z } from 'zod'
import { textOf } from '../base/bytes.ts'
import { Failure } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import { listEntrySchema, type ListEntry } from '../protocol/routes.ts'

const instant = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)

const savedListSchema = z.object({
  v: z.literal(1),
  /** When it was agreed on, ms since 1970 UTC. */
  agreed: instant,
  /** Mirrors that were asked, those that kept silent among them. */
  asked: z.number().int().min(1),
  /** Ids of the mirrors whose lists were counted. */
  from: z.array(z.string().length(43)).min(1),
  /** By region code; `unknown` where mirrors agree on none. */
  regions: z.record(
    z.string().min(1).max(16),
    z.array(listEntrySchema.omit({ region: true })).max(limits.listEntriesMax),
  ),
})

/** The list that was agreed on, by region (R33, R37). */
export type SavedList = z.infer<typeof savedListSchema>

const noRegion = 'unknown'

/** The list of `mirrors` as it is kept. */
export function savedListOf(
  mirrors: readonly ListEntry[],
  origin: {
    readonly agreed: number
    readonly asked: number
    readonly from: readonly string[]
  },
): SavedList {
  const regions: Record<string, SavedList['regions'][string]> = {}
  const sorted = mirrors.toSorted(
    (a, b) => compare(a.region ?? noRegion, b.region ?? noRegion) || compare(a.id, b.id),
  )
  for (const { ip, port, id, region } of sorted)
    (regions[region ?? noRegion] ??= []).push({ ip, port, id })
  return { v: 1, agreed: origin.agreed, asked: origin.asked, from: [...origin.from], regions }
}

/** All mirrors of a list that was kept. */
export function mirrorsIn(list: SavedList): readonly ListEntry[] {
  return Object.entries(list.regions).flatMap(([region, mirrors]) =>
    mirrors.map((mirror) => ({ ...mirror, region: region === noRegion ? null : region })),
  )
}

/** Whether `bytes` hold a list that was agreed on, and not a bootstrap file that somebody put in its place. */
export function isSavedList(bytes: Uint8Array): boolean {
  const value = parseJson(bytes)
  return typeof value === 'object' && value !== null && 'agreed' in value
}

/** The list in the file at `path`. @throws Failure file-malformed */
export function readSavedList(bytes: Uint8Array, path: string): SavedList {
  return readAs(savedListSchema, bytes, path)
}

const savedBootstrapSchema = z.object({
  /** Where it came from: a path or a URL. */
  source: z.string(),
  /** Of the file's bytes. */
  sha256,
  /** SHA-256 of the SPKI of the vendor's CA; null where nobody vouches. */
  vendor: sha256.nullable(),
  /** When it was made, as it says itself. */
  made: instant,
  /** When this client read it. */
  read: instant,
  pairs: z.array(listEntrySchema).min(1).max(limits.bootstrapPairsMax),
})

/** A bootstrap file that this client has used. */
export type SavedBootstrap = z.infer<typeof savedBootstrapSchema>

const savedBootstrapsSchema = z.object({
  v: z.literal(1),
  /** How many signers an entry needed. */
  threshold: z.number().int().min(0),
  files: z.array(savedBootstrapSchema),
})

/** The bootstrap files that this client starts from, so that it can start anew and sees what a newer file leaves out. */
export type SavedBootstraps = z.infer<typeof savedBootstrapsSchema>

/** The bootstrap files that the file at `path` remembers. @throws Failure file-malformed */
export function readSavedBootstraps(bytes: Uint8Array, path: string): SavedBootstraps {
  return readAs(savedBootstrapsSchema, bytes, path)
}

/** The text of either file. */
export function savedText(kept: SavedList | SavedBootstraps): string {
  return `${JSON.stringify(kept, null, 1)}\n`
}

function readAs<T>(schema: z.ZodType<T>, bytes: Uint8Array, path: string): T {
  const parsed = schema.safeParse(parseJson(bytes))
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const why = `at ${issue?.path.join('.') || 'the top'}: ${issue?.message ?? 'unreadable'}`
  throw new Failure('file-malformed', { path, why })
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(textOf(bytes) ?? '')
  } catch {
    return null
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
