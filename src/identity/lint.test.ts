import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import test from 'node:test'
import { hex } from '../base/bytes.ts'
import type { DnsAnswer, Handshake } from '../observation/observation.ts'
import { parseTarget } from '../observation/target.ts'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import {
  day,
  makeCertificate,
  makeLeaf,
  makeRoot,
  testNow,
  type TestCertificate,
} from '../../test/support/certificates.ts'
import { weaknessOf } from './key-strength.ts'
import { findingKinds, type FindingId } from './lint-findings.ts'
import { lint } from './lint.ts'

const target = parseTarget('https://a.test')
const [v4, v6] = ['192.0.2.1', '2001:db8::1']

const root = makeRoot({ subject: ['Example Corp'], notAfter: testNow + 900 * day })
const otherRoot = makeRoot({ subject: ['Other'] })
const leaf = makeLeaf(root, { dnsNames: ['a.test'] })
const spkiOf = (certificate: TestCertificate) => hex(nodeCrypto.digest('sha256', certificate.spki))
const record = (certificate: TestCertificate, usage = 2) => `${usage} 1 1 ${spkiOf(certificate)}`

const answer = (records: readonly string[], changes: Partial<DnsAnswer> = {}): DnsAnswer => ({
  status: records.length > 0 ? 'ok' : 'nodata',
  records,
  ttl: 300,
  ad: false,
  cname: [],
  error: null,
  ...changes,
})

const handshake = (address: string, changes: Partial<Handshake> = {}): Handshake => ({
  address,
  port: 443,
  origin: 'own',
  outcome: 'completed',
  error: null,
  protocol: 'TLSv1.3',
  cipher: 'TLS_AES_128_GCM_SHA256',
  group: 'X25519MLKEM768',
  alpn: null,
  chain: [],
  connectMs: 1,
  handshakeMs: 1,
  ...changes,
})

interface Scene {
  readonly a?: DnsAnswer
  readonly aaaa?: DnsAnswer
  readonly records?: DnsAnswer
  readonly handshakes?: readonly Handshake[]
  readonly chosen?: boolean
  /** What each address sends. */
  readonly chains?: Readonly<Record<string, readonly TestCertificate[]>>
}

/** A site served as it must be at one address, but for what the scene says. */
function findingsOf(scene: Scene) {
  const sent = scene.chains ?? { [v4]: [leaf, root] }
  const chains = new Map(
    Object.entries(sent).map(([address, chain]) => [
      address,
      chain.map(({ der }) => nodeCrypto.readCertificate(der)),
    ]),
  )
  const handshakes = scene.handshakes ?? Object.keys(sent).map((address) => handshake(address))
  const authority = {
    ...(scene.records ?? answer([record(root)])),
    origin: 'service',
    owner: '_443._tcp.a.test',
    base: 'a.test',
  } as const
  const a = scene.a ?? answer([v4])
  const aaaa = scene.aaaa ?? answer(v6 in sent ? [v6] : [])
  const sight = {
    target: target.text,
    at: testNow,
    dns: { a, aaaa, authority },
    handshakes,
    dnsMs: 1,
  }
  const { chosen = false } = scene
  return lint(nodeCrypto, { target, sight, chosen, chains, at: testNow })
}

const idsOf = (scene: Scene): readonly FindingId[] => findingsOf(scene).map(({ id }) => id)

const timeout = { outcome: 'failed', error: { code: 'timeout', text: 'no answer' } } as const
const old = makeLeaf(root, {
  dnsNames: ['a.test'],
  notBefore: testNow - 9 * day,
  notAfter: testNow - day,
})
const otherName = makeLeaf(root, { dnsNames: ['b.test'] })
const nobody = makeLeaf(otherRoot, { dnsNames: ['a.test'] })
const intermediate = makeCertificate({ subject: ['Middle'], signer: root, ca: true })
const below = makeLeaf(intermediate, { dnsNames: ['a.test'] })
const soon = makeLeaf(root, { dnsNames: ['a.test'], notAfter: testNow + 13 * day })
const rsa1024 = generateKeyPairSync('rsa', { modulusLength: 1024 })
const weak = makeLeaf(root, {
  dnsNames: ['a.test'],
  key: {
    kind: 'RSA-2048',
    privateKey: rsa1024.privateKey,
    pem: '',
    spki: new Uint8Array(rsa1024.publicKey.export({ type: 'spki', format: 'der' })),
  },
})

const scenes: readonly (readonly [string, Scene, readonly FindingId[]])[] = [
  ['as it must be', {}, []],
  ['as it must be at two addresses', { chains: { [v4]: [leaf, root], [v6]: [leaf, root] } }, []],
  ['with a record for the key of the server', { records: answer([record(leaf, 3)]) }, []],
  [
    'for a record of the server alone',
    { records: answer([record(leaf, 3)]), chains: { [v4]: [leaf] } },
    [],
  ],
  ['under an intermediate CA', { chains: { [v4]: [below, intermediate, root] } }, []],

  ['without an address', { a: answer([]), chains: {} }, ['no-address']],
  [
    'with DNS that says no address at all',
    { a: answer([], { status: 'timeout' }), aaaa: answer([], { status: 'timeout' }), chains: {} },
    ['address-unanswered'],
  ],
  [
    'with DNS that does not say the address',
    { aaaa: answer([], { status: 'servfail', ttl: null }) },
    ['address-unanswered'],
  ],
  ['at a chosen address', { a: answer(['192.0.2.2']), chosen: true }, []],
  [
    'with an address that was not looked at',
    { a: answer([v4, '192.0.2.2']) },
    ['address-not-looked-at'],
  ],

  ['without a record', { records: answer([]) }, ['record-missing']],
  [
    'without a record and without its CA',
    { records: answer([]), chains: { [v4]: [leaf] } },
    ['record-missing', 'ca-not-sent'],
  ],
  [
    'without a record and for another name',
    { records: answer([]), chains: { [v4]: [otherName, root] } },
    ['record-missing', 'wrong-name'],
  ],
  [
    'with DNS that keeps silent about the record',
    { records: answer([], { status: 'timeout', ttl: null, error: 'no answer' }) },
    ['record-unanswered'],
  ],
  [
    'with one malformed record of two',
    { records: answer([record(root)], { error: '1 of 2 TLSA records are malformed' }) },
    ['record-malformed'],
  ],
  [
    'with malformed records alone',
    { records: answer([], { status: 'malformed', error: '1 of 1 TLSA records are malformed' }) },
    ['record-malformed', 'record-unusable'],
  ],
  [
    'with a record for a public CA',
    { records: answer([record(root, 0)]) },
    ['record-public-ca', 'record-unusable'],
  ],
  [
    'with a record for a public CA beside a usable one',
    { records: answer([record(root, 0), record(root)]) },
    ['record-public-ca'],
  ],
  ['with the marker for no authority', { records: answer(['2 1 0 00']) }, ['record-unusable']],
  [
    'with the whole key as the record',
    { records: answer([`2 1 0 ${hex(root.spki)}`]) },
    ['record-full'],
  ],
  [
    'with the announcement of a key, or a forgotten one',
    { records: answer([record(root), record(otherRoot)]) },
    ['record-unmatched'],
  ],
  [
    'with a weaker digest beside the strong one',
    { records: answer([record(root), `2 1 2 ${hex(nodeCrypto.digest('sha512', root.spki))}`]) },
    [],
  ],
  ['with a TTL of an hour', { records: answer([record(root)], { ttl: 3_600 }) }, ['ttl-long']],
  ['with a TTL of a second', { records: answer([record(root)], { ttl: 1 }) }, []],

  ['not at all', { handshakes: [handshake(v4, timeout)], chains: {} }, ['no-handshake']],
  [
    'not at its second address',
    { aaaa: answer([v6]), handshakes: [handshake(v4), handshake(v6, timeout)] },
    ['no-handshake'],
  ],
  ['over TLS 1.1', { handshakes: [handshake(v4, { protocol: 'TLSv1.1' })] }, ['old-protocol']],
  ['without its CA', { chains: { [v4]: [leaf] } }, ['ca-not-sent']],
  [
    'without the CA above an intermediate',
    { chains: { [v4]: [below, intermediate] } },
    ['ca-not-sent'],
  ],
  ['by another CA', { chains: { [v4]: [nobody, otherRoot] } }, ['chain-not-authorised']],
  [
    'with another key than the one named',
    { records: answer([record(leaf, 3)]), chains: { [v4]: [otherName, root] } },
    ['chain-not-authorised'],
  ],
  ['by a CA that is held to other names', { ...held(['b.test']) }, ['chain-not-authorised']],
  ['with usage 2 for the server itself', { records: answer([record(leaf)]) }, ['usage-confused']],
  ['for another name', { chains: { [v4]: [otherName, root] } }, ['wrong-name']],
  [
    'for another name, the key alone being named',
    { records: answer([record(otherName, 3)]), chains: { [v4]: [otherName] } },
    ['name-unchecked'],
  ],
  ['with an expired certificate', { chains: { [v4]: [old, root] } }, ['out-of-date']],
  [
    'with an expired certificate, the key alone being named',
    { records: answer([record(old, 3)]), chains: { [v4]: [old] } },
    ['dates-unchecked'],
  ],
  [
    'with an expired certificate while a key is announced',
    { records: answer([record(otherRoot), record(root)]), chains: { [v4]: [old, root] } },
    ['out-of-date'],
  ],
  [
    'with a certificate that expires in 13 days',
    { chains: { [v4]: [soon, root] } },
    ['expires-soon'],
  ],
  ['with a weak key', { chains: { [v4]: [weak, root] } }, ['weak-key']],
  [
    'with the CA twice and out of order',
    { chains: { [v4]: [below, root, intermediate] } },
    ['chain-disordered'],
  ],
  [
    'under two CAs',
    {
      records: answer([record(root), record(otherRoot)]),
      chains: { [v4]: [leaf, root], [v6]: [nobody, otherRoot] },
    },
    ['authorities-differ'],
  ],
]

for (const [what, scene, expected] of scenes)
  test(`a site served ${what}: ${expected.join(', ') || 'no finding'}`, () => {
    assert.deepEqual(idsOf(scene), expected)
  })

function held(names: readonly string[]): Scene {
  const ca = makeRoot({ subject: ['Held'], permitted: names.map((dns) => ({ dns })) })
  const chain = [makeLeaf(ca, { dnsNames: ['a.test'] }), ca]
  return { records: answer([record(ca)]), chains: { [v4]: chain } }
}

test('a finding names the address, what was found, why it matters and what to do', () => {
  const [finding] = findingsOf({ chains: { [v4]: [leaf, root], [v6]: [leaf] } })
  assert.deepEqual(finding, {
    id: 'ca-not-sent',
    severity: 'fault',
    address: v6,
    text: `${record(root)}: no CA certificate that the server sent is the one named`,
    why: findingKinds['ca-not-sent'].why,
    remedy: findingKinds['ca-not-sent'].remedy,
  })
})

test('every kind of finding is found by some site', () => {
  const found = new Set(scenes.flatMap(([, , ids]) => ids))
  assert.deepEqual(
    Object.keys(findingKinds).filter((id) => !found.has(id as FindingId)),
    [],
  )
})

test('keys are weak below 2048 bits of RSA and 256 bits of a curve', () => {
  const spki = (pair: ReturnType<typeof generateKeyPairSync>) =>
    new Uint8Array(
      (pair as unknown as { publicKey: typeof rsa1024.publicKey }).publicKey.export({
        type: 'spki',
        format: 'der',
      }),
    )
  const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve })
  assert.equal(
    weaknessOf(spki(generateKeyPairSync('rsa', { modulusLength: 1024 }))),
    'RSA with 1024 bits',
  )
  assert.equal(
    weaknessOf(spki(generateKeyPairSync('rsa', { modulusLength: 2040 }))),
    'RSA with 2040 bits',
  )
  assert.equal(weaknessOf(spki(generateKeyPairSync('rsa', { modulusLength: 2048 }))), null)
  assert.equal(weaknessOf(spki(ec('secp224r1'))), 'the curve P-224')
  assert.equal(weaknessOf(spki(ec('P-256'))), null)
  assert.equal(weaknessOf(spki(generateKeyPairSync('ed25519'))), null)
  assert.equal(weaknessOf(Uint8Array.of(0x30, 0)), null)
})
