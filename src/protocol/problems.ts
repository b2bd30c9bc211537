// Problem documents (RFC 9457): the one form in which a mirror refuses a request that it cannot read.

/** Every problem that a mirror reports, with its HTTP status and title. */
export const problems = {
  'not-found': { status: 404, title: 'There is nothing at this path' },
  'method-not-allowed': { status: 405, title: 'This path does not take this method' },
  'question-malformed': { status: 400, title: 'The question cannot be read' },
  'question-too-large': { status: 413, title: 'The question is too large' },
  'media-type-unsupported': { status: 415, title: 'This path does not take this media type' },
  'sealed-malformed': { status: 400, title: 'The sealed question cannot be read' },
  'ohttp-key': { status: 422, title: 'The question is sealed for another key' },
  date: { status: 400, title: 'The question is dated too far from this clock' },
  'question-repeated': { status: 409, title: 'The question was asked before' },
  'relay-unknown': { status: 404, title: 'This mirror does not know the mirror that is asked' },
  'relay-busy': { status: 503, title: 'This mirror relays as much as it can' },
  'relay-failed': { status: 502, title: 'The mirror that is asked gave no answer' },
  'log-missing': { status: 404, title: 'This mirror keeps no log' },
  'log-beyond': { status: 404, title: 'The log does not reach so far' },
  'log-forgotten': { status: 410, title: 'The log does not keep this any more' },
  'leaf-unknown': { status: 404, title: 'The log does not hold this leaf' },
  'statement-rejected': { status: 422, title: 'The signed statement is not what it should be' },
  'sender-unknown': { status: 403, title: 'This is for mirrors that this one lists as active' },
  'subject-unknown': {
    status: 404,
    title: 'This mirror does not know the mirror that this is about',
  },
  'subject-own': { status: 409, title: 'Nobody votes on itself' },
  'evidence-missing': { status: 422, title: 'A removal is asked for with what was found' },
  'request-repeated': { status: 409, title: 'This was asked for lately' },
  'requests-busy': { status: 503, title: 'This mirror tests as many as it can' },
  'vote-unasked': { status: 404, title: 'Nobody asked for this vote' },
  'vote-repeated': { status: 409, title: 'This vote was given' },
  'vote-late': { status: 410, title: 'The vote is over' },
  'report-foreign': { status: 422, title: 'The report holds no answer that this mirror gave' },
  'reports-busy': { status: 503, title: 'This mirror reads as many reports as it can' },
  'internal-error': { status: 500, title: 'The mirror itself failed' },
} as const

export type ProblemCode = keyof typeof problems

/** The body of a problem document. */
export interface ProblemDocument {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
}

/** Types that RFC 9458 §9.4 registers. */
const registered: readonly ProblemCode[] = ['ohttp-key', 'date']

/** The type of the problem document of `code`. */
export function problemType(code: ProblemCode): string {
  return registered.includes(code)
    ? `https://iana.org/assignments/http-problem-types#${code}`
    : `urn:sightline:problem:${code}`
}

/** The code of the problem document in `text`; null when it is none of ours. */
export function problemCodeOf(text: string | null): ProblemCode | null {
  const codes = Object.keys(problems) as ProblemCode[]
  try {
    const value: unknown = JSON.parse(text ?? '')
    const type = typeof value === 'object' && value !== null && 'type' in value ? value.type : null
    return codes.find((code) => problemType(code) === type) ?? null
  } catch {
    return null
  }
}

/** The problem document of `code`; `detail` says what was wrong with this request and where. */
export function problemDocument(code: ProblemCode, detail: string): ProblemDocument {
  const { status, title } = problems[code]
  return { type: problemType(code), title, status, detail }
}
