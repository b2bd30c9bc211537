// The log of what a mirror saw, where it keeps one (LOG).

import { base64url, equalBytes, fromBase64url, textOf } from '../../../base/bytes.ts'
import { limits } from '../../../base/limits.ts'
import { headSchema, type Head } from '../../../observation/log-head.ts'
import { leafOfObservation } from '../../../observation/log-leaf.ts'
import { consistencyRoots, verifyInclusion } from '../../../observation/merkle.ts'
import {
  logConsistencyAnswerSchema,
  logEntriesAnswerSchema,
  logHeadAnswerSchema,
  logInclusionAnswerSchema,
} from '../../../protocol/log.ts'
import { problemCodeOf } from '../../../protocol/problems.ts'
import { paths } from '../../../protocol/routes.ts'
import { unless, type Check } from '../check.ts'
import type { Reply } from '../http.ts'
import { sightIn, type Looks } from '../looks.ts'
import { jsonOf, once, Untried, type Session } from '../session.ts'
import { contentOf, toldFault, toldIn, type Told } from '../signed.ts'

/** Heads from before the first look and from after the last, and what connects the two. */
interface LogFacts {
  readonly firstReply: () => Promise<Reply>
  readonly before: () => Promise<Told<Head>>
  readonly after: () => Promise<Told<Head>>
  /** The leaf of the first look. @throws Untried when it has none */
  readonly leaf: () => Promise<Uint8Array>
  readonly inclusion: () => Promise<Reply>
}

/** The checks of one trial: those of `early` before anything is looked at, the others at the end. */
export function logChecks(
  session: Session,
  looks: Looks,
): { readonly early: readonly Check[]; readonly late: readonly Check[] } {
  const facts = createLogFacts(session, looks)
  return {
    early: headChecks(session, facts),
    late: [saltCheck(looks, facts), ...proofChecks(session, facts), ...leafChecks(session, facts)],
  }
}

function createLogFacts({ line, needs }: Session, looks: Looks): LogFacts {
  const ask = (path: string): Promise<Reply> => line.ask({ method: 'GET', path })
  const toldOf = (reply: Reply): Told<Head> => {
    if (isWithoutLog(reply)) throw new Untried('the mirror keeps no log')
    return toldIn(logHeadAnswerSchema.safeParse(jsonOf(reply)).data?.head ?? null, {
      type: 'smn-head+jws',
      schema: headSchema,
      bytesMax: limits.logHeadBytesMax,
    })
  }
  const firstReply = once(() => ask(paths.logHead))
  const leaf = once(async () => {
    const made = leafOfObservation(needs.crypto, sightIn(await looks.first()))
    if (made === null) throw new Untried('the first observation has no salt')
    return made
  })
  const after = once(async () => {
    // The fresh look has waited long enough for every leaf before it.
    await looks.fresh()
    return toldOf(await ask(paths.logHead))
  })
  return {
    firstReply,
    before: once(async () => toldOf(await firstReply())),
    after,
    leaf,
    inclusion: once(async () => {
      const { size } = contentOf(await after())
      return ask(`${paths.logInclusion}?leaf=${base64url(await leaf())}&size=${size}`)
    }),
  }
}

function isWithoutLog({ status, body }: Reply): boolean {
  return status === 404 && problemCodeOf(textOf(body)) === 'log-missing'
}

function headChecks(session: Session, { firstReply, before }: LogFacts): readonly Check[] {
  return [
    {
      clause: 'LOG-1',
      demand: 'a mirror without a log says so',
      run: async () => {
        const reply = await firstReply()
        if (reply.status === 200) throw new Untried('the mirror keeps a log')
        return unless(isWithoutLog(reply), `it answered ${reply.status}`)
      },
    },
    {
      clause: 'LOG-2',
      demand: 'the head is a statement of the mirror, made now',
      run: async () => {
        if ((await firstReply()).status !== 200) throw new Untried('there is no head')
        const told = await before()
        const fault = await toldFault(session, told)
        if (fault !== null) return fault
        const apart = contentOf(told).at - session.needs.clock.now()
        return unless(Math.abs(apart) <= limits.clockSkewMs, 'it is of another time')
      },
    },
  ]
}

function saltCheck(looks: Looks, { before }: LogFacts): Check {
  return {
    clause: 'LOG-4',
    demand: 'answers from one look bear the same salt',
    run: async () => {
      contentOf(await before())
      const first = sightIn(await looks.first())
      if (first.salt === undefined) return 'an answer has none'
      const shared = sightIn((await looks.shared())[0])
      const same = shared.sight.at !== first.sight.at || shared.salt === first.salt
      return unless(same, 'two answers from one look have different ones')
    },
  }
}

/** That the log of the second head continues that of the first. */
function proofChecks(session: Session, { before, after }: LogFacts): readonly Check[] {
  const { line, needs } = session
  const compared = once(async () => {
    const [older, newer] = [contentOf(await before()), contentOf(await after())]
    if (older.size > newer.size) return { outcome: 'shrunk' } as const
    if (older.size === newer.size)
      return { outcome: older.root === newer.root ? 'same' : 'forked' } as const
    if (older.size === 0) return { outcome: 'same' } as const
    const path = `${paths.logConsistency}?from=${older.size}&to=${newer.size}`
    const reply = await line.ask({ method: 'GET', path })
    const answer = logConsistencyAnswerSchema.safeParse(jsonOf(reply))
    if (!answer.success) return { outcome: 'unproven', why: `it answered ${reply.status}` } as const
    const proof = { root: bytesOf(answer.data.root), path: answer.data.path.map(bytesOf) }
    const roots = consistencyRoots(needs.crypto, { from: older.size, to: newer.size, ...proof })
    const fits = roots !== null && equalBytes(roots.older, proof.root)
    if (!fits || base64url(roots.newer) !== newer.root)
      return { outcome: 'unproven', why: 'the path does not lead to the second head' } as const
    return { outcome: answer.data.root === older.root ? 'same' : 'forked' } as const
  })
  return [
    {
      clause: 'LOG-3',
      demand: 'its heads tell one history',
      run: async () => {
        const { outcome } = await compared()
        if (outcome === 'unproven') throw new Untried('there is no proof that fits')
        return unless(outcome === 'same', outcome === 'forked' ? 'they tell two' : 'the log shrank')
      },
    },
    {
      clause: 'LOG-5',
      demand: 'that a log continues an earlier one is proved',
      run: async () => {
        const found = await compared()
        return found.outcome === 'unproven' ? found.why : null
      },
    },
    {
      clause: 'LOG-8',
      demand: 'what is beyond the log is answered with 404',
      run: async () => {
        const beyond = contentOf(await after()).size + 1_000_000
        const path = `${paths.logConsistency}?from=1&to=${beyond}`
        return session.refused({ method: 'GET', path }, 'log-beyond')
      },
    },
  ]
}

/** That the leaf of a look is where it should be. */
function leafChecks({ line, needs }: Session, facts: LogFacts): readonly Check[] {
  const place = async () => {
    const reply = await facts.inclusion()
    const answer = logInclusionAnswerSchema.safeParse(jsonOf(reply))
    if (!answer.success) throw new Untried(`it answered ${reply.status} about the leaf`)
    return answer.data
  }
  return [
    {
      clause: 'LOG-9',
      demand: 'a look is in the log within seconds',
      run: async () => {
        const { status, body } = await facts.inclusion()
        return unless(
          status !== 404 || problemCodeOf(textOf(body)) !== 'leaf-unknown',
          'the leaf of the first look is not there',
        )
      },
    },
    {
      clause: 'LOG-6',
      demand: 'that the log holds a leaf is proved',
      run: async () => {
        const { status, body } = await facts.inclusion()
        if (status !== 200) {
          if (problemCodeOf(textOf(body)) === 'leaf-unknown')
            throw new Untried('the leaf is not there')
          return `it answered ${status}`
        }
        const { index, path } = await place()
        const { size, root } = contentOf(await facts.after())
        const proof = {
          leaf: await facts.leaf(),
          index,
          size,
          root: bytesOf(root),
          path: path.map(bytesOf),
        }
        return unless(verifyInclusion(needs.crypto, proof), 'the path does not lead to the head')
      },
    },
    {
      clause: 'LOG-7',
      demand: 'leaves are given by their place',
      run: async () => {
        const { index } = await place()
        const path = `${paths.logEntries}?from=${index}&to=${index + 1}`
        const reply = await line.ask({ method: 'GET', path })
        const answer = logEntriesAnswerSchema.safeParse(jsonOf(reply))
        if (!answer.success) return `it answered ${reply.status}`
        const [leaf, ...more] = answer.data.leaves
        const isLeaf = leaf === base64url(await facts.leaf()) && more.length === 0
        return unless(isLeaf, `at ${index} is another leaf than is proved to be`)
      },
    },
  ]
}

function bytesOf(text: string): Uint8Array {
  return fromBase64url(text) ?? new Uint8Array()
}
