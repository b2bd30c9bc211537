// Asks another mirror as a client would: through a third one, with an ordinary question, so that a liar cannot tell a test from a client (R103, R105; protocol §7).

import { base64url, textOf } from '../../base/bytes.ts'
import { Failure } from '../../base/failure.ts'
import { limits } from '../../base/limits.ts'
import { claimOf, type Claim } from '../../membership/claim.ts'
import { drawPeers } from '../../membership/peers.ts'
import { isRejection, verifyObservation } from '../../observation/sign.ts'
import { createDescriptors, type Descriptors } from '../../protocol/descriptors.ts'
import { mirrorPool } from '../../protocol/peers.ts'
import { askThroughRelay, prepareRelay, type CarriedReply } from '../../protocol/relayed.ts'
import { answerSchema, paths, writeQuestion, type Question } from '../../protocol/routes.ts'
import { parseJson } from '../../protocol/statements.ts'
import { deadline } from '../../runtime/deadline.ts'
import { NetworkError, type HttpsPool, type Runtime } from '../../runtime/runtime.ts'
import { registryOf } from '../../verdict/regions.ts'
import type { Core } from './part.ts'
import type { ActivePeer, PeerEntry } from './record.ts'

/** What came of one question. */
export interface BlindAnswer {
  /** What it says of the owner; null when there was no answer, or when DNS failed there. */
  readonly claim: Claim | null
  /** From question to answer; null when none came. */
  readonly responseMs: number | null
}

/** Asks questions that do not show who asks. */
export interface BlindAsking {
  /** Never rejects for what the world does. */
  ask(subject: PeerEntry, target: string): Promise<BlindAnswer>
  close(): void
}

/** Asks through the active mirrors of `core`, over connections of its own. */
export function createBlindAsking(core: Core, needs: Pick<Runtime, 'network'>): BlindAsking {
  const pool = mirrorPool({ ...core, ...needs })
  const descriptors = createDescriptors(core)
  const relays = createRelays(core)
  const once = createOnce(core, { pool, descriptors })
  return {
    close: () => pool.close(),
    ask: async (subject, target) => {
      const tried: ActivePeer[] = []
      for (let i = 0; i < limits.quizRelaysMax; i++) {
        const relay = relays.draw(subject, tried)
        if (relay === null) break
        const answer = await once({ subject, relay: relay.entry, target })
        if (answer !== 'relay-failed') {
          relays.blame(tried)
          return answer
        }
        tried.push(relay)
      }
      // Where there is nobody to relay, as between the first two mirrors, there is nobody to hide among either.
      return tried.length === 0 ? askDirectly(core, subject, target) : silence
    },
  }
}

const silence = { claim: null, responseMs: null } as const

/** Draws relays, and avoids for a while those that failed where another one did not. */
function createRelays({ peers, random, clock, self, parameters }: Core) {
  const failing = new Map<string, number>()
  const isFailing = (id: string): boolean => {
    const until = failing.get(id)
    if (until === undefined) return false
    if (until > clock.now()) return true
    failing.delete(id)
    return false
  }
  return {
    draw: (subject: PeerEntry, tried: readonly ActivePeer[]): ActivePeer | null => {
      const except = new Set([self.id, subject.id, ...tried.map(({ id }) => id)])
      const drawn = drawPeers(peers.index(), relaysDrawn, { random, except })
      const sound = drawn.filter(({ id }) => !isFailing(id))
      const chosen = sound.length > 0 ? sound : drawn
      // Whoever sees both ends of a question knows who asks what: relay and subject are not neighbours, where possible.
      const away = chosen.find(
        ({ entry }) => registryOf(entry.region) !== registryOf(subject.region),
      )
      return away ?? chosen[0] ?? null
    },
    blame: (relays: readonly ActivePeer[]): void => {
      // A relay that brings all but the questions for one mirror would bring that one down.
      const until = clock.now() + parameters.uptime.sampleMs
      for (const { id } of relays) failing.set(id, until)
    },
  }
}

/** Relays that are drawn at a time, to choose one among. */
const relaysDrawn = 4

interface OnceTask {
  readonly subject: PeerEntry
  readonly relay: PeerEntry
  readonly target: string
}

/** One question through one relay. */
function createOnce(
  core: Core,
  { pool, descriptors }: { readonly pool: HttpsPool; readonly descriptors: Descriptors },
) {
  const { clock, random, crypto } = core
  const exchange = async (
    { subject, relay, target }: OnceTask,
    question: Question,
  ): Promise<BlindAnswer | 'wrong-key'> => {
    const { signal, done } = deadline(clock, 2 * limits.mirrorTimeoutMs)
    const way = { pool, descriptors, gateway: subject, relay, patienceMs: limits.mirrorTimeoutMs }
    const body = writeQuestion(question)
    const ask = async (): Promise<readonly [CarriedReply, number]> => {
      await prepareRelay(core, way, signal)
      const started = clock.monotonic()
      const reply = await askThroughRelay(core, way, { path: paths.observe, body, signal })
      return [reply, clock.monotonic() - started]
    }
    const [reply, responseMs] = await ask().finally(done)
    const parsed = answerSchema.safeParse(parseJson(textOf(reply.body)))
    if (reply.status !== 200 || !parsed.success) return silence
    const known = descriptors.learn(subject.id, parsed.data.descriptor)
    const verified = verifyObservation(crypto, parsed.data.observation, {
      vantage: subject.id,
      answerKeys: known.answerKeys,
      target,
      nonce: question.nonce,
      now: clock.now(),
    })
    if (isRejection(verified)) return verified.code === 'wrong-key' ? 'wrong-key' : silence
    return verified.sight === null
      ? silence
      : { claim: claimOf(verified.sight.dns.authority), responseMs }
  }
  return async (task: OnceTask): Promise<BlindAnswer | 'relay-failed'> => {
    const ask = (descriptor: boolean) =>
      exchange(task, {
        target: task.target,
        fresh: false,
        asked: [],
        handshakes: true,
        descriptor,
        nonce: base64url(random.bytes(limits.nonceBytes)),
      })
    try {
      const answer = await ask(false)
      // It may have renewed its answer key since we learned it; clients ask again then, too.
      const final = answer === 'wrong-key' ? await ask(true) : answer
      return final === 'wrong-key' ? silence : final
    } catch (error) {
      if (error instanceof NetworkError) return 'relay-failed'
      if (!Failure.is(error)) throw error
      return error.code === 'relay-failed' ? 'relay-failed' : silence
    }
  }
}

async function askDirectly(
  { correspondence }: Core,
  subject: PeerEntry,
  target: string,
): Promise<BlindAnswer> {
  const question = { target, fresh: false, asked: [], handshakes: true }
  const asked = await correspondence.observe(subject, question)
  if (asked.kind !== 'answered' || asked.value.observation.sight === null) return silence
  const claim = claimOf(asked.value.observation.sight.dns.authority)
  return { claim, responseMs: asked.ms }
}
