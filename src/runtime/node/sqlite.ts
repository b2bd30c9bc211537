// SQL databases on node:sqlite: each commit reaches the disk before the call returns, and one file is one database.

import { closeSync, openSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { Failure } from '../../base/failure.ts'
import { limits } from '../../base/limits.ts'
import type { Database, Databases, SqlRow } from '../runtime.ts'

/** Databases of this machine. */
export const nodeDatabases: Databases = {
  open: (path, { exclusive }) => {
    const guard = guarded(path)
    const connection = guard('open', () => {
      // What SQLite creates may be read by others, and a mirror's memory tells what was asked of it.
      closeSync(openSync(path, 'a', 0o600))
      return new DatabaseSync(path, { timeout: limits.databaseBusyMs })
    })
    try {
      guard('open', () => prepare(connection, exclusive))
    } catch (error) {
      connection.close()
      throw error
    }
    return databaseOf(connection, path)
  },
}

function prepare(connection: DatabaseSync, exclusive: boolean): void {
  // Before the journal: then the lock is the process's own, and no shared memory lies beside the file.
  connection.exec(`PRAGMA locking_mode = ${exclusive ? 'EXCLUSIVE' : 'NORMAL'}`)
  connection.exec('PRAGMA journal_mode = WAL')
  // In WAL mode only FULL makes a commit last over a loss of power.
  connection.exec('PRAGMA synchronous = FULL')
  connection.exec(`PRAGMA journal_size_limit = ${limits.databaseJournalBytesMax}`)
  // The first write takes the lock: whoever comes second learns it now, not in the middle of work.
  if (exclusive) connection.exec('BEGIN IMMEDIATE; COMMIT')
}

/** The seam over an open connection: to a file, or, in a simulation, to memory. `path` names it in messages. */
export function databaseOf(connection: DatabaseSync, path: string): Database {
  const guard = guarded(path)
  // Our statements are literals in the code, a few dozen: none need be forgotten.
  const statements = new Map<string, StatementSync>()
  const statementOf = (sql: string): StatementSync => {
    const known = statements.get(sql)
    if (known !== undefined) return known
    const made = connection.prepare(sql)
    statements.set(sql, made)
    return made
  }
  let depth = 0
  const whole = <T>(work: () => T): T => {
    const [begin, commit, undo] = bracketsOf(depth)
    guard('write', () => connection.exec(begin))
    depth += 1
    try {
      const result = work()
      guard('write', () => connection.exec(commit))
      return result
    } catch (error) {
      // SQLite has undone it already where the disk failed.
      if (connection.isTransaction) guard('write', () => connection.exec(undo))
      throw error
    } finally {
      depth -= 1
    }
  }
  return {
    path,
    run: (sql, parameters = []) =>
      guard('write', () => Number(statementOf(sql).run(...parameters).changes)),
    all: (sql, parameters = []) =>
      // Without integers beyond 2^53, which throw, a value is one of ours.
      guard('read', () => statementOf(sql).all(...parameters) as readonly SqlRow[]),
    transaction: whole,
    close: () => guard('close', () => connection.close()),
  }
}

function bracketsOf(depth: number): readonly [begin: string, commit: string, undo: string] {
  return depth === 0
    ? ['BEGIN IMMEDIATE', 'COMMIT', 'ROLLBACK']
    : [`SAVEPOINT s${depth}`, `RELEASE s${depth}`, `ROLLBACK TO s${depth}; RELEASE s${depth}`]
}

/** Result codes of SQLite, without their extension. */
const busy: readonly number[] = [5, 6]
const corrupt: readonly number[] = [11, 26]

/** Runs work on the database at `path`, with what SQLite throws turned into a Failure. */
function guarded(path: string): <T>(action: string, work: () => T) => T {
  return (action, work) => {
    try {
      return work()
    } catch (cause) {
      if (Failure.is(cause)) throw cause
      const why = cause instanceof Error ? cause.message : String(cause)
      const code = resultCodeOf(cause)
      if (busy.includes(code)) throw new Failure('store-busy', { path }, { cause })
      if (corrupt.includes(code))
        throw new Failure('store-damaged', { path, where: 'the file', why }, { cause })
      throw new Failure('store-failed', { path, action, why }, { cause })
    }
  }
}

function resultCodeOf(error: unknown): number {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0
}
