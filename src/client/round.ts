// One round of questions: enough mirrors at once, substitutes for the dead and the slow, an end as soon as it is certain.

import { limits } from '../base/limits.ts'
import type { ListEntry } from '../protocol/routes.ts'
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
  const seats: Seat[] = []
  const answers: SignedAnswer[] = []
  const abstentions: Abstention[] = []
  const replaced: Abstention[] = []
  const controller = new AbortController()
  const onAbort = (): void => controller.abort(plan.signal.reason)
  if (plan.signal.aborted) onAbort()
  else plan.signal.addEventListener('abort', onAbort, { once: true })
  let stopped = false
  let underWay = 0
  let cancelBreakOff = (): void => {}

  const active = (): readonly ListEntry[] =>
    seats.flatMap((seat) => (seat.state === 'replaced' ? [] : [seat.mirror]))
  const seatNext = (): boolean => {
    if (controller.signal.aborted) return false
    const mirror = plan.draw.next(active())
    if (mirror === null) return false
    ask(mirror)
    return true
  }
  const ask = (mirror: ListEntry): void => {
    const seat: Seat = { mirror, state: 'pending' }
    seats.push(seat)
    const tooSlow = plan.clock.after(limits.mirrorReplaceMs, () => {
      const text = `it had not answered after ${limits.mirrorReplaceMs} ms`
      replace(seat, { vantage: { id: mirror.id, region: mirror.region }, code: 'too-slow', text })
    })
    const giveUp = plan.clock.after(limits.mirrorTimeoutMs, () => {
      const text = `it had not answered after ${limits.mirrorTimeoutMs} ms`
      settle(seat, { vantage: { id: mirror.id, region: mirror.region }, code: 'timeout', text })
    })
    underWay += 1
    plan.desk.ask(mirror, plan.question, controller.signal).then((result) => {
      underWay -= 1
      if (underWay === 0) cancelBreakOff()
      tooSlow()
      giveUp()
      settle(seat, result)
    }, plan.onFault)
  }
  const replace = (seat: Seat, abstention: Abstention): void => {
    if (stopped || seat.state !== 'pending') return
    seat.state = 'replaced'
    if (seatNext()) replaced.push(abstention)
    else seat.state = 'pending'
    plan.onChange()
  }
  const settle = (seat: Seat, result: SignedAnswer | Abstention): void => {
    if (stopped || seat.state !== 'pending') return
    const vote = 'observation' in result ? readBallot(result) : result
    if ('observation' in result && isBallot(vote)) {
      seat.state = 'answered'
      answers.push(result)
    } else {
      const { vantage, code, text } = vote as Abstention
      seat.state = 'replaced'
      // What one vantage refuses by its nature, all do: a substitute would say the same.
      const byNature = 'observation' in result && result.observation.status === 'refused'
      if (!byNature && seatNext()) replaced.push({ vantage, code, text })
      else {
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
    stop: () => {
      stopped = true
      plan.signal.removeEventListener('abort', onAbort)
      if (underWay === 0) return
      // Breaking off an answer breaks its connection, and the next question to that mirror would wait for a new one.
      cancelBreakOff = plan.clock.after(limits.mirrorTimeoutMs, () =>
        controller.abort(new Error('the round is over')),
      )
    },
  }
}
