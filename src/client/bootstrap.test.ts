// A new client in a world of mirrors that list each other: most of them honest, some of them anything else.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSeededRandom } from '../../test/support/seeded-random.ts'
import { createWorld, type World, type WorldMirror } from '../../test/support/world.ts'
import { base64url } from '../base/bytes.ts'
import { Failure } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import { parameters } from '../membership/parameters.ts'
import { signStatement } from '../observation/jws.ts'
import type { KnownMirror } from '../protocol/lists.ts'
import type { ListEntry } from '../protocol/routes.ts'
import type { HttpReply } from '../runtime/runtime.ts'
import { agreeOnMirrors, chooseAsked, type AgreeTask, type Agreement } from './bootstrap.ts'
import type { ListProgress } from './collect.ts'

const scene = { addresses: [], tlsa: [], servers: {} }
const world = (count = 40, seed = 1): World => createWorld({ count, scene, seed })
const { signal: never } = new AbortController()

function agree(under: World, task: Partial<AgreeTask> = {}): Promise<Agreement> {
  const pairs = under.mirrors.map((mirror) => mirror.entry)
  return under.clock.runUntil(
    agreeOnMirrors(under.runtime, {
      beginning: { pairs, current: null },
      parameters,
      allowPrivate: true,
      signal: never,
      ...task,
    }),
  )
}

/** The ids that were agreed on. */
const ids = ({ mirrors }: Agreement): readonly string[] => mirrors.map(({ id }) => id)
const idsOf = (mirrors: readonly WorldMirror[]): readonly string[] =>
  mirrors.map(({ entry }) => entry.id).toSorted()

const votesOf = ({ mirrors }: Agreement, id: string): number | undefined =>
  mirrors.find((one) => one.id === id)?.votes

function at<T>(values: readonly T[], index: number): T {
  const value = values[index]
  assert.ok(value !== undefined)
  return value
}

/** Mirrors that nobody can be asked about: names in lists alone. */
function invented(count: number, seed = 3): readonly KnownMirror[] {
  const random = createSeededRandom(seed)
  const regions = ['RIPE-DE', 'ARIN-US', 'APNIC-JP', 'LACNIC-BR', 'AFRINIC-ZA']
  return Array.from({ length: count }, (_, i) => ({
    ip: `5.${seed}.${i >> 8}.${i & 255}`,
    port: 443,
    id: base64url(random.bytes(32)),
    region: regions[i % regions.length] ?? null,
    since: 0,
    status: 'active' as const,
  }))
}

/** What each mirror is asked, by path. */
function watch(under: World): Map<string, number> {
  const asked = new Map<string, number>()
  for (const mirror of under.mirrors) {
    const { tamper } = mirror
    mirror.tamper = (reply, question) => {
      const path = question.path.replace(/[0-9a-f]{2}$/, '')
      asked.set(path, (asked.get(path) ?? 0) + 1)
      return tamper?.(reply, question) ?? reply
    }
  }
  return asked
}

/** Changes what `mirror` answers at paths that `where` matches. */
function falsify(
  mirror: WorldMirror,
  where: RegExp,
  change: (reply: HttpReply, path: string) => HttpReply,
): void {
  mirror.tamper = (reply, { path }) => (where.test(path) ? change(reply, path) : reply)
}

/** A reply whose statement is signed by `mirror` itself and says what `change` makes of it. */
function resign(
  mirror: WorldMirror,
  reply: HttpReply,
  change: (content: Readonly<Record<string, unknown>>) => unknown,
): HttpReply {
  const body = JSON.parse(String(reply.body)) as Record<string, string>
  const field = 'digest' in body ? 'digest' : 'list'
  const payload = (body[field] ?? '').split('.')[1] ?? ''
  const content = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<
    string,
    unknown
  >
  const { answerKey, answerKeyId: keyId } = mirror.mirror.identity()
  const type = field === 'digest' ? 'smn-list-digest+jws' : 'smn-list+jws'
  const statement = signStatement(answerKey, { type, keyId }, JSON.stringify(change(content)))
  return { ...reply, body: JSON.stringify({ ...body, [field]: statement }) }
}

const refusal = (why: RegExp) => (error: unknown) =>
  Failure.is(error) && error.code === 'list-undecided' && why.test(error.message)

test('forty mirrors that list each other are all in, each named by all, with their regions', async () => {
  const under = world()
  const result = await agree(under)
  assert.deepEqual(ids(result), idsOf(under.mirrors))
  assert.ok(result.mirrors.every(({ votes }) => votes === 40))
  assert.deepEqual(
    result.mirrors.map(({ region }) => region),
    under.mirrors
      .map(({ entry }) => entry)
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .map(({ region }) => region),
  )
  assert.equal(result.asked, 40)
  assert.equal(result.from.length, 40)
  assert.deepEqual(result.silent, [])
  assert.equal(result.agreed, under.clock.now())
})

test('a long list is read for the price of a few, though every mirror sees it a little differently', async () => {
  const under = world()
  const all = invented(2_000)
  for (const [i, mirror] of under.mirrors.entries())
    mirror.known = all.filter((_, n) => n % 200 !== i)
  const asked = watch(under)
  const steps: ListProgress[] = []
  const result = await agree(under, { onProgress: (progress) => steps.push(progress) })
  assert.equal(result.mirrors.length, 2_000)
  assert.equal(asked.get('/v1/list/digest'), 40)
  assert.equal(asked.get('/v1/list'), 3)
  // Ten mirrors missing from each of 37 lists that were not read whole, of which some share a bucket.
  const buckets = asked.get('/v1/list/bucket/') ?? 0
  assert.ok(buckets > 300 && buckets <= 370, `${buckets} buckets`)
  assert.deepEqual(
    [...new Set(steps.map(({ step }) => step))],
    ['digests', 'whole lists', 'differences'],
  )
  for (const step of ['digests', 'whole lists', 'differences'] as const) {
    const told = steps.filter((one) => one.step === step)
    assert.equal(told.at(0)?.done, 0)
    assert.equal(told.at(-1)?.done, told.at(-1)?.of)
  }
})

test('a minority that inserts, deletes, moves and relabels has no effect', async () => {
  const under = world()
  const honest = await agree(under)
  const [ghost] = invented(1)
  assert.ok(ghost !== undefined)
  for (const liar of under.mirrors.slice(0, 19))
    liar.known = [
      ghost,
      ...liar.known
        .filter(({ id }) => id !== at(under.mirrors, 30).entry.id)
        .map((one) => {
          if (one.id === at(under.mirrors, 31).entry.id) return { ...one, ip: '6.6.6.6' }
          if (one.id === at(under.mirrors, 32).entry.id) return { ...one, region: 'ARIN-XX' }
          return one
        }),
    ]
  await under.clock.advance(limits.listRefreshMs)
  const result = await agree(under)
  const shape = ({ mirrors }: Agreement) =>
    mirrors.map(({ id, ip, port, region }) => ({ id, ip, port, region }))
  assert.deepEqual(shape(result), shape(honest))
  assert.equal(votesOf(result, at(under.mirrors, 30).entry.id), 21)
})

test('a majority that lies gets what it says, and the votes show how many said so', async () => {
  const under = world()
  const [ghost] = invented(1)
  assert.ok(ghost !== undefined)
  const victim = at(under.mirrors, 30).entry.id
  const lie = (count: number): void => {
    for (const liar of under.mirrors.slice(0, count))
      liar.known = [ghost, ...liar.known.filter(({ id }) => id !== victim && id !== ghost.id)]
  }
  lie(20)
  const half = await agree(under)
  assert.ok(!ids(half).includes(ghost.id) && !ids(half).includes(victim))
  lie(21)
  await under.clock.advance(limits.listRefreshMs)
  const most = await agree(under)
  assert.equal(votesOf(most, ghost.id), 21)
  assert.equal(most.mirrors.length, 40)
})

test('one liar of three cannot keep the two others out', async () => {
  const under = world(3)
  at(under.mirrors, 0).known = invented(5)
  const small = { ...parameters, list: { ...parameters.list, listsMin: 3 } }
  const result = await agree(under, { parameters: small })
  assert.deepEqual(ids(result), idsOf(under.mirrors))
})

test('mirrors that are silenced count: the others gain no majority by it', async () => {
  const under = world()
  for (const liar of under.mirrors.slice(0, 20)) liar.known = invented(1)
  for (const mirror of under.mirrors.slice(20, 35)) mirror.latencyMs = 'dead'
  for (const mirror of under.mirrors.slice(35, 38)) mirror.latencyMs = 'never'
  const before = under.clock.now()
  await assert.rejects(agree(under), refusal(/named by more than half of the 40 that were asked/))
  assert.ok(under.clock.now() - before < limits.refreshTimeoutMs)
})

test('some silent mirrors are told with their reasons, and the list stands', async () => {
  const under = world()
  at(under.mirrors, 0).latencyMs = 'dead'
  at(under.mirrors, 1).latencyMs = 'never'
  const result = await agree(under)
  assert.deepEqual(ids(result), idsOf(under.mirrors))
  assert.deepEqual(result.silent.map(({ mirror, why }) => `${mirror.ip} ${why}`).toSorted(), [
    '198.18.0.1 connect ECONNREFUSED 198.18.0.1',
    '198.18.1.1 no answer within 10000 ms',
  ])
  assert.equal(result.asked, 40)
  assert.equal(result.from.length, 38)
})

// Each of these is one mirror of sixteen. It has no list then, and the others' stands.
type Content = Readonly<Record<string, unknown>>
interface Break {
  readonly what: string
  readonly where: RegExp
  readonly reply?: (reply: HttpReply) => HttpReply
  /** Signed by the mirror itself. */
  readonly content?: (content: Content) => Content
  readonly why: RegExp
}
const breaks: readonly Break[] = [
  {
    what: 'sends 100 MB',
    where: /./,
    reply: (reply) => ({ ...reply, body: new Uint8Array(100_000_000) }),
    why: /larger than/,
  },
  {
    what: 'has a million entries',
    where: /list$/,
    content: (content) => ({ ...content, mirrors: Array.from({ length: 1_000_000 }, () => 0) }),
    why: /at mirrors/,
  },
  {
    what: 'claims a million entries',
    where: /digest$/,
    content: (content) => ({ ...content, count: 1_000_000 }),
    why: /at count/,
  },
  {
    what: 'sends no JSON',
    where: /digest$/,
    reply: (reply) => ({ ...reply, body: 'hello' }),
    why: /not of the form/,
  },
  {
    what: 'refuses by HTTP',
    where: /digest$/,
    reply: (reply) => ({ ...reply, status: 403 }),
    why: /status 403/,
  },
  {
    what: 'breaks its signature',
    where: /digest$/,
    reply: (reply) => ({
      ...reply,
      body: String(reply.body).replace(/.{20}(","descriptor)/, `${'A'.repeat(20)}$1`),
    }),
    why: /does not verify/,
  },
  {
    what: 'sends an old digest',
    where: /digest$/,
    content: (content) => ({ ...content, iat: 0 }),
    why: /too old/,
  },
  {
    what: 'sends a digest of the future',
    where: /digest$/,
    content: (content) => ({ ...content, iat: Number(content['iat']) + 200_000 }),
    why: /in the future/,
  },
  {
    what: 'names another author',
    where: /digest$/,
    content: (content) => ({ ...content, iss: 'A'.repeat(43) }),
    why: /names another mirror/,
  },
  {
    what: 'sends a short digest',
    where: /digest$/,
    content: (content) => ({ ...content, digest: 'AAAA' }),
    why: /at digest/,
  },
  {
    what: 'has another digest than its list',
    where: /digest$/,
    content: (content) => ({ ...content, digest: `${'AAAA'.repeat(2_730)}AAA` }),
    why: /not the one of its digest/,
  },
  {
    what: 'has another list than its digest',
    where: /list$/,
    content: (content) => ({ ...content, mirrors: [] }),
    why: /not the one of its digest/,
  },
  {
    what: 'has an older list than its digest',
    where: /list$/,
    content: (content) => ({ ...content, iat: Number(content['iat']) - 1 }),
    why: /older than its digest/,
  },
]
for (const { what, where, reply, content, why } of breaks) {
  test(`a mirror that ${what} has no list`, async () => {
    const under = world(16)
    const bad = at(under.mirrors, 0)
    // Its list differs from all others in most buckets, so that it is read whole.
    bad.known = [...bad.known, ...invented(500)]
    falsify(bad, where, (given) =>
      content === undefined ? (reply?.(given) ?? given) : resign(bad, given, content),
    )
    const result = await agree(under)
    assert.match(result.silent.find(({ mirror }) => mirror.id === bad.entry.id)?.why ?? '', why)
    assert.equal(result.from.length, 15)
    assert.equal(result.mirrors.length, 16)
  })
}

test('a mirror that hands out the list of another one has no list', async () => {
  const under = world(16)
  const [bad, other] = under.mirrors
  assert.ok(bad !== undefined && other !== undefined)
  const peer = { address: '198.19.0.1', port: 1 }
  const question = { method: 'GET', contentType: '', body: new Uint8Array(), peer }
  falsify(bad, /list/, (_reply, path) => other.mirror.handle({ ...question, path }) as HttpReply)
  const result = await agree(under)
  assert.match(at(result.silent, 0).why, /another one than the id names/)
})

test('a bucket with mirrors of another bucket is none', async () => {
  const under = world(16)
  const bad = at(under.mirrors, 5)
  // Different enough not to be read whole for its likeness, and alike enough not to be for its differences.
  bad.known = [...bad.known, ...invented(20)]
  const mirrors = invented(1, 4)
  falsify(bad, /bucket/, (reply) => resign(bad, reply, (content) => ({ ...content, mirrors })))
  const result = await agree(under)
  assert.match(at(result.silent, 0).why, /holds mirrors of another one/)
  assert.equal(result.from.length, 15)
})

test('of two ids at one address, and of two addresses of one id, the one with more votes is kept', async () => {
  const under = world()
  const [first, second, moved] = invented(3)
  assert.ok(first !== undefined && second !== undefined && moved !== undefined)
  const usurper = { ...second, ip: first.ip }
  const elsewhere = { ...moved, ip: '7.7.7.7' }
  for (const [i, mirror] of under.mirrors.entries())
    mirror.known = [
      ...mirror.known,
      ...(i < 30 ? [first] : []),
      ...(i >= 15 ? [usurper] : []),
      i < 22 ? moved : elsewhere,
    ]
  const result = await agree(under)
  assert.equal(votesOf(result, first.id), 30)
  assert.equal(votesOf(result, usurper.id), undefined)
  assert.equal(result.mirrors.find(({ id }) => id === moved.id)?.ip, moved.ip)
  assert.equal(votesOf(result, moved.id), 22)
})

test('only active mirrors count', async () => {
  const under = world()
  const tested = invented(1).map((one) => ({ ...one, status: 'probation' as const }))
  for (const mirror of under.mirrors) mirror.known = [...mirror.known, ...tested]
  assert.equal((await agree(under)).mirrors.length, 40)
})

test('too few lists, and lists of too few regions, are no list', async () => {
  await assert.rejects(agree(world(14)), refusal(/14 of 14 mirrors gave one, and 15 must/))
  const near = createWorld({ count: 20, scene, regions: ['RIPE-DE', 'RIPE-FR', 'ARIN-US'] })
  await assert.rejects(agree(near), refusal(/come from 2 regions, and 3 are needed/))
})

test('private addresses are taken only where they are asked for', async () => {
  const under = world(20)
  const open = invented(1)
  for (const mirror of under.mirrors) mirror.known = [...mirror.known, ...open]
  const result = await agree(under, { allowPrivate: false })
  assert.deepEqual(ids(result), [at(open, 0).id])
  assert.equal(result.refused.length, 20)
})

test('an id with several addresses is asked at each until it answers', async () => {
  const under = world(16)
  const nowhere: ListEntry = { ...at(under.mirrors, 0).entry, ip: '198.18.200.1' }
  const pairs = [nowhere, ...under.mirrors.map((mirror) => mirror.entry)]
  const result = await agree(under, { beginning: { pairs, current: null } })
  assert.deepEqual(ids(result), idsOf(under.mirrors))
  assert.equal(result.asked, 16)
})

test('a bootstrap mirror that the last list had no more may be silent; one that it had may not', async () => {
  const under = world(20)
  const pairs = under.mirrors.map(({ entry }) => entry)
  const gone = under.mirrors.slice(0, 4)
  for (const mirror of gone) mirror.latencyMs = 'dead'
  const asked = async (current: readonly ListEntry[] | null) =>
    (await agree(under, { beginning: { pairs, current } })).asked
  assert.equal(await asked(null), 20)
  assert.equal(await asked(pairs.slice(4)), 16)
  assert.equal(await asked(pairs), 20)
})

test('who is asked is drawn: at most a hundred pairs, and a few of the current list', () => {
  const random = createSeededRandom(1)
  const chosen = chooseAsked(
    random,
    { pairs: invented(150), current: invented(1_000, 4) },
    parameters,
  )
  assert.equal(chosen.length, 125)
  assert.equal(new Set(chosen.map(({ id }) => id)).size, 125)
  assert.equal(chosen.filter(({ ip }) => ip.startsWith('5.4.')).length, 25)
  assert.deepEqual(chooseAsked(random, { pairs: [], current: null }, parameters), [])
})

test('the same world gives the same list at the same time, in the same steps', async () => {
  const all = invented(300)
  const run = async () => {
    const under = world(20)
    for (const [i, mirror] of under.mirrors.entries()) {
      mirror.known = all.filter((_one, n) => n % 50 !== i)
      mirror.latencyMs = 10 + 7 * i
    }
    const began = under.clock.now()
    const steps: ListProgress[] = []
    const result = await agree(under, { onProgress: (progress) => steps.push(progress) })
    const votes = all.map(({ id }) => votesOf(result, id))
    return { steps, votes, took: under.clock.now() - began }
  }
  assert.deepEqual(await run(), await run())
})

test('whoever asks may stop', async () => {
  const under = world(16)
  for (const mirror of under.mirrors) mirror.latencyMs = 'never'
  const stop = new AbortController()
  under.clock.after(100, () => stop.abort(new Error('enough')))
  await assert.rejects(agree(under, { signal: stop.signal }), /enough/)
})
