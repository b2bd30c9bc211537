// Brings what changed in the registry of mirrors to the store: standings at once, measurements now and then.

import { limits } from '../../base/limits.ts'
import type { Clock, Log } from '../../runtime/runtime.ts'
import { put, remove, type MirrorStore } from '../../store/store.ts'
import { peerShelf, type PeerRecord } from './record.ts'

/** Writes records by their ids, as they are when it comes to writing. */
export interface Keeper {
  /** Writes `id` with everything else that changes in this turn. */
  readonly soon: (id: string) => void
  /** Writes `id` with the next turn of the timer: a crash may lose it. */
  readonly later: (id: string) => void
  /** Resolves once everything given to `soon` is durable. @throws Failure of the store */
  readonly saved: () => Promise<void>
  readonly start: () => void
  /** Writes what is left. @throws Failure of the store */
  readonly stop: () => Promise<void>
}

/** What a keeper works with. */
export interface KeeperOptions {
  /** Null keeps nothing: for simulations of networks that are larger than what a store has room for. */
  readonly store: MirrorStore | null
  /** Null for a record that was forgotten. */
  readonly recordOf: (id: string) => PeerRecord | null
  /** How often `later` is. */
  readonly everyMs: number
}

/** A keeper that has nothing to write yet. */
export function createKeeper(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  options: KeeperOptions,
): Keeper {
  if (options.store === null) return forgetful
  const write = createWriting(options.store, options.recordOf)
  const dirty = new Set<string>()
  let urgent = new Set<string>()
  let writing: Promise<void> = Promise.resolve()
  let cancel = (): void => {}
  const warn = (error: unknown): void =>
    log.warn('mirrors not saved', { error: error instanceof Error ? error.message : String(error) })
  const writeUrgent = (): Promise<void> => {
    const ids = [...urgent]
    urgent = new Set()
    return write.now(ids)
  }
  const writeDirty = (): Promise<void> => {
    const ids = [...dirty]
    dirty.clear()
    return write.now(ids)
  }
  const wait = (): void => {
    cancel = clock.after(options.everyMs, () => {
      writeDirty().catch(warn)
      wait()
    })
  }
  return {
    later: (id) => {
      dirty.add(id)
    },
    soon: (id) => {
      dirty.delete(id)
      urgent.add(id)
      if (urgent.size > 1) return
      writing = Promise.resolve().then(writeUrgent)
      // Whoever waits in `saved` is told as well.
      writing.catch(warn)
    },
    saved: async () => {
      await writing
      await write.now([])
    },
    start: () => {
      cancel()
      wait()
    },
    stop: async () => {
      cancel()
      await writing.catch(warn)
      await writeDirty()
    },
  }
}

const forgetful: Keeper = {
  soon: () => {},
  later: () => {},
  saved: async () => {},
  start: () => {},
  stop: async () => {},
}

/** Writes records; what the store did not take is written with the next ones. */
function createWriting(store: MirrorStore, recordOf: KeeperOptions['recordOf']) {
  const left = new Set<string>()
  return {
    now: async (ids: readonly string[]): Promise<void> => {
      const all = [...new Set([...left, ...ids])]
      for (const id of all) left.add(id)
      for (let from = 0; from < all.length; from += limits.storeChangesMax) {
        const part = all.slice(from, from + limits.storeChangesMax)
        const changes = part.map((id) => {
          const value = recordOf(id)
          return value === null ? remove(peerShelf, id) : put(peerShelf, { key: id, value })
        })
        // What changes from here on is somebody else's to write.
        for (const id of part) left.delete(id)
        await store.commit(changes).catch((error: unknown) => {
          for (const id of part) left.add(id)
          throw error
        })
      }
    },
  }
}
