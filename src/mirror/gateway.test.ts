import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSeededRandom } from '../../test/support/seeded-random.ts'
import { createVirtualClock } from '../../test/support/virtual-clock.ts'
import { textOf, utf8 } from '../base/bytes.ts'
import { httpDate } from '../base/http-date.ts'
import { limits } from '../base/limits.ts'
import { fieldOf, readResponse, writeRequest, type Fields } from '../protocol/binary-http.ts'
import { createGatewayKey, sealRequest } from '../protocol/ohttp.ts'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import type { HttpQuestion, HttpReply } from '../runtime/runtime.ts'
import { createGateway } from './gateway.ts'

const relay = { address: '198.51.100.7', port: 40_000 }

function stage(answer: (question: HttpQuestion) => HttpReply | Promise<HttpReply> = echo) {
  const clock = createVirtualClock()
  const needs = { clock, random: createSeededRandom(3), crypto: nodeCrypto }
  const key = createGatewayKey(needs)
  const inside: HttpQuestion[] = []
  const gateway = createGateway(needs, {
    keys: () => [key],
    answer: (question) => {
      inside.push(question)
      return answer(question)
    },
  })
  const post = (body: Uint8Array | null, changed: Partial<HttpQuestion> = {}) =>
    gateway.answer({
      method: 'POST',
      path: '/v1/ohttp',
      contentType: 'message/ohttp-req',
      body,
      peer: relay,
      ...changed,
    })
  const seal = (message: Uint8Array) => {
    const sealed = sealRequest(needs, key, message)
    assert.ok(sealed !== null)
    return sealed
  }
  const message = (fields: Fields, content = utf8('{"a":1}')): Uint8Array =>
    writeRequest(
      { method: 'POST', scheme: 'https', authority: '', path: '/v1/observe', fields, content },
      limits.obliviousRequestBlockBytes,
    )
  const dated = (ms: number): Fields => [
    ['content-type', 'application/json'],
    ['date', httpDate(ms)],
  ]
  /** Seals, posts and opens. */
  const ask = async (given: Uint8Array) => {
    const sealed = seal(given)
    const reply = await post(sealed.bytes)
    assert.equal(reply.status, 200)
    assert.equal(reply.contentType, 'message/ohttp-res')
    assert.ok(reply.body instanceof Uint8Array)
    const opened = sealed.open(reply.body)
    assert.ok(opened !== null)
    const response = readResponse(opened)
    assert.ok(response !== null)
    return { ...response, text: textOf(response.content) ?? '', size: reply.body.length }
  }
  return { clock, post, seal, message, dated, ask, inside }
}

const echo = (question: HttpQuestion): HttpReply => ({
  status: 200,
  contentType: 'application/json',
  cacheControl: 'no-store',
  body: question.body ?? '',
})

const problemOf = (text: string) => JSON.parse(text) as { type: string; status: number }

test('the question inside is answered, as if the relay had asked it', async () => {
  const { ask, message, dated, clock, inside } = stage()
  const reply = await ask(message(dated(clock.now())))
  assert.equal(reply.status, 200)
  assert.equal(reply.text, '{"a":1}')
  assert.equal(fieldOf(reply.fields, 'content-type'), 'application/json')
  assert.equal(fieldOf(reply.fields, 'date'), httpDate(clock.now()))
  assert.deepEqual(inside, [
    {
      method: 'POST',
      path: '/v1/observe',
      contentType: 'application/json',
      body: utf8('{"a":1}'),
      peer: relay,
    },
  ])
})

test('an answer that comes later, and a refusal of the desk, are sealed too', async () => {
  const late = stage(async () => ({ ...echo({ ...question, body: utf8('late') }) }))
  assert.equal((await late.ask(late.message(late.dated(late.clock.now())))).text, 'late')
  const refusing = stage(() => ({ ...echo(question), status: 404 }))
  const { ask, message, dated, clock } = refusing
  assert.equal((await ask(message(dated(clock.now())))).status, 404)
})
const question: HttpQuestion = {
  method: 'POST',
  path: '',
  contentType: '',
  body: utf8(''),
  peer: relay,
}

test('answers of different lengths have the same size, up to blocks of 3744 bytes', async () => {
  for (const [length, blocks] of [
    [1, 1],
    [3_600, 1],
    [3_700, 2],
    [7_600, 3],
  ] as const) {
    const { ask, message, dated, clock } = stage(() => ({
      ...echo(question),
      body: 'x'.repeat(length),
    }))
    assert.equal((await ask(message(dated(clock.now())))).size, blocks * 3_744 + 32)
  }
})

const unsealed: readonly (readonly [string, number, string, Partial<HttpQuestion>])[] = [
  ['a GET', 405, 'urn:sightline:problem:method-not-allowed', { method: 'GET' }],
  [
    'JSON',
    415,
    'urn:sightline:problem:media-type-unsupported',
    { contentType: 'application/json' },
  ],
  ['too large a body', 413, 'urn:sightline:problem:question-too-large', { body: null }],
  [
    'a body over our own bound',
    413,
    'urn:sightline:problem:question-too-large',
    { body: new Uint8Array(limits.obliviousRequestBytesMax + 1) },
  ],
  ['54 bytes', 400, 'urn:sightline:problem:sealed-malformed', { body: new Uint8Array(54) }],
  [
    'what is sealed for nobody here',
    422,
    'https://iana.org/assignments/http-problem-types#ohttp-key',
    { body: new Uint8Array(200) },
  ],
]
for (const [what, status, type, changed] of unsealed)
  test(`${what} is refused with ${status}, in the open`, async () => {
    const { post, inside } = stage()
    const reply = await post(new Uint8Array(), changed)
    assert.equal(reply.status, status)
    assert.equal(reply.contentType, 'application/problem+json')
    assert.ok(typeof reply.body === 'string')
    assert.equal(problemOf(reply.body).type, type)
    assert.deepEqual(inside, [])
  })

test('what was sealed for another key is refused in the open, by the registered type', async () => {
  const [one, two] = [stage(), stage()]
  const reply = await one.post(two.seal(two.message([])).bytes.with(0, 0))
  assert.equal(reply.status, 422)
  assert.ok(typeof reply.body === 'string')
  assert.match(problemOf(reply.body).type, /#ohttp-key$/)
})

const minute = 60_000
for (const [what, fields, type] of [
  ['without a date', () => [], /http-problem-types#date$/],
  ['three minutes old', (now: number) => [['date', httpDate(now - 3 * minute)]], /#date$/],
  ['from three minutes ahead', (now: number) => [['date', httpDate(now + 3 * minute)]], /#date$/],
  [
    'with two dates',
    (now: number) => [
      ['date', httpDate(now)],
      ['date', httpDate(now)],
    ],
    /#date$/,
  ],
  [
    'that expects to be continued',
    (now: number) => [
      ['date', httpDate(now)],
      ['expect', '100-continue'],
    ],
    /:sealed-malformed$/,
  ],
] as readonly (readonly [string, (now: number) => Fields, RegExp])[])
  test(`a question ${what} is refused, and only its asker hears that`, async () => {
    const { ask, message, clock, inside } = stage()
    const reply = await ask(message(fields(clock.now())))
    assert.equal(reply.status, 400)
    assert.match(problemOf(reply.text).type, type)
    assert.deepEqual(inside, [])
  })

test('what is sealed but no HTTP request is refused, and only its sender hears that', async () => {
  const { ask } = stage()
  assert.match(problemOf((await ask(utf8('hello'))).text).type, /:sealed-malformed$/)
})

test('the same sealed question is answered once', async () => {
  const { post, seal, message, dated, clock, inside } = stage()
  const sealed = seal(message(dated(clock.now())))
  const read = async (): Promise<number | undefined> => {
    const reply = await post(sealed.bytes)
    assert.ok(reply.body instanceof Uint8Array)
    return readResponse(sealed.open(reply.body) ?? assert.fail())?.status
  }
  assert.equal(await read(), 200)
  assert.equal(await read(), 409)
  assert.equal(inside.length, 1)
  // Two minutes later its date says the rest.
  await clock.advance(limits.obliviousDateMs + 1_000)
  assert.equal(await read(), 400)
})

test('what cannot be opened leaves no trace in the memory of questions', async () => {
  const { post, seal, message, dated, clock, inside } = stage()
  const { bytes } = seal(message(dated(clock.now())))
  await post(bytes.with(60, (bytes[60] ?? 0) ^ 1))
  await post(bytes)
  assert.equal(inside.length, 1)
})

test('the longest question that fits is handed on whole', async () => {
  const { ask, message, dated, clock, inside } = stage()
  await ask(message(dated(clock.now()), new Uint8Array(3_500)))
  assert.equal(inside[0]?.body?.length, 3_500)
})
