// Who is up: one ping after the other, others asked before anybody is called down, and the own fault thought of first (R72, R74, R128; SWIM, protocol §8).

import { limits } from '../../base/limits.ts'
import {
  isOwnOutage,
  nextPing,
  noRound,
  noteOwnPing,
  sampleOf,
  type PingRound,
  type UptimeSample,
} from '../../membership/failure-detector.ts'
import { drawPeers } from '../../membership/peers.ts'
import { notePing } from '../../membership/reputation.ts'
import { pingRequestSchema } from '../../protocol/network.ts'
import type { HttpQuestion, HttpReply } from '../../runtime/runtime.ts'
import { json } from '../replies.ts'
import { inBackground, repeat, type Core, type Part } from './part.ts'
import { readPosted } from './posted.ts'
import type { PeerEntry } from './record.ts'

/** The failure detector, and what it answers others about whom they cannot reach. */
export function createDetector(core: Core): Part {
  const { peers, random, parameters } = core
  const own = createOwnPings(core)
  const help = createHelp(core, own)
  let round: PingRound = noRound
  let underWay = 0
  const next = (): PeerEntry | null => {
    const drawn = nextPing(round, peers.met(), random)
    round = drawn.round
    return drawn.target === null ? null : peers.find(drawn.target)
  }
  const beat = repeat(core, 'pinging', {
    everyMs: parameters.ping.everyMs,
    run: () => {
      const count = pingsPerBeat(peers.met().size, core)
      for (let i = 0; i < count && underWay < pingsMax; i++) {
        const target = next()
        if (target === null) return
        underWay += 1
        const looked = lookAfter(core, own, target).finally(() => {
          underWay -= 1
        })
        inBackground(core, 'pinging', looked)
      }
    },
  })
  return {
    ...beat,
    handlers: { pingRequest: help },
  }
}

/** Pings under way; when so many wait for an answer, the fault is here, and more of them would not tell more. */
const pingsMax = 64

/** Everybody is pinged once a sample period, however many they are; one each time at least. */
function pingsPerBeat(members: number, { parameters }: Core): number {
  return Math.max(1, Math.ceil((members * parameters.ping.everyMs) / parameters.uptime.sampleMs))
}

/** Our own latest pings. */
interface OwnPings {
  /** True when the mirror answered, whatever it said; the time goes into its reputation. */
  readonly ping: (mirror: PeerEntry) => Promise<boolean>
  /** True when so many of them failed that the fault is more likely here. */
  readonly isOutage: () => boolean
}

function createOwnPings({ correspondence, parameters, peers, counts }: Core): OwnPings {
  let recent: readonly boolean[] = []
  return {
    isOutage: () => isOwnOutage(recent, parameters),
    ping: async (mirror) => {
      const asked = await correspondence.ping(mirror)
      counts.add('pings')
      if (asked.kind === 'answered')
        peers.noteReputation(mirror.id, (before, moment) => notePing(before, asked.ms, moment))
      const answered = asked.kind !== 'silent'
      if (!answered) counts.add('pingsFailed')
      recent = noteOwnPing(recent, answered, parameters)
      return answered
    },
  }
}

/** Pings a mirror, with the help of others where it does not answer, and notes what that comes to. */
async function lookAfter(core: Core, own: OwnPings, mirror: PeerEntry): Promise<void> {
  const { peers, parameters } = core
  const direct = await own.ping(mirror)
  const indirect = direct ? [] : await askHelpers(core, mirror)
  const sample: UptimeSample = sampleOf({ direct, indirect, ownOutage: own.isOutage() }, parameters)
  if (sample === 'void') return
  peers.noteUptime(mirror.id, sample)
  peers.apply(mirror.id, sample === 'up' ? 'seen' : 'unreachable')
}

/** What others say, who are not of one network with each other; null from who says nothing. */
function askHelpers(core: Core, mirror: PeerEntry): Promise<readonly (boolean | null)[]> {
  const { peers, random, parameters, correspondence, self } = core
  const except = new Set([self.id, mirror.id])
  const helpers = drawPeers(peers.index(), parameters.ping.helpers, { random, except })
  return Promise.all(
    helpers.map(async ({ entry }) => {
      const asked = await correspondence.pingRequest(entry, mirror.id)
      return asked.kind === 'answered' ? asked.value : null
    }),
  )
}

/**
 * Pings for others, mirrors that we know ourselves and each at most every `limits.pingSharedMs`: whoever asks, and how
 * often, nobody is flooded through us.
 */
function createHelp(core: Core, own: OwnPings) {
  const { clock, peers, counts, self } = core
  const shared = new Map<string, { readonly answers: Promise<boolean>; readonly until: number }>()
  const pingFor = (mirror: PeerEntry): Promise<boolean> => {
    const now = clock.monotonic()
    const known = shared.get(mirror.id)
    if (known !== undefined && known.until > now) return known.answers
    for (const [id, { until }] of shared) if (until <= now) shared.delete(id)
    const answers = own.ping(mirror)
    shared.set(mirror.id, { answers, until: now + limits.pingSharedMs })
    return answers
  }
  return (question: HttpQuestion): HttpReply | Promise<HttpReply> => {
    const posted = readPosted(question, {
      schema: pingRequestSchema,
      bytesMax: limits.requestBytesMax,
    })
    if ('refusal' in posted) {
      counts.add('refusedRequests')
      return posted.refusal
    }
    counts.add('pingRequests')
    const { id } = posted.value
    const reply = (answers: boolean | null): HttpReply =>
      json(200, JSON.stringify({ answers }), 'no-store')
    if (id === self.id) return reply(true)
    const mirror = peers.find(id)
    // Whom we have given up we do not ping any more; others who are about to shall not wait for us.
    if (peers.record(id)?.standing.state === 'gone') return reply(false)
    if (mirror === null) return reply(null)
    // That it does not answer here says nothing while nobody does.
    return pingFor(mirror).then((answers) => reply(answers || !own.isOutage() ? answers : null))
  }
}
