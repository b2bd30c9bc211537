// What is known of mirrors from their own mouths: verified descriptors, until they expire (protocol §2).

import { Failure } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import type { Verified } from '../observation/observation.ts'
import type { AnswerKey } from '../observation/sign.ts'
import { answerKeysOf, verifyDescriptor, type Descriptor } from './descriptor.ts'
import type { Runtime } from '../runtime/runtime.ts'

/** A verified descriptor, as signed and as read. */
export interface KnownDescriptor {
  readonly statement: string
  readonly descriptor: Verified<Descriptor>
  readonly answerKeys: readonly AnswerKey[]
}

/** The descriptors of many mirrors, by their ids. */
export interface Descriptors {
  /** The newest; null when there is none, or none that is still valid. */
  known(id: string): KnownDescriptor | null
  /** Reads what a mirror sent; without it, the known one. @throws Failure when there is none that verifies */
  learn(id: string, statement: string | undefined): KnownDescriptor
  /**
   * What questions to a mirror may be sealed with: a descriptor that a relay gave, and not long ago; null when one has
   * to be fetched. A mirror could make one with another key for each asker, and tell by the key which questions are of
   * one. So none is taken that came from the mirror itself, and each is shared with all whom that relay serves.
   */
  relayed(id: string): KnownDescriptor | null
  /** Reads what a relay has of a mirror. @throws Failure when it does not verify */
  learnRelayed(id: string, statement: string): KnownDescriptor
}

/** No descriptors yet. */
export function createDescriptors(needs: Pick<Runtime, 'clock' | 'crypto'>): Descriptors {
  const { clock, crypto } = needs
  const newest = new Map<string, KnownDescriptor>()
  const relayed = new Map<string, { readonly one: KnownDescriptor; readonly until: number }>()
  const known = (id: string): KnownDescriptor | null => {
    const one = newest.get(id)
    return one !== undefined && one.descriptor.exp > clock.now() ? one : null
  }
  const read = (id: string, statement: string): KnownDescriptor => {
    const descriptor = verifyDescriptor(crypto, statement, { id, now: clock.now() })
    const one = { statement, descriptor, answerKeys: answerKeysOf(descriptor) }
    // A relay may have an older one than the mirror sent along with its answer.
    if (descriptor.seq >= (known(id)?.descriptor.seq ?? 0)) keep(newest, id, one)
    return one
  }
  return {
    known,
    learn: (id, statement) => {
      if (statement !== undefined) return read(id, statement)
      const remembered = known(id)
      if (remembered !== null) return remembered
      throw new Failure('mirror-rejected', { mirror: id, why: 'it did not send its descriptor' })
    },
    relayed: (id) => {
      const found = relayed.get(id)
      return found !== undefined && found.until > clock.now() ? found.one : null
    },
    learnRelayed: (id, statement) => {
      const one = read(id, statement)
      const until = Math.min(one.descriptor.exp, clock.now() + limits.sealingKeyMs)
      keep(relayed, id, { one, until })
      return one
    },
  }
}

/** Keeps `value`, and forgets the oldest when there are many: a descriptor has 3 kB. */
function keep<T>(map: Map<string, T>, id: string, value: T): void {
  map.delete(id)
  map.set(id, value)
  const [oldest] = map.keys()
  if (map.size > limits.descriptorsKeptMax && oldest !== undefined) map.delete(oldest)
}
