// OpenSSL is the oracle for TLSA matching (RFC 6698, RFC 7671): random chains on a real TLS server, random records,
// and `openssl s_client` with DANE must say what we say. Where we differ on purpose, the difference has a name here.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nodeCrypto } from '../../src/runtime/node/crypto.ts'
import {
  formatAssociation,
  readAssociation,
  type Association,
} from '../../src/observation/association.ts'
import { matchAssociations, type MatchInput } from '../../src/observation/tlsa.ts'
import type { Certificate } from '../../src/runtime/runtime.ts'
import {
  day,
  makeCertificate,
  makeIntermediate,
  makeLeaf,
  makeRoot,
  testNow,
  type TestCertificate,
} from '../support/certificates.ts'
import { listenTls } from '../support/listeners.ts'
import { askDane, oracleParameters, type Judgement } from '../support/openssl.ts'
import { ensurePackages } from '../support/packages.ts'
import { build, host, scenarios, type Built } from '../support/scenarios.ts'

/** A record that names something in the chain, or nothing. */
interface RecordShape {
  readonly usage: number
  readonly selector: number
  readonly matching: number
  /** 0 the server's certificate, then the CAs upwards; -1 a certificate that has nothing to do with the chain. */
  readonly place: number
  /** Changes one bit of the hash. */
  readonly isSpoilt: boolean
}

const records: fc.Arbitrary<RecordShape> = fc.record({
  usage: fc.constantFrom(0, 1, 2, 2, 2, 2, 3, 3),
  selector: fc.constantFrom(0, 1),
  matching: fc.constantFrom(0, 1, 1, 2),
  place: fc.oneof(
    { arbitrary: fc.nat({ max: 4 }), weight: 6 },
    { arbitrary: fc.constant(-1), weight: 1 },
  ),
  isSpoilt: fc.oneof(
    { arbitrary: fc.constant(false), weight: 5 },
    { arbitrary: fc.constant(true), weight: 1 },
  ),
})
/** Several sets for each chain, since making and serving a chain costs more than asking. */
const recordSets = fc.array(fc.array(records, { minLength: 1, maxLength: 4 }), {
  minLength: 2,
  maxLength: 2,
})

test('random chains and records: we authenticate what OpenSSL authenticates', async (t) => {
  await ensurePackages('openssl')
  const seen = { cases: 0, accepted: 0, differences: new Map<string, number>() }
  const property = fc.asyncProperty(scenarios, recordSets, async (scenario, sets) => {
    const built = build(scenario)
    await using server = await listenTls(built.sent)
    const chain = built.sent.map(({ der }) => nodeCrypto.readCertificate(der))
    for (const set of sets) {
      const associations = set.flatMap((shape) => associationOf(shape, built))
      const input = { chain, associations, names: [host], at: Date.now() }
      const difference = await compare(input, server.endpoint.port)
      seen.cases++
      if (difference === 'both accept') seen.accepted++
      else if (difference !== 'both refuse')
        seen.differences.set(difference, (seen.differences.get(difference) ?? 0) + 1)
    }
  })
  await fc.assert(property, oracleParameters(t, 500))
  t.diagnostic(`${seen.cases} record sets, ${seen.accepted} accepted by both`)
  for (const [name, count] of seen.differences) t.diagnostic(`${count} times: ${name}`)
  // A generator that makes only good or only bad chains would prove nothing.
  assert.ok(seen.accepted > seen.cases / 10 && seen.accepted < seen.cases / 1.2)
})

/** Both answers for one set in both readings of usages 0 and 1; throws unless they agree or differ by name. */
async function compare(input: MatchInput, port: number): Promise<string> {
  const usual = input.associations.filter(({ usage }) => usage >= 2)
  if (usual.length < input.associations.length) {
    const without = matchAssociations({ ...input, associations: usual }, nodeCrypto)
    const withPkix = matchAssociations(input, nodeCrypto)
    assert.deepEqual(withPkix.matched, without.matched, 'usages 0 and 1 change nothing by default')
  }
  const ours = matchAssociations({ ...input, pkixAs: 'dane' }, nodeCrypto)
  const asDane = input.associations.map((one) => ({ ...one, usage: (one.usage % 2) + 2 }))
  if (asDane.length === 0) return 'both refuse'
  const theirs = await askDane({ port, host, records: asDane.map(formatAssociation) })
  if (theirs.ok && ours.matched !== null) {
    if (input.associations.length === 1) assert.equal(ours.depth, depthOf(theirs))
    return 'both accept'
  }
  if (!theirs.ok && ours.matched === null) return 'both refuse'
  const named = differences.find(({ explains }) => explains({ input, ours, theirs }))
  assert.ok(named, `ours ${JSON.stringify(summary(ours))}, OpenSSL's ${JSON.stringify(theirs)}`)
  return named.name
}

type Ours = ReturnType<typeof matchAssociations>

function summary(ours: Ours): unknown {
  return ours.matched === null ? ours.reasons : { depth: ours.depth }
}

/** OpenSSL counts a bare key as being where the certificate is that it signed; we count one step more. */
function depthOf(theirs: Judgement): number {
  assert.ok(theirs.ok)
  return (theirs.depth ?? 0) + (theirs.by === 'signed the certificate' ? 1 : 0)
}

interface Case {
  readonly input: MatchInput
  readonly ours: Ours
  readonly theirs: Judgement
}

/** Every way in which we differ from OpenSSL 3.0 on purpose, and how it shows. */
const differences: readonly {
  readonly name: string
  readonly explains: (found: Case) => boolean
}[] = [
  {
    name: 'a common name is no name (RFC 9525 §2)',
    explains: ({ input, ours, theirs }) =>
      theirs.ok && missesBy(ours, 'wrong-name') && input.chain[0]?.dnsNames.length === 0,
  },
  {
    name: 'an anchor below a root is bound by its dates too',
    explains: ({ ours, theirs }) =>
      theirs.ok &&
      theirs.by === 'matched TA certificate' &&
      missesBy(ours, 'expired', 'not-yet-valid'),
  },
  {
    name: 'a CA that a bare key signed needs basic constraints like any other',
    explains: ({ ours, theirs }) =>
      theirs.ok && theirs.by === 'signed the certificate' && missesBy(ours, 'not-a-ca'),
  },
  {
    name: 'every issuer of the right name is tried, and self-issued is not self-signed',
    explains: ({ ours, theirs }) => !theirs.ok && ours.matched !== null && isAmbiguous(ours.path),
  },
  {
    name: 'each record counts by itself: a certificate in one does not bind the key in another',
    explains: ({ input, ours, theirs }) =>
      !theirs.ok &&
      ours.matched !== null &&
      ours.anchor === null &&
      input.associations.some((one) => one.selector === 0 && one.matching === 0),
  },
]

function missesBy(ours: Ours, ...codes: readonly string[]): boolean {
  return ours.matched === null && ours.reasons.some(({ code }) => codes.includes(code))
}

/** A certificate of the path bears its issuer's name as its own. */
function isAmbiguous(path: readonly Certificate[]): boolean {
  return path.some(
    (one) =>
      Buffer.compare(one.subjectDer, one.issuerDer) === 0 && !nodeCrypto.isSignedBy(one, one.spki),
  )
}

/** The association of that shape; none when it would be over the 1 kB that we take. */
function associationOf(shape: RecordShape, built: Built): readonly Association[] {
  const all = [built.leaf, ...built.authorities]
  const [stranger] = built.strangers
  const certificate = shape.place < 0 ? stranger : (all[shape.place] ?? all.at(-1))
  const selected = (shape.selector === 0 ? certificate?.der : certificate?.spki) ?? new Uint8Array()
  const data = dataOf(shape.matching, selected)
  if (shape.isSpoilt && shape.matching !== 0) data[0] = (data[0] ?? 0) ^ 1
  const association = readAssociation({ ...shape, data })
  return typeof association === 'string' ? [] : [association]
}

function dataOf(matching: number, selected: Uint8Array): Uint8Array {
  if (matching === 0) return selected
  return nodeCrypto.digest(matching === 1 ? 'sha256' : 'sha512', selected)
}

/** Chains with the one trait that a difference is about. `ours` is our reason to refuse, or null when we accept. */
const root = makeRoot({ permitted: [{ dns: 'example.test' }] })
const examples: readonly {
  readonly name: string
  readonly chain: () => readonly TestCertificate[]
  readonly records: (chain: readonly TestCertificate[]) => readonly Association[]
  readonly ours: string | null
  readonly theirs: 'accepts' | 'refuses'
}[] = [
  {
    name: 'a common name is no name (RFC 9525 §2)',
    chain: () => [makeLeaf(root, { subject: [host], dnsNames: [] }), root],
    records: ([, ca]) => [record(2, ca)],
    ours: 'wrong-name',
    theirs: 'accepts',
  },
  {
    name: 'a wildcard stands for the whole left-most label (RFC 9525 §6.3)',
    chain: () => [makeLeaf(root, { dnsNames: ['w*.example.test'] }), root],
    records: ([, ca]) => [record(2, ca)],
    ours: 'wrong-name',
    theirs: 'accepts',
  },
  {
    name: 'an anchor below a root is bound by its dates too',
    chain: () => {
      const old = makeIntermediate(root, { notBefore: testNow - 9 * day, notAfter: testNow - day })
      return [makeLeaf(old, { dnsNames: [host] }), old, root]
    },
    records: ([, ca]) => [record(2, ca)],
    ours: 'expired',
    theirs: 'accepts',
  },
  {
    name: 'a CA that a bare key signed needs basic constraints like any other',
    chain: () => {
      const middle = makeCertificate({
        subject: ['Middle'],
        signer: root,
        keyUsage: ['keyCertSign'],
      })
      return [makeLeaf(middle, { dnsNames: [host] }), middle]
    },
    records: () => [record(2, root, { matching: 0 })],
    ours: 'not-a-ca',
    theirs: 'accepts',
  },
  {
    name: 'a wildcard that may stand for an excluded name is excluded',
    chain: () => {
      const ca = makeRoot({ excluded: [{ dns: 'secret.example.test' }] })
      return [makeLeaf(ca, { dnsNames: ['*.example.test'] }), ca]
    },
    records: ([, ca]) => [record(2, ca)],
    ours: 'name-constraint',
    theirs: 'accepts',
  },
  {
    name: 'name constraints of forms that we do not evaluate are not passed over',
    chain: () => {
      const ca = makeRoot({ excluded: [{ email: 'example.invalid' }] })
      return [makeLeaf(ca, { dnsNames: [host] }), ca]
    },
    records: ([, ca]) => [record(2, ca)],
    ours: 'name-constraint',
    theirs: 'accepts',
  },
  {
    name: 'critical policy constraints are not passed over',
    chain: () => {
      const value = new Uint8Array([0x30, 0x03, 0x80, 0x01, 0x00])
      const ca = makeRoot({ extensions: [{ oid: '2.5.29.36', critical: true, value }] })
      return [makeLeaf(ca, { dnsNames: [host] }), ca]
    },
    records: ([, ca]) => [record(2, ca)],
    ours: 'unknown-critical',
    theirs: 'accepts',
  },
  {
    name: 'names chain byte by byte (RFC 5280 §4.1.2.4 demands equal encodings)',
    chain: () => [makeLeaf({ ...root, name: ['TEST  ROOT'] }, { dnsNames: [host] }), root],
    records: ([, ca]) => [record(2, ca)],
    ours: 'no-path',
    theirs: 'accepts',
  },
  {
    name: 'every issuer of the right name is tried',
    chain: () => {
      const impostor = makeRoot()
      return [makeLeaf(root, { dnsNames: [host] }), impostor, root]
    },
    records: () => [record(2, root)],
    ours: null,
    theirs: 'refuses',
  },
  {
    name: 'self-issued is not self-signed',
    chain: () => [makeLeaf(root, { subject: root.name, dnsNames: [host] }), root],
    records: ([, ca]) => [record(2, ca)],
    ours: null,
    theirs: 'refuses',
  },
  {
    name: 'each record counts by itself: a certificate in one does not bind the key in another',
    chain: () => [makeLeaf(root, { dnsNames: [host] })],
    records: () => [
      record(2, root, { matching: 0 }),
      record(
        2,
        makeRoot({ key: root.key, notBefore: testNow - 9 * day, notAfter: testNow - day }),
        { selector: 0, matching: 0 },
      ),
    ],
    ours: null,
    theirs: 'refuses',
  },
  {
    name: 'usage 0 is unusable, since no public CA has a word here',
    chain: () => [makeLeaf(root, { dnsNames: [host] }), root],
    records: ([, ca]) => [record(0, ca)],
    ours: 'pkix-unusable',
    theirs: 'refuses',
  },
]

for (const { name, ...example } of examples)
  test(`differs from OpenSSL on purpose: ${name}`, async (t) => {
    await ensurePackages('openssl')
    const sent = example.chain()
    await using server = await listenTls(sent)
    const associations = example.records(sent)
    const chain = sent.map(({ der }) => nodeCrypto.readCertificate(der))
    const ours = matchAssociations(
      { chain, associations, names: [host], at: Date.now() },
      nodeCrypto,
    )
    const texts = associations.map(formatAssociation)
    const theirs = await askDane({ port: server.endpoint.port, host, records: texts })
    t.diagnostic(`OpenSSL: ${JSON.stringify(theirs)}`)
    assert.equal(theirs.ok, example.theirs === 'accepts')
    assert.deepEqual(
      ours.matched === null ? ours.reasons.map(({ code }) => code) : null,
      example.ours === null ? null : [example.ours],
    )
  })

test('differs from OpenSSL on purpose: full data over 1 kB is refused', async () => {
  await ensurePackages('openssl')
  const names = Array.from({ length: 40 }, (_, i) => `host-${i}.example.test`)
  const leaf = makeLeaf(root, { dnsNames: [host, ...names] })
  const raw = { usage: 3, selector: 0, matching: 0, data: leaf.der }
  await using server = await listenTls([leaf])
  const records = [formatAssociation(raw)]
  assert.equal((await askDane({ port: server.endpoint.port, host, records })).ok, true)
  const refusal = readAssociation(raw)
  assert.ok(typeof refusal === 'string')
  assert.match(refusal, /at most 1024 are taken/)
})

function record(
  usage: number,
  certificate: TestCertificate | undefined,
  { selector = 1, matching = 1 }: { readonly selector?: number; readonly matching?: number } = {},
): Association {
  assert.ok(certificate)
  const selected = selector === 0 ? certificate.der : certificate.spki
  const association = readAssociation({
    usage,
    selector,
    matching,
    data: dataOf(matching, selected),
  })
  assert.ok(typeof association !== 'string')
  return association
}
