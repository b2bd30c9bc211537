// What is known of mirrors from their own mouths: verified descriptors, until they expire (protocol §2).

import { Failure } from '../base/failure.ts'
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
  /** Null when there is none, or none that is still valid. */
  known(id: string): KnownDescriptor | null
  /** Reads what a mirror sent; without it, the known one. @throws Failure when there is none that verifies */
  learn(id: string, statement: string | undefined): KnownDescriptor
}

/** No descriptors yet. */
export function createDescriptors(needs: Pick<Runtime, 'clock' | 'crypto'>): Descriptors {
  const { clock, crypto } = needs
  const descriptors = new Map<string, KnownDescriptor>()
  const known = (id: string): KnownDescriptor | null => {
    const one = descriptors.get(id)
    return one !== undefined && one.descriptor.exp > clock.now() ? one : null
  }
  return {
    known,
    learn: (id, statement) => {
      if (statement === undefined) {
        const remembered = known(id)
        if (remembered !== null) return remembered
        throw new Failure('mirror-rejected', { mirror: id, why: 'it did not send its descriptor' })
      }
      const descriptor = verifyDescriptor(crypto, statement, { id, now: clock.now() })
      const learned = { statement, descriptor, answerKeys: answerKeysOf(descriptor) }
      descriptors.set(id, learned)
      return learned
    },
  }
}
