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
  /** Mirrors that gave nothing, or not in time, and were replaced: not counted. */
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

interface Seat {
  readonly mirror: ListEntry
  state: 'pending' | 'answered' | 'abstained' | 'replaced'
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
  const abstentions: Abstention[] = []
  const replaced: Abstention[] = []
  const active = (): readonly ListEntry[] =>
    seats.flatMap((seat) => (seat.state === 'replaced' ? [] : [seat.mirror]))

  const seatNext = (): boolean => {
    const mirror = isOver() ? null : plan.draw.next(active())
    if (mirror === null) return false
    const seat: Seat = { mirror, state: 'pending' }
    seats.push(seat)
    occupy(plan, { seat, isOver, onLate: replace, onResult: settle })
    return true
  }
  /** Gives the seat to a substitute, if there is one. */
  const substitute = (seat: Seat, abstention: Abstention): boolean => {
    const before = seat.state
    seat.state = 'replaced'
    if (seatNext()) replaced.push(abstention)
    else seat.state = before
    return seat.state === 'replaced'
  }
  const replace = (seat: Seat, abstention: Abstention): void => {
    if (seat.state === 'pending' && substitute(seat, abstention)) plan.onChange()
  }
  const settle = (seat: Seat, result: SignedAnswer | Abstention): void => {
    if (seat.state !== 'pending') return
    const vote = 'observation' in result ? readBallot(result) : result
    if ('observation' in result && isBallot(vote)) {
      seat.state = 'answered'
      answers.push(result)
    } else {
      const { vantage, code, text } = vote as Abstention
      // What one vantage refuses by its nature, all do: a substitute would say the same.
      const byNature = 'observation' in result && result.observation.status === 'refused'
      if (byNature || !substitute(seat, { vantage, code, text })) {
        seat.state = 'abstained'
        abstentions.push({ vantage, code, text })
      }
    }
    plan.onChange()
  }
  for (let i = 0; i < plan.ask && seatNext(); i++);
  return {
    standing: () => ({
      answers,
      abstentions,
      replaced,
      pending: seats.filter((seat) => seat.state === 'pending').length,
      asked: active().length,
    }),
    mirrors: active,
    // Breaking off an answer breaks its connection, and the next question to that mirror would wait for a new one.
    stop: () => {
      stopped = true
    },
  }
}

interface Occupation {
  readonly seat: Seat
  readonly isOver: () => boolean
  readonly onLate: (seat: Seat, abstention: Abstention) => void
  readonly onResult: (seat: Seat, result: SignedAnswer | Abstention) => void
}

/** Asks the mirror of a seat: late after a while, given up after a longer one. Silent when the round is over. */
function occupy(plan: RoundPlan, { seat, isOver, onLate, onResult }: Occupation): void {
  const { mirror } = seat
  const vantage = { id: mirror.id, region: mirror.region }
  const { mirrorReplaceMs, mirrorTimeoutMs } = limits
  const late = plan.clock.after(mirrorReplaceMs, () =>
    onLate(seat, {
      vantage,
      code: 'too-slow',
      text: `it had not answered after ${mirrorReplaceMs} ms`,
    }),
  )
  const patience = deadline(plan.clock, mirrorTimeoutMs, plan.signal)
  const finish = (settle: () => void): void => {
    late()
    patience.done()
    if (!isOver()) settle()
  }
  plan.desk.ask(mirror, plan.question, patience.signal).then(
    (result) => finish(() => onResult(seat, result)),
    (error: unknown) => finish(() => plan.onFault(error)),
  )
}
