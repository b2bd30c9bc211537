import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { z } from 'zod'
import { createSeededRandom } from '../../test/support/seeded-random.ts'
import { createVirtualClock, type VirtualClock } from '../../test/support/virtual-clock.ts'
import { createOrganisation, scriptedProbe } from '../../test/support/world.ts'
import { base64url, fromBase64url } from '../base/bytes.ts'
import { Failure } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import { checkHeads, verifyHead, type Head } from '../observation/log-head.ts'
import { leafOfObservation } from '../observation/log-leaf.ts'
import { emptyRoot, verifyInclusion } from '../observation/merkle.ts'
import type { Observation, Sight, Verified } from '../observation/observation.ts'
import { isRejection, verifyObservation } from '../observation/sign.ts'
import { answerKeysOf, verifyDescriptor } from '../protocol/descriptor.ts'
import {
  logConsistencyAnswerSchema,
  logEntriesAnswerSchema,
  logHeadAnswerSchema,
  logInclusionAnswerSchema,
} from '../protocol/log.ts'
import { problemCodeOf } from '../protocol/problems.ts'
import { answerSchema, paths } from '../protocol/routes.ts'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import { silentLog } from '../runtime/node/log.ts'
import { nodeRuntime } from '../runtime/node/runtime.ts'
import type { HttpReply, Log } from '../runtime/runtime.ts'
import { createMemoryStore } from '../store/memory/backend.ts'
import { openSqliteStore } from '../store/sqlite/backend.ts'
import type { MirrorStore } from '../store/store.ts'
import { createMirrorAuthority } from './identity.ts'
import { openLog, type ObservationLog } from './log.ts'
import { createMirror } from './mirror.ts'

const site = '203.0.113.10'
const hashOf = (text: string): Uint8Array => fromBase64url(text) ?? new Uint8Array()

interface Stage {
  readonly clock: VirtualClock
  readonly store: MirrorStore
  /** Starts the mirror on its store, or on another, after the sudden end of what ran before. */
  readonly start: (other?: MirrorStore) => Promise<Running>
}

interface Running {
  readonly log: ObservationLog
  readonly renew: () => void
  ask(path: string, method?: string): Promise<HttpReply>
  get<S extends z.ZodType>(path: string, schema: S): Promise<z.infer<S>>
  observe(question?: Readonly<Record<string, unknown>>): Promise<Observation>
  head(): Promise<{ readonly statement: string; readonly head: Verified<Head> }>
}

function stage(options: { readonly store?: (clock: VirtualClock) => MirrorStore } = {}): Stage {
  const clock = createVirtualClock()
  const needs = { clock, random: createSeededRandom(7), crypto: nodeCrypto, log: silentLog }
  const owner = createOrganisation(clock, 1)
  const servers = { [site]: owner.server(), '203.0.113.77': owner.server() }
  const probe = scriptedProbe(clock, () => ({
    addresses: [site],
    tlsa: [owner.tlsa],
    servers,
  }))
  const authority = createMirrorAuthority(needs)
  const store = options.store?.(clock) ?? createMemoryStore(needs)
  let lives = 0
  const start = async (other: MirrorStore = store): Promise<Running> => {
    const life = ++lives
    // What a process that has ended would still write is never written, and never answered.
    const commit: MirrorStore['commit'] = (changes) =>
      life === lives ? other.commit(changes) : new Promise(() => {})
    const log = await openLog(needs, { ...other, commit })
    const mirror = createMirror(needs, {
      authority,
      description: {
        addresses: [{ address: '198.18.0.1', port: 443 }],
        domain: null,
        region: null,
        contact: [],
      },
      probe,
      allowPrivate: false,
      log,
      known: () => [],
    })
    const keys = () => {
      const expected = { id: mirror.id, now: clock.now() }
      return answerKeysOf(verifyDescriptor(nodeCrypto, mirror.identity().descriptor, expected))
    }
    const handle = (path: string, method: string, body: Uint8Array): Promise<HttpReply> => {
      const peer = { address: '198.51.100.1', port: 40_000 }
      const question = { method, path, contentType: 'application/json', body, peer }
      return clock.runUntil(Promise.resolve(mirror.handle(question)))
    }
    const ask: Running['ask'] = (path, method = 'GET') => handle(path, method, new Uint8Array())
    const get: Running['get'] = async (path, schema) => {
      const reply = await ask(path)
      assert.equal(reply.status, 200, String(reply.body))
      return schema.parse(JSON.parse(String(reply.body)))
    }
    return {
      log,
      renew: () => void mirror.renew(),
      ask,
      get,
      observe: async (given = {}) => {
        const nonce = base64url(needs.random.bytes(16))
        const question = { target: 'https://www.example.test', nonce, ...given }
        const body = new TextEncoder().encode(JSON.stringify(question))
        const reply = await handle(paths.observe, 'POST', body)
        const { observation } = answerSchema.parse(JSON.parse(String(reply.body)))
        const verified = verifyObservation(nodeCrypto, observation, {
          vantage: mirror.id,
          answerKeys: keys(),
          target: question.target,
          nonce,
          now: clock.now(),
        })
        assert.ok(!isRejection(verified), JSON.stringify(verified))
        return verified
      },
      head: async () => {
        const { head: statement } = await get(paths.logHead, logHeadAnswerSchema)
        const expected = { vantage: mirror.id, answerKeys: keys(), now: clock.now() }
        const head = verifyHead(nodeCrypto, statement, expected)
        assert.ok(!isRejection(head), JSON.stringify(head))
        return { statement, head }
      },
    }
  }
  return { clock, store, start }
}

/** The proof by the mirror's own words that one head goes on from another. */
async function consistencyOf(mirror: Running, from: number, to: number) {
  const path = `${paths.logConsistency}?from=${from}&to=${to}`
  const proof = await mirror.get(path, logConsistencyAnswerSchema)
  return { root: hashOf(proof.root), path: proof.path.map(hashOf) }
}

const consistent = { outcome: 'consistent' }

test('a look is one leaf, whoever asks and how often, and its leaf is proved under a signed head', async () => {
  const { clock, start } = stage()
  const mirror = await start()
  const empty = (await mirror.head()).head
  assert.deepEqual([empty.size, empty.root], [0, base64url(emptyRoot(nodeCrypto))])
  const first = await mirror.observe()
  const again = await mirror.observe()
  assert.equal(again.source, 'cache')
  assert.equal(again.salt, first.salt)
  await clock.advance(limits.logBatchMs)
  const { head } = await mirror.head()
  assert.equal(head.size, 1)
  const leaf = leafOfObservation(nodeCrypto, again)
  assert.ok(leaf !== null)
  await mirror.observe({ target: 'https://other.example.test' })
  await clock.advance(limits.logBatchMs)
  const later = (await mirror.head()).head
  assert.equal(later.size, 2)
  const query = `leaf=${base64url(leaf)}&size=${later.size}`
  const { index, path } = await mirror.get(
    `${paths.logInclusion}?${query}`,
    logInclusionAnswerSchema,
  )
  const proof = { leaf, index, size: later.size, root: hashOf(later.root) }
  assert.ok(verifyInclusion(nodeCrypto, { ...proof, path: path.map(hashOf) }))
  const { leaves } = await mirror.get(`${paths.logEntries}?from=0&to=2`, logEntriesAnswerSchema)
  assert.equal(leaves[index], base64url(leaf))
})

test('a fresh look, and one without handshakes, are leaves of their own', async () => {
  const { clock, start } = stage()
  const mirror = await start()
  const salts = [await mirror.observe(), await mirror.observe({ handshakes: false })]
  await clock.advance(6_000)
  salts.push(await mirror.observe({ fresh: true }))
  assert.equal(new Set(salts.map(({ salt }) => salt)).size, 3)
  await clock.advance(limits.logBatchMs)
  assert.equal(mirror.log.size(), 3)
})

test('what one asker names for itself, and excuses, leave nothing in the log', async () => {
  const { clock, start } = stage()
  const mirror = await start()
  const plain = await mirror.observe()
  const asked = await mirror.observe({ asked: ['203.0.113.77'] })
  assert.equal(asked.sight?.handshakes.length, 2)
  assert.deepEqual(leafOfObservation(nodeCrypto, asked), leafOfObservation(nodeCrypto, plain))
  const refused = await mirror.observe({ target: 'https://192.168.0.1' })
  assert.equal(refused.status, 'refused')
  assert.equal(refused.salt, undefined)
  await clock.advance(limits.logBatchMs)
  assert.equal(mirror.log.size(), 1)
})

test('heads are signed once a second at most, under the identity of now', async () => {
  const { clock, start } = stage()
  const mirror = await start()
  await clock.advance(5_000)
  const first = await mirror.head()
  await clock.advance(limits.logHeadMs - 1)
  assert.equal((await mirror.head()).statement, first.statement)
  mirror.renew()
  const renewed = await mirror.head()
  assert.notEqual(renewed.statement, first.statement)
  await clock.advance(limits.logHeadMs)
  assert.notEqual((await mirror.head()).head.at, renewed.head.at)
})

test('every head is the beginning of every later one, over ends of the process as well', async () => {
  const { clock, start } = stage()
  const heads: Verified<Head>[] = []
  for (let life = 0; life < 3; life++) {
    const mirror = await start()
    for (let step = 0; step < 4; step++) {
      for (let look = 0; look <= step; look++)
        await mirror.observe({ target: `https://n${life}-${step}-${look}.example.test` })
      await clock.advance(limits.logBatchMs + limits.logHeadMs)
      heads.push((await mirror.head()).head)
    }
    // What was not on the disk yet is lost with this life; no head was over it.
    await mirror.observe({ target: `https://lost${life}.example.test` })
  }
  assert.deepEqual(heads.map(({ size }) => size).slice(0, 5), [1, 3, 6, 10, 11])
  const mirror = await start()
  for (const newer of heads)
    for (const older of heads) {
      if (older.size > newer.size) continue
      const proof = await consistencyOf(mirror, older.size, newer.size)
      assert.deepEqual(checkHeads(nodeCrypto, [older, newer], proof), consistent)
    }
})

test('a log that was set back, and went on otherwise, is convicted by its own proof', async () => {
  const { clock, start } = stage()
  const mirror = await start()
  await mirror.observe()
  await clock.advance(2_000)
  const older = (await mirror.head()).head
  // An old copy of its memory is brought back: here one from before the first look.
  const setBack = await start(createMemoryStore({ clock, log: silentLog }))
  for (const target of ['https://a.example.test', 'https://b.example.test'])
    await setBack.observe({ target })
  await clock.advance(2_000)
  const newer = (await setBack.head()).head
  const proof = await consistencyOf(setBack, older.size, newer.size)
  assert.deepEqual(checkHeads(nodeCrypto, [older, newer], proof), {
    outcome: 'forked',
    how: 'rewritten',
  })
})

const hostile: readonly (readonly [path: string, code: string])[] = [
  [`${paths.logConsistency}`, 'question-malformed'],
  [`${paths.logConsistency}?from=1`, 'question-malformed'],
  [`${paths.logConsistency}?from=2&to=1`, 'question-malformed'],
  [`${paths.logConsistency}?from=-1&to=1`, 'question-malformed'],
  [`${paths.logConsistency}?from=1.5&to=2`, 'question-malformed'],
  [`${paths.logConsistency}?from=1e0&to=2`, 'question-malformed'],
  [`${paths.logConsistency}?from=01&to=2`, 'question-malformed'],
  [`${paths.logConsistency}?from=+1&to=2`, 'question-malformed'],
  [`${paths.logConsistency}?from=0x1&to=2`, 'question-malformed'],
  [`${paths.logConsistency}?from=1&to=NaN`, 'question-malformed'],
  [`${paths.logConsistency}?from=1&to=Infinity`, 'question-malformed'],
  [`${paths.logConsistency}?from=1&to=281474976710657`, 'question-malformed'],
  [`${paths.logConsistency}?from=1&to=99999999999999999999999`, 'question-malformed'],
  [`${paths.logConsistency}?from=1&to=${'9'.repeat(2_000)}`, 'question-malformed'],
  [`${paths.logConsistency}?from=1&to=281474976710656`, 'log-beyond'],
  [`${paths.logConsistency}?from=1&to=4`, 'log-beyond'],
  [`${paths.logConsistency}?from=4&to=4`, 'log-beyond'],
  [`${paths.logInclusion}?size=1`, 'question-malformed'],
  [`${paths.logInclusion}?leaf=&size=1`, 'question-malformed'],
  [`${paths.logInclusion}?leaf=AAAA&size=1`, 'question-malformed'],
  [`${paths.logInclusion}?leaf=${'!'.repeat(43)}&size=1`, 'question-malformed'],
  [`${paths.logInclusion}?leaf=${'A'.repeat(43)}`, 'question-malformed'],
  [`${paths.logInclusion}?leaf=${'A'.repeat(43)}&size=-1`, 'question-malformed'],
  [`${paths.logInclusion}?leaf=${'A'.repeat(43)}&size=4`, 'log-beyond'],
  [`${paths.logInclusion}?leaf=${'A'.repeat(43)}&size=3`, 'leaf-unknown'],
  [`${paths.logInclusion}?leaf=${'A'.repeat(43)}&size=0`, 'leaf-unknown'],
  [`${paths.logEntries}`, 'question-malformed'],
  [`${paths.logEntries}?from=0&to=0`, 'question-malformed'],
  [`${paths.logEntries}?from=2&to=1`, 'question-malformed'],
  [`${paths.logEntries}?from=-2&to=1`, 'question-malformed'],
  [`${paths.logEntries}?from=4&to=5`, 'log-beyond'],
  ['/v1/log', 'not-found'],
  ['/v1/log/', 'not-found'],
  ['/v1/log/head/', 'not-found'],
]

test('what cannot be proved is refused with its reason', async () => {
  const { clock, start } = stage()
  const mirror = await start()
  for (let i = 0; i < 3; i++) await mirror.observe({ target: `https://n${i}.example.test` })
  await clock.advance(limits.logBatchMs)
  assert.equal(mirror.log.size(), 3)
  for (const [path, code] of hostile) {
    const { body } = await mirror.ask(path)
    assert.equal(problemCodeOf(String(body)), code, `${path.slice(0, 80)}: ${String(body)}`)
  }
  for (const path of [paths.logHead, paths.logConsistency, paths.logInclusion, paths.logEntries])
    assert.equal((await mirror.ask(path, 'POST')).status, 405)
  const [leaf] = (await mirror.get(`${paths.logEntries}?from=2&to=3`, logEntriesAnswerSchema))
    .leaves
  const early = await mirror.ask(`${paths.logInclusion}?leaf=${leaf}&size=2`)
  assert.equal(problemCodeOf(String(early.body)), 'log-beyond')
})

test('the edges of a log have their proofs', async () => {
  const { clock, start } = stage()
  const mirror = await start()
  const none = await consistencyOf(mirror, 0, 0)
  assert.deepEqual(none, { root: emptyRoot(nodeCrypto), path: [] })
  await mirror.observe()
  await clock.advance(2_000)
  assert.deepEqual((await consistencyOf(mirror, 0, 1)).path, [])
  assert.deepEqual((await consistencyOf(mirror, 1, 1)).path, [])
  const behind = await mirror.get(`${paths.logEntries}?from=1&to=9`, logEntriesAnswerSchema)
  assert.deepEqual(behind, { from: 1, leaves: [] })
  const much = await mirror.get(`${paths.logEntries}?from=0&to=999999999`, logEntriesAnswerSchema)
  assert.equal(much.leaves.length, 1)
})

test('leaves come in bounded answers, which are kept by caches when they are whole', async () => {
  const { clock, start } = stage()
  const mirror = await start()
  const sight = (await mirror.observe()).sight as Omit<Sight, 'target'>
  for (let i = 1; i < 1_500; i++) mirror.log.record(`https://n${i}.example.test`, sight)
  await clock.advance(10_000)
  assert.equal(mirror.log.size(), 1_500)
  const all = `${paths.logEntries}?from=0&to=1500`
  assert.equal((await mirror.get(all, logEntriesAnswerSchema)).leaves.length, limits.logEntriesMax)
  assert.equal((await mirror.ask(all)).cacheControl, 'no-store')
  const rest = `${paths.logEntries}?from=${limits.logEntriesMax}&to=1500`
  assert.equal((await mirror.get(rest, logEntriesAnswerSchema)).leaves.length, 500)
  assert.match((await mirror.ask(rest)).cacheControl, /max-age/)
})

test('what is kept no more is said to be gone, and heads go on', async () => {
  const { clock, start } = stage({
    store: (clock) => createMemoryStore({ clock, log: silentLog }, { leavesKept: 256 }),
  })
  const mirror = await start()
  const sight = (await mirror.observe()).sight as Omit<Sight, 'target'>
  await clock.advance(2_000)
  const older = (await mirror.head()).head
  for (let i = 1; i < 600; i++) mirror.log.record(`https://n${i}.example.test`, sight)
  await clock.advance(5_000)
  for (const path of [`${paths.logConsistency}?from=5&to=600`, `${paths.logEntries}?from=5&to=9`]) {
    const reply = await mirror.ask(path)
    assert.equal(reply.status, 410)
    assert.equal(problemCodeOf(String(reply.body)), 'log-forgotten')
  }
  assert.equal(older.size, 1)
  const { head } = await mirror.head()
  const proof = await consistencyOf(mirror, 256, 600)
  assert.equal(head.size, 600)
  assert.ok(proof.path.length > 0)
})

test('a mirror without a log says so, and its statements have no salt', async () => {
  const clock = createVirtualClock()
  const needs = { clock, random: createSeededRandom(7), crypto: nodeCrypto, log: silentLog }
  const mirror = createMirror(needs, {
    authority: createMirrorAuthority(needs),
    description: {
      addresses: [{ address: '198.18.0.1', port: 443 }],
      domain: null,
      region: null,
      contact: [],
    },
    probe: scriptedProbe(clock, () => ({ addresses: [], tlsa: [], servers: {} })),
    allowPrivate: false,
    known: () => [],
  })
  const ask = (path: string): Promise<HttpReply> => {
    const peer = { address: '198.51.100.1', port: 40_000 }
    const question = { method: 'GET', path, contentType: '', body: new Uint8Array(), peer }
    return clock.runUntil(Promise.resolve(mirror.handle(question)))
  }
  for (const path of [paths.logHead, paths.logConsistency, paths.logInclusion, paths.logEntries])
    assert.equal(problemCodeOf(String((await ask(path)).body)), 'log-missing')
  const shared = await ask(`${paths.observe}?target=https://www.example.test`)
  const { observation } = answerSchema.parse(JSON.parse(String(shared.body)))
  const payload = new TextDecoder().decode(
    fromBase64url(observation.split('.')[1] ?? '') ?? undefined,
  )
  assert.ok(payload.includes('"sight"') && !payload.includes('salt'))
})

const absent = {
  status: 'nodata',
  records: [],
  ttl: 1,
  ad: false,
  cname: [],
  error: null,
} as const
const authority = { ...absent, origin: 'service', owner: 'o', base: 'b' } as const
const nothing: Omit<Sight, 'target'> = {
  at: 1,
  dns: { a: absent, aaaa: absent, authority },
  handshakes: [],
  dnsMs: 1,
}

/** A store whose disk fails while `state.broken`. */
function brittle(store: MirrorStore, state: { broken: boolean }): MirrorStore {
  const commit: MirrorStore['commit'] = (changes) =>
    state.broken
      ? Promise.reject(
          new Failure('store-failed', { path: 'x', action: 'write', why: 'disk full' }),
        )
      : store.commit(changes)
  return { ...store, commit }
}

test('a disk that fails delays leaves, and neither answers nor heads', async () => {
  const state = { broken: true }
  const { clock, start } = stage({
    store: (clock) => brittle(createMemoryStore({ clock, log: silentLog }), state),
  })
  const mirror = await start()
  await mirror.observe()
  await clock.advance(limits.logBatchMs)
  assert.equal((await mirror.observe()).status, 'answered')
  assert.equal((await mirror.head()).head.size, 0)
  state.broken = false
  await clock.advance(limits.logRetryMs)
  assert.equal((await mirror.head()).head.size, 1)
})

test('leaves that a failing disk leaves no room for are lost, and the operator is told how many', async () => {
  const clock = createVirtualClock()
  const told: (readonly [string, unknown])[] = []
  const log: Log = { info: () => {}, warn: (event, fields) => told.push([event, fields]) }
  const needs = { clock, random: createSeededRandom(7), crypto: nodeCrypto, log }
  const state = { broken: true }
  const kept = await openLog(needs, brittle(createMemoryStore(needs), state))
  for (let i = 0; i < limits.logWaitingMax + 3; i++) kept.record('https://a.test', nothing)
  await clock.advance(limits.logBatchMs)
  assert.equal(kept.size(), 0)
  assert.equal(told.at(-1)?.[0], 'log not written')
  state.broken = false
  await clock.advance(limits.logRetryMs * 2)
  assert.equal(kept.size(), limits.logWaitingMax)
  assert.deepEqual(told.at(-1), ['log has lost leaves', { lost: 3 }])
  state.broken = true
  kept.record('https://a.test', nothing)
  // It does not wait for a disk that does not come back.
  await kept.close()
  assert.equal(clock.armed, 0)
})

test('a log that is closed has written what waited', async () => {
  const { start, clock } = stage()
  const mirror = await start()
  await mirror.observe()
  const closed = mirror.log.close()
  await clock.runUntil(closed)
  assert.equal(mirror.log.size(), 1)
  assert.equal(clock.armed, 0)
})

test('a log that has lost its trunk is never continued', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sightline-log-'))
  try {
    const path = join(folder, 'mirror.db')
    const runtime = nodeRuntime()
    const store = openSqliteStore(runtime, path)
    const log = await openLog(runtime, store)
    for (let i = 0; i < 6; i++) log.record('https://a.test', nothing)
    await log.close()
    await store.close()
    const database = runtime.databases.open(path, { exclusive: true })
    assert.equal(database.run('DELETE FROM node WHERE level = 2'), 1)
    database.close()
    const again = openSqliteStore(runtime, path)
    await assert.rejects(
      openLog(runtime, again),
      (error) => Failure.is(error) && error.code === 'store-damaged',
    )
    await again.close()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
