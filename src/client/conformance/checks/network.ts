// What mirrors ask each other, as far as a stranger can ask it (JOIN, UP, STAND, API), and the form of all refusals (PROB).

import { base64url, textOf } from '../../../base/bytes.ts'
import {
  networkPaths,
  pingAnswerSchema,
  standingAnswerSchema,
  takenInSchema,
} from '../../../protocol/network.ts'
import { problemCodeOf, problems } from '../../../protocol/problems.ts'
import { paths } from '../../../protocol/routes.ts'
import { parseJson } from '../../../protocol/statements.ts'
import { firstFault, unless, type Check } from '../check.ts'
import type { Heard } from '../session.ts'
import { jsonOf, postOf, Untried } from '../session.ts'

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
