import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { httpDate, readHttpDate } from './http-date.ts'

test('a date reads as itself, to the second', () => {
  assert.equal(httpDate(784_111_777_000), 'Sun, 06 Nov 1994 08:49:37 GMT')
  const wholeSeconds = fc.integer({ min: 0, max: 253_402_300_799 })
  fc.assert(
    fc.property(wholeSeconds, (s) => {
      assert.equal(readHttpDate(httpDate(s * 1000 + 999)), s * 1000)
    }),
  )
})

for (const text of [
  '',
  'Sunday, 06-Nov-94 08:49:37 GMT',
  'Sun Nov  6 08:49:37 1994',
  'Mon, 06 Nov 1994 08:49:37 GMT',
  'Sun, 06 Nov 1994 08:49:37 UTC',
  'Sun, 06 Nov 1994 08:49:60 GMT',
  'Sun, 06 Nov 1994 08:49:37 GMT ',
  '1994-11-06T08:49:37Z',
  'now',
])
  test(`${JSON.stringify(text)} is no date of HTTP`, () => {
    assert.equal(readHttpDate(text), null)
  })
