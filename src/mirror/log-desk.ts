// Answers what is asked about a mirror's log: its head, proofs, and leaves; what cannot be given is refused with its reason.

import { base64url, fromBase64url } from '../base/bytes.ts'
import { limits } from '../base/limits.ts'
import { paths } from '../protocol/routes.ts'
import type { HttpReply, Log } from '../runtime/runtime.ts'
import type { MirrorIdentity } from './identity.ts'
import type { ObservationLog } from './log.ts'
import { guarded, json, problem } from './replies.ts'

/** Answers a GET of one of the log's paths. */
export type LogDesk = (path: string, query: string) => HttpReply | Promise<HttpReply>

/** A desk for `kept`, or for a mirror without a log. */
export function createLogDesk(
  needs: { readonly log: Log },
  kept: ObservationLog | null,
  identity: () => MirrorIdentity,
): LogDesk {
  if (kept === null)
    return () => problem('log-missing', 'it remembers nothing beyond the end of its process')
  return (path, query) => {
    const given = new URLSearchParams(query)
    switch (path) {
      case paths.logHead:
        return json(200, JSON.stringify({ head: kept.head(identity()) }), 'no-store')
      case paths.logConsistency:
        return guarded(needs.log, consistency(kept, given))
      case paths.logInclusion:
        return guarded(needs.log, inclusion(kept, given))
      default:
        return guarded(needs.log, entries(kept, given))
    }
  }
}

/** What was true of a log stays true. */
const forGood = 'max-age=86400'

const malformed = (what: string): HttpReply => problem('question-malformed', what)
const beyond = (kept: ObservationLog, number: number): HttpReply =>
  problem('log-beyond', `${number} is beyond its ${kept.size()} leaves`)
const forgotten = (): HttpReply =>
  problem(
    'log-forgotten',
    `about ${limits.logLeavesKeptMax} leaves back it keeps no more than a trunk`,
  )

async function consistency(kept: ObservationLog, given: URLSearchParams): Promise<HttpReply> {
  const range = rangeIn(given)
  if (range === null || range.from > range.to)
    return malformed('the query needs ?from=&to=, the sizes of an older and of a newer log')
  if (range.to > kept.size()) return beyond(kept, range.to)
  const proof = await kept.consistency(range)
  if (proof === null) return forgotten()
  const body = { root: base64url(proof.root), path: proof.path.map(base64url) }
  return json(200, JSON.stringify(body), forGood)
}

async function inclusion(kept: ObservationLog, given: URLSearchParams): Promise<HttpReply> {
  const leaf = fromBase64url(given.get('leaf') ?? '')
  const size = countIn(given, 'size')
  if (leaf?.length !== 32 || size === null)
    return malformed(
      "the query needs ?leaf=&size=, a leaf's hash in base64url and the size of a log",
    )
  if (size > kept.size()) return beyond(kept, size)
  const index = await kept.find(leaf)
  if (index === null)
    return problem('leaf-unknown', 'it was never appended, is not yet, or is kept no more')
  if (index >= size)
    return problem('log-beyond', `the leaf is at ${index}, a log of ${size} ends before`)
  const path = await kept.inclusion({ index, size })
  if (path === null) return forgotten()
  return json(200, JSON.stringify({ index, path: path.map(base64url) }), forGood)
}

async function entries(kept: ObservationLog, given: URLSearchParams): Promise<HttpReply> {
  const range = rangeIn(given)
  if (range === null || range.from >= range.to)
    return malformed('the query needs ?from=&to=, the place of a leaf and that behind the last')
  const { from } = range
  const size = kept.size()
  if (from > size) return beyond(kept, from)
  const to = Math.min(range.to, from + limits.logEntriesMax, size)
  const leaves = from === to ? [] : await kept.leaves({ from, to })
  if (leaves.length < to - from) return forgotten()
  const isWhole = range.to === to
  const body = JSON.stringify({ from, leaves: leaves.map(base64url) })
  return json(200, body, isWhole ? forGood : 'no-store')
}

function rangeIn(given: URLSearchParams): { readonly from: number; readonly to: number } | null {
  const from = countIn(given, 'from')
  const to = countIn(given, 'to')
  return from === null || to === null ? null : { from, to }
}

/** The size or place called `name`, in its one decimal form; null for everything else. */
function countIn(given: URLSearchParams, name: string): number | null {
  const text = given.get(name) ?? ''
  const number = /^(0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : Infinity
  return number <= limits.logLeavesMax ? number : null
}
