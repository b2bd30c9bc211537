// Questions that a relay brings, where the mirror takes them, and what it relays itself (OHTTP, RELAY).

import { base64url, fromBase64, textOf, utf8 } from '../../../base/bytes.ts'
import { httpDate } from '../../../base/http-date.ts'
import { limits } from '../../../base/limits.ts'
import { isStatementSigned, readStatement } from '../../../observation/jws.ts'
import { observationSchema } from '../../../observation/schema.ts'
import {
  fieldOf,
  readResponse,
  writeRequest,
  type BinaryRequest,
  type BinaryResponse,
} from '../../../protocol/binary-http.ts'
import {
  createGatewayKey,
  obliviousTypes,
  readKeyConfiguration,
  sealRequest,
  type KeyConfiguration,
  type SealedRequest,
} from '../../../protocol/ohttp.ts'
import { problemCodeOf, problems, type ProblemCode } from '../../../protocol/problems.ts'
import { answerSchema, paths } from '../../../protocol/routes.ts'
import { parseJson } from '../../../protocol/statements.ts'
import { formatEndpoint } from '../../../runtime/endpoint.ts'
import { unless, type Check } from '../check.ts'
import type { Reply, Request } from '../http.ts'
import { newNonce, once, payloadOf, Untried, type Session } from '../session.ts'

/** A sealed question, and what came of it. */
interface Sealed {
  readonly reply: Reply
  /** What was sealed in the reply, with its padding; null where it cannot be opened. */
  readonly message: Uint8Array | null
  /** The response in it; null where there is none. */
  readonly response: BinaryResponse | null
}

/** The sealed questions of one trial. */
interface SealedFacts {
  readonly nonce: string
  readonly key: () => Promise<KeyConfiguration>
  readonly question: BinaryRequest
  /** The first one, brought twice. */
  readonly request: () => Promise<SealedRequest>
  readonly first: () => Promise<Sealed>
  /** Another one, that differs in `change`. */
  readonly other: (change: Partial<BinaryRequest>) => Promise<Sealed>
}

/** The checks of one trial. */
export function obliviousChecks(session: Session): readonly Check[] {
  const key = once(() => keyOf(session))
  const nonce = newNonce(session.needs)
  const question = questionOf(session, nonce)
  const request = once(async () => sealedBy(session, await key(), question))
  const facts: SealedFacts = {
    nonce,
    key,
    question,
    request,
    first: once(async () => bring(session, await request())),
    other: async (change) =>
      bring(session, sealedBy(session, await key(), { ...question, ...change })),
  }
  return [
    keyCheck(session),
    ...answerChecks(session, facts),
    ...refusalChecks(session, facts),
    relayCheck(session),
  ]
}

function keyCheck(session: Session): Check {
  return {
    clause: 'OHTTP-1',
    demand: 'the descriptor names a key that questions can be sealed with',
    run: async () => {
      const { ohttp } = (await session.descriptor()).content
      if (ohttp === null) throw new Untried('the mirror takes no sealed questions')
      return unless((await readKey(session)) !== null, 'it is no key configuration of ours')
    },
  }
}

function answerChecks(session: Session, { first, nonce }: SealedFacts): readonly Check[] {
  return [
    {
      clause: 'OHTTP-2',
      demand: 'a sealed question is answered, sealed',
      run: async () => {
        const { reply, response } = await first()
        const type = reply.fields.get('content-type') ?? 'nothing'
        if (reply.status !== 200) return `it answered ${reply.status}`
        if (type !== obliviousTypes.response) return `it answered with ${type}`
        return unless(response !== null, 'what it answered was not sealed for this question')
      },
    },
    {
      clause: 'OHTTP-3',
      demand: 'the sealed answer is the same as an open one',
      run: async () => openedFault(session, responseIn(await first()), nonce),
    },
    {
      clause: 'OHTTP-4',
      demand: 'sealed answers are padded to whole blocks',
      run: async () => {
        const { message } = await first()
        if (message === null) throw new Untried('it gave no sealed answer')
        const isWhole = message.length % limits.obliviousResponseBlockBytes === 0
        return unless(isWhole, `it has ${message.length} bytes`)
      },
    },
  ]
}

function refusalChecks(session: Session, facts: SealedFacts): readonly Check[] {
  const { key, question, request, first, other } = facts
  return [
    {
      clause: 'OHTTP-5',
      demand: 'a sealed question is answered once',
      run: async () => {
        responseIn(await first())
        const again = await bring(session, await request())
        return problemFault(responseIn(again), 'question-repeated')
      },
    },
    {
      clause: 'OHTTP-6',
      demand: 'a question that is sealed for another key is answered with 422',
      run: async () => {
        await key()
        const strange = createGatewayKey(session.needs)
        return session.refused(requestOf(sealedBy(session, strange, question)), 'ohttp-key')
      },
    },
    {
      clause: 'OHTTP-7',
      demand: 'a sealed question without a date is refused, sealed',
      run: async () => {
        const fields = question.fields.filter(([name]) => name !== 'date')
        return problemFault(responseIn(await other({ fields })), 'date')
      },
    },
    {
      clause: 'OHTTP-8',
      demand: 'a sealed question for another path is refused, sealed',
      run: async () =>
        problemFault(responseIn(await other({ method: 'GET', path: paths.list })), 'not-found'),
    },
  ]
}

/** The mirror's key; null where its descriptor names none that can be read. */
async function readKey({ descriptor }: Session): Promise<KeyConfiguration | null> {
  const { ohttp } = (await descriptor()).content
  const bytes = ohttp === null ? null : fromBase64(ohttp)
  return bytes === null ? null : readKeyConfiguration(bytes)
}

async function keyOf(session: Session): Promise<KeyConfiguration> {
  const key = await readKey(session)
  if (key === null) throw new Untried('the descriptor names no key for sealed questions')
  return key
}

function questionOf({ target, mirror, needs }: Session, nonce: string): BinaryRequest {
  return {
    method: 'POST',
    scheme: 'https',
    authority: formatEndpoint({ address: mirror.ip, port: mirror.port }),
    path: paths.observe,
    fields: [
      ['content-type', 'application/json'],
      ['date', httpDate(needs.clock.now())],
    ],
    content: utf8(JSON.stringify({ target: target.text, nonce })),
  }
}

function sealedBy(
  { needs }: Session,
  key: KeyConfiguration,
  question: BinaryRequest,
): SealedRequest {
  const message = writeRequest(question, limits.obliviousRequestBlockBytes)
  const sealed = sealRequest(needs, key, message)
  if (sealed === null) throw new Untried('nothing can be sealed with the key that it names')
  return sealed
}

function requestOf({ bytes }: SealedRequest): Request {
  return { method: 'POST', path: paths.gateway, contentType: obliviousTypes.request, body: bytes }
}

/** Brings a question as a relay would. */
async function bring({ line }: Session, sealed: SealedRequest): Promise<Sealed> {
  const reply = await line.ask(requestOf(sealed), limits.obliviousResponseBytesMax)
  const message = reply.status === 200 ? sealed.open(reply.body) : null
  return { reply, message, response: message === null ? null : readResponse(message) }
}

function responseIn({ response, reply }: Sealed): BinaryResponse {
  if (response !== null) return response
  throw new Untried(`it gave no sealed answer, but ${reply.status}`)
}

/** Why a sealed answer is not the answer to the question with `nonce`; null when it is. */
async function openedFault(
  { needs, descriptor, target }: Session,
  { status, fields, content }: BinaryResponse,
  nonce: string,
): Promise<string | null> {
  if (status !== 200) return `its status is ${status}`
  if (fieldOf(fields, 'content-type') !== 'application/json') return 'it is no JSON'
  if (fieldOf(fields, 'date') === null) return 'it has no date'
  const answer = answerSchema.safeParse(parseJson(textOf(content)))
  const statement = readStatement(answer.data?.observation ?? '', limits.observationBytesMax)
  if (typeof statement === 'string') return `it holds no observation: ${statement}`
  const key = (await descriptor()).keys.find(({ keyId }) => keyId === statement.keyId)
  if (key === undefined || !isStatementSigned(needs.crypto, statement, key.key))
    return 'the observation in it is not signed by the mirror'
  const observation = observationSchema.safeParse(payloadOf(statement)).data
  return unless(
    observation?.nonce === nonce && observation.target === target.text,
    'the observation in it is of another question',
  )
}

function problemFault({ status, content }: BinaryResponse, code: ProblemCode): string | null {
  const said = problemCodeOf(textOf(content))
  return unless(
    status === problems[code].status && said === code,
    `it answered, sealed, ${status} ${said ?? 'without a problem'}`,
  )
}

function relayCheck(session: Session): Check {
  return {
    clause: 'RELAY-1',
    demand: 'nothing is relayed to mirrors that it does not list',
    run: async () => {
      const { capabilities } = (await session.descriptor()).content
      if (!capabilities.includes('relay')) throw new Untried('the mirror is no relay')
      const stranger = base64url(session.needs.random.bytes(32))
      return session.refused({ method: 'GET', path: `${paths.relay}${stranger}` }, 'relay-unknown')
    },
  }
}
