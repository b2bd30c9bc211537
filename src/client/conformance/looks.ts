// The questions about targets that a trial asks, each once, and the observations that came of them.

import { limits } from '../../base/limits.ts'
import { readStatement, type Statement } from '../../observation/jws.ts'
import type { Observation, Sight } from '../../observation/observation.ts'
import { observationSchema } from '../../observation/schema.ts'
import { answerSchema, paths } from '../../protocol/routes.ts'
import type { Reply } from './http.ts'
import type { Line } from './line.ts'
import { jsonOf, newNonce, once, payloadOf, postOf, Untried, type Session } from './session.ts'

/** An answer about a target, as far as it can be read. */
export interface Look {
  readonly target: string
  /** Null in the shared variant. */
  readonly nonce: string | null
  readonly reply: Reply
  /** The statement's text; null where the reply holds none. */
  readonly text: string | null
  /** The descriptor that came along. */
  readonly descriptor: string | null
  /** The statement taken apart, or why it is none. */
  readonly statement: Statement | string
  /** Null where the statement holds nothing of that shape. */
  readonly observation: Observation | null
}

/** All looks of a trial. What is shared by two checks is asked once. */
export interface Looks {
  readonly first: () => Promise<Look>
  /** Without own handshakes, and with an address of the mirror's own machine to shake hands with. */
  readonly bare: () => Promise<Look>
  /** A target that is a private address. */
  readonly hidden: () => Promise<Look>
  /** A port below 1024 where no TLS is. */
  readonly lowPort: () => Promise<Look>
  /** A scheme whose TLS begins after an upgrade. */
  readonly upgrade: () => Promise<Look>
  /** The shared variant, as two askers get it. */
  readonly shared: () => Promise<readonly [Look, Look]>
  /** Asked afresh, when an answer from the cache might be as old as `first`. */
  readonly fresh: () => Promise<Look>
  /** All of them that hold a statement, but for `fresh`. */
  readonly all: () => Promise<readonly Look[]>
}

/** The address that `bare` names: nobody is disturbed by what a mirror does with it. */
export const ownMachine = '127.0.0.1'

/** Looks that have not been asked for yet. */
export function createLooks(session: Session): Looks {
  const { target, needs } = session
  const bracketed = target.host.includes(':') ? `[${target.host}]` : target.host
  const observe = (question: Readonly<Record<string, unknown>>): Promise<Look> =>
    patiently(session, () => observeOnce(session, { target: target.text, ...question }))
  let firstAt = 0
  const first = once(async () => {
    const look = await observe({ descriptor: true })
    firstAt = needs.clock.monotonic()
    return look
  })
  const bare = once(() => observe({ handshakes: false, asked: [ownMachine] }))
  const hidden = once(() => observe({ target: `https://${ownMachine}` }))
  const lowPort = once(() => observe({ target: `https://${bracketed}:9` }))
  const upgrade = once(() => observe({ target: `smtp://${bracketed}` }))
  const shared = once(
    async () =>
      [
        await askShared(session, session.line),
        await askShared(session, session.otherLine),
      ] as const,
  )
  const fresh = once(async () => {
    await first()
    const elapsed = needs.clock.monotonic() - firstAt
    await session.pause(Math.max(0, freshAfterMs - elapsed))
    return observe({ fresh: true })
  })
  return {
    first,
    bare,
    hidden,
    lowPort,
    upgrade,
    shared,
    fresh,
    all: async () => {
      const looks = [await first(), await bare(), await hidden(), ...(await shared())]
      return looks.filter(({ text }) => text !== null)
    },
  }
}

/** A look that is older cannot be the one that a fresh answer rests on. */
const freshAfterMs = limits.dnsCacheTtlMinS * 1_000 + 500

/** Asks again, once, where the mirror says that it is busy. */
async function patiently(session: Session, ask: () => Promise<Look>): Promise<Look> {
  const look = await ask()
  const { observation } = look
  if (observation?.status !== 'busy') return look
  await session.pause(Math.min(observation.excuse?.retryAfterMs ?? 0, limits.queueDeadlineMs))
  return ask()
}

async function observeOnce(
  { line, needs }: Session,
  question: Readonly<Record<string, unknown>> & { readonly target: string },
): Promise<Look> {
  const nonce = newNonce(needs)
  const reply = await line.ask(postOf(paths.observe, { nonce, ...question }))
  return lookOf(reply, { target: question.target, nonce })
}

async function askShared({ target }: Session, line: Line): Promise<Look> {
  const path = `${paths.observe}?target=${encodeURIComponent(target.text)}`
  return lookOf(await line.ask({ method: 'GET', path }), { target: target.text, nonce: null })
}

function lookOf(reply: Reply, asked: Pick<Look, 'target' | 'nonce'>): Look {
  const answer = answerSchema.safeParse(jsonOf(reply))
  if (!answer.success)
    return {
      ...asked,
      reply,
      text: null,
      descriptor: null,
      statement: 'there is none',
      observation: null,
    }
  const { observation: text, descriptor = null } = answer.data
  const statement = readStatement(text, limits.observationBytesMax)
  const content =
    typeof statement === 'string' ? null : observationSchema.safeParse(payloadOf(statement))
  return { ...asked, reply, text, descriptor, statement, observation: content?.data ?? null }
}

/** The observation in `look`. @throws Untried when there is none */
export function observationIn({ observation, text, reply }: Look): Observation {
  if (observation !== null) return observation
  throw new Untried(
    text === null
      ? `it answered ${reply.status} without an observation`
      : 'the observation has another shape',
  )
}

/** The observation in `look` with its sight. @throws Untried when there is none */
export function sightIn(look: Look): Observation & { readonly sight: Omit<Sight, 'target'> } {
  const observation = observationIn(look)
  const { sight, status } = observation
  if (sight === null) throw new Untried(`the mirror answered "${status}" about ${look.target}`)
  return { ...observation, sight }
}
