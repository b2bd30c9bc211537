// A store in one SQLite file: what it has acknowledged is on the disk.

import { Failure } from '../../base/failure.ts'
import { limits } from '../../base/limits.ts'
import type { Database, Runtime, SqlRow } from '../../runtime/runtime.ts'
import { createStore, type Backend, type Row, type StoreOptions } from '../backend.ts'
import type { ShelfName } from '../shelves.ts'
import type { MirrorStore } from '../store.ts'
import { migrate } from './migrations.ts'

/**
 * The store in the file at `path`, made on first use, and ours alone until it is closed.
 * @throws Failure store-busy, store-newer, store-malformed, store-damaged, store-failed
 */
export function openSqliteStore(
  needs: Pick<Runtime, 'clock' | 'log' | 'databases'>,
  path: string,
  options: Partial<StoreOptions> = {},
): MirrorStore {
  const database = needs.databases.open(path, { exclusive: true })
  try {
    migrate(database)
  } catch (error) {
    database.close()
    throw error
  }
  return createStore(needs, backendOf(database), { waitMs: limits.storeWaitMs, ...options })
}

function backendOf(database: Database): Backend {
  const counts = createCounts(database)
  const remove = (shelf: ShelfName, key: string): void => {
    counts.add(shelf, -database.run('DELETE FROM record WHERE shelf = ? AND key = ?', [shelf, key]))
  }
  return {
    place: database.path,
    isDurable: true,
    transaction: (work) => {
      try {
        return database.transaction(work)
      } catch (error) {
        counts.forget()
        throw error
      }
    },
    get: (shelf, key) => {
      const rows = database.all('SELECT * FROM record WHERE shelf = ? AND key = ?', [shelf, key])
      return rows.map(rowOf)[0] ?? null
    },
    all: (shelf) =>
      database.all('SELECT * FROM record WHERE shelf = ? ORDER BY key', [shelf]).map(rowOf),
    count: counts.of,
    put: (shelf, { key, text, until }) => {
      const known = database.run(
        'UPDATE record SET value = ?, until = ? WHERE shelf = ? AND key = ?',
        [text, until, shelf, key],
      )
      if (known > 0) return
      database.run('INSERT INTO record (shelf, key, value, until) VALUES (?, ?, ?, ?)', [
        shelf,
        key,
        text,
        until,
      ])
      counts.add(shelf, 1)
    },
    remove,
    forget: (shelf, { now, most }) => {
      const forgotten = database.run(
        `DELETE FROM record WHERE shelf = ? AND key IN (
           SELECT key FROM record WHERE shelf = ? AND until IS NOT NULL AND until <= ?
           ORDER BY until, key LIMIT ?)`,
        [shelf, shelf, now ?? Number.MAX_SAFE_INTEGER, most],
      )
      counts.add(shelf, -forgotten)
    },
    setAside: (shelf, { key, text }, why) => {
      database.run('INSERT INTO damaged (shelf, key, value, why) VALUES (?, ?, ?, ?)', [
        shelf,
        key,
        text,
        why,
      ])
      database.run('DELETE FROM damaged WHERE id <= (SELECT max(id) FROM damaged) - ?', [
        limits.storeDamagedMax,
      ])
      remove(shelf, key)
    },
    nodes: nodesOf(database),
    close: () => database.close(),
  }
}

/** How many rows each shelf has: counted when first asked for, then kept along. */
function createCounts(database: Database) {
  const counts = new Map<ShelfName, number>()
  return {
    of: (shelf: ShelfName): number => {
      const known = counts.get(shelf)
      if (known !== undefined) return known
      const [row] = database.all('SELECT count(*) AS n FROM record WHERE shelf = ?', [shelf])
      const counted = Number(row?.['n'] ?? 0)
      counts.set(shelf, counted)
      return counted
    },
    add: (shelf: ShelfName, rows: number): void => {
      const known = counts.get(shelf)
      if (known !== undefined) counts.set(shelf, known + rows)
    },
    /** What was undone was counted all the same. */
    forget: (): void => counts.clear(),
  }
}

function rowOf(row: SqlRow): Row {
  const until = row['until']
  return {
    key: String(row['key']),
    text: String(row['value']),
    until: typeof until === 'number' ? until : null,
  }
}

function nodesOf(database: Database): Backend['nodes'] {
  const edge = (order: 'ASC' | 'DESC'): number | null => {
    const [row] = database.all(
      `SELECT place FROM node WHERE level = 0 ORDER BY place ${order} LIMIT 1`,
    )
    return row === undefined ? null : Number(row['place'])
  }
  const hashIn = (row: SqlRow, where: string): Uint8Array => {
    const hash = row['hash']
    if (hash instanceof Uint8Array && hash.length === 32) return hash
    throw new Failure('store-damaged', { path: database.path, where, why: 'it is not a hash' })
  }
  return {
    size: () => (edge('DESC') ?? -1) + 1,
    first: () => edge('ASC') ?? 0,
    read: ({ level, index }) => {
      const [row] = database.all('SELECT hash FROM node WHERE level = ? AND place = ?', [
        level,
        index,
      ])
      return row === undefined ? null : hashIn(row, `node ${level} ${index}`)
    },
    leaves: (from, to) => {
      const rows = database.all(
        'SELECT place, hash FROM node WHERE level = 0 AND place >= ? AND place < ? ORDER BY place',
        [from, to],
      )
      return rows[0]?.['place'] === from ? rows.map((row) => hashIn(row, 'a leaf')) : []
    },
    find: (leaf) => {
      const [row] = database.all(
        `SELECT place FROM node WHERE level = 0 AND substr(hash, 1, 8) = ? AND hash = ?
         ORDER BY place LIMIT 1`,
        [leaf.subarray(0, 8), leaf],
      )
      return row === undefined ? null : Number(row['place'])
    },
    add: ({ level, index, hash }) => {
      database.run('INSERT INTO node (level, place, hash) VALUES (?, ?, ?)', [level, index, hash])
    },
    forget: (before) => {
      for (let level = 0; level < 8; level++)
        database.run('DELETE FROM node WHERE level = ? AND place < ?', [level, before / 2 ** level])
    },
  }
}
