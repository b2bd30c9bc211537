// Asks other mirrors: under the CA that their id names, in bounded number and time, and measures how long it took (R72, R73, R94; protocol §4).
//
// What the other side does is in the results, never thrown.

import { base64url } from '../../base/bytes.ts'
import { Failure } from '../../base/failure.ts'
import { limits } from '../../base/limits.ts'
import type { Observation, Verified } from '../../observation/observation.ts'
import { isRejection, verifyObservation, type AnswerKey } from '../../observation/sign.ts'
import { answerKeysOf, verifyDescriptor, type Descriptor } from '../../protocol/descriptor.ts'
import {
  digestAnswerSchema,
  listAnswerSchema,
  verifyListDigest,
  verifyMirrorList,
  type ListDigest,
  type MirrorList,
} from '../../protocol/lists.ts'
import {
  networkPaths,
  pingAnswerSchema,
  takenInSchema,
  type TakenIn,
  type Whereabouts,
} from '../../protocol/network.ts'
import { mirrorPool } from '../../protocol/peers.ts'
import { answerSchema, paths, wellKnownSchema, type Question } from '../../protocol/routes.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { createAsking, type Asked, type Asking } from './asking.ts'

export type { Asked, Letter, Unanswered } from './asking.ts'

/** A descriptor with what is read out of it. */
export interface KnownDescriptor {
  readonly statement: string
  readonly descriptor: Verified<Descriptor>
  readonly answerKeys: readonly AnswerKey[]
}

/** What is asked about a target; nonce and descriptor are added. */
export type ObserveQuestion = Pick<Question, 'target' | 'fresh' | 'asked' | 'handshakes'>

/** An observation as read and as signed, for evidence. */
export interface SignedObservation {
  readonly observation: Verified<Observation>
  readonly statement: string
}

/** The way to other mirrors. Every call is bounded in time, bytes and number at a time. */
export interface Correspondence extends Asking {
  /** Its own descriptor, verified; the known one as long as it is valid, unless a `fresh` one is wanted. */
  descriptor(to: Whereabouts, fresh?: 'fresh'): Promise<Asked<KnownDescriptor>>
  /** Asks to be taken in there: `self` is where we are. */
  join(to: Whereabouts, self: Whereabouts): Promise<Asked<TakenIn>>
  /** Tells it of another mirror. */
  announce(to: Whereabouts, mirror: Whereabouts): Promise<Asked<TakenIn>>
  /** Asks it whether `subject` answers; null where it cannot tell. */
  pingRequest(to: Whereabouts, subject: string): Promise<Asked<boolean | null>>
  listDigest(to: Whereabouts): Promise<Asked<Verified<ListDigest>>>
  /** Its whole list. */
  list(to: Whereabouts): Promise<Asked<Verified<MirrorList>>>
  /** One bucket of its list, as two hexadecimal digits. */
  listBucket(to: Whereabouts, bucket: string): Promise<Asked<Verified<MirrorList>>>
  /** Asks about a target as any client would: its signed statement, verified. */
  observe(to: Whereabouts, question: ObserveQuestion): Promise<Asked<SignedObservation>>
  close(): void
}

type Needs = Pick<Runtime, 'clock' | 'random' | 'crypto' | 'network'>

/** Correspondence over connections of its own. */
export function createCorrespondence(needs: Needs): Correspondence {
  const pool = mirrorPool(needs)
  const asking = createAsking(needs.clock, pool)
  const descriptors = createDescriptors(needs, asking)
  const taken = { bytesMax: limits.requestBytesMax, schema: takenInSchema }
  return {
    ...asking,
    ...createListReader(needs, asking, descriptors),
    descriptor: (to, fresh) => descriptors.get(to, fresh === 'fresh'),
    observe: createObserve(needs, asking, descriptors),
    join: (to, self) =>
      asking.ask(to, { path: networkPaths.join, body: whereabouts(self), ...taken }),
    announce: (to, mirror) =>
      asking.ask(to, { path: networkPaths.announce, body: whereabouts(mirror), ...taken }),
    pingRequest: async (to, subject) => {
      const asked = await asking.ask(to, {
        path: networkPaths.pingRequest,
        body: { id: subject },
        bytesMax: limits.requestBytesMax,
        // The one who is asked has to wait for the other.
        timeoutMs: 2 * limits.correspondenceTimeoutMs,
        schema: pingAnswerSchema,
      })
      return asked.kind === 'answered' ? { ...asked, value: asked.value.answers } : asked
    },
    close: () => pool.close(),
  }
}

/** Records have more to say of a mirror than where it is. */
function whereabouts({ ip, port, id }: Whereabouts): Whereabouts {
  return { ip, port, id }
}

/** What was asked, read with `read`, which may reject what a mirror signed. */
async function readAsked<S, T>(asked: Asked<S>, read: (value: S) => T): Promise<Asked<T>> {
  if (asked.kind !== 'answered') return asked
  try {
    return { ...asked, value: read(asked.value) }
  } catch (error) {
    if (Failure.is(error)) return { kind: 'wrong', why: error.message }
    throw error
  }
}

interface Descriptors {
  get(to: Whereabouts, fresh: boolean): Promise<Asked<KnownDescriptor>>
  /** The descriptor that came with something else. @throws Failure statement-rejected */
  learn(id: string, statement: string): KnownDescriptor
}

/** Descriptors that have been fetched, the oldest forgotten when there are many: a descriptor has 3 kB. */
function createDescriptors(needs: Needs, { ask }: Asking): Descriptors {
  const known = new Map<string, KnownDescriptor>()
  const learn = (id: string, statement: string): KnownDescriptor => {
    const descriptor = verifyDescriptor(needs.crypto, statement, { id, now: needs.clock.now() })
    const learned = { statement, descriptor, answerKeys: answerKeysOf(descriptor) }
    known.delete(id)
    known.set(id, learned)
    const [oldest] = known.keys()
    if (known.size > limits.descriptorsKeptMax && oldest !== undefined) known.delete(oldest)
    return learned
  }
  return {
    learn,
    get: async (to, fresh) => {
      const one = known.get(to.id)
      if (!fresh && one !== undefined && one.descriptor.exp > needs.clock.now())
        return { kind: 'answered', value: one, ms: 0 }
      const asked = await ask(to, {
        path: paths.descriptor,
        bytesMax: 2 * limits.descriptorBytesMax,
        schema: wellKnownSchema,
      })
      return readAsked(asked, ({ descriptor }) => learn(to.id, descriptor))
    },
  }
}

function createListReader(
  needs: Needs,
  { ask }: Asking,
  descriptors: Descriptors,
): Pick<Correspondence, 'listDigest' | 'list' | 'listBucket'> {
  const author = (id: string, { answerKeys }: KnownDescriptor) => ({
    id,
    answerKeys,
    now: needs.clock.now(),
  })
  const part = async (
    to: Whereabouts,
    { bucket, bytesMax }: { readonly bucket: string | null; readonly bytesMax: number },
  ): Promise<Asked<Verified<MirrorList>>> => {
    const keys = await descriptors.get(to, false)
    if (keys.kind !== 'answered') return keys
    const asked = await ask(to, {
      path: bucket === null ? paths.list : `${paths.listBucket}${bucket}`,
      bytesMax,
      timeoutMs: limits.listTimeoutMs,
      schema: listAnswerSchema,
    })
    const wanted = { bucket, region: null, status: null }
    return readAsked(asked, ({ list }) =>
      verifyMirrorList(needs.crypto, list, { ...author(to.id, keys.value), ...wanted }),
    )
  }
  return {
    listDigest: async (to) => {
      const asked = await ask(to, {
        path: paths.listDigest,
        bytesMax: limits.listDigestBytesMax,
        timeoutMs: limits.listTimeoutMs,
        schema: digestAnswerSchema,
      })
      return readAsked(asked, ({ digest, descriptor }) => {
        const known = descriptors.learn(to.id, descriptor)
        return verifyListDigest(needs.crypto, digest, author(to.id, known))
      })
    },
    list: (to) => part(to, { bucket: null, bytesMax: limits.listBytesMax }),
    listBucket: (to, bucket) => part(to, { bucket, bytesMax: limits.listBucketBytesMax }),
  }
}

function createObserve(
  needs: Needs,
  { ask }: Asking,
  descriptors: Descriptors,
): Correspondence['observe'] {
  const observe = async (
    to: Whereabouts,
    question: ObserveQuestion,
    keys: KnownDescriptor,
  ): Promise<Asked<SignedObservation | 'wrong-key'>> => {
    const nonce = base64url(needs.random.bytes(limits.nonceBytes))
    const asked = await ask(to, {
      path: paths.observe,
      body: { ...question, nonce, descriptor: false },
      bytesMax: limits.mirrorAnswerBytesMax,
      schema: answerSchema,
    })
    if (asked.kind !== 'answered') return asked
    const { observation: statement } = asked.value
    const verified = verifyObservation(needs.crypto, statement, {
      vantage: to.id,
      answerKeys: keys.answerKeys,
      target: question.target,
      nonce,
      now: needs.clock.now(),
    })
    if (!isRejection(verified)) return { ...asked, value: { observation: verified, statement } }
    return verified.code === 'wrong-key'
      ? { ...asked, value: 'wrong-key' }
      : { kind: 'wrong', why: `its answer was rejected: ${verified.text}` }
  }
  return async (to, question) => {
    // It may have renewed its answer key since we learned it: then its descriptor is fetched once more.
    for (const fresh of [false, true]) {
      const keys = await descriptors.get(to, fresh)
      if (keys.kind !== 'answered') return keys
      const asked = await observe(to, question, keys.value)
      if (asked.kind !== 'answered') return asked
      if (asked.value !== 'wrong-key') return { ...asked, value: asked.value }
    }
    return {
      kind: 'wrong',
      why: 'its answer is signed with a key that its descriptor does not name',
    }
  }
}
