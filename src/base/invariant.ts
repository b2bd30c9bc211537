// States what must hold inside our own code; a broken invariant is a bug of ours, never the world's doing.

/** Throws when `condition` is false. `what` says the rule that was broken, as a sentence. */
export function invariant(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`Broken invariant: ${what}`)
}
