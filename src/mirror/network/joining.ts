// Takes in whoever wants to join or was told of, and tells others of those that have been found to be there, and good (R91, R97 to R102, R130; protocol §8).

import { limits } from '../../base/limits.ts'
import { chooseForwarding } from '../../membership/gossip.ts'
import { whereaboutsSchema, type Whereabouts } from '../../protocol/network.ts'
import type { HttpQuestion, HttpReply } from '../../runtime/runtime.ts'
import { json } from '../replies.ts'
import type { PeerChange } from './book.ts'
import { inBackground, repeat, type Core, type Part } from './part.ts'
import { readPosted } from './posted.ts'
import type { Vetting } from './vetting.ts'

/** What a newcomer can do beside what all do. */
export interface Joining extends Part {
  /** Asks `mirrors` to take us in, again and again until each has done so (R91). */
  readonly joinThrough: (mirrors: readonly Whereabouts[]) => void
}

/** The two requests, and what follows from them. */
export function createJoining(core: Core, vetting: Vetting): Joining {
  const { peers, counts, parameters } = core
  const wanted = new Map<string, Whereabouts>()
  const asking = repeat(core, 'asking to be taken in', {
    everyMs: parameters.candidates.retryMs,
    run: () => askAll(core, wanted),
  })
  let end = (): void => {}
  return {
    handlers: {
      join: (question) => takeIn(core, vetting, { question, how: 'joined' }),
      announce: (question) => takeIn(core, vetting, { question, how: 'announced' }),
    },
    joinThrough: (mirrors) => {
      for (const mirror of mirrors) {
        wanted.set(mirror.id, mirror)
        // Whom we ask is the first that we hear of, and whose list we compare ours with.
        peers.hear({ ...mirror, from: mirror.ip }, 'announced')
      }
      vetting.wake()
      inBackground(core, 'asking to be taken in', askAll(core, wanted))
    },
    start: () => {
      end()
      end = peers.onChange((change) => {
        if (!isWorthTelling(change)) return
        counts.add('forwardings')
        inBackground(core, 'forwarding', forward(core, change.after?.entry ?? null))
      })
      asking.start()
    },
    stop: () => {
      end()
      asking.stop()
    },
  }
}

/** What was sent, and to which of the two paths. */
interface Sent {
  readonly question: HttpQuestion
  readonly how: 'joined' | 'announced'
}

/**
 * Everybody is taken in, whoever sends it (R97): no more is believed than that somebody may be there, and that is
 * looked at. The answer says how the mirror stands, once that can be forgotten no more.
 */
function takeIn(
  core: Core,
  vetting: Vetting,
  { question, how }: Sent,
): HttpReply | Promise<HttpReply> {
  const { peers, counts, self } = core
  const posted = readPosted(question, {
    schema: whereaboutsSchema,
    bytesMax: limits.requestBytesMax,
  })
  if ('refusal' in posted) {
    counts.add('refusedRequests')
    return posted.refusal
  }
  counts.add(how === 'joined' ? 'joins' : 'announces')
  const { id, ip, port } = posted.value
  if (id === self.id) return takenIn('active')
  const isNew = peers.hear({ id, ip, port, from: question.peer.address }, how)
  if (isNew) counts.add('mirrorsHeardOf')
  vetting.wake()
  return peers.saved().then(() => takenIn(peers.record(id)?.standing.state ?? 'unknown'))
}

function takenIn(state: string): HttpReply {
  return json(202, JSON.stringify({ state }), 'no-store')
}

/**
 * A newcomer that asked us ourselves is passed on when it was found to be there (R99), and anybody when it has passed
 * our tests (R101). Who is known already is not passed on again, so that no announcement goes in circles.
 */
function isWorthTelling({ event, before, after }: PeerChange): boolean {
  if (after === null || before?.standing.state === after.standing.state) return false
  const { state, hop } = after.standing
  if (state === 'probation') return event === 'checked' && hop === 'first'
  return state === 'active' && before?.standing.state === 'probation' && event === 'series-passed'
}

/** Tells mirrors of different networks of one that we have met. Who does not listen hears of it from others. */
async function forward(core: Core, mirror: Whereabouts | null): Promise<void> {
  if (mirror === null) return
  const { peers, random, parameters, correspondence, self, counts } = core
  const except = new Set([self.id, mirror.id])
  const chosen = chooseForwarding(peers.index(), { random, except, parameters })
  await Promise.all(
    chosen.map(async ({ entry }) => {
      const { kind } = await correspondence.announce(entry, mirror)
      if (kind === 'answered') counts.add('announced')
    }),
  )
}

/** Asks all that have not taken us in yet. */
async function askAll(core: Core, wanted: Map<string, Whereabouts>): Promise<void> {
  await Promise.all(
    [...wanted.values()].map(async (mirror) => {
      const asked = await core.correspondence.join(mirror, core.self)
      if (asked.kind === 'answered') wanted.delete(mirror.id)
      else core.log.warn('not taken in yet', { by: mirror.id, why: asked.why })
    }),
  )
}
