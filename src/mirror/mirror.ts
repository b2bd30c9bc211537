// The answering part of a Secure Mirror: routes, caches and signatures over one vantage (protocol §4, §5, §11).

import ipaddr from 'ipaddr.js'
import { getDomain } from 'tldts'
import { textOf } from '../base/bytes.ts'
import { Failure } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import type { Authority } from '../identity/issue.ts'
import { signStatement } from '../observation/jws.ts'
import { parseTarget, schemes, type Target } from '../observation/target.ts'
import { problemDocument, type ProblemCode } from '../protocol/problems.ts'
import {
  paths,
  questionSchema,
  type ListEntry,
  type MirrorList,
  type Question,
} from '../protocol/routes.ts'
import type { HttpQuestion, HttpReply, Runtime } from '../runtime/runtime.ts'
import { addressRefusal, portRefusal } from '../vantage/address.ts'
import type { Probe } from '../vantage/probe.ts'
import { createAdmission, networkOf } from './admission.ts'
import { createAnswerer, type Answerer, type Excuse } from './answers.ts'
import { makeIdentity, type MirrorDescription, type MirrorIdentity } from './identity.ts'
import { createSights, type Seen, type Want } from './sights.ts'

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
  const desk = createDesk(needs, options, () => answerer)
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
      desk.forgetShared()
      return identity
    },
    cached: desk.cached,
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

interface Desk {
  answer(question: HttpQuestion, descriptor: () => string): HttpReply | Promise<HttpReply>
  shared(question: HttpQuestion, query: string): HttpReply | Promise<HttpReply>
  forgetShared(): void
  cached(): number
}

/** Where questions are answered: from the cache at once, otherwise in turn. */
function createDesk(needs: Needs, options: MirrorOptions, answerer: () => Answerer): Desk {
  const { clock } = needs
  const sights = createSights({ clock, probe: options.probe })
  const admission = createAdmission(clock)
  // One signed body for each sight that was asked for without a nonce, as long as the sight itself lives.
  let bodies = new WeakMap<Seen, string>()
  const targetOf = remembering(readTarget)
  const targetOfQuery = remembering(readSharedQuery)

  /** What is seen of `target`, or the excuse, when a place to look has come free. */
  const see = async (want: Want, asker: string, asked: readonly string[]) => {
    const cached = sights.peek(want)
    const place = await admission.enter({
      network: networkOf(asker),
      domain: getDomain(want.target.host, { allowPrivateDomains: true }) ?? want.target.host,
    })
    if (place === null) return busy
    try {
      const [seen, shaken] = await Promise.all([
        sights.look(want),
        sights.shake(want.target, asked, want.fresh),
      ])
      return { seen, source: cached === seen ? 'cache' : 'fresh', asked: shaken } as const
    } finally {
      place.leave()
    }
  }
  const reply = async (target: Target, question: Question, asker: string): Promise<string> => {
    const { nonce, fresh, handshakes } = question
    const { text } = target
    const refusal = refusalOf(target, options.allowPrivate)
    if (refusal !== null) return answerer().excuse(text, nonce, refusal)
    const want = { target, fresh, handshakes }
    const asked = [...new Set(question.asked)]
    // What is known already passes the queue by.
    const cached = asked.length === 0 ? sights.peek(want) : null
    if (cached !== null)
      return answerer().answer({ target: text, nonce, seen: cached, source: 'cache', asked: [] })
    const found = await see(want, asker, asked)
    return 'status' in found
      ? answerer().excuse(text, nonce, found)
      : answerer().answer({ target: text, nonce, ...found })
  }
  const guarded = (work: Promise<HttpReply>): Promise<HttpReply> =>
    work.catch((error: unknown) => {
      needs.log.warn('answer failed', {
        error: error instanceof Error ? error.message : String(error),
      })
      return problem(
        'internal-error',
        'the question was read, but answering it failed; ask again later',
      )
    })
  const sharedReply = (target: Target, seen: Seen): HttpReply => {
    const known = bodies.get(seen)
    const body = known ?? observationBody(answerer().shared(target.text, seen))
    if (known === undefined) bodies.set(seen, body)
    const seconds = Math.max(0, Math.floor((seen.exp - clock.now()) / 1000))
    return json(200, body, `max-age=${seconds}`)
  }
  return {
    cached: () => sights.size,
    forgetShared: () => {
      bodies = new WeakMap()
    },
    answer: (question, descriptor) => {
      const read = readQuestion(question, targetOf)
      if ('reply' in read) return read.reply
      const { asked, target } = read
      return guarded(
        reply(target, asked, question.peer.address).then((statement) =>
          json(200, observationBody(statement, asked.descriptor ? descriptor() : null), 'no-store'),
        ),
      )
    },
    shared: (question, query) => {
      const target = targetOfQuery(query)
      if (typeof target === 'string') return problem('question-malformed', target)
      const want = { target, fresh: false, handshakes: true }
      const refusal = refusalOf(target, options.allowPrivate)
      const cached = refusal === null ? sights.peek(want) : null
      if (cached !== null) return sharedReply(target, cached)
      return guarded(
        (async () => {
          const found = refusal ?? (await see(want, question.peer.address, []))
          return 'status' in found
            ? json(
                200,
                observationBody(await answerer().excuse(target.text, null, found)),
                'no-store',
              )
            : sharedReply(target, found.seen)
        })(),
      )
    },
  }
}

const busy: Excuse = {
  status: 'busy',
  code: 'busy',
  text: 'no place came free in time; the vantage is alive',
  retryAfterMs: 1_000,
}

/** Why this vantage does not look at `target` for strangers: signed, and never an HTTP error (R75). */
function refusalOf(target: Target, allowPrivate: boolean): Excuse | null {
  const refused = (code: string, text: string): Excuse => ({
    status: 'refused',
    code,
    text,
    retryAfterMs: null,
  })
  if (schemes[target.scheme].upgrade !== 'implicit')
    return refused(
      'handshake-unsupported',
      `the handshake behind ${target.scheme}:// is not supported by this vantage`,
    )
  if (allowPrivate) return null
  const address =
    target.isAddress && ipaddr.isValid(target.host) ? addressRefusal(target.host) : null
  if (address !== null) return refused('private-target', address)
  const port = portRefusal(target.port)
  return port === null ? null : refused('port-refused', port)
}

function observationBody(statement: string, descriptor: string | null = null): string {
  // Both are base64url and dots: nothing to escape.
  return descriptor === null
    ? `{"observation":"${statement}"}`
    : `{"observation":"${statement}","descriptor":"${descriptor}"}`
}

function json(status: number, body: string, cacheControl: string): HttpReply {
  return { status, contentType: 'application/json', cacheControl, body }
}

function problem(code: ProblemCode, detail: string): HttpReply {
  const document = problemDocument(code, detail)
  return {
    status: document.status,
    contentType: 'application/problem+json',
    cacheControl: 'no-store',
    body: JSON.stringify(document),
  }
}

function wrongMethod(allowed: string): HttpReply {
  return problem('method-not-allowed', `use ${allowed}`)
}

type ReadQuestion =
  | { readonly asked: Question; readonly target: Target }
  | { readonly reply: HttpReply }

function readQuestion(question: HttpQuestion, targetOf: TargetReader): ReadQuestion {
  const { body, contentType } = question
  if (body === null)
    return {
      reply: problem('question-too-large', `at most ${limits.requestBytesMax} bytes are taken`),
    }
  if (!/^application\/json\b/.test(contentType))
    return { reply: problem('media-type-unsupported', 'send application/json') }
  const malformed = (why: string): ReadQuestion => ({ reply: problem('question-malformed', why) })
  const text = textOf(body)
  if (text === null) return malformed('the body is not UTF-8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return malformed('the body is not JSON')
  }
  const parsed = questionSchema.safeParse(value)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    return malformed(`at ${issue?.path.join('.') || 'the top'}: ${issue?.message ?? 'unreadable'}`)
  }
  const bad = parsed.data.asked.find((address) => !ipaddr.isValid(address))
  if (bad !== undefined) return malformed(`at asked: ${JSON.stringify(bad)} is not an IP address`)
  const target = targetOf(parsed.data.target)
  return typeof target === 'string' ? malformed(target) : { asked: parsed.data, target }
}

/** The target in a text, or what is wrong with it. */
type TargetReader = (text: string) => Target | string

/** Texts whose target is remembered; when there are more, all are forgotten. */
const targetsMax = 10_000

/** `read`, but what was read lately is known: reading a target costs as much as the rest of a cached answer. */
function remembering(read: TargetReader): TargetReader {
  const targets = new Map<string, Target>()
  return (text) => {
    const known = targets.get(text)
    if (known !== undefined) return known
    const target = read(text)
    if (typeof target === 'string') return target
    if (targets.size >= targetsMax) targets.clear()
    targets.set(text, target)
    return target
  }
}

function readSharedQuery(query: string): Target | string {
  const text = new URLSearchParams(query).get('target')
  return text === null ? 'the query needs ?target=' : readTarget(text)
}

/** Only canonical texts are taken, so that a cache has one key a target. */
function readTarget(text: string): Target | string {
  try {
    const target = parseTarget(text)
    return target.text === text
      ? target
      : `the target's canonical form is ${JSON.stringify(target.text)}`
  } catch (error) {
    if (Failure.is(error)) return error.message
    throw error
  }
}
