// The answering part of a Secure Mirror: routes, caches and signatures over one vantage (protocol §4, §5, §11).

import type { Authority } from '../identity/issue.ts'
import { signStatement } from '../observation/jws.ts'
import { paths, type ListEntry, type MirrorList } from '../protocol/routes.ts'
import type { HttpQuestion, HttpReply, Runtime } from '../runtime/runtime.ts'
import type { Probe } from '../vantage/probe.ts'
import { createAnswerer } from './answers.ts'
import { createDesk } from './desk.ts'
import { makeIdentity, type MirrorDescription, type MirrorIdentity } from './identity.ts'
import { json, problem, wrongMethod } from './replies.ts'

export interface MirrorOptions {
  readonly authority: Authority
  readonly description: MirrorDescription
  /** The vantage; it refuses private addresses by itself unless it was made for a test network. */
  readonly probe: Probe
  /** Looks at private addresses and unusual ports for strangers: for test networks alone. */
  readonly allowPrivate: boolean
  /** Other mirrors that this one knows and lists (R132). */
  readonly known: readonly ListEntry[]
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
  let identity = makeIdentity(needs, options.authority, options.description)
  let answerer = createAnswerer(needs, identity)
  let listed: string | null = null
  const desk = createDesk({
    clock: needs.clock,
    log: needs.log,
    probe: options.probe,
    allowPrivate: options.allowPrivate,
    answerer: () => answerer,
  })
  const list = (): string => {
    listed ??= signList(needs, identity, options.known)
    return listed
  }
  return {
    id: identity.id,
    identity: () => identity,
    renew: () => {
      identity = makeIdentity(needs, options.authority, options.description)
      answerer = createAnswerer(needs, identity)
      listed = null
      return identity
    },
    cached: () => desk.cached(),
    handle: (question) => {
      const [path = '', query = ''] = question.path.split('?', 2)
      switch (path) {
        case paths.observe:
          if (question.method === 'POST') return desk.answer(question, () => identity.descriptor)
          return question.method === 'GET'
            ? desk.shared(question, query)
            : wrongMethod('GET or POST')
        case paths.descriptor:
          return question.method === 'GET'
            ? json(200, JSON.stringify({ descriptor: identity.descriptor }), 'max-age=3600')
            : wrongMethod('GET')
        case paths.list:
          return question.method === 'GET'
            ? json(200, JSON.stringify({ list: list() }), 'max-age=60')
            : wrongMethod('GET')
        case paths.ping:
          return { status: 204, contentType: 'text/plain', cacheControl: 'no-store', body: '' }
        default:
          return problem('not-found', `this mirror answers at ${Object.values(paths).join(', ')}`)
      }
    },
  }
}

function signList(needs: Needs, identity: MirrorIdentity, known: readonly ListEntry[]): string {
  const list: MirrorList = { v: 1, iss: identity.id, iat: needs.clock.now(), mirrors: [...known] }
  return signStatement(
    identity.answerKey,
    { type: 'smn-list+jws', keyId: identity.answerKeyId },
    JSON.stringify(list),
  )
}
