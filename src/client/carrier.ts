// Brings one question to one mirror and its answer back, over whatever way.

import { limits } from '../base/limits.ts'
import { peerOf } from '../protocol/peers.ts'
import type { CarriedQuestion, CarriedReply } from '../protocol/relayed.ts'
import type { ListEntry } from '../protocol/routes.ts'
import type { HttpsPool } from '../runtime/runtime.ts'

/** A way to all mirrors. */
export interface Carrier {
  /** The mirror's own reply, whatever it says. @throws NetworkError, Failure mirror-rejected, relay-failed */
  post(mirror: ListEntry, question: CarriedQuestion): Promise<CarriedReply>
  /** True when a mirror's descriptor is known once it was asked: it need not be asked for. */
  readonly bringsDescriptors: boolean
}

/** The way without a detour. */
export function directCarrier(pool: HttpsPool): Carrier {
  return {
    bringsDescriptors: false,
    post: (mirror, { path, body, signal }) =>
      pool.request(peerOf(mirror), {
        method: 'POST',
        path,
        body,
        bytesMax: limits.mirrorAnswerBytesMax,
        signal,
      }),
  }
}
