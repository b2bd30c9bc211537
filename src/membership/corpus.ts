// Which names tests may ask for: really asked ones, by so many that nobody is told by them and nobody can plant them (R103, R135; protocol §7).

import { integerBelow, inRandomOrder } from './chance.ts'
import { isSameClaim, type Claim } from './claim.ts'
import type { Origin } from './independent.ts'
import type { Parameters } from './parameters.ts'
import type { Random } from '../runtime/runtime.ts'

/** What may be asked in a test. */
export interface Replayable extends Origin {
  /** Canonical text of a target. */
  readonly target: string
}

/** One name that clients asked us for. Plain data; it holds no client's address. */
export interface CorpusName extends Replayable {
  /** Who asked, latest last, no more than are needed to count; the time in ms since 1970 UTC. */
  readonly askers: readonly { readonly asker: string; readonly at: number }[]
  /** What our own DNS says of it, … */
  readonly claim: Claim
  /** … and since when it has said so. */
  readonly since: number
}

/** One question of a client that we answered. */
export interface Asked extends Replayable {
  /**
   * The client's prefix (/24, /56) under a keyed hash of ours: enough to count, useless to anybody else. Questions of
   * other mirrors are no questions of clients: the caller leaves them out.
   */
  readonly asker: string
  readonly claim: Claim
  readonly at: number
}

/** `known` (undefined for a new name) after one more question. */
export function noteAsked(
  known: CorpusName | undefined,
  { asker, claim, at, ...name }: Asked,
  parameters: Parameters,
): CorpusName {
  const others = known?.askers.filter((one) => one.asker !== asker) ?? []
  const isUnchanged = known !== undefined && isSameClaim(known.claim, claim)
  return {
    ...name,
    askers: [...others, { asker, at }].slice(-parameters.corpus.askersMin),
    claim,
    since: isUnchanged ? known.since : at,
  }
}

/** Whether `name` may be asked for in tests, and whether a dissent about it counts. */
export function isInCorpus(name: CorpusName, now: number, parameters: Parameters): boolean {
  const { askersMin, stableMs } = parameters.corpus
  return now - name.since >= stableMs && recentAskers(name, now, parameters) >= askersMin
}

function recentAskers({ askers }: CorpusName, now: number, parameters: Parameters): number {
  return askers.filter(({ at }) => now - at < parameters.corpus.askedWithinMs).length
}

/** Chance and time, as draws from the corpus need them. */
export interface CorpusMoment {
  readonly random: Random
  readonly now: number
  readonly parameters: Parameters
}

/**
 * The names to be remembered: all of them up to `namesMax`; of more, seven eighths of that, so that the next sifting is
 * a while off. Those that most asked for within the time stay; of equals, chance decides, so that a flood of invented
 * names drives out inventions.
 */
export function siftCorpus(
  names: readonly CorpusName[],
  { random, now, parameters }: CorpusMoment,
): readonly CorpusName[] {
  const { namesMax, askersMin } = parameters.corpus
  if (names.length <= namesMax) return names
  const byAskers = Map.groupBy(inRandomOrder(random, names), (name) =>
    recentAskers(name, now, parameters),
  )
  const ranked = Array.from({ length: askersMin + 1 }, (_, i) => byAskers.get(askersMin - i) ?? [])
  return ranked.flat().slice(0, Math.floor((namesMax * 7) / 8))
}

/** One question of a test, and when to ask it. */
export interface Replay {
  readonly name: Replayable
  /** Ms since 1970 UTC. */
  readonly at: number
}

/** Where replays come from, how many, and within what time. */
export interface ReplaySource {
  readonly names: readonly CorpusName[]
  /** Public names that everybody asks for, for mirrors with few clients; nothing is known of their stability. */
  readonly filler: readonly Replayable[]
  readonly count: number
  /** They are spread over this time; `parameters.corpus.delayMaxMs` unless it is longer. */
  readonly withinMs?: number
}

/**
 * At most `count` replays, by time. Names of different domains and name servers come first, own ones before fillers;
 * further ones of the same only when there are not enough. Fewer come back only when all is used up.
 */
export function drawReplays(
  { names, filler, count, withinMs = 0 }: ReplaySource,
  { random, now, parameters }: CorpusMoment,
): readonly Replay[] {
  const { delayMinMs, delayMaxMs } = parameters.corpus
  const drawn = drawNames([eligible(), inRandomOrder(random, filler)], count)
  const spread = Math.max(1, Math.max(withinMs, delayMaxMs) - delayMinMs + 1)
  return drawn
    .map((name) => ({ name, at: now + delayMinMs + integerBelow(random, spread) }))
    .toSorted((a, b) => a.at - b.at)

  function* eligible(): Generator<Replayable> {
    for (const name of inRandomOrder(random, names))
      if (isInCorpus(name, now, parameters)) yield name
  }
}

function drawNames(sources: readonly Iterable<Replayable>[], count: number): readonly Replayable[] {
  const drawn: Replayable[] = []
  const further: Replayable[] = []
  const used = new Set<string>()
  for (const source of sources) {
    for (const name of source) {
      if (drawn.length >= count) return drawn
      const keys = [`target ${name.target}`, `domain ${name.domain}`, `ns ${name.nsSet}`] as const
      if (used.has(keys[0])) continue
      used.add(keys[0])
      if (keys.some((key) => key !== keys[0] && used.has(key))) {
        further.push(name)
        continue
      }
      used.add(keys[1]).add(keys[2])
      drawn.push(name)
    }
  }
  return [...drawn, ...further.slice(0, count - drawn.length)]
}
