// The schema of a mirror's store, as the numbered steps that lead to it. A step that was released is never changed.

import { Failure } from '../../base/failure.ts'
import type { Database } from '../../runtime/runtime.ts'

/** The number of a step is its place, counted from 1. */
export const migrations: readonly string[][] = [
  [
    `CREATE TABLE record (
       shelf TEXT NOT NULL,
       key   TEXT NOT NULL,
       value TEXT NOT NULL,
       until INTEGER,
       PRIMARY KEY (shelf, key)
     ) STRICT`,
    'CREATE INDEX record_until ON record (shelf, until, key) WHERE until IS NOT NULL',
    `CREATE TABLE damaged (
       id    INTEGER PRIMARY KEY,
       shelf TEXT NOT NULL,
       key   TEXT NOT NULL,
       value TEXT NOT NULL,
       why   TEXT NOT NULL
     ) STRICT`,
    `CREATE TABLE node (
       level INTEGER NOT NULL,
       place INTEGER NOT NULL,
       hash  BLOB NOT NULL CHECK (length(hash) = 32),
       PRIMARY KEY (level, place)
     ) STRICT, WITHOUT ROWID`,
    // Eight bytes find a leaf as well as 32, in a quarter of the space.
    'CREATE INDEX node_leaf ON node (substr(hash, 1, 8)) WHERE level = 0',
  ],
]

/** Marks a database as a mirror's store ("SLms"): other programs' databases are not written to. */
const applicationId = 0x53_4c_6d_73

/**
 * Brings the schema of `database` up to date, each step whole or not at all.
 * @throws Failure store-newer, and store-malformed for the database of another program
 */
export function migrate(
  database: Database,
  steps: readonly (readonly string[])[] = migrations,
): void {
  const number = (pragma: string): number =>
    Number(Object.values(database.all(`PRAGMA ${pragma}`)[0] ?? {})[0] ?? 0)
  const isNew = database.all('SELECT name FROM sqlite_schema LIMIT 1').length === 0
  if (!isNew && number('application_id') !== applicationId)
    throw new Failure('store-malformed', {
      url: database.path,
      why: 'it is the database of another program',
    })
  const schema = number('user_version')
  if (schema > steps.length)
    throw new Failure('store-newer', { path: database.path, schema, ours: steps.length })
  for (const [i, statements] of steps.entries()) {
    if (i < schema) continue
    database.transaction(() => {
      for (const statement of statements) database.run(statement)
      database.run(`PRAGMA application_id = ${applicationId}`)
      database.run(`PRAGMA user_version = ${i + 1}`)
    })
  }
}
