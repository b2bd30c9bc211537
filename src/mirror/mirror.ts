// The answering part of a Secure Mirror: routes, caches and signatures over one vantage (protocol §4, §5, §11).

import type { Authority } from '../identity/issue.ts'
import type { BootstrapSeen, KnownMirror } from '../protocol/lists.ts'
import { openapiText } from '../protocol/openapi.ts'
import type { NetworkRouteId } from '../protocol/route-table.ts'
import { networkPaths } from '../protocol/network.ts'
import { paths } from '../protocol/routes.ts'
import type { HttpQuestion, HttpReply, Runtime } from '../runtime/runtime.ts'
import type { Probe } from '../vantage/probe.ts'
import { createAnswerer } from './answers.ts'
import { createDesk } from './desk.ts'
import { createDispatch, type RouteHandler } from './dispatch.ts'
import { createGateway } from './gateway.ts'
import { makeIdentity, type MirrorDescription, type MirrorIdentity } from './identity.ts'
import { createLists } from './lists.ts'
import { createLogDesk } from './log-desk.ts'
import type { ObservationLog } from './log.ts'
import type { NetworkHandlers } from './network/part.ts'
import type { Network } from './network/network.ts'
import type { Relay } from './relay.ts'
import { empty, json, problem } from './replies.ts'

export interface MirrorOptions {
  readonly authority: Authority
  readonly description: MirrorDescription
  /** The vantage; it refuses private addresses by itself unless it was made for a test network. */
  readonly probe: Probe
  /** Looks at private addresses and unusual ports for strangers: for test networks alone. */
  readonly allowPrivate: boolean
  /** Carries questions to other mirrors; none are carried unless given. */
  readonly relay?: Relay
  /** Where it notes what it saw; it keeps no log unless given. */
  readonly log?: ObservationLog
  /** What it is among other mirrors; it takes no requests of theirs unless given. */
  readonly network?: Pick<Network, 'handlers' | 'digest' | 'answered'>
  /** Other mirrors that this one knows and lists (R132), as they are at the time. */
  readonly known: () => readonly KnownMirror[]
  /** Bootstrap files that it has seen (T1); none unless given. */
  readonly bootstraps?: BootstrapSeen['files']
}

/** A mirror without its socket: questions in, answers out. */
export interface Mirror {
  readonly id: string
  /** What it shows now; call again after `renew`. */
  readonly identity: () => MirrorIdentity
  /** Makes a new server certificate, answer key and descriptor. */
  renew(): MirrorIdentity
  handle(question: HttpQuestion): HttpReply | Promise<HttpReply>
  /** Names that are in the cache now. */
  readonly cached: () => number
}

type Needs = Pick<Runtime, 'clock' | 'random' | 'crypto' | 'log'>

/** A mirror that answers for `options.probe`'s place in the network. */
export function createMirror(needs: Needs, options: MirrorOptions): Mirror {
  const identities = createIdentities(needs, options)
  const identity = identities.current
  const desk = createDesk({
    clock: needs.clock,
    log: needs.log,
    probe: options.probe,
    allowPrivate: options.allowPrivate,
    record: options.log?.record ?? null,
    answerer: identities.answerer,
    answered: (answer) => options.network?.answered(answer),
  })
  const lists = createLists(needs, {
    identity,
    known: options.known,
    digest: options.network?.digest,
    bootstraps: () => options.bootstraps ?? [],
  })
  const logDesk = createLogDesk(needs, options.log ?? null, identity)
  const log: RouteHandler = ({ path }, { query }) => logDesk(path.split('?', 1)[0] ?? '', query)
  const carrier = options.relay
  const relay: RouteHandler | null =
    carrier === undefined ? null : (question, { parameter }) => carrier.answer(question, parameter)
  const answer = (question: HttpQuestion, isRelayed: boolean) =>
    desk.answer(question, { descriptor: () => identity().descriptor, isRelayed })
  const report = options.network?.handlers.report
  const gateway = createGateway(needs, {
    keys: () => identities.valid().map((one) => one.gatewayKey),
    answer: (question) => {
      const { method, path } = question
      if (method === 'POST' && path === paths.observe) return answer(question, true)
      if (method === 'POST' && path === networkPaths.reports && report !== undefined)
        return report(question, { query: '', parameter: '' })
      return problem('not-found', `sealed is taken what is for POST ${sealable.join(' or ')}`)
    },
  })
  return {
    id: identity().id,
    identity,
    renew: identities.renew,
    cached: () => desk.cached(),
    handle: createDispatch({
      observe: (question) => answer(question, false),
      observeShared: (question, { query }) => desk.shared(question, query),
      descriptor: () =>
        json(200, JSON.stringify({ descriptor: identity().descriptor }), 'max-age=3600'),
      ping: () => empty(204),
      list: (_question, { query }) => lists.list(query),
      listDigest: () => lists.digest(),
      listBucket: (_question, { parameter }) => lists.bucket(parameter),
      bootstrapSeen: () => lists.bootstrapSeen(),
      logHead: log,
      logConsistency: log,
      logInclusion: log,
      logEntries: log,
      gateway: (question) => gateway.answer(question),
      relay,
      relayDescriptor: relay,
      ...networkHandlers(options.network?.handlers ?? {}),
      openapi: () => json(200, openapiText(), 'max-age=86400'),
    }),
  }
}

/** What nobody should know of whom it is. */
const sealable = [paths.observe, networkPaths.reports] as const

/** Handlers for all routes between mirrors; those that are not given are not there. */
function networkHandlers(
  given: NetworkHandlers,
): Readonly<Record<NetworkRouteId, RouteHandler | null>> {
  const none = {
    join: null,
    announce: null,
    pingRequest: null,
    standing: null,
    report: null,
    removeRequest: null,
    vote: null,
    notice: null,
  }
  return { ...none, ...given }
}

/** The identity of now, and those before it that are still good for what was sealed or signed under them. */
function createIdentities(needs: Needs, { authority, description }: MirrorOptions) {
  let current = makeIdentity(needs, authority, description)
  let answerer = createAnswerer(needs, current)
  let retired: readonly MirrorIdentity[] = []
  // Descriptors that were given out are believed until they expire, and so are the keys in them good.
  const valid = (): readonly MirrorIdentity[] =>
    [current, ...retired].filter((one) => one.expires > needs.clock.now())
  return {
    current: () => current,
    answerer: () => answerer,
    valid,
    renew: () => {
      retired = valid()
      current = makeIdentity(needs, authority, description)
      answerer = createAnswerer(needs, current)
      return current
    },
  }
}
