// What a client reports after a verdict: the signed answers of all the mirrors that it asked, and nothing of itself (R107 to R110, protocol §7).

import { z } from 'zod'
import { limits } from '../base/limits.ts'

const instant = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)

/** The body of `POST /v1/reports`. It has no author: only what mirrors have signed in it is believed. */
export const reportSchema = z.object({
  /** Observations of one target (JWS of typ `smn-obs+jws`), one a mirror; the receiver's own is among them. */
  observations: z
    .array(z.string().max(limits.observationBytesMax))
    .min(2)
    .max(limits.reportObservationsMax),
  /** Descriptors of the mirrors that made them, which name their keys and where they are. */
  descriptors: z
    .array(z.string().max(limits.descriptorBytesMax))
    .max(limits.reportObservationsMax)
    .default([]),
  /** What the client made of it; for the operator's figures, and believed by nobody. */
  verdict: z.enum(['corroborated', 'contradicted', 'inconclusive', 'unverifiable']),
  sentAt: instant,
})

export type Report = z.infer<typeof reportSchema>

/** What `POST /v1/reports` answers, with 202. */
export const reportTakenSchema = z.object({ taken: z.literal(true) })
