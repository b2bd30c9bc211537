// Answers questions that a relay brings, of which only this mirror can read what is asked, and only the relay who asks (RFC 9458).

import { utf8 } from '../base/bytes.ts'
import { httpDate, readHttpDate } from '../base/http-date.ts'
import { limits } from '../base/limits.ts'
import {
  fieldOf,
  readRequest,
  writeResponse,
  type BinaryRequest,
  type BinaryResponse,
} from '../protocol/binary-http.ts'
import {
  obliviousTypes,
  openRequest,
  type GatewayKey,
  type OpenedRequest,
} from '../protocol/ohttp.ts'
import type { HttpQuestion, HttpReply, Runtime } from '../runtime/runtime.ts'
import { problem, wrongMethod } from './replies.ts'
import { createRepeats } from './repeats.ts'

/** What a gateway is made of. */
export interface GatewayOptions {
  /** The keys whose descriptors may still be believed. */
  readonly keys: () => readonly GatewayKey[]
  /** Answers the question inside. Its `peer` is the relay, all that is known of the asker. */
  readonly answer: (question: HttpQuestion) => HttpReply | Promise<HttpReply>
}

/** Takes sealed questions, and gives sealed answers. */
export interface Gateway {
  answer(question: HttpQuestion): HttpReply | Promise<HttpReply>
}

type Needs = Pick<Runtime, 'clock' | 'random' | 'crypto'>

/** A gateway that has been asked nothing yet. */
export function createGateway(needs: Needs, options: GatewayOptions): Gateway {
  const repeats = createRepeats(needs.clock)
  const open = (question: HttpQuestion): OpenedRequest | HttpReply => {
    const { method, contentType, body } = question
    if (method !== 'POST') return wrongMethod('POST')
    if (contentType !== obliviousTypes.request)
      return problem('media-type-unsupported', `send ${obliviousTypes.request}`)
    if (body === null || body.length > limits.obliviousRequestBytesMax)
      return problem(
        'question-too-large',
        `at most ${limits.obliviousRequestBytesMax} bytes are taken`,
      )
    const opened = openRequest(needs.crypto, options.keys(), body)
    if (opened === 'malformed') return problem('sealed-malformed', 'it is too short to be sealed')
    if (opened === 'key-unknown')
      return problem('ohttp-key', "seal it with the key in this mirror's descriptor")
    return opened
  }
  /** The question inside, or why it is refused: from here on, nobody but the asker hears it. */
  const inner = (opened: OpenedRequest, question: HttpQuestion): HttpQuestion | HttpReply => {
    const request = readRequest(opened.message)
    if (request === null) return problem('sealed-malformed', 'it holds no binary HTTP request')
    if (request.fields.some(([name]) => name === 'expect'))
      return problem('sealed-malformed', 'an expectation cannot be met from inside')
    return checkAge(repeats.check(opened.encapsulated, dateOf(request))) ?? asked(request, question)
  }
  return {
    answer: (question) => {
      const opened = open(question)
      if ('status' in opened) return opened
      const asking = inner(opened, question)
      const reply = 'status' in asking ? asking : options.answer(asking)
      return reply instanceof Promise
        ? reply.then((late) => sealed(needs, opened, late))
        : sealed(needs, opened, reply)
    },
  }
}

/** The date of a request; one without is from the beginning of time. */
function dateOf(request: BinaryRequest): number {
  return readHttpDate(fieldOf(request.fields, 'date') ?? '') ?? 0
}

function checkAge(repeat: 'new' | 'repeated' | 'date'): HttpReply | null {
  switch (repeat) {
    case 'new':
      return null
    case 'repeated':
      return problem('question-repeated', 'seal it anew to ask again')
    case 'date':
      return problem(
        'date',
        `its date is to be within ${limits.obliviousDateMs / 1000} seconds of this clock`,
      )
  }
}

/** The request as if it had come by itself, from the relay's place. */
function asked(request: BinaryRequest, { peer }: HttpQuestion): HttpQuestion {
  const { method, path, fields, content } = request
  return {
    method,
    path,
    contentType: fieldOf(fields, 'content-type') ?? '',
    body: content.length > limits.reportBytesMax ? null : content,
    peer,
  }
}

function sealed(needs: Needs, opened: OpenedRequest, reply: HttpReply): HttpReply {
  const { status, contentType, body } = reply
  const response: BinaryResponse = {
    status,
    fields: [
      ['content-type', contentType],
      // With it, an asker whose clock is wrong learns so (RFC 9458 §6.5.2).
      ['date', httpDate(needs.clock.now())],
    ],
    content: typeof body === 'string' ? utf8(body) : body,
  }
  const message = writeResponse(response, limits.obliviousResponseBlockBytes)
  return {
    status: 200,
    contentType: obliviousTypes.response,
    cacheControl: 'no-store',
    body: opened.seal(needs.random, message),
  }
}
