// How long a message takes from one host to another, and whether it arrives: distance, jitter, loss, cuts.

import type { Chance } from './chance.ts'
import { oneWayMs } from './places.ts'

/** An end of a link. */
export interface End {
  /** Region code, such as `RIPE-DE`. */
  readonly region: string | null
}

/** True when messages from one end do not reach the other. */
export type Cut = (from: End, to: End) => boolean

/** The ways between hosts. */
export interface Links {
  /** How long a message takes now, ms; null when it does not arrive. Lost packets are sent again, as TCP does. */
  trip(from: End, to: End): number | null
  /** Cuts links; the result mends them. */
  cut(isCut: Cut): () => void
  /** Loses each packet with this probability. */
  lose(probability: number): void
  /** Makes the world so many times as large as it is. */
  stretch(factor: number): void
}

/** Jitter: on average this share is added to the time of a way. */
const jitterShare = 0.05

/** RFC 6298 §2.1 and §5.5: a lost packet is sent again after a second, then after twice as long. */
const retransmitMs = 1_000

/** A path that loses so many packets in a row is given up. */
const retransmissionsMax = 6

/** Links without faults, whose jitter comes from `chance`. */
export function createLinks(chance: Chance): Links {
  const cuts = new Set<Cut>()
  let loss = 0
  let size = 1
  return {
    trip: (from, to) => {
      for (const isCut of cuts) if (isCut(from, to)) return null
      let ms = size * oneWayMs(from.region, to.region) * (1 + chance.around(jitterShare))
      for (let lost = 0; loss > 0 && chance.happens(loss); lost++) {
        if (lost >= retransmissionsMax) return null
        ms += retransmitMs * 2 ** lost
      }
      return ms
    },
    cut: (isCut) => {
      cuts.add(isCut)
      return () => void cuts.delete(isCut)
    },
    lose: (probability) => {
      loss = probability
    },
    stretch: (factor) => {
      size = factor
    },
  }
}
