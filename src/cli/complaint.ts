// Turns what the option parser says about wrong words into one line and a hint, in our own tone.

import { formatMessage, type Message } from '@optique/core'

/** What is wrong with the words of a command line. */
export interface Complaint {
  readonly wrong: string
  readonly hint: string | null
}

/** The complaint of a parser's message: its first sentence, and its suggestions as the hint. */
export function complaintOf(error: Message): Complaint {
  const [sentence = '', ...suggestions] = formatMessage(error).replaceAll('`', '').split('\n\n')
  return { wrong: inOurTone(sentence), hint: hintOf(suggestions.join(' ')) }
}

/** `Did you mean --a?` and `Did you mean one of these?` with a list below it, as one question. */
function hintOf(suggestions: string): string | null {
  const [, several, single = ''] =
    /^Did you mean (?:one of these\?\s+(.*)|(.*)\?)$/s.exec(suggestions.trim()) ?? []
  const words = several === undefined ? [single] : several.split(/\s+/)
  return words[0] === '' || words[0] === undefined ? null : `did you mean ${words.join(' or ')}?`
}

function inOurTone(sentence: string): string {
  const [subject, ...rest] = sentence.trim().replace(/\.$/, '').split(': ')
  return [subject ?? '', ...rest].map(lowerFirst).join(': ').replace(', but got ', ', not ')
}

/** With a small first letter, unless the first word is written in capitals, as `FILE` is. */
function lowerFirst(words: string): string {
  return /^[A-Z][A-Z]/.test(words) ? words : words.charAt(0).toLowerCase() + words.slice(1)
}
