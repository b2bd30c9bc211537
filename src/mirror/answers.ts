// Writes and signs this mirror's answers; what many askers share is encoded once (protocol §5).

import { base64url, utf8 } from '../base/bytes.ts'
import { limits } from '../base/limits.ts'
import { batchHeader } from '../observation/jws.ts'
import type { Handshake, Observation } from '../observation/observation.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { createBatchSigner, type BatchSigner } from './batch.ts'
import type { MirrorIdentity } from './identity.ts'
import type { Seen } from './sights.ts'

/** An excuse instead of a sight: signed as well, so that a mirror can be held to it. */
export type Excuse = NonNullable<Observation['excuse']> & { readonly status: 'busy' | 'refused' }

/** Makes statements under one identity. */
export interface Answerer {
  /** The shared statement without a nonce, signed when it is first asked for. */
  shared(target: string, seen: Seen): string
  /** An answer to one question. */
  answer(question: {
    readonly target: string
    readonly nonce: string
    readonly seen: Seen
    readonly source: 'fresh' | 'cache'
    /** Handshakes with addresses that the asker named. */
    readonly asked: readonly Handshake[]
  }): Promise<string>
  /** `nonce` is null in the shared variant. */
  excuse(target: string, nonce: string | null, excuse: Excuse): Promise<string>
}

/** An answerer for `identity`; a new identity wants a new answerer. */
export function createAnswerer(
  needs: Pick<Runtime, 'clock' | 'crypto'>,
  identity: MirrorIdentity,
): Answerer {
  const { clock } = needs
  const signer: BatchSigner = createBatchSigner(needs, identity.answerKey)
  const header = batchHeader({ type: 'smn-obs+jws', keyId: identity.answerKeyId })
  const headOf = (target: string, { exp, salt }: Seen): Head => ({
    iss: identity.id,
    target,
    exp,
    ...(salt === null ? {} : { salt }),
  })
  // The long, constant part of an answer comes first and fills whole groups of three bytes, so that its base64url
  // can be kept: the short part with nonce and time is all that is encoded for each asker.
  const fronts = new WeakMap<Seen, string>()
  const front = (target: string, seen: Seen): string => {
    const known = fronts.get(seen)
    if (known !== undefined) return known
    const made = encodeFront(headOf(target, seen), JSON.stringify(seen.sight))
    fronts.set(seen, made)
    return made
  }
  const input = (encodedFront: string, back: Back): string =>
    `${header}.${encodedFront}${encodeBack(back)}`
  // Of what is signed for everybody only the rest is kept beside the front.
  const sharedRests = new WeakMap<Seen, string>()
  const sharedRest = (encodedFront: string, seen: Seen): string => {
    const known = sharedRests.get(seen)
    if (known !== undefined) return known
    const sent = clock.now()
    const back = { nonce: null, sent, source: 'cache', excuse: null, status: 'answered' } as const
    const made = `${encodeBack(back)}.${signer.signatureNow(input(encodedFront, back))}`
    sharedRests.set(seen, made)
    return made
  }
  return {
    shared: (target, seen) => {
      const encodedFront = front(target, seen)
      return `${header}.${encodedFront}${sharedRest(encodedFront, seen)}`
    },
    answer: ({ target, nonce, seen, source, asked }) => {
      const whole =
        asked.length === 0
          ? front(target, seen)
          : encodeFront(headOf(target, seen), JSON.stringify(withAsked(seen, asked)))
      return signer.sign(
        input(whole, { nonce, sent: clock.now(), source, excuse: null, status: 'answered' }),
      )
    },
    excuse: (target, nonce, { status, ...excuse }) => {
      const sent = clock.now()
      const exp = sent + limits.dnsCacheTtlMinS * 1000
      const whole = encodeFront({ iss: identity.id, target, exp }, 'null')
      return signer.sign(input(whole, { nonce, sent, source: 'fresh', excuse, status }))
    },
  }
}

type Head = Pick<Observation, 'iss' | 'target' | 'exp' | 'salt'>
type Back = Pick<Observation, 'nonce' | 'sent' | 'source' | 'status' | 'excuse'>

function withAsked(seen: Seen, asked: readonly Handshake[]): Seen['sight'] {
  const own = new Set(seen.sight.handshakes.map((one) => one.address))
  return {
    ...seen.sight,
    handshakes: [...seen.sight.handshakes, ...asked.filter((one) => !own.has(one.address))],
  }
}

function encodeFront(head: Head, sight: string): string {
  const text = `{"v":1,${JSON.stringify(head).slice(1, -1)},"sight":${sight},`
  const bytes = utf8(text)
  return base64url(utf8(text + ' '.repeat((3 - (bytes.length % 3)) % 3)))
}

function encodeBack(back: Back): string {
  return base64url(utf8(JSON.stringify(back).slice(1)))
}
