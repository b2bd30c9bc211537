// The records of other mirrors in memory, with the sets that draws are made from.

import type { Parameters } from '../../membership/parameters.ts'
import { indexByNetwork, type PeerIndex } from '../../membership/peers.ts'
import { networkOf } from '../../membership/place.ts'
import type { StandingEvent } from '../../membership/standing.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { createListing } from './listing.ts'
import { metStates, type ActivePeer, type PeerRecord } from './record.ts'

/** One change of a record; a measurement is none. */
export interface PeerChange {
  readonly id: string
  readonly event: StandingEvent | 'moved' | 'forgotten'
  readonly before: PeerRecord | null
  readonly after: PeerRecord | null
}

/** The records in memory, with the sets that are drawn from. */
export type Book = ReturnType<typeof createBook>

/** An empty book. */
export function createBook(
  needs: Pick<Runtime, 'clock' | 'crypto' | 'log'>,
  parameters: Parameters,
) {
  const records = new Map<string, PeerRecord>()
  const get = (id: string): PeerRecord | null => records.get(id) ?? null
  const listing = createListing(needs, { parameters, recordOf: get })
  const active = new Set<string>()
  const met = new Set<string>()
  const gone = new Set<string>()
  const listeners = new Set<(change: PeerChange) => void>()
  let index: PeerIndex<ActivePeer> | null = null
  const member = (set: Set<string>, id: string, isIn: boolean): void => {
    if (isIn) set.add(id)
    else set.delete(id)
  }
  return {
    active: active as ReadonlySet<string>,
    met: met as ReadonlySet<string>,
    gone: gone as ReadonlySet<string>,
    get,
    all: () => records.values(),
    known: listing.known,
    digest: listing.digest,
    set: (id: string, after: PeerRecord | null): void => {
      const before = records.get(id)
      if (after === null) records.delete(id)
      else records.set(id, after)
      listing.note(before ?? null, after)
      const state = after?.standing.state
      const isActive = state === 'active'
      if (isActive !== active.has(id) || (isActive && before?.entry !== after?.entry)) index = null
      member(active, id, isActive)
      member(met, id, state !== undefined && metStates.has(state))
      member(gone, id, state === 'gone')
    },
    index: (): PeerIndex<ActivePeer> => {
      index ??= indexByNetwork(
        [...active].flatMap((id) => {
          const entry = records.get(id)?.entry
          return entry === undefined
            ? []
            : [{ id, entry, network: networkOf(entry.ip, parameters) }]
        }),
      )
      return index
    },
    onChange: (listener: (change: PeerChange) => void) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    tell: (change: PeerChange): void => {
      const from = change.before?.standing.state ?? 'unknown'
      const to = change.after?.standing.state ?? 'unknown'
      // Anybody can send a thousand candidates; a line for each would be another flood.
      if (from !== to && (metStates.has(from) || metStates.has(to)))
        needs.log.info('mirror stands otherwise', {
          id: change.id,
          from,
          to,
          event: change.event,
          reason: change.after?.reason ?? null,
        })
      for (const listener of listeners) listener(change)
    },
  }
}
