// Text for a terminal: styles as data, and untrusted values that cannot act on the terminal.

import { styleText } from 'node:util'
import stringWidth from 'string-width'

/** The few styles that we use. Colour only repeats what the words already say. */
export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

/** Styled text, made by `text` and the style functions. Everything in it is safe to print. */
export interface Styled {
  readonly parts: readonly Part[]
}

type Part = { readonly safe: string; readonly styles: readonly Style[] }

/** A plain string is untrusted: it is escaped when printed. Styled text was escaped when made. */
export type Text = string | Styled

/**
 * Styled text of a template: the template's own words are ours and may hold line breaks, the values are
 * untrusted and escaped.
 */
export function text(words: TemplateStringsArray, ...values: readonly (Text | number)[]): Styled {
  const parts: Part[] = []
  words.forEach((word, i) => {
    if (word !== '') parts.push({ safe: word, styles: [] })
    const value = values[i]
    if (value !== undefined) parts.push(...partsOf(typeof value === 'number' ? `${value}` : value))
  })
  return { parts }
}

/** `texts` one after the other, with `separator` between them. */
export function join(texts: readonly Text[], separator: string): Styled {
  return {
    parts: texts.flatMap((part, i) => [...(i === 0 ? [] : partsOf(separator)), ...partsOf(part)]),
  }
}

const styled =
  (style: Style) =>
  (value: Text): Styled => ({
    parts: partsOf(value).map((part) => ({ ...part, styles: [style, ...part.styles] })),
  })

/** Each wraps text in one style. */
export const bold = styled('bold')
export const dim = styled('dim')
export const red = styled('red')
export const green = styled('green')
export const yellow = styled('yellow')
export const cyan = styled('cyan')

/** What goes to the terminal: with colour codes, or without any. */
export function render(value: Text, colours: boolean): string {
  return partsOf(value)
    .map(({ safe, styles }) =>
      colours && styles.length > 0 ? styleText([...styles], safe, { validateStream: false }) : safe,
    )
    .join('')
}

/** Columns that `value` takes on a terminal. */
export function widthOf(value: Text): number {
  return stringWidth(render(value, false))
}

/** `value` with spaces after it (or before it) up to `width` columns. */
export function pad(value: Text, width: number, side: 'left' | 'right' = 'left'): Styled {
  const spaces = ' '.repeat(Math.max(0, width - widthOf(value)))
  return side === 'left' ? join([value, spaces], '') : join([spaces, value], '')
}

/** `words` in lines of at most `width` columns, broken at spaces; a longer word stays whole. */
export function wrap(words: string, width: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of words.split(/\s+/).filter((part) => part !== '')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return line === '' ? lines : [...lines, line]
}

/** How a definition is laid out, in columns. */
export interface DefinitionLayout {
  /** Where lines end. */
  readonly columns: number
  /** Room for the term; 22 where nothing else is said. */
  readonly termWidth?: number
}

/** Lines of a term and what it means: beside it where the term has room, else below. Two columns in, two between. */
export function definition(term: Text, what: string, layout: DefinitionLayout): readonly Styled[] {
  const { columns, termWidth = 22 } = layout
  const left = termWidth + 4
  const lines = wrap(what, columns - left)
  const fits = widthOf(term) <= termWidth
  const space = ' '.repeat(left)
  const first = fits ? text`  ${pad(term, termWidth)}  ${lines[0] ?? ''}` : text`  ${term}`
  return [first, ...(fits ? lines.slice(1) : lines).map((line) => text`${space}${line}`)]
}

/**
 * Control characters (line breaks among them), direction overrides and other invisible format characters,
 * separators, lone surrogates: what lets text act on a terminal, forge a line, or look like other text.
 */
const harmful = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Surrogate}]/gu

/** `value` with every harmful character written as JSON writes it, such as `\\u001b` or `\\n`. */
export function escapeControls(value: string): string {
  return value.replace(harmful, (character) => {
    if (character === '\n') return '\\n'
    if (character === '\t') return '\\t'
    const units = character.split('').map((unit) => unit.charCodeAt(0).toString(16))
    return units.map((digits) => `\\u${digits.padStart(4, '0')}`).join('')
  })
}

/** `value` as one line of JSON in which no character acts on a terminal. */
export function jsonLine(value: unknown): string {
  return escapeControls(JSON.stringify(value))
}

function partsOf(value: Text): readonly Part[] {
  return typeof value === 'string' ? [{ safe: escapeControls(value), styles: [] }] : value.parts
}
