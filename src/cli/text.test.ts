// Text for a terminal: nothing untrusted acts on it, and its width is what the terminal makes of it.

import fc from 'fast-check'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  bold,
  escapeControls,
  green,
  join,
  jsonLine,
  pad,
  red,
  render,
  text,
  widthOf,
  wrap,
} from './text.ts'

/** Strings in which control characters, overrides and lone surrogates are common. */
const hostile = fc.string({
  unit: fc.oneof(
    fc.nat({ max: 0x2070 }).map((code) => String.fromCharCode(code)),
    fc.constantFrom(
      '\u001b',
      '\u009b',
      '\n',
      '\r',
      '\u202e',
      '\u2066',
      '\ud800',
      '\udc00',
      '\ufeff',
      '😀',
      'é',
    ),
  ),
})

/** What acts on a terminal, or makes text look like other text. */
const acting = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Surrogate}]/u

test('render() lets no character of a value act on the terminal', () => {
  fc.assert(
    fc.property(hostile, hostile, (a, b) => {
      const shown = render(text`${bold(a)} and ${join([red(b), a], b)}`, false)
      assert.doesNotMatch(shown, acting)
    }),
  )
})

test('jsonLine() writes values so that they come back', () => {
  fc.assert(
    fc.property(fc.jsonValue(), hostile, (value, string) => {
      const line = jsonLine({ value, string })
      assert.doesNotMatch(line, acting)
      assert.deepEqual(JSON.parse(line), JSON.parse(JSON.stringify({ value, string })))
    }),
  )
})

test('styles nest, and vanish without colours', () => {
  const value = text`${bold(text`a ${green('b')}`)} c`
  assert.equal(render(value, false), 'a b c')
  assert.equal(
    render(value, true),
    '\u001b[1ma \u001b[22m\u001b[1m\u001b[32mb\u001b[39m\u001b[22m c',
  )
})

test('a template may break lines, a value may not', () => {
  assert.equal(render(text`a\n${'b\nc'}`, false), 'a\nb\\nc')
})

test('widthOf() counts columns, not characters', () => {
  assert.equal(widthOf('日本'), 4)
  assert.equal(widthOf(bold('abc')), 3)
  assert.equal(widthOf('\u001b'), 6)
})

test('pad() fills up to a width, and leaves what is wider', () => {
  assert.equal(render(pad('日', 4), false), '日  ')
  assert.equal(render(pad('ab', 4, 'right'), false), '  ab')
  assert.equal(render(pad('abcde', 4), false), 'abcde')
})

test('wrap() keeps every word, in order, in lines that fit', () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[a-z日]{1,12}$/)),
      fc.integer({ min: 24, max: 60 }),
      (words, width) => {
        const lines = wrap(words.join(' '), width)
        assert.deepEqual(
          lines.flatMap((line) => line.split(' ')),
          words,
        )
        for (const line of lines) assert.ok(widthOf(line) <= width)
      },
    ),
  )
})

test('escapeControls() leaves ordinary text alone', () => {
  assert.equal(escapeControls('Grüße, 日本 “quoted” 😀'), 'Grüße, 日本 “quoted” 😀')
})
