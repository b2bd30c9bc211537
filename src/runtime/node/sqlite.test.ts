import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Failure, type FailureCode } from '../../base/failure.ts'
import type { Database } from '../runtime.ts'
import { nodeDatabases } from './sqlite.ts'

let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sightline-sqlite-'))
})
after(() => rm(folder, { recursive: true, force: true }))

let files = 0
const nextPath = (): string => join(folder, `${++files}.db`)

/** `body` with a database that has one table, t(key, value). */
function withTable(body: (database: Database) => void): void {
  const database = nodeDatabases.open(nextPath(), { exclusive: true })
  try {
    database.run('CREATE TABLE t (key TEXT PRIMARY KEY, value ANY) STRICT')
    body(database)
  } finally {
    database.close()
  }
}

const add = (database: Database, key: string, value: string | number | Uint8Array | null) =>
  database.run('INSERT INTO t VALUES (?, ?)', [key, value])
const keys = (database: Database) =>
  database.all('SELECT key FROM t ORDER BY key').map((row) => row['key'])
const failsWith = (code: FailureCode) => (error: unknown) =>
  Failure.is(error) && error.code === code

test('values come back as they went in', () => {
  withTable((database) => {
    const values = ['text \u{1f600}', '', 0, -1, 0.5, 2 ** 53 - 1, Uint8Array.of(0, 255), null]
    values.forEach((value, i) => assert.equal(add(database, `k${i}`, value), 1))
    const rows = database.all('SELECT value FROM t ORDER BY key')
    assert.deepEqual(
      rows.map((row) => row['value']),
      values,
    )
    assert.equal(database.run('DELETE FROM t'), values.length)
  })
})

test('an integer that JavaScript cannot hold is refused, not rounded', () => {
  withTable((database) => {
    database.run("INSERT INTO t VALUES ('big', 9007199254740993)")
    assert.throws(() => database.all('SELECT value FROM t'), failsWith('store-failed'))
  })
})

test('a transaction is whole or nothing, and an inner one may fail alone', () => {
  withTable((database) => {
    const broken = new Error('changed my mind')
    const result = database.transaction(() => {
      add(database, 'outer', 1)
      assert.throws(
        () =>
          database.transaction(() => {
            add(database, 'inner', 1)
            throw broken
          }),
        (error) => error === broken,
      )
      database.transaction(() => add(database, 'second', 1))
      return 'done'
    })
    assert.equal(result, 'done')
    assert.deepEqual(keys(database), ['outer', 'second'])
    assert.throws(
      () =>
        database.transaction(() => {
          add(database, 'third', 1)
          database.transaction(() => add(database, 'fourth', 1))
          throw broken
        }),
      (error) => error === broken,
    )
    assert.deepEqual(keys(database), ['outer', 'second'])
  })
})

test('a statement that fails is a Failure that says why, and leaves the rest usable', () => {
  withTable((database) => {
    add(database, 'a', 1)
    assert.throws(() => add(database, 'a', 2), /UNIQUE constraint failed/)
    assert.throws(() => database.all('SELECT nothing FROM nowhere'), failsWith('store-failed'))
    assert.deepEqual(keys(database), ['a'])
  })
})

test('an exclusive database belongs to one process, and to the next after it', () => {
  const path = nextPath()
  const first = nodeDatabases.open(path, { exclusive: true })
  for (const exclusive of [true, false])
    assert.throws(() => nodeDatabases.open(path, { exclusive }), failsWith('store-busy'))
  first.close()
  nodeDatabases.open(path, { exclusive: true }).close()
})

test('a shared database is read by others while it is written', () => {
  const path = nextPath()
  const [writer, reader] = [0, 1].map(() => nodeDatabases.open(path, { exclusive: false }))
  assert.ok(writer !== undefined && reader !== undefined)
  writer.run('CREATE TABLE t (key TEXT PRIMARY KEY, value ANY) STRICT')
  writer.transaction(() => {
    add(writer, 'a', 1)
    assert.deepEqual(keys(reader), [])
  })
  assert.deepEqual(keys(reader), ['a'])
  writer.close()
  reader.close()
})

test('its files are for its owner alone', async (t) => {
  if (process.platform === 'win32') return t.diagnostic('Windows has no permission bits')
  const path = nextPath()
  const database = nodeDatabases.open(path, { exclusive: true })
  database.run('CREATE TABLE t (key TEXT) STRICT')
  const made = (await readdir(folder)).filter((name) => join(folder, name).startsWith(path))
  assert.ok(made.length >= 2, String(made))
  for (const name of made) assert.equal((await stat(join(folder, name))).mode & 0o077, 0, name)
  database.close()
})

test('commits are written through to the disk', () => {
  withTable((database) => {
    assert.deepEqual(
      ['journal_mode', 'synchronous', 'foreign_keys'].map((name) =>
        Object.values(database.all(`PRAGMA ${name}`)[0] ?? {}).at(0),
      ),
      ['wal', 2, 1],
    )
  })
})

test('what is no database, and where none can be, is told', async () => {
  const path = nextPath()
  await writeFile(path, 'this is no database, but it is long enough to be looked at. '.repeat(20))
  assert.throws(() => nodeDatabases.open(path, { exclusive: true }), failsWith('store-damaged'))
  for (const nowhere of [folder, join(folder, 'absent', 'a.db')])
    assert.throws(() => nodeDatabases.open(nowhere, { exclusive: true }), failsWith('store-failed'))
})

test('a database that is closed says so', () => {
  const database = nodeDatabases.open(nextPath(), { exclusive: true })
  database.close()
  assert.throws(() => database.all('SELECT 1'), failsWith('store-failed'))
})
