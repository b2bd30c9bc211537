// Tells whoever asks how this mirror sees another one, and why (R129, R130): what an operator can act upon.
//
// What may be said: the state and since when, the reason in words, what the latest tests came to, and what is due. It is
// what the signed list says already, with the grounds for it. What is not said: pings, response times, agreements and
// dissents, and whatever could be computed from them. Reputation stays with who holds it (R112, R117): a figure that
// others could read would be taken over by them, and a liar could watch how near he may go.

import { limits } from '../../base/limits.ts'
import { isBelowUptime } from '../../membership/failure-detector.ts'
import type { StandingAnswer } from '../../protocol/network.ts'
import { fromBase64url } from '../../base/bytes.ts'
import { json, problem } from '../replies.ts'
import type { Core, Part } from './part.ts'
import { metStates, type PeerRecord } from './record.ts'

/** The desk where standings are asked for. */
export function createStandingDesk({ peers, clock, parameters }: Core): Part {
  const isUp = ({ uptime }: PeerRecord): boolean => !isBelowUptime(uptime, clock.now(), parameters)
  return {
    start: () => {},
    stop: () => {},
    handlers: {
      standing: (_question, { parameter: id }) => {
        if (id.length !== 43 || fromBase64url(id)?.length !== 32)
          return problem('not-found', 'after /v1/standing/ comes the id of a mirror')
        const record = peers.record(id)
        const answer = record === null ? unheardOf(id) : standingOf(record, isUp(record))
        return json(200, JSON.stringify(answer), `max-age=${limits.listRefreshMs / 1000}`)
      },
    },
  }
}

function unheardOf(id: string): StandingAnswer {
  return {
    id,
    state: 'unknown',
    since: null,
    reason: null,
    listed: false,
    unreachableSince: null,
    lastTest: null,
    nextTest: null,
    advice: 'send a join request (POST /v1/join), here or to any other mirror',
  }
}

function standingOf(record: PeerRecord, isUp: boolean): StandingAnswer {
  const { entry, standing, reason, claims, lastSeries } = record
  const { state, since, unreachableSince, testAt } = standing
  const checkAt = claims.length > 0 ? Math.min(...claims.map((claim) => claim.dueAt)) : null
  return {
    id: entry.id,
    state,
    since,
    reason: reason ?? usualReason(record, isUp),
    listed: isUp && metStates.has(state),
    unreachableSince,
    lastTest:
      lastSeries === null
        ? null
        : { at: lastSeries.endedAt, result: lastSeries.result, text: lastSeries.text },
    nextTest: state === 'candidate' ? checkAt : testAt,
    advice: adviceOn(record),
  }
}

function usualReason({ standing }: PeerRecord, isUp: boolean): string | null {
  switch (standing.state) {
    case 'candidate':
      return 'it has not been looked at yet'
    case 'probation':
      return 'it is being tested'
    case 'active':
      return isUp ? null : 'it was down in too many of the last 720 hours for 99.9 %'
    case 'inactive':
      return 'other mirrors agreed that it is too slow or too often wrong'
    case 'gone':
      return 'nobody has reached it for a long time'
    case 'unknown':
      return null
  }
}

function adviceOn({ standing }: PeerRecord): string | null {
  switch (standing.state) {
    case 'candidate':
      return 'mend what the reason names; it is looked at again by itself, and sooner after a join request'
    case 'inactive':
      return 'mend what was wrong; it returns by passing the tests, which a join request brings forward'
    case 'gone':
      return 'send a join request (POST /v1/join)'
    case 'probation':
    case 'active':
    case 'unknown':
      return null
  }
}
