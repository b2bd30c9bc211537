// A mirror among mirrors: who joins, who is up, who stays (protocol §7 to §9). Each behaviour is a part of its own.

import type { Parameters } from '../../membership/parameters.ts'
import type { KnownMirror } from '../../protocol/lists.ts'
import type { Whereabouts } from '../../protocol/network.ts'
import type { ListEntry } from '../../protocol/routes.ts'
import type { Log, Runtime } from '../../runtime/runtime.ts'
import type { Probe } from '../../vantage/probe.ts'
import type { RouteHandler } from '../dispatch.ts'
import { guarded } from '../replies.ts'
import { createCorrespondence, type Correspondence } from './correspondence.ts'
import { createCounts, type Counts } from './counts.ts'
import { createDetector } from './detector.ts'
import { createGossip } from './gossip.ts'
import { createJoining } from './joining.ts'
import type { Core, NetworkHandlers, Part } from './part.ts'
import type { Peers } from './peers.ts'
import { createStandingDesk } from './standing-desk.ts'
import { createTrials, type TrialOptions, type Trials } from './trials.ts'
import { createVetting } from './vetting.ts'

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
  /** What it tests others and votes with; without, it only knows of others. */
  readonly trials?: TrialOptions
}

/** A mirror's part in the network. */
export interface Network {
  readonly peers: Peers
  readonly correspondence: Correspondence
  /** Others, as our list says. */
  readonly known: () => readonly KnownMirror[]
  /** Where to reach a mirror that we have met. */
  readonly find: (id: string) => ListEntry | null
  /** The digest of that list. */
  readonly digest: () => Uint8Array
  /** What answers the requests of other mirrors. */
  readonly handlers: NetworkHandlers
  readonly counts: Counts['all']
  /** Asks `mirrors` to take us in, until each has done so (R91). */
  readonly join: (mirrors: readonly Whereabouts[]) => void
  /** Notes an answer that was given, for reports and for tests. */
  readonly answered: Trials['answered']
  /** What others have told us of our own standing, latest last. */
  readonly notices: Trials['notices']
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
  const vetting = createVetting(core)
  const joining = createJoining(core, vetting)
  const trials =
    options.trials === undefined
      ? null
      : createTrials({ ...core, network: needs.network }, options.trials, vetting.wake)
  const parts: readonly Part[] = [
    vetting,
    joining,
    createGossip(core, vetting),
    createDetector(core),
    createStandingDesk(core),
    ...(trials?.parts ?? []),
  ]
  return {
    peers,
    correspondence,
    known: () => peers.known(),
    digest: () => peers.digest(),
    handlers: handlersOf(log, parts),
    find: (id) => peers.find(id),
    counts: counts.all,
    answered: (answer) => trials?.answered(answer),
    notices: () => trials?.notices() ?? [],
    start: () => {
      peers.start()
      for (const part of parts) part.start()
    },
    join: joining.joinThrough,
    stop: async () => {
      for (const part of parts) part.stop()
      correspondence.close()
      await Promise.all(parts.map(async (part) => part.close?.()))
      await peers.stop()
    },
  }
}

/** The handlers of all parts. What fails in them is told to the operator, and to the asker that it did. */
function handlersOf(log: Log, parts: readonly Part[]): NetworkHandlers {
  const guard =
    (handler: RouteHandler): RouteHandler =>
    (question, given) => {
      const reply = handler(question, given)
      return reply instanceof Promise ? guarded(log, reply) : reply
    }
  const all = parts.flatMap(({ handlers = {} }) => Object.entries(handlers))
  return Object.fromEntries(all.map(([id, handler]) => [id, guard(handler)]))
}
