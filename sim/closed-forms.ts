// What the rates of wrong verdicts come to by arithmetic, when mirrors err and collude independently of each other: what
// a simulation is compared with.

import { neededOf, type Policy, type Stage } from '../src/verdict/policies.ts'
import { registries } from '../src/verdict/regions.ts'

/** The probability of at least `least` successes in `trials`, each with probability `each`. */
export function atLeast(least: number, trials: number, each: number): number {
  let sum = 0
  // From the far end, so that small terms are added first.
  for (let hits = trials; hits >= Math.max(0, least); hits--) sum += exactly(hits, trials, each)
  return Math.min(1, sum)
}

/** The probability of `hits` successes in `trials`, each with probability `each`. */
export function exactly(hits: number, trials: number, each: number): number {
  if (hits < 0 || hits > trials) return 0
  if (each <= 0) return hits === 0 ? 1 : 0
  if (each >= 1) return hits === trials ? 1 : 0
  const choices = logFactorial(trials) - logFactorial(hits) - logFactorial(trials - hits)
  return Math.exp(choices + hits * Math.log(each) + (trials - hits) * Math.log1p(-each))
}

const logFactorials: number[] = [0]

function logFactorial(n: number): number {
  for (let i = logFactorials.length; i <= n; i++)
    logFactorials.push((logFactorials[i - 1] ?? 0) + Math.log(i))
  return logFactorials[n] ?? 0
}

/** A network of mirrors as arithmetic sees it. */
export interface Collusion {
  /** Share of all mirrors that collude. */
  readonly share: number
  /** They are spread evenly over so many registries' regions; over all five unless given. */
  readonly registries?: number
  /** Region codes of each registry, of which a round asks each once; as many as wanted unless given. */
  readonly regionsEach?: number
}

/**
 * The probability that a client whose own look an attacker controls believes it, when the mirrors of `collusion` play
 * the attacker's game. Every round asks others than the rounds before, and any one round suffices.
 */
export function falseAccept(policy: Policy, collusion: Collusion): number {
  const { share, registries: owned = registryCount } = collusion
  const each = Math.min(1, (share * registryCount) / owned)
  // Where variety is required, those that agree must be of so many registries too.
  if (policy.diversity === 'required' && owned < policy.registriesMin) return 0
  return 1 - product(roundsOf(policy).map((round) => 1 - roundWon(round)))

  function roundWon({ ask, need }: Stage): number {
    const seats = seatsIn(owned, { policy, ask, regionsEach: collusion.regionsEach ?? ask })
    return seats.reduce((sum, probability, n) => sum + probability * atLeast(need, n, each), 0)
  }
}

/** The probability that a genuine site is not corroborated, when each answer dissents with probability `share`. */
export function falseAlarm(policy: Policy, share: number): number {
  return product(roundsOf(policy).map(({ ask, need }) => atMost(need - 1, ask, 1 - share)))
}

/** Mirrors asked on average, when each answer dissents with probability `share`. */
export function meanAsked(policy: Policy, share: number): number {
  let reached = 1
  let asked = 0
  for (const { ask, need } of roundsOf(policy)) {
    asked += reached * ask
    reached *= atMost(need - 1, ask, 1 - share)
  }
  return asked
}

const registryCount = registries.length

/**
 * How likely it is that 0, 1, … of a round's seats are in `owned` of the registries: each seat goes to a registry drawn
 * from those that the policy still allows.
 */
export function seatsIn(
  owned: number,
  round: { readonly policy: Policy; readonly ask: number; readonly regionsEach: number },
): readonly number[] {
  const { policy, ask, regionsEach } = round
  const scale = Math.max(1, ask / (policy.stages[0]?.ask ?? ask))
  const room = Math.min(regionsEach, policy.perRegistryMax * scale)
  let states = new Map([[registries.map(() => 0).join(' '), 1]])
  for (let seat = 0; seat < ask; seat++) {
    const next = new Map<string, number>()
    for (const [state, probability] of states) {
      const counts = state.split(' ').map(Number)
      const used = counts.filter((count) => count > 0).length
      const open = counts.flatMap((count, i) =>
        count < room && (used >= policy.registriesMin || count === 0) ? [i] : [],
      )
      for (const chosen of open) {
        const after = counts.map((count, i) => (i === chosen ? count + 1 : count)).join(' ')
        next.set(after, (next.get(after) ?? 0) + probability / open.length)
      }
    }
    states = next
  }
  const seats = Array.from({ length: ask + 1 }, () => 0)
  for (const [state, probability] of states) {
    const inside = state.split(' ').slice(0, owned)
    const n = inside.reduce((sum, count) => sum + Number(count), 0)
    seats[n] = (seats[n] ?? 0) + probability
  }
  return seats
}

function roundsOf(policy: Policy): readonly Stage[] {
  return policy.stages.map((stage) => ({ ask: stage.ask, need: neededOf(stage, stage.ask) }))
}

function product(factors: readonly number[]): number {
  return factors.reduce((whole, factor) => whole * factor, 1)
}

/** Where the true probability lies, with a confidence. */
export interface Interval {
  readonly low: number
  readonly high: number
}

/**
 * The interval of Clopper and Pearson for a probability of which `hits` of `trials` are known: it holds the true one in
 * at least a share `confidence` of cases, however small the probability.
 */
export function intervalOf(hits: number, trials: number, confidence = 0.999): Interval {
  const tail = (1 - confidence) / 2
  return {
    low: hits === 0 ? 0 : bisect((p) => atLeast(hits, trials, p) >= tail),
    high: hits === trials ? 1 : bisect((p) => atMost(hits, trials, p) <= tail),
  }
}

function atMost(most: number, trials: number, each: number): number {
  let sum = 0
  // From the far end, as above.
  for (let hits = 0; hits <= most; hits++) sum += exactly(hits, trials, each)
  return sum
}

/** The least probability of which `holds` is true; it is false below and true above. */
function bisect(holds: (p: number) => boolean): number {
  let [low, high] = [0, 1]
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (holds(middle)) high = middle
    else low = middle
  }
  return high
}
