// One round of questions: enough mirrors at once, substitutes for the dead and the slow, an end as soon as it is certain.

import { limits } from '../base/limits.ts'
import type { ListEntry } from '../protocol/routes.ts'
import { deadline } from '../runtime/deadline.ts'
import type { Clock } from '../runtime/runtime.ts'
import { isBallot, readBallot } from '../verdict/ballot.ts'
import type { Abstention } from '../verdict/verdict.ts'
import type { Ask, Desk, SignedAnswer } from './ask.ts'
import type { Draw } from './choice.ts'

/** How a round stands. */
export interface Standing {
  readonly answers: readonly SignedAnswer[]
  /** Mirrors that gave nothing and for which no substitute was left. */
  readonly abstentions: readonly Abstention[]
  /** Mirrors that gave nothing, or not before their substitutes: not counted. */
  readonly replaced: readonly Abstention[]
  readonly pending: number
  readonly asked: number
}

/** What a round is made of. */
export interface RoundPlan {
  readonly desk: Desk
  readonly draw: Draw
  readonly clock: Clock
  readonly question: Ask
  /** How many mirrors to ask at a time. */
  readonly ask: number
  readonly signal: AbortSignal
  /** Called after each change. */
  readonly onChange: () => void
  /** Called with what must never happen: a fault of our own. */
  readonly onFault: (error: unknown) => void
}

/** A mirror that was asked, for one seat of the round. */
interface Contender {
  readonly mirror: ListEntry
  isLate: boolean
  /** Why it gives nothing that counts; null while it may. */
  out: Abstention | null
}

/**
 * One of the votes of a round. Who is late gets a substitute beside it, and the first to answer takes the seat: were
 * late answers not counted, only the near could speak where all others are far, and an attacker can be near.
 */
interface Seat {
  readonly contenders: Contender[]
  /** Null while it is open. An abstention is held by who was asked last. */
  taken: { readonly by: Contender; readonly as: 'answer' | 'abstention' } | null
}

/** A running round. */
export interface RunningRound {
  standing(): Standing
  /** The mirrors whose answers count, or may. */
  mirrors(): readonly ListEntry[]
  /** Ends it. What still comes is ignored, but may come for a while, so that its connection stays warm. */
  stop(): void
}

/** Starts asking `plan.ask` mirrors. */
export function startRound(plan: RoundPlan): RunningRound {
  let stopped = false
  const isOver = (): boolean => stopped || plan.signal.aborted
  const seats: Seat[] = []
  const answers: SignedAnswer[] = []

  /** Asks one more mirror for `seat`, if there is one that fits beside those of the other seats. */
  const contend = (seat: Seat): boolean => {
    const others = seats.filter((other) => other !== seat).flatMap(mirrorsOfSeat)
    const isOpen = !isOver() && seat.contenders.length < limits.mirrorsPerSeatMax
    const mirror = isOpen ? plan.draw.next(others) : null
    if (mirror === null) return false
    const contender: Contender = { mirror, isLate: false, out: null }
    seat.contenders.push(contender)
    occupy(plan, {
      mirror,
      isOver,
      onLate: () => wait(seat, contender),
      onResult: (result) => settle(seat, contender, result),
    })
    return true
  }
  const wait = (seat: Seat, contender: Contender): void => {
    if (seat.taken !== null) return
    contender.isLate = true
    if (contend(seat)) plan.onChange()
  }
  const settle = (seat: Seat, by: Contender, result: SignedAnswer | Abstention): void => {
    if (seat.taken !== null) return
    const vote = 'observation' in result ? readBallot(result) : result
    if ('observation' in result && isBallot(vote)) {
      seat.taken = { by, as: 'answer' }
      answers.push(result)
    } else {
      const { vantage, code, text } = vote as Abstention
      by.out = { vantage, code, text }
      // What one vantage refuses by its nature, all do: a substitute would say the same.
      const byNature = 'observation' in result && result.observation.status === 'refused'
      const isContested = seat.contenders.some((one) => one.out === null)
      if (byNature || (!isContested && !contend(seat))) seat.taken = { by, as: 'abstention' }
    }
    plan.onChange()
  }
  for (let i = 0; i < plan.ask; i++) {
    const seat: Seat = { contenders: [], taken: null }
    if (!contend(seat)) break
    seats.push(seat)
  }
  return {
    standing: () => ({
      answers,
      abstentions: seats.flatMap(abstentionOf),
      replaced: seats.flatMap(replacedIn),
      pending: seats.filter((seat) => seat.taken === null).length,
      asked: seats.length,
    }),
    mirrors: () => seats.flatMap(mirrorsOfSeat),
    // Breaking off an answer breaks its connection, and the next question to that mirror would wait for a new one.
    stop: () => {
      stopped = true
    },
  }
}

/** Who holds the seat, or all who may yet. */
function mirrorsOfSeat({ contenders, taken }: Seat): readonly ListEntry[] {
  if (taken !== null) return [taken.by.mirror]
  return contenders.flatMap((one) => (one.out === null ? [one.mirror] : []))
}

function abstentionOf({ taken }: Seat): readonly Abstention[] {
  return taken?.as === 'abstention' && taken.by.out !== null ? [taken.by.out] : []
}

/** Those that have failed, or were late, and have given room to others. */
function replacedIn({ contenders, taken }: Seat): readonly Abstention[] {
  return contenders.flatMap((one) => {
    if (one === taken?.by) return []
    return one.out === null && !one.isLate ? [] : [one.out ?? tooSlow(one.mirror)]
  })
}

function tooSlow({ id, region }: ListEntry): Abstention {
  const text = `it had not answered after ${limits.mirrorReplaceMs} ms`
  return { vantage: { id, region }, code: 'too-slow', text }
}

interface Occupation {
  readonly mirror: ListEntry
  readonly isOver: () => boolean
  readonly onLate: () => void
  readonly onResult: (result: SignedAnswer | Abstention) => void
}

/** Asks a mirror: late after a while, given up after a longer one. Silent when the round is over. */
function occupy(plan: RoundPlan, { mirror, isOver, onLate, onResult }: Occupation): void {
  const late = plan.clock.after(limits.mirrorReplaceMs, onLate)
  const patience = deadline(plan.clock, limits.mirrorTimeoutMs, plan.signal)
  const finish = (settle: () => void): void => {
    late()
    patience.done()
    if (!isOver()) settle()
  }
  plan.desk.ask(mirror, plan.question, patience.signal).then(
    (result) => finish(() => onResult(result)),
    (error: unknown) => finish(() => plan.onFault(error)),
  )
}
