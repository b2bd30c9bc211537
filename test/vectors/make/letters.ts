// Vectors of what mirrors write to each other about removing one: requests, votes and notices (LET, REM, VOTE, NOTE).

import { base64url } from '../../../src/base/bytes.ts'
import {
  accepted,
  compact,
  createStage,
  day,
  misSigned,
  now,
  refusedBy,
  second,
  type Stage,
  type VectorFile,
} from './stage.ts'

/** One letter of each kind, and what passes for them. */
export function letterVectors(): VectorFile {
  const stage = createStage(10)
  const { id, descriptor } = stage.mirror.identity
  const cases = [...requests(stage), ...votes(stage), ...notices(stage), ...misWritten(stage)]
  return {
    name: 'letters',
    content: {
      about:
        'Statements that mirrors write to each other. `descriptor` came along with each; `id` is who the letter says that it is from.',
      descriptor,
      cases: cases.map((one) => ({ id, now, ...one })),
    },
  }
}

const figures = { n: 98, fails: 7, p50: 40.5, p95: 310, faults: [] }
const req = base64url(new Uint8Array(16).fill(3))

function signed(
  { mirror }: Stage,
  { type, content }: { readonly type: string; readonly content: object },
  header: object = {},
): string {
  const { id, answerKey, answerKeyId } = mirror.identity
  return compact(
    { alg: 'EdDSA', typ: type, kid: answerKeyId, ...header },
    { v: 1, iss: id, iat: now, ...content },
    answerKey,
  )
}

/** A case of `type` with `content` changed. */
function caseOf(stage: Stage, type: string, usual: object) {
  return (name: string, change: object, verdict: object = accepted) => ({
    name,
    type,
    statement: signed(stage, { type, content: { ...usual, ...change } }),
    ...verdict,
  })
}

function requestContent({ stranger }: Stage) {
  return {
    req,
    subject: stranger.identity.id,
    wants: 'vote',
    reasons: ['failed-audit'],
    evidence: { series: figures, contradictions: [] },
    deadline: now + day,
  }
}

function requests(stage: Stage) {
  const request = caseOf(stage, 'smn-remove+jws', requestContent(stage))
  return [
    request('a request for a vote', {}),
    request('a request for a test', { wants: 'test' }),
    request('a request that wants something else', { wants: 'silence' }, refusedBy('FORM-4')),
    request('a request without a reason', { reasons: [] }, refusedBy('FORM-4')),
    request(
      'a request for a reason that there is not',
      { reasons: ['dislike'] },
      refusedBy('FORM-4'),
    ),
    request('a request without a name', { req: 'abc' }, refusedBy('FORM-4')),
    request('a request about nobody', { subject: 'x'.repeat(42) }, refusedBy('FORM-4')),
  ]
}

function voteContent({ stranger }: Stage) {
  return { req, subject: stranger.identity.id, agree: true, ...figures }
}

function votes(stage: Stage) {
  const vote = caseOf(stage, 'smn-vote+jws', voteContent(stage))
  return [
    vote('a vote for removal', {}),
    vote('a vote against it', { agree: false, fails: 0 }),
    vote('a vote of one who could compare nothing', {
      agree: false,
      n: 0,
      fails: 0,
      p50: null,
      p95: null,
    }),
    vote('a vote that finds it slow', { faults: ['slow-response-p95'] }),
    vote('a vote with a member that nobody knows', { colour: 'blue' }),
    vote('a vote at its last moment', { iat: now - day - 120 * second }),
    vote('a vote that is too old', { iat: now - day - 121 * second }, refusedBy('LET-2')),
    vote('a vote of the future', { iat: now + 121 * second }, refusedBy('LET-2')),
    vote('a vote that is neither for nor against', { agree: null }, refusedBy('FORM-4')),
    vote('a vote with half a failure', { fails: 0.5 }, refusedBy('FORM-4')),
    vote('a vote that tells a reputation', { faults: ['dissent-share'] }, refusedBy('FORM-4')),
  ]
}

function notices(stage: Stage) {
  const notice = caseOf(stage, 'smn-notice+jws', {
    subject: stage.stranger.identity.id,
    state: 'inactive',
    reason: '6 of 8 mirrors that we asked voted for removal',
    retestAt: now + day,
    advice: 'mend what was wrong',
  })
  return [
    notice('a notice of a removal', {}),
    notice('a notice of a return', { state: 'active', retestAt: null }),
    notice('a notice of a state that is not told', { state: 'gone' }, refusedBy('FORM-4')),
    notice('a notice with too many words', { reason: 'a'.repeat(201) }, refusedBy('FORM-4')),
  ]
}

/** Letters that are not from the one that they say. */
function misWritten(stage: Stage) {
  const { stranger } = stage
  const type = 'smn-vote+jws'
  const content = voteContent(stage)
  const vote = signed(stage, { type, content })
  const told = (name: string, statement: string, clause: string) => ({
    name,
    type,
    statement,
    ...refusedBy(clause),
  })
  const { answerKey, answerKeyId, id } = stranger.identity
  const whole = { v: 1, iss: stage.mirror.identity.id, iat: now, ...content }
  return [
    told('a vote with a changed signature', misSigned(vote), 'LET-1'),
    told(
      'a vote in the name of another',
      signed(stage, { type, content: { ...content, iss: id } }),
      'LET-1',
    ),
    told(
      'a vote that another one signed',
      compact({ alg: 'EdDSA', typ: type, kid: answerKeyId }, whole, answerKey),
      'LET-1',
    ),
    told(
      'a request in the place of a vote',
      signed(stage, { type: 'smn-remove+jws', content: requestContent(stage) }),
      'JWS-1',
    ),
    told(
      'a vote with a header that nobody knows',
      signed(stage, { type, content }, { crit: [] }),
      'JWS-4',
    ),
  ]
}
