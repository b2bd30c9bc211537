import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSeededRandom } from '../../test/support/seeded-random.ts'
import { createVirtualClock } from '../../test/support/virtual-clock.ts'
import { createWorld, scriptedProbe } from '../../test/support/world.ts'
import { base64url, fromBase64url } from '../base/bytes.ts'
import { Failure } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import { bucketDigest, bucketOf, listDigest } from '../membership/list-digest.ts'
import { signStatement } from '../observation/jws.ts'
import { answerKeysOf, verifyDescriptor } from '../protocol/descriptor.ts'
import {
  listedOf,
  verifyBootstrapSeen,
  verifyListDigest,
  verifyMirrorList,
  type BootstrapSeen,
  type KnownMirror,
} from '../protocol/lists.ts'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import { silentLog } from '../runtime/node/log.ts'
import type { HttpReply } from '../runtime/runtime.ts'
import { createMirrorAuthority } from './identity.ts'
import { createMirror } from './mirror.ts'

const regions = ['RIPE-DE', 'RIPE-FR', 'ARIN-US', null] as const
const states = ['active', 'active', 'inactive', 'candidate'] as const

function knownMirrors(count: number): readonly KnownMirror[] {
  const random = createSeededRandom(7)
  return Array.from({ length: count }, (_, i) => ({
    ip: `198.51.${i >> 8}.${i & 255}`,
    port: 443,
    id: base64url(random.bytes(32)),
    region: regions[i % regions.length] ?? null,
    since: 1_000 + i,
    status: states[(i >> 2) % states.length] ?? 'active',
  }))
}

function stage(
  given: { known?: readonly KnownMirror[]; bootstraps?: BootstrapSeen['files'] } = {},
) {
  const clock = createVirtualClock()
  const needs = { clock, random: createSeededRandom(5), crypto: nodeCrypto, log: silentLog }
  const state = { known: given.known ?? knownMirrors(1_000) }
  const mirror = createMirror(needs, {
    authority: createMirrorAuthority(needs),
    description: {
      addresses: [{ address: '198.18.0.1', port: 443 }],
      domain: null,
      region: 'RIPE-DE',
      contact: [],
    },
    probe: scriptedProbe(clock, () => ({ addresses: [], tlsa: [], servers: {} })),
    allowPrivate: false,
    known: () => state.known,
    bootstraps: given.bootstraps ?? [],
  })
  const get = (path: string, method = 'GET'): HttpReply => {
    const peer = { address: '198.51.100.1', port: 40_000 }
    const reply = mirror.handle({ method, path, contentType: '', body: new Uint8Array(), peer })
    assert.ok(!(reply instanceof Promise))
    return reply
  }
  const field = (path: string, name: string): string => {
    const reply = get(path)
    assert.equal(reply.status, 200, String(reply.body))
    const body = JSON.parse(String(reply.body)) as Record<string, string>
    return body[name] ?? ''
  }
  const author = () => ({
    id: mirror.id,
    answerKeys: answerKeysOf(
      verifyDescriptor(nodeCrypto, field('/v1/list/digest', 'descriptor'), {
        id: mirror.id,
        now: clock.now(),
      }),
    ),
    now: clock.now(),
  })
  const all = { bucket: null, region: null, status: null }
  const list = (path: string, part: Partial<Parameters<typeof verifyMirrorList>[2]> = {}) =>
    verifyMirrorList(nodeCrypto, field(path, 'list'), { ...author(), ...all, ...part })
  const digest = () => verifyListDigest(nodeCrypto, field('/v1/list/digest', 'digest'), author())
  return { clock, mirror, state, get, field, author, list, digest, all }
}

test('the list has every mirror that is known, as it is known', () => {
  const { list, state, mirror, clock } = stage()
  const { mirrors, iss, iat } = list('/v1/list')
  assert.deepEqual(mirrors, state.known)
  assert.equal(iss, mirror.id)
  assert.equal(iat, clock.now())
})

test('the list is narrowed down by registry, region and state', () => {
  const { list, state } = stage()
  const ids = (path: string, part: object) => list(path, part).mirrors.map((one) => one.id)
  const expected = (fits: (one: KnownMirror) => boolean) =>
    state.known.filter(fits).map((one) => one.id)
  assert.deepEqual(
    ids('/v1/list?region=RIPE&status=active', { region: 'RIPE', status: 'active' }),
    expected(({ region, status }) => region?.startsWith('RIPE') === true && status === 'active'),
  )
  assert.deepEqual(
    ids('/v1/list?region=RIPE-FR', { region: 'RIPE-FR' }),
    expected(({ region }) => region === 'RIPE-FR'),
  )
  assert.deepEqual(ids('/v1/list?region=LACNIC', { region: 'LACNIC' }), [])
})

test('the digest is that of the list, and each bucket that of its part', () => {
  const { list, digest, state } = stage()
  const octets = fromBase64url(digest().digest) ?? new Uint8Array()
  assert.deepEqual(octets, listDigest(nodeCrypto, state.known.map(listedOf)))
  assert.equal(digest().count, 1_000)
  const seen: KnownMirror[] = []
  for (let i = 0; i < 256; i++) {
    const bucket = i.toString(16).padStart(2, '0')
    const { mirrors } = list(`/v1/list/bucket/${bucket}`, { bucket })
    assert.ok(mirrors.every((one) => bucketOf(one.id) === i))
    assert.deepEqual(
      octets.subarray(32 * i, 32 * i + 32),
      bucketDigest(nodeCrypto, mirrors.map(listedOf)),
    )
    seen.push(...mirrors)
  }
  assert.equal(seen.length, 1_000)
})

test('digest and buckets stay together for a minute, then a new list is drawn up', async () => {
  const { list, digest, state, clock } = stage()
  const before = digest()
  state.known = []
  await clock.advance(limits.listRefreshMs - 1)
  assert.equal(list('/v1/list').mirrors.length, 1_000)
  assert.deepEqual(digest(), before)
  await clock.advance(1)
  assert.equal(list('/v1/list').mirrors.length, 0)
  assert.equal(digest().iat, clock.now())
})

test('a new identity signs anew at once', () => {
  const { field, mirror, list } = stage()
  const before = field('/v1/list', 'list')
  mirror.renew()
  assert.notEqual(field('/v1/list', 'list'), before)
  assert.equal(list('/v1/list').mirrors.length, 1_000)
})

test('a region that is none is not passed on, and a list has its bound', () => {
  const [one] = knownMirrors(1)
  assert.ok(one !== undefined)
  const odd = stage({ known: [{ ...one, region: 'x y\n' }] })
  assert.equal(odd.list('/v1/list').mirrors[0]?.region, null)
  const octets = fromBase64url(odd.digest().digest)
  assert.deepEqual(octets, listDigest(nodeCrypto, odd.list('/v1/list').mirrors.map(listedOf)))
  const many = stage({ known: knownMirrors(limits.listEntriesMax + 1) })
  assert.equal(many.list('/v1/list').mirrors.length, limits.listEntriesMax)
})

test('the bootstrap files that were seen are told', () => {
  const file = { sha256: 'a'.repeat(64), vendor: 'b'.repeat(64), made: 1, pairs: 100 }
  const { field, author } = stage({ bootstraps: [file] })
  const seen = verifyBootstrapSeen(nodeCrypto, field('/v1/bootstrap-seen', 'seen'), author())
  assert.deepEqual(seen.files, [file])
})

const wrong: readonly (readonly [string, string, number, RegExp])[] = [
  ['/v1/list?region=Mars', 'GET', 400, /region is a registry/],
  ['/v1/list?status=dead', 'GET', 400, /status is one of candidate/],
  ['/v1/list/bucket/7F', 'GET', 404, /two hexadecimal digits/],
  ['/v1/list/bucket/', 'GET', 404, /two hexadecimal digits/],
  ['/v1/list/bucket/00/00', 'GET', 404, /two hexadecimal digits/],
  ['/v1/list/bucket/00', 'POST', 405, /use GET/],
  ['/v1/list/digest', 'POST', 405, /use GET/],
  ['/v1/bootstrap-seen', 'DELETE', 405, /use GET/],
]
for (const [path, method, status, why] of wrong) {
  test(`${method} ${path} gets a problem document with status ${status}`, () => {
    const reply = stage().get(path, method)
    assert.equal(reply.status, status)
    assert.equal(reply.contentType, 'application/problem+json')
    assert.match(String(reply.body), why)
  })
}

// What a client refuses of a list: every statement here is signed, and wrong in one thing.
const good = { v: 1, bucket: null, region: null, status: null, mirrors: [] as unknown[] }
const [entry] = knownMirrors(1)
const changes: readonly (readonly [string, object, RegExp])[] = [
  ['another version', { v: 2 }, /at v/],
  ['another author', { iss: 'A'.repeat(43) }, /names another mirror/],
  ['a time in the future', { iat: Date.UTC(2026, 0, 2) }, /in the future/],
  ['an old time', { iat: 0 }, /too old/],
  ['another bucket', { bucket: '00' }, /for bucket "00"/],
  ['another region', { region: 'RIPE' }, /for region "RIPE"/],
  ['another state', { status: 'active' }, /for status "active"/],
  ['a name for an address', { mirrors: [{ ...entry, ip: 'example.com' }] }, /mirrors\.0\.ip/],
  ['an odd spelling', { mirrors: [{ ...entry, ip: '198.051.100.1' }] }, /mirrors\.0\.ip/],
  ['a number for an address', { mirrors: [{ ...entry, ip: '3325256705' }] }, /mirrors\.0\.ip/],
  ['a short id', { mirrors: [{ ...entry, id: 'abc' }] }, /mirrors\.0\.id/],
  [
    'an id with stray bits',
    { mirrors: [{ ...entry, id: 'A'.repeat(42) + 'B' }] },
    /mirrors\.0\.id/,
  ],
  ['port 0', { mirrors: [{ ...entry, port: 0 }] }, /mirrors\.0\.port/],
  ['a line feed in a region', { mirrors: [{ ...entry, region: 'RIPE\n' }] }, /mirrors\.0\.region/],
  [
    'too many mirrors',
    { mirrors: Array.from({ length: limits.listEntriesMax + 1 }, () => entry) },
    /at mirrors/,
  ],
]
for (const [what, change, why] of changes) {
  test(`a list with ${what} is refused`, () => {
    const { mirror, clock, author, all } = stage()
    const { answerKey, answerKeyId: keyId } = mirror.identity()
    const content = { ...good, iss: mirror.id, iat: clock.now(), ...change }
    const statement = signStatement(
      answerKey,
      { type: 'smn-list+jws', keyId },
      JSON.stringify(content),
    )
    assert.throws(
      () => verifyMirrorList(nodeCrypto, statement, { ...author(), ...all }),
      (error) =>
        Failure.is(error) && error.code === 'statement-rejected' && why.test(error.message),
    )
  })
}

test('a digest passes for no list, a list of one mirror for none of another, and a broken signature for nothing', () => {
  const { field, author, all } = stage()
  const other = stage()
  const digest = field('/v1/list/digest', 'digest')
  const expected = { ...author(), ...all }
  assert.throws(() => verifyMirrorList(nodeCrypto, digest, expected), /smn-list-digest/)
  const foreign = other.field('/v1/list', 'list')
  assert.throws(() => verifyMirrorList(nodeCrypto, foreign, expected), /key that is not its author/)
  const list = field('/v1/list', 'list')
  const changed = `${list.slice(0, -2)}${list.endsWith('AA') ? 'BA' : 'AA'}`
  assert.throws(() => verifyMirrorList(nodeCrypto, changed, expected), /does not verify|base64url/)
  assert.throws(
    () => verifyListDigest(nodeCrypto, field('/v1/list/bucket/00', 'list'), author()),
    /smn-list\+jws/,
  )
})

test('the mirrors of a world list each other', () => {
  const { mirrors } = createWorld({ count: 3, scene: { addresses: [], tlsa: [], servers: {} } })
  assert.deepEqual(
    mirrors.map((one) => one.known.length),
    [2, 2, 2],
  )
})
