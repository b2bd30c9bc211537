// A store that ends with its process: for tests, simulations, and mirrors that are to keep nothing.

import { base64url } from '../../base/bytes.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { createStore, type Backend, type Row, type StoreOptions } from '../backend.ts'
import type { ShelfName } from '../shelves.ts'
import type { MirrorStore } from '../store.ts'

/** An empty store in memory, where every batch is written at once. */
export function createMemoryStore(
  needs: Pick<Runtime, 'clock' | 'log'>,
  options: Omit<StoreOptions, 'waitMs'> = {},
): MirrorStore {
  return createStore(needs, createMemoryBackend(), { ...options, waitMs: null })
}

function createMemoryBackend(): Backend {
  const rows = new Map<ShelfName, Map<string, Row>>()
  const undo = createUndo()
  const shelf = (name: ShelfName): Map<string, Row> => {
    const known = rows.get(name)
    if (known !== undefined) return known
    const made = new Map<string, Row>()
    rows.set(name, made)
    return made
  }
  const remove = (name: ShelfName, key: string): void => undo.remove(shelf(name), key)
  return {
    place: 'memory:',
    isDurable: false,
    transaction: undo.transaction,
    get: (name, key) => shelf(name).get(key) ?? null,
    all: (name) => [...shelf(name).values()].toSorted((a, b) => compare(a.key, b.key)),
    count: (name) => shelf(name).size,
    put: (name, row) => undo.set(shelf(name), row.key, row),
    remove,
    forget: (name, { now, most }) => {
      const byTime = [...shelf(name).values()]
        .filter(({ until }) => until !== null && (now === null || until <= now))
        .toSorted((a, b) => Number(a.until) - Number(b.until) || compare(a.key, b.key))
      for (const { key } of byTime.slice(0, most)) remove(name, key)
    },
    setAside: (name, row) => remove(name, row.key),
    nodes: createMemoryNodes(undo),
    close: () => rows.clear(),
  }
}

function createMemoryNodes(undo: Undo): Backend['nodes'] {
  const levels: Map<number, Uint8Array>[] = []
  /** The hashes of one level, by their index. */
  const hashes = (level: number): Map<number, Uint8Array> => (levels[level] ??= new Map())
  const places = new Map<string, number>()
  const bounds = new Map<'first' | 'size', number>()
  const first = (): number => bounds.get('first') ?? 0
  return {
    size: () => bounds.get('size') ?? 0,
    first,
    read: ({ level, index }) => hashes(level).get(index) ?? null,
    leaves: (from, to) => {
      const found: Uint8Array[] = []
      for (let index = from; index < to; index++) {
        const leaf = hashes(0).get(index)
        if (leaf === undefined) break
        found.push(leaf)
      }
      return found
    },
    find: (leaf) => places.get(base64url(leaf)) ?? null,
    add: ({ level, index, hash }) => {
      undo.set(hashes(level), index, hash)
      if (level > 0) return
      const name = base64url(hash)
      // Of equal leaves the first is the one that is found.
      if (!places.has(name)) undo.set(places, name, index)
      undo.set(bounds, 'size', index + 1)
    },
    forget: (before) => {
      for (let index = first(); index < before; index++) {
        const name = base64url(hashes(0).get(index) ?? new Uint8Array())
        if (places.get(name) === index) undo.remove(places, name)
      }
      for (let level = 0; level < 8; level++)
        for (let index = first() / 2 ** level; index < before / 2 ** level; index++)
          undo.remove(hashes(level), index)
      undo.set(bounds, 'first', before)
    },
  }
}

type Undo = ReturnType<typeof createUndo>

/** Changes to maps that can be taken back as far as the beginning of a transaction. */
function createUndo() {
  const steps: (() => void)[] = []
  let depth = 0
  const note = <K, V>(map: Map<K, V>, key: K): void => {
    const before = map.get(key)
    steps.push(() => {
      if (before === undefined) map.delete(key)
      else map.set(key, before)
    })
  }
  return {
    set: <K, V>(map: Map<K, V>, key: K, value: V): void => {
      note(map, key)
      map.set(key, value)
    },
    remove: <K, V>(map: Map<K, V>, key: K): void => {
      note(map, key)
      map.delete(key)
    },
    transaction: <T>(work: () => T): T => {
      const start = steps.length
      depth += 1
      try {
        return work()
      } catch (error) {
        for (const step of steps.splice(start).toReversed()) step()
        throw error
      } finally {
        depth -= 1
        if (depth === 0) steps.length = 0
      }
    },
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
