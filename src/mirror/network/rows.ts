// Rows of one shelf in memory, changed together with the store: what is acknowledged is in both.

import type { Shelf } from '../../store/shelves.ts'
import { put, remove, type Change, type MirrorStore } from '../../store/store.ts'

/** Rows by key. A change is in memory at once, and durable when the change that was returned is committed. */
export interface Rows<T> {
  get(key: string): T | undefined
  /** In the order in which they were put. */
  all(): IterableIterator<[string, T]>
  readonly size: number
  put(key: string, value: T): Change
  remove(key: string): Change
}

/** What the store remembers of `shelf`; nothing where nothing is kept. @throws Failure of the store */
export async function openRows<T>(store: MirrorStore | null, shelf: Shelf<T>): Promise<Rows<T>> {
  const rows = new Map(store === null ? [] : await store.load(shelf))
  return {
    get: (key) => rows.get(key),
    all: () => rows.entries(),
    get size() {
      return rows.size
    },
    put: (key, value) => {
      rows.set(key, value)
      return put(shelf, { key, value })
    },
    remove: (key) => {
      rows.delete(key)
      return remove(shelf, key)
    },
  }
}

/** Makes changes durable; resolves at once where nothing is kept. */
export type Save = (changes: readonly Change[]) => Promise<void>

/** Commits to `store`. */
export function saveTo(store: MirrorStore | null): Save {
  return async (changes) => {
    if (changes.length > 0) await store?.commit(changes)
  }
}

/** Puts `value`, and makes it durable. What could not be is not in memory either: nobody is told that it was taken. */
export async function keep<T>(
  save: Save,
  rows: Rows<T>,
  { key, value }: { readonly key: string; readonly value: T },
): Promise<void> {
  try {
    await save([rows.put(key, value)])
  } catch (error) {
    rows.remove(key)
    throw error
  }
}
