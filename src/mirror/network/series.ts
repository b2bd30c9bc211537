// Runs one series of replays against one mirror: each at its time, with our own fresh look beside it (R103 to R105, R122; protocol §7).

import { Failure } from '../../base/failure.ts'
import { limits } from '../../base/limits.ts'
import { agree, claimOf, type Claim } from '../../membership/claim.ts'
import type { Replay } from '../../membership/corpus.ts'
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
  /** By time; at least one. */
  readonly replays: readonly Replay[]
  /** The series does not end before, ms since 1970 UTC; null when it ends with its last replay. */
  readonly notBefore: number | null
  /** Called once, unless the series is cancelled, or the subject cannot be found any more: then with null. */
  readonly onEnd: (end: SeriesEnd | null) => void
}

/** Starts a series; the result cancels it. */
export function runSeries(core: TrialCore, blind: BlindAsking, task: SeriesTask): () => void {
  const { clock, peers } = core
  const done: Replayed[] = []
  const roundTrips: number[] = []
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
  const replayOne = async ({ name }: Replay): Promise<void> => {
    const subject = peers.find(task.subject)
    if (subject === null) return end(null)
    const [expected, answer] = await Promise.all([
      look(core, name.target),
      blind.ask(subject, name.target),
    ])
    if (over.signal.aborted) return
    const { domain, nsSet } = name
    const { claim, responseMs, roundTripMs } = answer
    const waited = responseMs ?? core.parameters.speed.tooSlowMs
    peers.noteReputation(task.subject, (before, now) => noteResponse(before, waited, now))
    if (roundTripMs !== null) roundTrips.push(roundTripMs)
    const settled = await settle(core, { target: name.target, expected, claim }, over.signal)
    done.push({ domain, nsSet, expected: settled, answer: claim, responseMs })
  }
  const finishOne = (): void => {
    running -= 1
    if (running > 0 || next < task.replays.length) return
    const left = (task.notBefore ?? 0) - clock.now()
    cancelTimer = clock.after(Math.max(0, left), () => {
      const distance = distanceOf(core, task.subject, roundTrips)
      end({ score: scoreSeries(done, core.parameters), distance })
    })
  }
  const wait = (): void => {
    const replay = task.replays[next]
    if (replay === undefined) return
    cancelTimer = clock.after(Math.max(0, replay.at - clock.now()), () => {
      next += 1
      running += 1
      const finished = replayOne(replay).catch((error: unknown) => {
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
