import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Failure } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import {
  formatAssociation,
  isCanonicalAssociation,
  isNoAuthorityMarker,
  parseAssociation,
  readAssociation,
  type RawAssociation,
} from './association.ts'

const sha256 = 'ab'.repeat(32)
const sha512 = 'cd'.repeat(64)

const wellFormed: fc.Arbitrary<RawAssociation> = fc
  .record({
    usage: fc.nat({ max: 3 }),
    selector: fc.nat({ max: 1 }),
    matching: fc.nat({ max: 2 }),
  })
  .chain((numbers) => {
    const lengths = [
      { minLength: 1, maxLength: limits.tlsaDataBytesMax },
      { minLength: 32, maxLength: 32 },
      { minLength: 64, maxLength: 64 },
    ] as const
    return fc
      .uint8Array(lengths[numbers.matching] ?? lengths[0])
      .map((data) => ({ ...numbers, data }))
  })

test('what is written reads as itself, in the canonical form and in no other', () => {
  fc.assert(
    fc.property(wellFormed, (raw) => {
      const association = readAssociation(raw)
      assert.ok(typeof association !== 'string')
      const text = formatAssociation(association)
      assert.deepEqual(parseAssociation(text), association)
      assert.ok(isCanonicalAssociation(text))
      assert.equal(isCanonicalAssociation(` ${text}`), false)
      assert.equal(isCanonicalAssociation(text.toUpperCase()), text === text.toUpperCase())
    }),
  )
})

test('text of any kind is refused by name or read', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      try {
        parseAssociation(text)
      } catch (error) {
        assert.ok(Failure.is(error) && error.code === 'association-malformed', String(error))
      }
    }),
  )
})

test('a person may write white space and capitals', () => {
  const expected = parseAssociation(`2 1 1 ${sha256}`)
  for (const text of [
    `  2  1\t1 ${sha256.toUpperCase()} `,
    `2 1 1 ${sha256.slice(0, 20)} ${sha256.slice(20)}`,
    `002 01 1 ${sha256}`,
  ])
    assert.deepEqual(parseAssociation(text), expected)
})

const refusals: readonly [string, RegExp][] = [
  ['', /usage \(first field\) is missing/],
  ['2', /selector \(second field\) is missing/],
  ['2 1', /matching type \(third field\) is missing/],
  ['2 1 1', /a hash of matching type 1 has 32 bytes, not 0|the data is empty/],
  ['2 1 0', /the data is empty/],
  ['TA 1 1 00', /usage \(first field\) is not a number/],
  ['2 -1 1 00', /selector \(second field\) is not a number/],
  [`4 1 1 ${sha256}`, /usage 4 is not 0, 1, 2 or 3/],
  [`255 1 1 ${sha256}`, /usage 255 is not 0, 1, 2 or 3/],
  [`2 2 1 ${sha256}`, /selector 2 is not 0 or 1/],
  [`2 1 3 ${sha256}`, /matching type 3 is not 0, 1 or 2/],
  [`2 1 1 ${sha512}`, /matching type 1 has 32 bytes, not 64/],
  [`2 1 2 ${sha256}`, /matching type 2 has 64 bytes, not 32/],
  [`2 1 1 ${sha256.slice(1)}`, /not pairs of hexadecimal digits/],
  [`2 1 1 ${sha256.replace('a', 'g')}`, /not pairs of hexadecimal digits/],
  [`2\n1 1 ${sha256}`, /not a number/],
  [`3 0 0 ${'00'.repeat(1025)}`, /the data has 1025 bytes, at most 1024 are taken/],
  [`3 0 0 ${'0'.repeat(5000)}`, /it has 5006 characters, at most 4096 are taken/],
]
for (const [text, pattern] of refusals)
  test(`refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
    assert.throws(
      () => parseAssociation(text),
      (error) =>
        Failure.is(error) && error.code === 'association-malformed' && pattern.test(error.message),
    )
    assert.equal(isCanonicalAssociation(text), false)
  })

test('wire data that is no association is data, and says why', () => {
  const raw = { usage: 3, selector: 1, matching: 1, data: new Uint8Array(31) }
  assert.equal(readAssociation(raw), 'a hash of matching type 1 has 32 bytes, not 31')
  assert.equal(readAssociation({ ...raw, usage: 0.5 }), 'usage 0.5 is not 0, 1, 2 or 3')
  assert.equal(readAssociation({ ...raw, data: new Uint8Array() }), 'the data is empty')
})

test('the marker for no authority is the one text', () => {
  assert.ok(isNoAuthorityMarker(parseAssociation('2 1 0 00')))
  for (const text of ['2 1 0 0000', '2 0 0 00', '3 1 0 00', '2 1 0 01'])
    assert.equal(isNoAuthorityMarker(parseAssociation(text)), false, text)
})
