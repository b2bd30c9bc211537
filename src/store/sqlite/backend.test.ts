import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { z } from 'zod'
import { utf8 } from '../../base/bytes.ts'
import { Failure, type FailureCode } from '../../base/failure.ts'
import { limits } from '../../base/limits.ts'
import { appendLeaves, emptyFrontier, hashLeaf } from '../../observation/merkle.ts'
import { nodeCrypto } from '../../runtime/node/crypto.ts'
import { nodeRuntime } from '../../runtime/node/runtime.ts'
import type { Database, Databases, Runtime } from '../../runtime/runtime.ts'
import { shelfOf } from '../shelves.ts'
import { grow, put, type MirrorStore } from '../store.ts'
import { openSqliteStore } from './backend.ts'
import { migrate, migrations } from './migrations.ts'

let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sightline-store-'))
})
after(() => rm(folder, { recursive: true, force: true }))

const told: string[] = []
const { clock, databases } = nodeRuntime()
const log: Runtime['log'] = {
  info: () => {},
  warn: (_event, fields) => void told.push(String(fields?.['error'])),
}
const needs = { clock, databases, log }
let files = 0
const nextPath = (): string => join(folder, `${++files}.db`)
const settings = shelfOf('settings', z.number())
const failsWith = (code: FailureCode) => (error: unknown) =>
  Failure.is(error) && error.code === code

/** What `body` gives for the store at `path`, which is closed again. */
async function withStore<T>(path: string, body: (store: MirrorStore) => Promise<T>): Promise<T> {
  const store = openSqliteStore(needs, path)
  try {
    return await body(store)
  } finally {
    await store.close()
  }
}

/** Changes the database at `path` behind the store's back. */
function meddle(path: string, body: (database: Database) => void): void {
  const database = databases.open(path, { exclusive: true })
  body(database)
  database.close()
}

test('what was acknowledged is there when the store is opened again', async () => {
  const path = nextPath()
  const { frontier, nodes } = appendLeaves(nodeCrypto, emptyFrontier, [
    hashLeaf(nodeCrypto, utf8('a')),
  ])
  await withStore(path, (store) =>
    store.commit([put(settings, { key: 'a', value: 7 }), grow(0, nodes)]),
  )
  await withStore(path, async (store) => {
    assert.equal(await store.get(settings, 'a'), 7)
    assert.deepEqual(await store.log.leaves({ from: 0, to: 9 }), frontier.roots)
    assert.ok(store.isDurable)
  })
})

test('a store is open in one process at a time', async () => {
  const path = nextPath()
  await withStore(path, async () => {
    assert.throws(() => openSqliteStore(needs, path), failsWith('store-busy'))
  })
  await withStore(path, async () => {})
})

test('a store of a newer version is refused, and not touched', async () => {
  const path = nextPath()
  await withStore(path, (store) => store.commit([put(settings, { key: 'a', value: 1 })]))
  meddle(path, (database) => database.run(`PRAGMA user_version = ${migrations.length + 1}`))
  const before = await readFile(path)
  assert.throws(() => openSqliteStore(needs, path), /its schema is number 2, this version knows/)
  assert.throws(() => openSqliteStore(needs, path), failsWith('store-newer'))
  assert.deepEqual(await readFile(path), before)
})

test('the database of another program is refused, and not touched', async () => {
  const path = nextPath()
  meddle(path, (database) => database.run('CREATE TABLE theirs (a TEXT)'))
  assert.throws(() => openSqliteStore(needs, path), failsWith('store-malformed'))
  meddle(path, (database) =>
    assert.deepEqual(
      database.all('SELECT name FROM sqlite_schema').map((row) => row['name']),
      ['theirs'],
    ),
  )
})

test('migrations run once each, in order, whole or not at all', () => {
  const database = databases.open(nextPath(), { exclusive: true })
  const second = ['CREATE TABLE two (a TEXT)', 'INSERT INTO two VALUES (1)']
  const broken = ['CREATE TABLE three (a TEXT)', 'this is no SQL']
  const tables = () =>
    database.all("SELECT name FROM sqlite_schema WHERE name IN ('record', 'two', 'three')").length
  const version = () => database.all('PRAGMA user_version')[0]?.['user_version']
  migrate(database)
  assert.deepEqual([version(), tables()], [1, 1])
  assert.throws(() => migrate(database, [...migrations, second, broken]), failsWith('store-failed'))
  assert.deepEqual([version(), tables()], [2, 2])
  migrate(database, [...migrations, second])
  assert.equal(database.all('SELECT * FROM two').length, 1)
  assert.throws(() => migrate(database), failsWith('store-newer'))
  database.close()
})

test('a row that was damaged on the disk is told once, kept for the operator, and stops no start', async () => {
  const path = nextPath()
  await withStore(path, (store) =>
    store.commit(['a', 'b', 'c'].map((key) => put(settings, { key, value: 1 }))),
  )
  meddle(path, (database) => {
    database.run("UPDATE record SET value = '{\"cut' WHERE key = 'a'")
    database.run("UPDATE record SET value = '\"text\"' WHERE key = 'b'")
  })
  told.length = 0
  for (let start = 0; start < 3; start++)
    await withStore(path, async (store) =>
      assert.deepEqual(await store.load(settings), new Map([['c', 1]])),
    )
  assert.deepEqual(told, [
    `read store ${JSON.stringify(path)}: settings a is damaged: it is not JSON`,
    `read store ${JSON.stringify(path)}: settings b is damaged: at the top: Invalid input: expected number, received string`,
  ])
  meddle(path, (database) =>
    assert.deepEqual(
      database.all('SELECT shelf, key, value FROM damaged').map((row) => ({ ...row })),
      [
        { shelf: 'settings', key: 'a', value: '{"cut' },
        { shelf: 'settings', key: 'b', value: '"text"' },
      ],
    ),
  )
})

test('as many damaged rows as there may be are set aside, and no more', async () => {
  const path = nextPath()
  const peers = shelfOf('peers', z.json())
  const rows = Array.from({ length: limits.storeDamagedMax + 50 }, (_, i) =>
    put(peers, { key: `k${i}`, value: 'x' }),
  )
  await withStore(path, async (store) => {
    await store.commit(rows)
    assert.equal((await store.load(shelfOf('peers', z.number()))).size, 0)
    assert.equal(await store.count('peers'), 0)
  })
  meddle(path, (database) =>
    assert.equal(
      database.all('SELECT count(*) AS n FROM damaged')[0]?.['n'],
      limits.storeDamagedMax,
    ),
  )
})

test('batches that come together share one way to the disk, and each is answered', async () => {
  let commits = 0
  const counting: Databases = {
    open: (path, options) => {
      const database = databases.open(path, options)
      let depth = 0
      return {
        ...database,
        transaction: (work) => {
          if (depth === 0) commits += 1
          depth += 1
          try {
            return database.transaction(work)
          } finally {
            depth -= 1
          }
        },
      }
    },
  }
  const store = openSqliteStore({ ...needs, databases: counting }, nextPath())
  commits = 0
  await Promise.all(
    Array.from({ length: 100 }, (_, i) =>
      store.commit([put(settings, { key: `k${i}`, value: i })]),
    ),
  )
  assert.equal(commits, 1)
  assert.equal(await store.count('settings'), 100)
  await store.close()
})

test('a full disk fails the batch that finds no room, and takes others when there is room again', async () => {
  const opened: Database[] = []
  const noting: Databases = {
    open: (path, options) => {
      const database = databases.open(path, options)
      opened.push(database)
      return database
    },
  }
  const path = nextPath()
  const store = openSqliteStore({ ...needs, databases: noting }, path)
  const [database] = opened
  assert.ok(database !== undefined)
  const peers = shelfOf('peers', z.string())
  const row = (key: string) => put(peers, { key, value: 'x'.repeat(10_000) })
  await store.commit([row('a')])
  // SQLite then fails as it does when a write finds no space left.
  database.run('PRAGMA max_page_count = 20')
  const many = Array.from({ length: 50 }, (_, i) => row(`k${i}`))
  await assert.rejects(store.commit([row('b'), ...many]), (error) => {
    assert.ok(Failure.is(error) && error.code === 'store-failed', String(error))
    return /full/.test(error.message)
  })
  assert.deepEqual([...(await store.load(peers)).keys()], ['a'])
  assert.equal(await store.count('peers'), 1)
  database.run('PRAGMA max_page_count = 100000')
  await store.commit(many)
  assert.equal(await store.count('peers'), 51)
  await store.close()
  assert.equal(await withStore(path, (again) => again.count('peers')), 51)
})

test('a disk that fails fails every batch that was on its way, and the store goes on afterwards', async () => {
  let isBroken = false
  const failing: Databases = {
    open: (path, options) => {
      const database = databases.open(path, options)
      return {
        ...database,
        run: (sql, parameters) => {
          if (isBroken && parameters?.includes('k3'))
            throw new Failure('store-failed', { path, action: 'write', why: 'disk I/O error' })
          return database.run(sql, parameters)
        },
      }
    },
  }
  const store = openSqliteStore({ ...needs, databases: failing }, nextPath())
  const commitAll = () =>
    Promise.allSettled(
      Array.from({ length: 6 }, (_, i) =>
        store.commit([put(settings, { key: `k${i}`, value: i })]),
      ),
    )
  isBroken = true
  assert.deepEqual(new Set((await commitAll()).map(({ status }) => status)), new Set(['rejected']))
  assert.equal(await store.count('settings'), 0)
  assert.deepEqual(await store.load(settings), new Map())
  isBroken = false
  assert.ok((await commitAll()).every(({ status }) => status === 'fulfilled'))
  assert.equal(await store.count('settings'), 6)
  await store.close()
})
