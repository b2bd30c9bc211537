// Where questions are answered: what is known at once, the rest in turn.

import { getDomain } from 'tldts'
import { claimOf } from '../membership/claim.ts'
import type { Target } from '../observation/target.ts'
import type { Question } from '../protocol/routes.ts'
import type { Clock, HttpQuestion, HttpReply, Log } from '../runtime/runtime.ts'
import type { Probe } from '../vantage/probe.ts'
import { createAdmission, networkOf } from './admission.ts'
import type { Answerer, Excuse } from './answers.ts'
import type { GivenAnswer } from './network/trials.ts'
import { readQuestion, readSharedQuery, readTarget, remembering } from './questions.ts'
import { busy, refusalOf } from './refusals.ts'
import { guarded, json, observationBody, problem } from './replies.ts'
import { createSights, type Recorder, type Seen, type Sights, type Want } from './sights.ts'

/** Answers the two kinds of questions about targets. */
export interface Desk {
  /** A posted question, answered for its nonce. */
  answer(question: HttpQuestion, how: AnswerWith): HttpReply | Promise<HttpReply>
  /** The shared variant, the same for everybody. */
  shared(question: HttpQuestion, query: string): HttpReply | Promise<HttpReply>
  /** How many sights are kept. */
  cached(): number
}

/** How a posted question is answered. */
export interface AnswerWith {
  readonly descriptor: () => string
  /** Whether a relay brought it: then nobody knows who asked. */
  readonly isRelayed: boolean
}

/** What a desk works with; `answerer` is called for each answer, since identities change. */
export interface DeskNeeds {
  readonly clock: Clock
  readonly log: Log
  readonly probe: Probe
  readonly allowPrivate: boolean
  /** Notes what was seen, once a look, and gives the salt for its statements; null where no log is kept. */
  readonly record: Recorder | null
  readonly answerer: () => Answerer
  /** Told of each answer that is given. */
  readonly answered: (answer: GivenAnswer) => void
}

/** A desk with caches of its own. */
export function createDesk(needs: DeskNeeds): Desk {
  const sights = createSights(needs)
  const viewing = createViewing(needs.clock, sights)
  const shared = createSharedReplies(needs)
  const targetOf = remembering(readTarget)
  const targetOfQuery = remembering(readSharedQuery)
  return {
    cached: () => sights.size,
    answer: (question, { descriptor, isRelayed }) => {
      const read = readQuestion(question, targetOf)
      if ('reply' in read) return read.reply
      const { asked, target } = read
      const statement = answerFor(needs, {
        target,
        question: asked,
        view: viewing(question.peer.address),
        from: question.peer.address,
        isRelayed,
      })
      return guarded(
        needs.log,
        statement.then((text) =>
          json(200, observationBody(text, asked.descriptor ? descriptor() : null), 'no-store'),
        ),
      )
    },
    shared: (question, query) => {
      const target = targetOfQuery(query)
      if (typeof target === 'string') return problem('question-malformed', target)
      const want = { target, fresh: false, handshakes: true }
      const refusal = refusalOf(target, needs.allowPrivate)
      if (refusal !== null) return guarded(needs.log, shared.excuse(target, refusal))
      const cached = sights.peek(want)
      if (cached !== null) return shared.reply(target, cached)
      const view = viewing(question.peer.address)
      return guarded(
        needs.log,
        view(want, []).then((found) =>
          'status' in found ? shared.excuse(target, found) : shared.reply(target, found.seen),
        ),
      )
    },
  }
}

/** What was seen for one question, or why not. */
type Found = Excuse | Omit<Parameters<Answerer['answer']>[0], 'target' | 'nonce'>
type View = (want: Want, asked: readonly string[]) => Promise<Found>

/** Looks for an asker: what is known already passes the queue by, the rest waits for a place. */
function createViewing(clock: Clock, sights: Sights): (asker: string) => View {
  const admission = createAdmission(clock)
  return (asker) => async (want, asked) => {
    const cached = sights.peek(want)
    if (cached !== null && asked.length === 0) return { seen: cached, source: 'cache', asked: [] }
    const place = await admission.enter({
      network: networkOf(asker),
      domain: getDomain(want.target.host, { allowPrivateDomains: true }) ?? want.target.host,
    })
    if (place === null) return busy
    try {
      const [seen, shaken] = await Promise.all([
        sights.look(want),
        sights.shake(want.target, asked, want.fresh),
      ])
      return { seen, source: cached === seen ? 'cache' : 'fresh', asked: shaken }
    } finally {
      place.leave()
    }
  }
}

/** The signed answer to one posted question. */
async function answerFor(
  needs: Pick<DeskNeeds, 'allowPrivate' | 'answerer' | 'answered'>,
  task: {
    readonly target: Target
    readonly question: Question
    readonly view: View
    readonly from: string
    readonly isRelayed: boolean
  },
): Promise<string> {
  const { target, view, from, isRelayed } = task
  const { nonce, fresh, handshakes, asked } = task.question
  const found =
    refusalOf(target, needs.allowPrivate) ??
    (await view({ target, fresh, handshakes }, [...new Set(asked)]))
  if ('status' in found) return needs.answerer().excuse(target.text, nonce, found)
  const claim = claimOf(found.seen.sight.dns.authority)
  needs.answered({ target, nonce, from, isRelayed, claim })
  return needs.answerer().answer({ target: target.text, nonce, ...found })
}

/** Replies without a nonce, the same for everybody while the sight is kept. */
function createSharedReplies(needs: Pick<DeskNeeds, 'clock' | 'answerer'>) {
  return {
    reply: (target: Target, seen: Seen): HttpReply => {
      const body = observationBody(needs.answerer().shared(target.text, seen))
      const seconds = Math.max(0, Math.floor((seen.exp - needs.clock.now()) / 1000))
      return json(200, body, `max-age=${seconds}`)
    },
    excuse: async (target: Target, excuse: Excuse): Promise<HttpReply> =>
      json(
        200,
        observationBody(await needs.answerer().excuse(target.text, null, excuse)),
        'no-store',
      ),
  }
}
