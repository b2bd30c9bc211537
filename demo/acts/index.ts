// All acts, in the order in which they are played.

import type { Act } from '../act.ts'
import { breachedCa } from './breached-ca.ts'
import { cdn } from './cdn.ts'
import { deadMirrors } from './dead-mirrors.ts'
import { honestSite } from './honest-site.ts'
import { inFrontOfAll } from './in-front-of-all.ts'
import { interceptionPublicCa } from './interception-public-ca.ts'
import { interceptionUnknownCa } from './interception-unknown-ca.ts'
import { lyingMajority } from './lying-majority.ts'
import { oneLiar } from './one-liar.ts'
import { poisonedDns } from './poisoned-dns.ts'
import { rollover } from './rollover.ts'

/** From the calm to the worst. */
export const acts: readonly Act[] = [
  honestSite,
  poisonedDns,
  interceptionUnknownCa,
  interceptionPublicCa,
  oneLiar,
  lyingMajority,
  cdn,
  rollover,
  breachedCa,
  deadMirrors,
  inFrontOfAll,
]
