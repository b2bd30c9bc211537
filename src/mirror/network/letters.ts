// Opens what other mirrors write: who says so, under which keys, and only from those whom we let speak (protocol §4, §8).

import { Failure } from '../../base/failure.ts'
import { limits } from '../../base/limits.ts'
import { parseObject, readStatement } from '../../observation/jws.ts'
import type { Verified } from '../../observation/observation.ts'
import { createDescriptors, type Descriptors } from '../../protocol/descriptors.ts'
import { letterSchema } from '../../protocol/removal.ts'
import type { ExpectedAuthor } from '../../protocol/statements.ts'
import type { Crypto, HttpQuestion, HttpReply } from '../../runtime/runtime.ts'
import { problem } from '../replies.ts'
import { readPosted } from './posted.ts'
import type { TrialCore } from './trial.ts'

/** How one kind of letters is opened. */
export interface LetterRules<T> {
  /** The reply to a letter of this author, before anything is verified; null to read on. */
  readonly refuse: (author: string) => HttpReply | null
  /** @throws Failure statement-rejected */
  readonly verify: (crypto: Crypto, statement: string, expected: ExpectedAuthor) => Verified<T>
}

/** What was written, or the reply that refuses it. */
export type Opened<T> = { readonly content: Verified<T> } | { readonly refusal: HttpReply }

/** Opens letters, and remembers the keys of their authors. */
export interface Letters {
  open<T>(question: HttpQuestion, rules: LetterRules<T>): Opened<T>
}

/** An opener that knows no keys yet. */
export function createLetters(core: TrialCore): Letters {
  const descriptors = createDescriptors(core)
  return {
    open: (question, rules) => {
      const opened = open({ core, descriptors }, question, rules)
      if ('refusal' in opened) core.counts.add('refusedRequests')
      return opened
    },
  }
}

function open<T>(
  { core, descriptors }: { readonly core: TrialCore; readonly descriptors: Descriptors },
  question: HttpQuestion,
  { refuse, verify }: LetterRules<T>,
): Opened<T> {
  const shape = { schema: letterSchema, bytesMax: limits.letterBytesMax }
  const posted = readPosted(question, shape)
  if ('refusal' in posted) return posted
  const { statement, descriptor } = posted.value
  const author = authorOf(statement)
  if (author === null)
    return { refusal: problem('question-malformed', 'at statement: nobody signed it') }
  const refusal = refuse(author)
  if (refusal !== null) return { refusal }
  const { crypto, clock } = core
  try {
    const known = descriptors.known(author)
    const { answerKeys } =
      known?.statement === descriptor ? known : descriptors.learn(author, descriptor)
    return { content: verify(crypto, statement, { id: author, answerKeys, now: clock.now() }) }
  } catch (error) {
    if (!Failure.is(error)) throw error
    return { refusal: problem('statement-rejected', error.message.slice(0, limits.reasonCharsMax)) }
  }
}

/** Who a statement says it is from; nothing of it is verified. */
export function authorOf(statement: string): string | null {
  const signed = readStatement(statement, limits.removeRequestBytesMax)
  if (typeof signed === 'string') return null
  const iss = parseObject(signed.payload)?.['iss']
  return typeof iss === 'string' ? iss : null
}
