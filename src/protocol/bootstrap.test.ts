// Bootstrap files: unsigned, vouched for by a vendor, and broken in every way.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createVirtualClock } from '../../test/support/virtual-clock.ts'
import { createSeededRandom } from '../../test/support/seeded-random.ts'
import { mirrorsOf } from '../client/directory.ts'
import { Failure } from '../base/failure.ts'
import { createAuthority, issueServer } from '../identity/issue.ts'
import { spkiHash } from '../observation/fingerprint.ts'
import { signStatement } from '../observation/jws.ts'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import {
  formatMirrorUrl,
  parseMirrorUrl,
  readBootstrap,
  signBootstrap,
  writeBootstrap,
} from './bootstrap.ts'
import type { ListEntry } from './routes.ts'

const clock = createVirtualClock()
const needs = { clock, random: createSeededRandom(9), crypto: nodeCrypto }
const vendor = createAuthority(needs, { name: 'Vendor' })
const pair: ListEntry = { ip: '5.9.0.7', port: 443, id: 'a'.repeat(43), region: 'RIPE-DE' }
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const read = (text: string, now = clock.now()) =>
  readBootstrap({ crypto: nodeCrypto, now }, bytes(text), 'b.json')

function signer(name = 'bootstrap.vendor.test', authority = vendor) {
  const issued = issueServer(needs, authority, { names: [name], days: 30 })
  return { key: issued.key, chain: [issued.certificate.der, authority.certificate.der] }
}

test('what is written is read again, signed or not', () => {
  const plain = read(writeBootstrap([pair], clock.now()))
  assert.deepEqual([plain.pairs, plain.vendor], [[pair], null])
  const signed = read(signBootstrap(signer(), [pair], clock.now()))
  assert.deepEqual(
    [signed.pairs, signed.vendor],
    [[pair], spkiHash(nodeCrypto, vendor.certificate)],
  )
})

const text = signBootstrap(signer(), [pair], clock.now())
const [header = '', payload = '', signature = ''] = text.split('.')
const stranger = createAuthority(needs, { name: 'Stranger' })
const refused: readonly (readonly [string, string, RegExp])[] = [
  ['an empty file', '', /JSON/],
  ['a file that is no JSON', '{', /JSON/],
  ['a file without pairs', '{"v":1,"iat":1,"pairs":[]}', /at pairs/],
  ['a file of another version', '{"v":2,"iat":1,"pairs":[]}', /at v/],
  [
    'a name instead of an address',
    writeBootstrap([{ ...pair, ip: 'example.com' }], 1),
    /pairs\.0\.ip/,
  ],
  ['port 0', writeBootstrap([{ ...pair, port: 0 }], 1), /pairs\.0\.port/],
  ['a short id', writeBootstrap([{ ...pair, id: 'abc' }], 1), /pairs\.0\.id/],
  [
    'too many pairs',
    writeBootstrap(
      Array.from({ length: 1_001 }, () => pair),
      1,
    ),
    /at pairs|at most/,
  ],
  ['a file that is too large', 'x'.repeat(300_000), /at most/],
  [
    'a changed content',
    `${header}.${payload.slice(0, -4)}AAAA.${signature}`,
    /signature does not verify/,
  ],
  ['a signature that is cut', `${header}.${payload}`, /three parts/],
  [
    'a signer for another purpose',
    signBootstrap(signer('www.vendor.test'), [pair], clock.now()),
    /may not sign/,
  ],
  [
    'a signer of another CA than it carries',
    signBootstrap(
      { ...signer(), chain: [signer().chain[0] ?? new Uint8Array(), stranger.certificate.der] },
      [pair],
      1,
    ),
    /not vouched for/,
  ],
  [
    'a statement of another kind',
    signStatement(signer().key, { type: 'smn-list+jws', certificates: signer().chain }, '{}'),
    /smn-list/,
  ],
  [
    'no chain',
    signStatement(signer().key, { type: 'smn-bootstrap+jws' }, '{}'),
    /not a signer and a CA/,
  ],
  [
    'a chain that is garbage',
    signStatement(
      signer().key,
      { type: 'smn-bootstrap+jws', certificates: [Uint8Array.of(1), Uint8Array.of(2)] },
      '{}',
    ),
    /cannot be used/,
  ],
]
for (const [what, file, why] of refused) {
  test(`refuses ${what}`, () => {
    assert.throws(
      () => read(file),
      (error) =>
        Failure.is(error) && error.code === 'bootstrap-malformed' && why.test(error.message),
    )
  })
}

test('a signature ends with its certificate', () => {
  assert.throws(() => read(text, clock.now() + 31 * 86_400_000), /not vouched for/)
})

test('a client that names its vendors believes their files alone', () => {
  const hash = spkiHash(nodeCrypto, vendor.certificate)
  const open = (content: string, vendors: readonly string[]) =>
    mirrorsOf(needs, [{ source: 'b', bytes: bytes(content) }], { allowPrivate: false, vendors })
  assert.deepEqual(open(text, [hash]), [pair])
  assert.deepEqual(open(text, []), [pair])
  const other = signBootstrap(signer('bootstrap.x', stranger), [pair], clock.now())
  for (const content of [other, writeBootstrap([pair], 1)])
    assert.throws(
      () => open(content, [hash]),
      (error) => Failure.is(error) && error.code === 'bootstrap-unvouched',
    )
})

test('private addresses are for test networks, and several files are one list', () => {
  const one = { source: 'one', bytes: bytes(writeBootstrap([{ ...pair, ip: '127.0.0.1' }], 1)) }
  const two = { source: 'two', bytes: bytes(writeBootstrap([pair, pair], 1)) }
  assert.throws(
    () => mirrorsOf(needs, [one, two], { allowPrivate: false }),
    /127\.0\.0\.1 is not a public address/,
  )
  assert.equal(mirrorsOf(needs, [one, two], { allowPrivate: true }).length, 2)
})

test('a mirror URL reads as it is printed, and nothing else does', () => {
  for (const ip of ['192.0.2.1', '2001:db8::1']) {
    const mirror = { ip, port: 8443, id: 'Z'.repeat(43) }
    assert.deepEqual(parseMirrorUrl(formatMirrorUrl(mirror)), mirror)
  }
  const id = 'Z'.repeat(43)
  for (const wrong of [
    '',
    `http://192.0.2.1#${id}`,
    'https://192.0.2.1',
    `https://example.com#${id}`,
    `https://192.0.2.1:0#${id}`,
    `https://192.0.2.1:70000#${id}`,
    `https://[::1#${id}`,
  ])
    assert.throws(() => parseMirrorUrl(wrong), /not of the form/)
})
