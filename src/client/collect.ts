// Hears many mirrors' lists for the price of a few (R34, protocol §3): a digest from each, all of it from three, and
// then every content that is still unknown once, from any mirror whose signed digest names it.

import { hex } from '../base/bytes.ts'
import { Failure } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import type { ListFrom } from '../membership/list.ts'
import type { BootstrapSeen } from '../protocol/lists.ts'
import type { ListEntry } from '../protocol/routes.ts'
import { deadline } from '../runtime/deadline.ts'
import { NetworkError, type Runtime } from '../runtime/runtime.ts'
import { createLibrary, type Library } from './library.ts'
import { createListDesk, type Author, type ListDesk } from './lists.ts'

/** How far the asking has come. */
export interface ListProgress {
  readonly step: 'digests' | 'whole lists' | 'differences'
  readonly done: number
  readonly of: number
}

/** Whom to ask. */
export interface CollectTask {
  /** All are asked. Where an id has several addresses, they are tried in turn. */
  readonly mirrors: readonly ListEntry[]
  /** How many are asked for all of their list before digests are compared. */
  readonly wholeLists: number
  readonly signal: AbortSignal
  readonly onProgress?: (progress: ListProgress) => void
}

/** A mirror that gave no list, and why. */
export interface SilentMirror {
  readonly mirror: ListEntry
  readonly why: string
}

/** What was heard. */
export interface CollectedLists {
  readonly lists: readonly ListFrom[]
  readonly silent: readonly SilentMirror[]
  /** The bootstrap files that mirrors have seen, one entry for each mirror that told. */
  readonly seen: readonly BootstrapSeen['files'][]
}

type Needs = Pick<Runtime, 'clock' | 'crypto' | 'network'>

/**
 * The lists of all `task.mirrors` that give one within `limits.refreshTimeoutMs`. What comes from a mirror is its own
 * signed word; what comes from another one counts for it when it has the hash that it signed.
 * @throws the reason of `task.signal` when that aborts
 */
export async function collectLists(needs: Needs, task: CollectTask): Promise<CollectedLists> {
  const { signal, done } = deadline(needs.clock, limits.refreshTimeoutMs, task.signal)
  const desk = createListDesk(needs)
  const round: Round = {
    desk,
    signal,
    library: createLibrary(needs.crypto),
    silent: new Map(),
    onProgress: task.onProgress ?? (() => {}),
  }
  try {
    await readDigests(round, task.mirrors)
    const seen = await readBootstrapsSeen(round)
    await readWholeLists(round, task.wholeLists)
    await readDifferences(round)
    task.signal.throwIfAborted()
    return { lists: round.library.lists(), silent: [...round.silent.values()], seen }
  } finally {
    done()
    desk.close()
  }
}

interface Round {
  readonly desk: ListDesk
  readonly library: Library
  readonly signal: AbortSignal
  /** By id. */
  readonly silent: Map<string, SilentMirror>
  readonly onProgress: (progress: ListProgress) => void
}

async function readDigests(round: Round, mirrors: readonly ListEntry[]): Promise<void> {
  const { desk, library, silent, signal } = round
  const byId = [...Map.groupBy(mirrors, ({ id }) => id).values()]
  await step(round, { name: 'digests', items: byId }, async (places) => {
    for (const mirror of places) {
      try {
        library.open(await desk.digest(mirror, signal))
        silent.delete(mirror.id)
        return
      } catch (error) {
        silent.set(mirror.id, { mirror, why: whyOf(error) })
      }
    }
  })
}

/** A mirror that does not tell loses nothing by it: its list is another matter. */
async function readBootstrapsSeen(round: Round): Promise<readonly BootstrapSeen['files'][]> {
  const { desk, library, signal } = round
  const told: BootstrapSeen['files'][] = []
  await inParallel(library.authors(), async (author) => {
    try {
      told.push((await desk.seen(author, signal)).files)
    } catch (error) {
      whyOf(error)
    }
  })
  return told
}

async function readWholeLists(round: Round, count: number): Promise<void> {
  const items = round.library.mostCentral(count)
  await step(round, { name: 'whole lists', items }, (author) =>
    orGivenUp(round, author, () => readWhole(round, author)),
  )
}

/** Until nothing is missing. Each request makes a content known or ends with a mirror given up, so there is an end. */
async function readDifferences(round: Round): Promise<void> {
  const { library } = round
  for (let missing = library.missing(); missing.size > 0; missing = library.missing()) {
    const items = [...missing]
    await step(round, { name: 'differences', items }, ([author, buckets]) =>
      orGivenUp(round, author, async () => {
        if (buckets.length > limits.bucketsPerMirrorMax) await readWhole(round, author)
        else for (const bucket of buckets) await readBucket(round, author, bucket)
      }),
    )
  }
}

async function readWhole({ desk, library, signal }: Round, author: Author): Promise<void> {
  library.takeWhole(author, await desk.list(author, null, signal))
}

async function readBucket(
  { desk, library, signal }: Round,
  author: Author,
  bucket: number,
): Promise<void> {
  const name = hex(Uint8Array.of(bucket))
  library.takeBucket(author, bucket, await desk.list(author, name, signal))
}

/** A mirror that does not stand by its digest has no list. */
async function orGivenUp(round: Round, author: Author, run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    round.silent.set(author.mirror.id, { mirror: author.mirror, why: whyOf(error) })
    round.library.close(author)
  }
}

async function step<T>(
  { onProgress }: Round,
  { name, items }: { readonly name: ListProgress['step']; readonly items: readonly T[] },
  run: (item: T) => Promise<void>,
): Promise<void> {
  let done = 0
  const tell = (): void => onProgress({ step: name, done, of: items.length })
  tell()
  await inParallel(items, async (item) => {
    await run(item)
    done += 1
    tell()
  })
}

/** Runs `run` for each of `items`, `limits.listsAtOnce` at a time. */
async function inParallel<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values()
  const worker = async (): Promise<void> => {
    for (const item of queue) await run(item)
  }
  await Promise.all(Array.from({ length: limits.listsAtOnce }, worker))
}

/** What the world does to us has a reason; what we do ourselves is a fault, and goes on as it came. */
function whyOf(error: unknown): string {
  if (error instanceof NetworkError || Failure.is(error)) return error.message
  throw error
}
