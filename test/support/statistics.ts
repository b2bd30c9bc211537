// Closed forms that a simulation is compared with, and how far it may be from them.

import assert from 'node:assert/strict'
import { integerBelow } from '../../src/membership/chance.ts'
import type { Random } from '../../src/runtime/runtime.ts'

/** The chance of at least `k` of `n`, each with chance `p`. */
export function binomialTail(n: number, k: number, p: number): number {
  return sumFrom(k, n, (i) => Math.exp(logChoose(n, i)) * p ** i * (1 - p) ** (n - i))
}

/** The chance that at least `k` of `n` drawn without putting back are among the `marked` of `all`. */
export function hypergeometricTail(
  { n, k }: { readonly n: number; readonly k: number },
  marked: number,
  all: number,
): number {
  return sumFrom(k, Math.min(n, marked), (i) =>
    n - i > all - marked
      ? 0
      : Math.exp(logChoose(marked, i) + logChoose(all - marked, n - i) - logChoose(all, n)),
  )
}

function sumFrom(from: number, to: number, term: (i: number) => number): number {
  let sum = 0
  for (let i = from; i <= to; i++) sum += term(i)
  return sum
}

function logChoose(n: number, k: number): number {
  let sum = 0
  for (let i = 1; i <= k; i++) sum += Math.log((n - k + i) / i)
  return sum
}

/** True with chance `p`, to a millionth. */
export function happens(random: Random, p: number): boolean {
  return integerBelow(random, 1_000_000) < p * 1_000_000
}

/** Holds a share of `trials` to its closed form: within five standard deviations, which chance leaves once in a million. */
export function assertShare(
  { hits, trials }: { readonly hits: number; readonly trials: number },
  expected: number,
  what: string,
): void {
  const deviation = Math.sqrt((expected * (1 - expected)) / trials)
  const share = hits / trials
  assert.ok(
    Math.abs(share - expected) <= 5 * deviation + 1 / trials,
    `${what}: ${share.toFixed(5)} of ${trials}, expected ${expected.toFixed(5)} ± ${(5 * deviation).toFixed(5)}`,
  )
}
