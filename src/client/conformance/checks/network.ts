// What mirrors ask each other, as far as a stranger can ask it (JOIN, UP, STAND, API, REP, REM, VOTE, NOTE), and the form of all refusals (PROB).

import { base64url, textOf } from '../../../base/bytes.ts'
import {
  networkPaths,
  pingAnswerSchema,
  standingAnswerSchema,
  takenInSchema,
} from '../../../protocol/network.ts'
import { signStatement, type StatementType } from '../../../observation/jws.ts'
import { problemCodeOf, problems, type ProblemCode } from '../../../protocol/problems.ts'
import { paths } from '../../../protocol/routes.ts'
import { parseJson } from '../../../protocol/statements.ts'
import { firstFault, unless, type Check } from '../check.ts'
import { jsonOf, newNonce, postOf, Untried, type Heard, type Session } from '../session.ts'

/** Nothing that is asked here changes what the mirror thinks of anybody: it is asked about itself. */
export const networkChecks: readonly Check[] = [
  {
    clause: 'JOIN-2',
    demand: 'whoever wants to join is taken in',
    run: async ({ session }) => {
      const { ip, port, id } = session.mirror
      const { status, fields, body } = await session.line.ask(
        postOf(networkPaths.join, { ip, port, id }),
      )
      if (status !== 202) return `it answered ${status}`
      const answer = takenInSchema.safeParse(jsonOf({ status: 200, fields, body }))
      return unless(answer.success, 'its answer has another shape')
    },
  },
  {
    clause: 'UP-1',
    demand: 'it is asked whether a mirror answers, and says so',
    run: async ({ session }) => {
      const reply = await session.line.ask(
        postOf(networkPaths.pingRequest, { id: session.mirror.id }),
      )
      const answer = pingAnswerSchema.safeParse(jsonOf(reply))
      if (!answer.success) return `it answered ${reply.status}`
      return unless(answer.data.answers === true, 'it says that it does not answer itself')
    },
  },
  {
    clause: 'STAND-1',
    demand: 'it says how a mirror stands with it',
    run: async ({ session }) => {
      const stranger = base64url(session.needs.random.bytes(32))
      const reply = await session.line.ask({
        method: 'GET',
        path: `${networkPaths.standing}${stranger}`,
      })
      const answer = standingAnswerSchema.safeParse(jsonOf(reply))
      if (!answer.success) return `it answered ${reply.status} about a stranger`
      const { state, id } = answer.data
      if (id !== stranger || state !== 'unknown') return `it says that a stranger is ${state}`
      return session.refused({ method: 'GET', path: `${networkPaths.standing}me` }, 'not-found')
    },
  },
  {
    clause: 'API-1',
    demand: 'it describes its routes',
    run: async ({ session }) => {
      const reply = await session.line.ask({ method: 'GET', path: paths.openapi }, 1_048_576)
      if (reply.status === 404) throw new Untried('it does not, and need not')
      const told = jsonOf(reply)
      const isDocument = typeof told === 'object' && told !== null && 'openapi' in told
      return unless(isDocument, `it answered ${reply.status} without an OpenAPI document`)
    },
  },
]

/** What nobody but a mirror that is known, or a client that was answered, may say: a stranger says it. */
export const strangerChecks: readonly Check[] = [
  {
    clause: 'REP-1',
    demand: 'a report without an answer of the mirror is refused',
    run: async ({ session }) => {
      const observations = [0, 1].map(() =>
        signedByStranger(session, 'smn-obs+jws', {
          target: session.target.text,
          nonce: newNonce(session.needs),
        }),
      )
      const report = { observations, verdict: 'corroborated', sentAt: session.needs.clock.now() }
      return session.refused(postOf(networkPaths.reports, report), 'report-foreign')
    },
  },
  letterCheck('REM-1', 'a request of a stranger is refused', {
    path: networkPaths.removeRequests,
    type: 'smn-remove+jws',
    problem: 'sender-unknown',
  }),
  letterCheck('VOTE-1', 'a vote that nobody asked for is refused', {
    path: networkPaths.votes,
    type: 'smn-vote+jws',
    problem: 'vote-unasked',
  }),
  letterCheck('NOTE-2', 'a notice of a stranger is refused', {
    path: networkPaths.notices,
    type: 'smn-notice+jws',
    problem: 'sender-unknown',
  }),
]

function letterCheck(
  clause: string,
  demand: string,
  {
    path,
    type,
    problem,
  }: { readonly path: string; readonly type: StatementType; readonly problem: ProblemCode },
): Check {
  return {
    clause,
    demand,
    run: async ({ session }) => {
      const descriptor = await session.descriptorText()
      const statement = signedByStranger(session, type, {})
      return session.refused(postOf(path, { statement, descriptor }), problem)
    },
  }
}

/** A statement of a mirror that there is not. */
function signedByStranger({ needs }: Session, type: StatementType, content: object): string {
  const { key } = needs.crypto.generateKey('Ed25519')
  const iss = base64url(needs.random.bytes(32))
  const told = { v: 1, iss, iat: needs.clock.now(), ...content }
  return signStatement(key, { type, keyId: iss }, JSON.stringify(told))
}

/** The form of what was refused. */
export const problemChecks: readonly Check[] = [
  {
    clause: 'PROB-1',
    demand: 'every refusal is a problem document',
    run: async ({ session }) =>
      firstFault(session.heard, (heard) => refusalFault(heard, documentFault(heard))),
  },
  {
    clause: 'PROB-2',
    demand: 'its type says what is wrong',
    run: async ({ session }) =>
      firstFault(session.heard, (heard) => {
        const { expected, reply } = heard
        // Another status than that of the problem is the matter of the clause that demands it.
        if (expected === null || reply.status !== problems[expected].status) return null
        if (documentFault(heard) !== null) return null
        const code = problemCodeOf(textOf(reply.body))
        return code === expected ? null : refusalFault(heard, `its type is not ${expected}`)
      }),
  },
  {
    clause: 'PROB-3',
    demand: 'it is not for caches',
    run: async ({ session }) =>
      firstFault(session.heard, (heard) => {
        const control = heard.reply.fields.get('cache-control') ?? ''
        return refusalFault(heard, unless(/\bno-store\b/i.test(control), 'it may be kept'))
      }),
  },
]

/** `fault` with the request that it came of; null for replies that refuse nothing. */
function refusalFault({ request, reply }: Heard, fault: string | null): string | null {
  if (reply.status < 400 || fault === null) return null
  return `${request.method} ${request.path.slice(0, 60)}: ${fault}`
}

function documentFault({ reply }: Heard): string | null {
  const type = reply.fields.get('content-type') ?? 'nothing'
  if (!/^application\/problem\+json\b/.test(type)) return `its media type is ${type}`
  const told = parseJson(textOf(reply.body))
  if (typeof told !== 'object' || told === null) return 'it is no JSON object'
  const members: Readonly<Record<string, unknown>> = { ...told }
  for (const name of ['type', 'title', 'detail'])
    if (typeof members[name] !== 'string') return `it has no ${name}`
  return unless(
    members['status'] === reply.status,
    'its status is another one than that of the reply',
  )
}
