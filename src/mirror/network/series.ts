// Runs one series of replays against one mirror: each at its time, with our own fresh look beside it (R103 to R105, R122; protocol §7).

import { Failure } from '../../base/failure.ts'
import { limits } from '../../base/limits.ts'
import { agree, claimOf, type Claim } from '../../membership/claim.ts'
import type { Replay, Replayable } from '../../membership/corpus.ts'
import { recheck } from '../../membership/dissent.ts'
import {
  scoreSeries,
  type Distance,
  type Replayed,
  type SeriesScore,
} from '../../membership/quiz.ts'
import { noteResponse } from '../../membership/reputation.ts'
import { quantileOf } from '../../membership/speed.ts'
import { parseTarget } from '../../observation/target.ts'
import { deadline, sleep } from '../../runtime/deadline.ts'
import { NetworkError } from '../../runtime/runtime.ts'
import type { BlindAsking } from './blind.ts'
import { inBackground } from './part.ts'
import type { PeerEntry } from './record.ts'
import type { TrialCore } from './trial.ts'

/** What a series of replays came to. */
export interface SeriesEnd {
  readonly score: SeriesScore
  readonly distance: Distance
}

/** One series. */
export interface SeriesTask {
  /** Id of the mirror that is tested. */
  readonly subject: string
  /** At least one. */
  readonly replays: readonly Replay[]
  /** Asked without a detour, for the time that they take alone: whoever recognises them is honest to no purpose. */
  readonly timed: readonly Replay[]
  /** The series does not end before, ms since 1970 UTC; null when it ends with its last replay. */
  readonly notBefore: number | null
  /** Called once, unless the series is cancelled, or the subject cannot be found any more: then with null. */
  readonly onEnd: (end: SeriesEnd | null) => void
}

/** Starts a series; the result cancels it. */
export function runSeries(core: TrialCore, blind: BlindAsking, task: SeriesTask): () => void {
  const { clock, peers } = core
  const found: Found = { replayed: [], responses: [], roundTrips: [] }
  const questions = questionsOf(task)
  const over = new AbortController()
  let next = 0
  let running = 0
  let cancelTimer = (): void => {}

  const end = (result: SeriesEnd | null): void => {
    if (over.signal.aborted) return
    cancelTimer()
    over.abort()
    task.onEnd(result)
  }
  const askOne = async ({ name, isTimed }: PlannedQuestion): Promise<void> => {
    const subject = peers.find(task.subject)
    if (subject === null) return end(null)
    if (isTimed) await timeOne(core, { subject, target: name.target, found })
    else found.replayed.push(await replayOne(core, blind, { subject, name, over: over.signal }))
  }
  const finishOne = (): void => {
    running -= 1
    if (running > 0 || next < questions.length) return
    const left = (task.notBefore ?? 0) - clock.now()
    cancelTimer = clock.after(Math.max(0, left), () => end(endOf(core, task.subject, found)))
  }
  const wait = (): void => {
    const question = questions[next]
    if (question === undefined) return
    cancelTimer = clock.after(Math.max(0, question.at - clock.now()), () => {
      next += 1
      running += 1
      const finished = askOne(question).catch((error: unknown) => {
        if (!over.signal.aborted) throw error
      })
      inBackground(core, 'a test', finished.finally(finishOne))
      wait()
    })
  }
  wait()
  return () => {
    cancelTimer()
    over.abort()
  }
}

/** What a series has found so far. */
interface Found {
  readonly replayed: Replayed[]
  /** Of timed questions, ms. */
  readonly responses: number[]
  readonly roundTrips: number[]
}

type PlannedQuestion = Replay & { readonly isTimed: boolean }

function questionsOf({ replays, timed }: SeriesTask): readonly PlannedQuestion[] {
  const blind = replays.map((one) => ({ ...one, isTimed: false }))
  const direct = timed.map((one) => ({ ...one, isTimed: true }))
  return [...blind, ...direct].toSorted((a, b) => a.at - b.at)
}

/** One replay, compared with our own look. */
async function replayOne(
  core: TrialCore,
  blind: BlindAsking,
  task: { readonly subject: PeerEntry; readonly name: Replayable; readonly over: AbortSignal },
): Promise<Replayed> {
  const { target, domain, nsSet } = task.name
  const [expected, { claim, responseMs }] = await Promise.all([
    look(core, target),
    blind.ask(task.subject, target),
  ])
  const settled = await settle(core, { target, expected, claim }, task.over)
  return { domain, nsSet, expected: settled, answer: claim, responseMs }
}

/**
 * The time of one question, over a connection that is warm. It is about DNS alone, because a mirror cannot be near to
 * every site; and it takes no detour, because what a relay and its way take is not the subject's doing.
 */
async function timeOne(
  core: TrialCore,
  { subject, target, found }: { subject: PeerEntry; target: string; found: Found },
): Promise<void> {
  const { correspondence, peers, parameters } = core
  const ping = await correspondence.ping(subject)
  const question = { target, fresh: false, asked: [], handshakes: false }
  const [expected, asked] = await Promise.all([
    look(core, target),
    correspondence.observe(subject, question),
  ])
  // Where we ourselves see nothing, the fault may be here.
  if (expected === null) return
  const ms = asked.kind === 'answered' ? asked.ms : parameters.speed.tooSlowMs
  peers.noteReputation(subject.id, (before, now) => noteResponse(before, ms, now))
  found.responses.push(ms)
  if (ping.kind === 'answered') found.roundTrips.push(ping.ms)
}

function endOf(core: TrialCore, subject: string, found: Found): SeriesEnd {
  const { replayed, responses, roundTrips } = found
  return {
    score: {
      ...scoreSeries(replayed, core.parameters),
      p50Ms: quantileOf(responses, 0.5),
      p95Ms: quantileOf(responses, 0.95),
    },
    distance: distanceOf(core, subject, roundTrips),
  }
}

/** What our own DNS says of the owner of `target` now; null when it does not say. */
export async function look({ clock, probe }: TrialCore, target: string): Promise<Claim | null> {
  const { signal, done } = deadline(clock, limits.lookTimeoutMs)
  try {
    const { dns } = await probe.resolve(parseTarget(target), signal)
    return claimOf(dns.authority)
  } catch (error) {
    if (error instanceof NetworkError || Failure.is(error)) return null
    throw error
  } finally {
    done()
  }
}

/**
 * What the answer is to be compared with. Where it differs from our own look we look once more, when all caches have
 * let go of what was before: whoever had a new record earlier than we had is right (R78).
 */
async function settle(
  core: TrialCore,
  given: {
    readonly target: string
    readonly expected: Claim | null
    readonly claim: Claim | null
  },
  signal: AbortSignal,
): Promise<Claim | null> {
  const { expected, claim, target } = given
  if (expected === null || claim === null || agree(claim, expected)) return expected
  await sleep(core.clock, core.parameters.dissent.recheckMs, signal)
  const fresh = await look(core, target)
  switch (recheck({ claim, shared: expected }, fresh)) {
    case 'stands':
      return expected
    case 'propagation':
      return claim
    case 'unclear':
      return null
  }
}

/** How far away the subject is, as far as pings tell; those of its own region alone judge its ping (R72). */
function distanceOf(
  { peers, parameters, region }: TrialCore,
  subject: string,
  roundTrips: readonly number[],
): Distance {
  const record = peers.record(subject)
  const { pings = 0, pingMs = null } = record?.reputation ?? {}
  const isNeighbour = region !== null && record?.entry.region === region
  return {
    roundTripMs: quantileOf(roundTrips, 0.5),
    neighbourPingMs: isNeighbour && pings >= parameters.reputation.pingsMin ? pingMs : null,
  }
}
