// Every route of a mirror in one table: what is asked, what is answered, and which problems are reported instead.

import type { z } from 'zod'
import { limits } from '../base/limits.ts'
import {
  bootstrapSeenAnswerSchema,
  digestAnswerSchema,
  listAnswerSchema,
  listedStates,
} from './lists.ts'
import {
  logConsistencyAnswerSchema,
  logEntriesAnswerSchema,
  logHeadAnswerSchema,
  logInclusionAnswerSchema,
} from './log.ts'
import {
  networkPaths,
  pingAnswerSchema,
  pingRequestSchema,
  standingAnswerSchema,
  takenInSchema,
  whereaboutsSchema,
} from './network.ts'
import { obliviousTypes } from './ohttp.ts'
import { letterSchema, letterTakenSchema } from './removal.ts'
import { reportSchema, reportTakenSchema } from './reports.ts'
import type { ProblemCode } from './problems.ts'
import { answerSchema, paths, questionSchema, wellKnownSchema } from './routes.ts'

/** A parameter in the path or the query of a route. */
export interface RouteParameter {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly required: boolean
  readonly about: string
  /** What the whole value is like: a regular expression, or the values that there are. */
  readonly form: string | readonly string[]
}

/** A body. A JSON one has a shape and the name of it; null where the shape is defined elsewhere. */
export interface RouteBody {
  readonly mediaType: 'application/json' | (typeof obliviousTypes)['request' | 'response']
  readonly shape: { readonly name: string; readonly schema: z.ZodType } | null
}

/** The names of all routes; none is ever given to another one. */
export type RouteId =
  | 'descriptor'
  | 'ping'
  | 'observe'
  | 'observeShared'
  | 'listDigest'
  | 'list'
  | 'listBucket'
  | 'bootstrapSeen'
  | 'logHead'
  | 'logConsistency'
  | 'logInclusion'
  | 'logEntries'
  | 'gateway'
  | 'relayDescriptor'
  | 'relay'
  | 'openapi'
  | NetworkRouteId

/** The routes of mirrors among themselves. */
export type NetworkRouteId =
  | 'join'
  | 'announce'
  | 'pingRequest'
  | 'standing'
  | 'report'
  | 'removeRequest'
  | 'vote'
  | 'notice'

/** One route. */
export interface Route {
  readonly id: RouteId
  readonly method: 'GET' | 'POST'
  /** With `{…}` where a parameter stands. */
  readonly path: string
  /** One line without a full stop. */
  readonly summary: string
  /** How the ids of the clauses begin that specify it. */
  readonly part: string
  readonly parameters: readonly RouteParameter[]
  /** What is sent with it, and how many bytes of it are taken; null where nothing is. */
  readonly takes: (RouteBody & { readonly bytesMax: number }) | null
  readonly gives: { readonly status: 200 | 202 | 204; readonly body: RouteBody | null }
  /** What may be reported instead, beside `method-not-allowed` and `internal-error`. */
  readonly problems: readonly ProblemCode[]
}

/** A size or a place in its one decimal form. */
const countForm = '0|[1-9][0-9]{0,15}'

/** What is wrong with what one mirror writes to another. */
const letterProblems = [
  'question-malformed',
  'question-too-large',
  'media-type-unsupported',
  'statement-rejected',
] as const

/** All routes, in the order of the specification. */
export const routeTable: readonly Route[] = [
  {
    ...get('descriptor', paths.descriptor),
    summary: 'What the mirror says of itself',
    part: 'DESC',
    gives: answers('WellKnown', wellKnownSchema),
  },
  {
    ...get('ping', paths.ping),
    summary: 'Whether the mirror is there, and how far away',
    part: 'PING',
    gives: { status: 204, body: null },
  },
  {
    ...post('observe', paths.observe),
    summary: 'What the mirror sees of a target, signed for the nonce of the asker',
    part: 'OBS',
    takes: { ...json('Question', questionSchema), bytesMax: limits.requestBytesMax },
    gives: answers('Answer', answerSchema),
    problems: ['question-malformed', 'question-too-large', 'media-type-unsupported'],
  },
  {
    ...get('observeShared', paths.observe),
    summary: 'The same without a nonce, for everybody who asks while it is valid',
    part: 'SHARED',
    parameters: [inQuery('target', 'Canonical text of the target', '.{1,1024}')],
    gives: answers('Answer', answerSchema),
    problems: ['question-malformed'],
  },
  {
    ...get('listDigest', paths.listDigest),
    summary: 'The digest of the list, by which two lists are compared',
    part: 'LIST',
    gives: answers('ListDigestAnswer', digestAnswerSchema),
  },
  {
    ...get('list', paths.list),
    summary: 'The mirrors that this one knows',
    part: 'LIST',
    parameters: [
      {
        ...inQuery('region', 'Only mirrors of this registry or region', '[A-Z]{2,8}(-[A-Z]{2})?'),
        required: false,
      },
      { ...inQuery('status', 'Only mirrors in this state', listedStates), required: false },
    ],
    gives: answers('ListAnswer', listAnswerSchema),
    problems: ['question-malformed'],
  },
  {
    ...get('listBucket', `${paths.listBucket}{bucket}`),
    summary: 'One of the 256 parts of the list',
    part: 'LIST',
    parameters: [inPath('bucket', 'The first octet of the ids in it', '[0-9a-f]{2}')],
    gives: answers('ListAnswer', listAnswerSchema),
    problems: ['not-found'],
  },
  {
    ...get('bootstrapSeen', paths.bootstrapSeen),
    summary: 'The bootstrap files that this mirror has seen',
    part: 'SEEN',
    gives: answers('BootstrapSeenAnswer', bootstrapSeenAnswerSchema),
  },
  {
    ...get('logHead', paths.logHead),
    summary: 'The signed head of the log',
    part: 'LOG',
    gives: answers('LogHeadAnswer', logHeadAnswerSchema),
    problems: ['log-missing'],
  },
  {
    ...get('logConsistency', paths.logConsistency),
    summary: 'The proof that a smaller log is the beginning of a larger one',
    part: 'LOG',
    parameters: [
      inQuery('from', 'Size of the smaller log', countForm),
      inQuery('to', 'Size of the larger log', countForm),
    ],
    gives: answers('LogConsistencyAnswer', logConsistencyAnswerSchema),
    problems: ['question-malformed', 'log-missing', 'log-beyond', 'log-forgotten'],
  },
  {
    ...get('logInclusion', paths.logInclusion),
    summary: 'The proof that a log holds a leaf',
    part: 'LOG',
    parameters: [
      inQuery('leaf', "The leaf's hash in base64url", '[A-Za-z0-9_-]{43}'),
      inQuery('size', 'Size of the log', countForm),
    ],
    gives: answers('LogInclusionAnswer', logInclusionAnswerSchema),
    problems: ['question-malformed', 'log-missing', 'log-beyond', 'log-forgotten', 'leaf-unknown'],
  },
  {
    ...get('logEntries', paths.logEntries),
    summary: 'The leaves of the log, or as many of them as are given at a time',
    part: 'LOG',
    parameters: [
      inQuery('from', 'Place of the first leaf', countForm),
      inQuery('to', 'Place behind the last leaf', countForm),
    ],
    gives: answers('LogEntriesAnswer', logEntriesAnswerSchema),
    problems: ['question-malformed', 'log-missing', 'log-beyond', 'log-forgotten'],
  },
  {
    ...post('gateway', paths.gateway),
    summary: 'A question that a relay brings and cannot read',
    part: 'OHTTP',
    takes: sealedQuestion(),
    gives: { status: 200, body: { mediaType: obliviousTypes.response, shape: null } },
    problems: ['sealed-malformed', 'question-too-large', 'media-type-unsupported', 'ohttp-key'],
  },
  {
    ...get('relayDescriptor', `${paths.relay}{id}`),
    summary: 'The descriptor of another mirror, which then does not see who asks',
    part: 'RELAY',
    parameters: [relayedId()],
    gives: answers('WellKnown', wellKnownSchema),
    problems: ['relay-unknown', 'relay-busy', 'relay-failed'],
  },
  {
    ...post('relay', `${paths.relay}{id}`),
    summary: 'Carries a sealed question to another mirror, and its sealed answer back',
    part: 'RELAY',
    parameters: [relayedId()],
    takes: sealedQuestion(),
    gives: { status: 200, body: { mediaType: obliviousTypes.response, shape: null } },
    problems: [
      'sealed-malformed',
      'question-too-large',
      'media-type-unsupported',
      'ohttp-key',
      'relay-unknown',
      'relay-busy',
      'relay-failed',
    ],
  },
  {
    ...post('join', networkPaths.join),
    summary: 'A mirror asks to be taken in, for the first time or again',
    part: 'JOIN',
    takes: { ...json('Whereabouts', whereaboutsSchema), bytesMax: limits.requestBytesMax },
    gives: { status: 202, body: json('TakenIn', takenInSchema) },
    problems: ['question-malformed', 'question-too-large', 'media-type-unsupported'],
  },
  {
    ...post('announce', networkPaths.announce),
    summary: 'A mirror tells of another one',
    part: 'JOIN',
    takes: { ...json('Whereabouts', whereaboutsSchema), bytesMax: limits.requestBytesMax },
    gives: { status: 202, body: json('TakenIn', takenInSchema) },
    problems: ['question-malformed', 'question-too-large', 'media-type-unsupported'],
  },
  {
    ...post('pingRequest', networkPaths.pingRequest),
    summary: 'Whether another mirror answers a ping from here',
    part: 'UP',
    takes: { ...json('PingRequest', pingRequestSchema), bytesMax: limits.requestBytesMax },
    gives: answers('PingAnswer', pingAnswerSchema),
    problems: ['question-malformed', 'question-too-large', 'media-type-unsupported'],
  },
  {
    ...get('standing', `${networkPaths.standing}{id}`),
    summary: 'How this mirror sees another one, and why',
    part: 'STAND',
    parameters: [inPath('id', 'The mirror that is asked about', '[A-Za-z0-9_-]{43}')],
    gives: answers('Standing', standingAnswerSchema),
    problems: ['not-found'],
  },
  {
    ...post('report', networkPaths.reports),
    summary: 'A client tells what the mirrors that it asked have answered',
    part: 'REP',
    takes: { ...json('Report', reportSchema), bytesMax: limits.reportBytesMax },
    gives: { status: 202, body: json('ReportTaken', reportTakenSchema) },
    problems: [
      'question-malformed',
      'question-too-large',
      'media-type-unsupported',
      'report-foreign',
      'reports-busy',
      'statement-rejected',
    ],
  },
  {
    ...post('removeRequest', networkPaths.removeRequests),
    summary: 'A mirror asks for a test of another one, and for a vote on it',
    part: 'REM',
    takes: { ...json('Letter', letterSchema), bytesMax: limits.letterBytesMax },
    gives: { status: 202, body: json('LetterTaken', letterTakenSchema) },
    problems: [
      ...letterProblems,
      'sender-unknown',
      'subject-own',
      'subject-unknown',
      'evidence-missing',
      'request-repeated',
      'requests-busy',
    ],
  },
  {
    ...post('vote', networkPaths.votes),
    summary: 'A mirror votes that was asked to',
    part: 'VOTE',
    takes: { ...json('Letter', letterSchema), bytesMax: limits.letterBytesMax },
    gives: { status: 202, body: json('LetterTaken', letterTakenSchema) },
    problems: [...letterProblems, 'vote-unasked', 'vote-repeated', 'vote-late'],
  },
  {
    ...post('notice', networkPaths.notices),
    summary: 'A mirror tells this one how it now stands with it, and why',
    part: 'NOTE',
    takes: { ...json('Letter', letterSchema), bytesMax: limits.letterBytesMax },
    gives: { status: 202, body: json('LetterTaken', letterTakenSchema) },
    problems: [...letterProblems, 'sender-unknown', 'subject-unknown', 'request-repeated'],
  },
  {
    ...get('openapi', paths.openapi),
    summary: 'The description of these routes',
    part: 'API',
    gives: { status: 200, body: { mediaType: 'application/json', shape: null } },
  },
]

function get(id: RouteId, path: string) {
  return { id, method: 'GET', path, parameters: [], takes: null, problems: [] } as const
}

function post(id: RouteId, path: string) {
  return { id, method: 'POST', path, parameters: [] } as const
}

function json(name: string, schema: z.ZodType): RouteBody {
  return { mediaType: 'application/json', shape: { name, schema } }
}

function answers(name: string, schema: z.ZodType): Route['gives'] {
  return { status: 200, body: json(name, schema) }
}

function sealedQuestion(): Route['takes'] {
  return {
    mediaType: obliviousTypes.request,
    shape: null,
    bytesMax: limits.obliviousRequestBytesMax,
  }
}

function inQuery(name: string, about: string, form: RouteParameter['form']): RouteParameter {
  return { name, in: 'query', required: true, about, form }
}

function inPath(name: string, about: string, form: RouteParameter['form']): RouteParameter {
  return { name, in: 'path', required: true, about, form }
}

function relayedId(): RouteParameter {
  return inPath('id', 'The mirror that is asked', '[A-Za-z0-9_-]{43}')
}
