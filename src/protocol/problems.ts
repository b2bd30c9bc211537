// Problem documents (RFC 9457): the one form in which a mirror refuses a request that it cannot read.

/** Every problem that a mirror reports, with its HTTP status and title. */
export const problems = {
  'not-found': { status: 404, title: 'There is nothing at this path' },
  'method-not-allowed': { status: 405, title: 'This path does not take this method' },
  'question-malformed': { status: 400, title: 'The question cannot be read' },
  'question-too-large': { status: 413, title: 'The question is too large' },
  'media-type-unsupported': { status: 415, title: 'Questions are JSON' },
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

/** The problem document of `code`; `detail` says what was wrong with this request and where. */
export function problemDocument(code: ProblemCode, detail: string): ProblemDocument {
  const { status, title } = problems[code]
  return { type: `urn:sightline:problem:${code}`, title, status, detail }
}
