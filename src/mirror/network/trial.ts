// What tests, reports and votes work with, beside what all behaviours of a mirror do.

import type { Network } from '../../runtime/runtime.ts'
import type { MirrorStore } from '../../store/store.ts'
import type { MirrorIdentity } from '../identity.ts'
import type { NameServers } from './origins.ts'
import type { Core } from './part.ts'
import type { Save } from './rows.ts'

/** What must be given so that a mirror tests, is reported to, and votes. */
export interface TrialOptions {
  /** Null keeps nothing beyond the process. */
  readonly store: MirrorStore | null
  /** Our own registry region, if it is known. */
  readonly region: string | null
  /** What we sign with now. */
  readonly identity: () => MirrorIdentity
  readonly nameServers: NameServers
  /** Public names that everybody asks for, as targets: for mirrors with few clients. */
  readonly filler: readonly string[]
}

/** The core of the behaviours that test and judge. */
export interface TrialCore extends Core, TrialOptions {
  readonly network: Network
  readonly save: Save
}
