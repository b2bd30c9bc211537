import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  day,
  makeCertificate,
  makeIntermediate,
  makeKey,
  makeLeaf,
  makeRoot,
  testNow,
  type TestCertificate,
} from '../../test/support/certificates.ts'
import { build, host, scenarios } from '../../test/support/scenarios.ts'
import { limits } from '../base/limits.ts'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import { formatAssociation, parseAssociation, type Association } from './association.ts'
import {
  matchAssociations,
  matchingAssociations,
  usable,
  type MatchInput,
  type MatchResult,
} from './tlsa.ts'

/** The record `usage selector matching` (written `2 1 1`) of `certificate`. */
function record(
  numbers: string,
  { der, spki }: Pick<TestCertificate, 'der' | 'spki'>,
): Association {
  const [usage = 0, selector = 0, matching = 0] = numbers.split(' ').map(Number)
  const selected = selector === 0 ? der : spki
  const digests = [null, 'sha256', 'sha512'] as const
  const digest = digests[matching] ?? null
  const data = digest === null ? selected : nodeCrypto.digest(digest, selected)
  return parseAssociation(formatAssociation({ usage, selector, matching, data }))
}

function inputOf(
  sent: readonly TestCertificate[],
  associations: readonly Association[],
  others: Partial<MatchInput> = {},
): MatchInput {
  return {
    chain: sent.map(({ der }) => nodeCrypto.readCertificate(der)),
    associations,
    names: ['example.test'],
    at: testNow,
    ...others,
  }
}

function match(...input: Parameters<typeof inputOf>): MatchResult {
  return matchAssociations(inputOf(...input), nodeCrypto)
}

/** `depth N`, or the codes of the reasons. */
function outcome(...input: Parameters<typeof inputOf>): string {
  const result = match(...input)
  return result.matched === null
    ? result.reasons.map(({ code }) => code).join(', ')
    : `depth ${result.depth}`
}

const root = makeRoot()
const middle = makeIntermediate(root)
const leaf = makeLeaf(middle)
const sent = [leaf, middle, root]
const stranger = makeRoot({ subject: ['Stranger'] })

test('every selector and matching type names a certificate at its place', () => {
  for (const numbers of ['0 0', '0 1', '0 2', '1 0', '1 1', '1 2']) {
    assert.equal(outcome(sent, [record(`3 ${numbers}`, leaf)]), 'depth 0', numbers)
    assert.equal(outcome(sent, [record(`2 ${numbers}`, middle)]), 'depth 1', numbers)
    assert.equal(outcome(sent, [record(`2 ${numbers}`, root)]), 'depth 2', numbers)
    assert.equal(outcome(sent, [record(`3 ${numbers}`, middle)]), 'other-key', numbers)
    for (const chain of [sent, [leaf, leaf, middle, root]])
      assert.equal(outcome(chain, [record(`2 ${numbers}`, leaf)]), 'anchor-is-server', numbers)
  }
  for (const numbers of ['0 1', '0 2', '1 1', '1 2'])
    assert.equal(outcome(sent, [record(`2 ${numbers}`, stranger)]), 'anchor-not-sent', numbers)
})

test('a match says what it found', () => {
  const association = record('2 1 1', root)
  const result = match(sent, [record('2 1 1', stranger), association])
  assert.ok(result.matched !== null)
  assert.deepEqual(result.matched, association)
  assert.deepEqual(result.anchor?.der, root.der)
  assert.deepEqual(
    result.path.map(({ der }) => der),
    sent.map(({ der }) => der),
  )
})

test('usage 3 asks for neither name nor date nor chain (RFC 7671 §5.1)', () => {
  const bare = makeCertificate({
    subject: [],
    signer: { name: ['Nobody'], key: makeKey() },
    notBefore: testNow - 20 * day,
    notAfter: testNow - 10 * day,
    wrongSignature: true,
  })
  assert.equal(outcome([bare], [record('3 1 1', bare)]), 'depth 0')
  assert.equal(outcome([bare, stranger], [record('3 0 2', bare)], { names: [] }), 'depth 0')
})

test('usage 2 asks for path, dates and names (RFC 7671 §5.2)', () => {
  const ca = record('2 1 1', root)
  assert.equal(outcome([makeLeaf(root), root], [ca]), 'depth 1')
  assert.equal(outcome([makeLeaf(root)], [ca]), 'anchor-not-sent')
  assert.equal(outcome([makeLeaf(stranger), root], [ca]), 'no-path')
  assert.equal(outcome([makeLeaf(root, { wrongSignature: true }), root], [ca]), 'bad-signature')
  assert.equal(outcome([makeLeaf(root, { notAfter: testNow - 1 }), root], [ca]), 'expired')
  assert.equal(outcome([makeLeaf(root, { dnsNames: ['a.test'] }), root], [ca]), 'wrong-name')
  const noCa = makeCertificate({ subject: ['No CA'], key: makeKey() })
  assert.equal(outcome([makeLeaf(noCa), noCa], [record('2 1 1', noCa)]), 'not-a-ca')
})

test('any of the names asked for will do: the host, or the base domain of the records', () => {
  const names = ['alias.test', 'example.test']
  assert.equal(outcome(sent, [record('2 1 1', root)], { names }), 'depth 2')
  assert.equal(outcome(sent, [record('2 1 1', root)], { names: [] }), 'wrong-name')
  const addressed = makeLeaf(root, { dnsNames: [], ipAddresses: ['192.0.2.1'] })
  const asked = { names: ['192.0.2.1'] }
  assert.equal(outcome([addressed, root], [record('2 1 1', root)], asked), 'depth 1')
})

test('a wrong name is told with the names that the certificate has', () => {
  const text = (certificate: TestCertificate): string => {
    const result = match([certificate, root], [record('2 1 1', root)], { names: ['b.test'] })
    return result.matched === null ? (result.reasons[0]?.text ?? '') : ''
  }
  const several = makeLeaf(root, { dnsNames: ['a.test'], ipAddresses: ['192.0.2.1'] })
  assert.match(text(several), /is for "a\.test, 192\.0\.2\.1", not for b\.test/)
  assert.match(text(makeLeaf(root, { subject: ['b.test'], dnsNames: [] })), /common name.*RFC 9525/)
  assert.match(text(makeLeaf(root, { dnsNames: [] })), /is for no name at all/)
})

test('full data is an anchor that need not be sent', () => {
  assert.equal(outcome([leaf, middle], [record('2 1 0', root)]), 'depth 2')
  assert.equal(outcome([leaf, middle], [record('2 0 0', root)]), 'depth 2')
  assert.equal(outcome([leaf], [record('2 1 0', middle)]), 'depth 1')
  const result = match([leaf, middle], [record('2 1 0', root)])
  assert.ok(result.matched !== null && result.anchor === null)
  assert.equal(outcome([leaf, middle], [record('2 1 0', stranger)]), 'no-path')
})

test('full data that is no certificate or key authenticates nothing', () => {
  assert.equal(outcome(sent, [parseAssociation('2 0 0 3003020100')]), 'anchor-not-sent')
  assert.equal(outcome(sent, [parseAssociation('2 1 0 3003020100')]), 'no-path')
  assert.equal(outcome(sent, [parseAssociation('3 0 0 3003020100')]), 'other-key')
})

test('a CA certificate that was sent binds, though the record holds its key', () => {
  const dates = { notBefore: testNow - 20 * day, notAfter: testNow - day }
  const old = makeRoot({ key: root.key, ...dates })
  const direct = makeLeaf(root)
  assert.equal(outcome([direct, old], [record('2 1 0', root)]), 'expired')
  assert.equal(outcome([direct], [record('2 1 0', root)]), 'depth 1')
  // Of two certificates of the CA's key, the one that is valid will do: a CA that was issued anew.
  assert.equal(outcome([direct, old, root], [record('2 1 1', root)]), 'depth 1')
  // One that leads nowhere binds nobody.
  const elsewhere = makeRoot({ subject: ['Elsewhere'], key: root.key, ...dates })
  assert.equal(outcome([direct, elsewhere], [record('2 1 0', root)]), 'depth 1')
  assert.equal(outcome([direct, elsewhere, old], [record('2 1 1', root)]), 'expired')
})

test('the strongest digest of a usage and selector counts, and full data always (RFC 7671 §9)', () => {
  const weak = record('2 1 1', root)
  const strong = record('2 1 2', stranger)
  assert.equal(outcome(sent, [weak, strong]), 'weaker-digest, anchor-not-sent')
  assert.equal(outcome(sent, [weak, record('2 0 2', stranger)]), 'depth 2')
  assert.equal(outcome(sent, [weak, record('3 1 2', stranger)]), 'depth 2')
  assert.equal(outcome(sent, [record('2 1 0', root), strong]), 'depth 2')
  assert.equal(outcome(sent, [weak, record('2 1 2', root)]), 'depth 2')
  assert.equal(
    outcome(sent, [record('3 1 1', leaf), record('3 1 2', stranger)]),
    'weaker-digest, other-key',
  )
  // A record that is not used does not weaken another one.
  assert.equal(outcome(sent, [weak, record('0 1 2', stranger)]), 'depth 2')
})

test('usages 0 and 1 are unusable, or read as 2 and 3', () => {
  const pkix = [record('0 1 1', root), record('1 1 1', leaf)]
  assert.equal(outcome(sent, pkix), 'pkix-unusable, pkix-unusable')
  const dane = { pkixAs: 'dane' } as const
  assert.equal(outcome(sent, pkix.slice(0, 1), dane), 'depth 2')
  assert.equal(outcome(sent, pkix.slice(1), dane), 'depth 0')
  const mixed = [record('0 1 1', root), record('2 1 2', stranger)]
  assert.equal(outcome(sent, mixed, dane), 'weaker-digest, anchor-not-sent')
})

test('the marker for no authority authenticates nothing', () => {
  const marker = parseAssociation('2 1 0 00')
  assert.equal(outcome(sent, [marker]), 'no-authority')
  assert.equal(outcome(sent, [marker, record('3 1 1', leaf)]), 'depth 0')
})

test('no record authenticates an empty chain, and no chain without a record', () => {
  assert.equal(
    outcome([], [record('3 1 1', leaf), record('2 1 1', root)]),
    'nothing-sent, nothing-sent',
  )
  assert.deepEqual(match(sent, []), { matched: null, reasons: [] })
})

test('every reason names its record', () => {
  const records = [record('2 1 1', stranger), record('3 1 1', stranger), record('1 1 1', leaf)]
  const result = match(sent, records)
  assert.ok(result.matched === null)
  assert.deepEqual(
    result.reasons.map(({ association }) => association).toSorted(),
    records.map(formatAssociation).toSorted(),
  )
})

test('usable records are those that could authenticate some chain', () => {
  const records = ['0', '1', '2', '3'].map((usage) => record(`${usage} 1 1`, root))
  const all = [...records, parseAssociation('2 1 0 00')]
  assert.deepEqual(usable(all), records.slice(2))
  assert.deepEqual(usable(all, 'dane'), records)
})

test('the records that match are named one by one, the weaker digest left out', () => {
  const records = [
    record('2 1 1', root),
    record('2 1 1', stranger),
    record('3 1 1', leaf),
    record('3 0 1', leaf),
    record('3 0 2', leaf),
    record('1 1 1', leaf),
  ]
  const matching = matchingAssociations(inputOf(sent, records), nodeCrypto)
  assert.deepEqual(matching, [0, 2, 4].flatMap((i) => records[i] ?? []).map(formatAssociation))
})

test('hostile chains and many records cost a bounded number of signatures', () => {
  const key = makeKey()
  const crowd = Array.from({ length: limits.chainCertificatesMax - 1 }, () => makeRoot({ key }))
  const chain = [makeLeaf(makeRoot({ key })), ...crowd]
  const keys = Array.from({ length: limits.dnsRecordsMax / 2 }, () => makeKey('Ed25519'))
  const records = [
    ...keys.map(({ spki }) => record('2 1 0', { spki, der: spki })),
    ...crowd.map((ca) => record('2 0 1', ca)),
    record('2 1 1', stranger),
  ]
  let verifications = 0
  const input = inputOf(chain, records, { names: ['other.test'] })
  const result = matchAssociations(input, {
    ...nodeCrypto,
    isSignedBy: (certificate, spki) => {
      verifications++
      return nodeCrypto.isSignedBy(certificate, spki)
    },
  })
  assert.ok(result.matched === null)
  assert.deepEqual(
    [...new Set(result.reasons.map(({ code }) => code))],
    ['too-complex', 'wrong-name', 'anchor-not-sent'],
  )
  assert.ok(verifications <= limits.pathSignaturesMax, `${verifications} verifications`)
})

test('a set authenticates when one of its records does, and the others do not disturb it', () => {
  const kinds = ['2 1 1', '2 0 1', '3 1 1', '3 0 1', '2 1 0'] as const
  const shapes = fc.array(fc.tuple(fc.constantFrom(...kinds), fc.nat({ max: 5 })), {
    minLength: 1,
    maxLength: 5,
  })
  fc.assert(
    fc.property(scenarios, shapes, (scenario, records) => {
      const { leaf: server, authorities, strangers, sent: chain } = build(scenario)
      const all = [server, ...authorities, ...strangers]
      const associations = records.map(([numbers, place]) =>
        record(numbers, all[place % all.length] ?? server),
      )
      const input = inputOf(chain, associations, { names: [host] })
      const together = matchingAssociations(input, nodeCrypto)
      // One digest only, so that agility plays no part.
      const alone = associations.flatMap((one) =>
        matchingAssociations({ ...input, associations: [one] }, nodeCrypto),
      )
      assert.deepEqual(together, alone)
      const result = matchAssociations(input, nodeCrypto)
      assert.equal(result.matched !== null, together.length > 0)
      if (result.matched !== null) assert.ok(together.includes(formatAssociation(result.matched)))
    }),
    { numRuns: 100 },
  )
})
