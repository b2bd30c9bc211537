// Signs many answers with one signature: what waits a moment together is signed as one Merkle tree (protocol §5).

import { limits } from '../base/limits.ts'
import { signBatch } from '../observation/jws.ts'
import type { Runtime, SigningKey } from '../runtime/runtime.ts'

/** Signs statements of one answer key. */
export interface BatchSigner {
  /** The compact statement of `signingInput`, soon. */
  sign(signingInput: string): Promise<string>
  /** The signature part of `signingInput`, at once, in a batch of its own. */
  signatureNow(signingInput: string): string
}

interface Waiting {
  readonly signingInput: string
  readonly resolve: (statement: string) => void
}

/**
 * A signer whose batches close after `limits.batchWaitMs` or with `limits.batchAnswersMax` statements. After a batch
 * of one nobody is expected, and the next statement waits only for those that have arrived with it.
 */
export function createBatchSigner(
  needs: Pick<Runtime, 'clock' | 'crypto'>,
  key: SigningKey,
): BatchSigner {
  let waiting: Waiting[] = []
  let lastSize = 0
  const flush = (): void => {
    const batch = waiting
    waiting = []
    lastSize = batch.length
    const signatures = signBatch(
      needs.crypto,
      key,
      batch.map((one) => one.signingInput),
    )
    batch.forEach((one, i) => one.resolve(`${one.signingInput}.${signatures[i] ?? ''}`))
  }
  let cancel = (): void => {}
  return {
    sign: (signingInput) =>
      new Promise((resolve) => {
        waiting.push({ signingInput, resolve })
        if (waiting.length >= limits.batchAnswersMax) {
          cancel()
          flush()
        } else if (waiting.length === 1)
          cancel = needs.clock.after(lastSize > 1 ? limits.batchWaitMs : 0, flush)
      }),
    signatureNow: (signingInput) => signBatch(needs.crypto, key, [signingInput])[0] ?? '',
  }
}
