// What the rules of a judgement work with, and what a rule finds.

import type { Crypto } from '../runtime/runtime.ts'
import type { Ballot } from './ballot.ts'
import type { Matcher, OwnChain } from './own-chains.ts'
import type { Reason } from './reasons.ts'
import type { Abstention, Case, Mode, Outcome } from './verdict.ts'

/** What the rules work with. */
export interface Bench {
  readonly crypto: Crypto
  readonly subject: Case
  readonly ballots: readonly Ballot[]
  readonly chains: readonly OwnChain[]
  readonly abstentions: readonly Abstention[]
  readonly matcher: Matcher
  /** The same, if the answers that are still out name the base domains that enough others can still share. */
  readonly hopeful: Matcher
}

/** What a rule found, before the verdict is written. */
export interface Finding {
  readonly outcome: Outcome
  readonly mode: Mode
  readonly agreeing: readonly string[]
  readonly dissenting: readonly string[]
  readonly reasons: readonly Reason[]
}
