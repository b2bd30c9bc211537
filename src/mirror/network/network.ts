// A mirror among mirrors: who joins, who is up, who stays (protocol §7 to §9). Each behaviour is a part of its own.

import type { Parameters } from '../../membership/parameters.ts'
import type { KnownMirror } from '../../protocol/lists.ts'
import type { Whereabouts } from '../../protocol/network.ts'
import type { ListEntry } from '../../protocol/routes.ts'
import type { HttpQuestion, HttpReply, Runtime } from '../../runtime/runtime.ts'
import type { Probe } from '../../vantage/probe.ts'
import { guarded } from '../replies.ts'
import { createCorrespondence, type Correspondence } from './correspondence.ts'
import { createCounts, type Counts } from './counts.ts'
import type { Core, Part } from './part.ts'
import type { Peers } from './peers.ts'

export interface NetworkOptions {
  /** Where this mirror is, as others reach it. */
  readonly self: Whereabouts
  /** The registry, which stops with the network; see `openPeers`. */
  readonly peers: Peers
  readonly parameters: Parameters
  /** This mirror's own eyes. */
  readonly probe: Probe
  /** Takes private addresses too: for test networks alone. */
  readonly allowPrivate: boolean
}

/** A mirror's part in the network. */
export interface Network {
  readonly peers: Peers
  readonly correspondence: Correspondence
  /** Others, as our list says. */
  readonly known: () => readonly KnownMirror[]
  /** Where to reach a mirror that we have met. */
  readonly find: (id: string) => ListEntry | null
  /** The reply to a request between mirrors; null for all others. */
  readonly routes: (question: HttpQuestion) => HttpReply | Promise<HttpReply> | null
  readonly counts: Counts['all']
  /** Begins to act. Requests are answered before as well. */
  readonly start: () => void
  /** Stops acting, and writes down what is not written yet. @throws Failure of the store */
  readonly stop: () => Promise<void>
}

/** A network of its parts, at rest. */
export function createNetwork(
  needs: Pick<Runtime, 'clock' | 'random' | 'crypto' | 'network' | 'log'>,
  options: NetworkOptions,
): Network {
  const { clock, random, crypto, log } = needs
  const { peers } = options
  const counts = createCounts()
  const correspondence = createCorrespondence(needs)
  const core: Core = { clock, random, crypto, log, ...options, correspondence, counts }
  const parts = partsOf(core)
  return {
    peers,
    correspondence,
    known: () => peers.known(),
    find: (id) => peers.find(id),
    counts: counts.all,
    routes: (question) => {
      const [path = '', query = ''] = question.path.split('?', 2)
      for (const part of parts) {
        const reply = part.route?.({ question, path, query }) ?? null
        if (reply !== null) return reply instanceof Promise ? guarded(log, reply) : reply
      }
      return null
    },
    start: () => {
      peers.start()
      for (const part of parts) part.start()
    },
    stop: async () => {
      for (const part of parts) part.stop()
      correspondence.close()
      await peers.stop()
    },
  }
}

function partsOf(_core: Core): readonly Part[] {
  return []
}
