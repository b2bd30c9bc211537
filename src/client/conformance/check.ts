// What a check is: one clause of the specification, and how to see from outside whether a mirror keeps it.

import type { Looks } from './looks.ts'
import type { Session } from './session.ts'

/** A session with its looks. */
export interface Trial {
  readonly session: Session
  readonly looks: Looks
}

/** One check. */
export interface Check {
  /** Id of the clause in docs/spec/secure-mirror-protocol.md. */
  readonly clause: string
  /** What is demanded, in one line without a full stop. */
  readonly demand: string
  /** Null when the clause is kept; else what is wrong. @throws Untried; NetworkError when there is no answer */
  readonly run: (trial: Trial) => Promise<string | null>
}

/** Null when `kept`; else `text`. */
export function unless(kept: boolean, text: string): string | null {
  return kept ? null : text
}

/** The first fault that `find` sees; null when it sees none. */
export function firstFault<T>(
  things: Iterable<T>,
  find: (thing: T) => string | null,
): string | null {
  for (const thing of things) {
    const fault = find(thing)
    if (fault !== null) return fault
  }
  return null
}
