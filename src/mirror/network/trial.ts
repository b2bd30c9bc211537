// What tests, reports and votes work with, beside what all behaviours of a mirror do.

import type { DissentProfile } from '../../membership/dissent.ts'
import type { Network } from '../../runtime/runtime.ts'
import type { MirrorStore } from '../../store/store.ts'
import type { MirrorIdentity } from '../identity.ts'
import type { Core } from './part.ts'
import type { Save } from './rows.ts'

/** The core of the behaviours that test and judge. */
export interface TrialCore extends Core {
  readonly network: Network
  /** Null keeps nothing beyond the process. */
  readonly store: MirrorStore | null
  /** Makes changes of the store durable. */
  readonly save: Save
  /** Our own registry region, if it is known. */
  readonly region: string | null
  /** What we sign with now. */
  readonly identity: () => MirrorIdentity
  /** What counts as dissent. */
  readonly profile: DissentProfile
}
