// What an act is: something that happens on the small Internet, and the verdicts that it really leads to.

import type { Report } from '../src/client/client.ts'
import type { ReasonCode } from '../src/verdict/reasons.ts'
import type { Outcome } from '../src/verdict/verdict.ts'
import type { Internet } from './internet.ts'

/** What an act is played with. */
export interface Stage {
  readonly internet: Internet
  /** Tells who is watching what is being done or waited for. */
  readonly tell: (what: string) => void
  /** Aborts when the demonstration is stopped. */
  readonly signal: AbortSignal
}

/** One moment of an act: who sees what, what Sightline says, and what was expected of it. */
export interface Scene {
  /** What has just happened; null when the story of the act says it already. */
  readonly caption: string | null
  /** Who is connected to whom, in one line of at most 74 columns; null to show only the verdict. */
  readonly picture: string | null
  /** What a browser of today says that trusts the public authority: the error, `padlock`, or null when not asked. */
  readonly browser: string | null
  readonly report: Report
  readonly expected: Expectation
  /** What it means for the person who asked. */
  readonly meaning: string
}

/** What must come out of a scene for the demonstration to have shown what it promises. */
export interface Expectation {
  readonly outcome: Outcome
  /** Reasons that must be among those given. */
  readonly reasons: readonly ReasonCode[]
  /** What a browser of today must say. */
  readonly browser?: 'padlock' | 'refusal'
  /** What else must be so: the fault as a sentence, or null. */
  readonly check?: (report: Report) => string | null
}

/** One act. */
export interface Act {
  readonly name: string
  readonly title: string
  /** What happens, in a sentence or two. */
  readonly story: string
  readonly play: (stage: Stage) => AsyncGenerator<Scene, void, void>
}

/** What is not as expected of `scene`, each as a sentence; empty when all is. */
export function faultsOf({ report, expected, browser }: Scene): readonly string[] {
  const codes = new Set<string>(report.reasons.map((reason) => reason.code))
  const other = expected.check?.(report) ?? null
  const padlock = browser === 'padlock' ? 'padlock' : 'refusal'
  return [
    ...(report.outcome === expected.outcome
      ? []
      : [`the verdict is ${report.outcome} instead of ${expected.outcome}`]),
    ...expected.reasons
      .filter((code) => !codes.has(code))
      .map((code) => `the reason ${code} is not given`),
    ...(expected.browser === undefined || expected.browser === padlock
      ? []
      : [`a browser of today says ${browser ?? 'nothing'}`]),
    ...(other === null ? [] : [other]),
  ]
}
