// What a verdict says, and what it is judged from.

import type { HandshakeOutcome, Observation, Sight, Verified } from '../observation/observation.ts'
import type { Target } from '../observation/target.ts'
import type { Certificate } from '../runtime/runtime.ts'
import type { Policy } from './policies.ts'
import type { Reason } from './reasons.ts'

export type Outcome = 'corroborated' | 'contradicted' | 'inconclusive' | 'unverifiable'

/** A vantage as the judge knows it. */
export interface Vantage {
  readonly id: string
  /** Registry region with or without country, as the list says; null when unknown. */
  readonly region: string | null
}

/** What a vantage answered. */
export interface Answer {
  readonly vantage: Vantage
  readonly observation: Verified<Observation>
}

/** A vantage that was asked and gave nothing that counts. */
export interface Abstention {
  readonly vantage: Vantage
  readonly code: string
  readonly text: string
}

/** What this client saw itself. */
export interface OwnLook {
  readonly sight: Sight
  /** The certificates of each completed handshake, by address. */
  readonly chains: ReadonlyMap<string, readonly Certificate[]>
}

/** Everything that a judgement may use. */
export interface Case {
  readonly target: Target
  readonly own: OwnLook
  readonly answers: readonly Answer[]
  /** Vantages that gave nothing that counts, and for which there was no substitute. */
  readonly abstentions: readonly Abstention[]
  /** Vantages that gave nothing in time and were replaced: named, not counted. */
  readonly replaced: readonly Abstention[]
  /** Vantages of this round that may still answer. */
  readonly pending: number
  readonly policy: Policy
  readonly round: Round
  /** Wall time of the judgement, ms since 1970 UTC. */
  readonly at: number
}

/** The round of questions that is being judged. */
export interface Round {
  /** Vantages asked in this round, without those that were replaced. */
  readonly asked: number
  readonly needed: number
  /** Counted from 0. */
  readonly index: number
  /** True when vantages were asked to look again instead of into their caches. */
  readonly fresh: boolean
  /** True when no further round could tell more. */
  readonly last: boolean
  /** What the policy wanted and the network could not give. */
  readonly shortOf: { readonly vantages: boolean; readonly regions: boolean }
}

/** How the addresses that were given here relate to those that the vantages were given. */
export type AddressAgreement = 'exact' | 'overlap' | 'proved' | 'disjoint'

/** What was compared: the owner's authority, or the keys that each saw. */
export type Mode = 'authority' | 'views'

/** What one vantage said about this target, in the end. */
export interface VantageView {
  readonly id: string
  readonly region: string | null
  readonly said: 'agrees' | 'dissents' | 'abstains'
  readonly why: string | null
  readonly tlsa: readonly string[]
  readonly addresses: readonly string[]
  /** `sha256:` and the SPKI hash of each leaf that it was shown, by address. */
  readonly keys: Readonly<Record<string, string>>
  readonly handshakes: readonly HandshakeOutcome[]
}

/** k of n. */
export interface Quorum {
  readonly agreeing: number
  readonly dissenting: number
  readonly abstaining: number
  readonly asked: number
  readonly needed: number
}

/** What this client itself saw, in short. */
export interface OwnSummary {
  /** Address and port that the handshake was made with; null without one. */
  readonly address: string | null
  readonly leafSpki: string | null
  readonly caSpki: string | null
  readonly tlsa: readonly string[]
}

/** A judgement with its reasons. The client adds observations and timings. */
export interface Verdict {
  readonly target: string
  readonly outcome: Outcome
  readonly quorum: Quorum
  readonly policy: string
  readonly mode: Mode
  readonly address: AddressAgreement
  /** Registry regions of the vantages that answered. */
  readonly regions: readonly string[]
  /** How many vantages saw each association, or each key. */
  readonly views: Readonly<Record<string, number>>
  readonly own: OwnSummary
  readonly reasons: readonly Reason[]
  readonly vantages: readonly VantageView[]
}

/** `wait` for more answers, go on to the next round, or be done. */
export type Judgement =
  | { readonly state: 'wait' }
  | { readonly state: 'escalate'; readonly verdict: Verdict }
  | { readonly state: 'final'; readonly verdict: Verdict }
