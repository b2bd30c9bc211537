// A mirror's append-only log of what it saw (RFC 9162 §2.1, in our own form): so nobody can be shown another history.
//
// 1. Each look has one leaf, which goes into the log within `limits.logBatchMs`, whoever asks and how often.
// 2. A head is signed over leaves that are on the disk, never over others: no crash makes two histories of one.
// 3. Between a look and its leaf's way to the disk a crash may come: a leaf that is missing says nothing, one that
//    contradicts does.

import { base64url } from '../base/bytes.ts'
import { Failure } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import { signHead } from '../observation/log-head.ts'
import { leafOf } from '../observation/log-leaf.ts'
import {
  appendLeaves,
  proveConsistency,
  proveInclusion,
  readFrontier,
  rootOf,
  type Frontier,
} from '../observation/merkle.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { grow, type LogNodes, type MirrorStore } from '../store/store.ts'
import type { MirrorIdentity } from './identity.ts'
import type { Recorder } from './sights.ts'

/** Hashes are as in `merkle.ts`; sizes and places must be within `size`. Null: not kept any more. */
export interface ObservationLog {
  readonly record: Recorder
  /** The signed head of now, under the identity of now. */
  head(identity: MirrorIdentity): string
  /** Leaves that are on the disk. */
  readonly size: () => number
  /** The root that the log had at `from` leaves, and the path from there to `to`. */
  consistency(sizes: { readonly from: number; readonly to: number }): Promise<{
    readonly root: Uint8Array
    readonly path: readonly Uint8Array[]
  } | null>
  inclusion(place: {
    readonly index: number
    readonly size: number
  }): Promise<readonly Uint8Array[] | null>
  readonly find: LogNodes['find']
  readonly leaves: LogNodes['leaves']
  /** Writes what waits. The store stays open. */
  close(): Promise<void>
}

type Needs = Pick<Runtime, 'clock' | 'random' | 'crypto' | 'log'>

/**
 * The log that `store` holds, which must outlive it.
 * @throws Failure store-damaged when the log has lost its trunk: it can never go on then
 */
export async function openLog(needs: Needs, store: MirrorStore): Promise<ObservationLog> {
  const { crypto, random } = needs
  const size = await store.log.size()
  const frontier = await readFrontier(store.log, size)
  if (frontier === null) {
    const why = `a node of the ${size} leaves is missing`
    throw new Failure('store-damaged', { path: 'log', where: 'the log', why })
  }
  const writer = createWriter(needs, store, frontier)
  const head = createHeads(needs, writer.frontier)
  return {
    record: (target, sight) => {
      const salt = base64url(random.bytes(limits.nonceBytes))
      writer.add(leafOf(crypto, { target, salt, sight }))
      return salt
    },
    head,
    size: () => writer.frontier().size,
    consistency: async (sizes) => {
      const older = await readFrontier(store.log, sizes.from)
      const path = older === null ? null : await proveConsistency(crypto, store.log, sizes)
      return older === null || path === null ? null : { root: rootOf(crypto, older), path }
    },
    inclusion: (place) => proveInclusion(crypto, store.log, place),
    find: (leaf) => store.log.find(leaf),
    leaves: (range) => store.log.leaves(range),
    close: () => writer.close(),
  }
}

/** Appends leaves in batches, one after the other; those that the disk does not take are tried again. */
function createWriter({ clock, crypto, log }: Needs, store: MirrorStore, start: Frontier) {
  let frontier = start
  const waiting: Uint8Array[] = []
  let lost = 0
  let isClosed = false
  let cancel = (): void => {}
  let underWay = Promise.resolve()

  /** True when a batch is on the disk. */
  const append = async (): Promise<boolean> => {
    const batch = waiting.slice(0, limits.logBatchMax)
    const made = appendLeaves(crypto, frontier, batch)
    try {
      await store.commit([grow(frontier.size, made.nodes)])
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      log.warn('log not written', { error: why, waiting: waiting.length })
      return false
    }
    frontier = made.frontier
    waiting.splice(0, batch.length)
    if (lost > 0) log.warn('log has lost leaves', { lost })
    lost = 0
    return true
  }
  const run = async (): Promise<void> => {
    const isWritten = await append()
    if (!isWritten) schedule(limits.logRetryMs)
    else if (waiting.length > 0)
      schedule(waiting.length < limits.logBatchMax ? limits.logBatchMs : 0)
  }
  const schedule = (ms: number): void => {
    if (isClosed) return
    cancel = clock.after(ms, () => {
      underWay = run()
    })
  }
  return {
    frontier: () => frontier,
    add: (leaf: Uint8Array): void => {
      if (waiting.length >= limits.logWaitingMax) lost += 1
      else if (waiting.push(leaf) === 1) schedule(limits.logBatchMs)
    },
    close: async (): Promise<void> => {
      isClosed = true
      cancel()
      await underWay
      while (waiting.length > 0 && (await append()));
    },
  }
}

/** Signs the head of now: at most one each `limits.logHeadMs`, so that nobody keeps a mirror busy by asking. */
function createHeads(
  { clock, crypto }: Needs,
  frontier: () => Frontier,
): (identity: MirrorIdentity) => string {
  let latest: {
    readonly identity: MirrorIdentity
    readonly signedAt: number
    readonly statement: string
  } | null = null
  return (identity) => {
    const now = clock.monotonic()
    if (latest?.identity === identity && now - latest.signedAt < limits.logHeadMs)
      return latest.statement
    const { size } = frontier()
    const root = base64url(rootOf(crypto, frontier()))
    const statement = signHead(identity.answerKey, identity.answerKeyId, {
      v: 1,
      iss: identity.id,
      size,
      root,
      at: clock.now(),
    })
    latest = { identity, signedAt: now, statement }
    return statement
  }
}
