// The conformance kit against our mirror, which keeps every clause, and against mirrors that break one clause each.

import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { base64url, fromBase64url, textOf, utf8 } from '../src/base/bytes.ts'
import { limits } from '../src/base/limits.ts'
import type { Conformance } from '../src/client/conformance/conformance.ts'
import { issueServer } from '../src/identity/issue.ts'
import { listDigest } from '../src/membership/list-digest.ts'
import { createGateway } from '../src/mirror/gateway.ts'
import { createMirrorAuthority } from '../src/mirror/identity.ts'
import { json, problem } from '../src/mirror/replies.ts'
import { signStatement } from '../src/observation/jws.ts'
import { readRequest, writeResponse } from '../src/protocol/binary-http.ts'
import type { Descriptor } from '../src/protocol/descriptor.ts'
import { listedOf, type KnownMirror } from '../src/protocol/lists.ts'
import { obliviousTypes, openRequest } from '../src/protocol/ohttp.ts'
import { clausesOf, specificationPath } from '../tools/specification.ts'
import type { HttpQuestion, HttpReply } from '../src/runtime/runtime.ts'
import { makeCertificate, makeLeaf, pemOf, type TestKey } from './support/certificates.ts'
import {
  jsonIn,
  tryBent,
  type Bench,
  type Bend,
  type Payload,
} from './support/conformance-stage.ts'
import { derOfChain } from './support/pem.ts'

const stranger = 'A'.repeat(43)

function bodyOf({ body }: HttpReply): Payload {
  return typeof body === 'string' && body.startsWith('{') ? (JSON.parse(body) as Payload) : {}
}

function textIn(reply: HttpReply, field: string): string {
  const value = bodyOf(reply)[field]
  return typeof value === 'string' ? value : ''
}

/** Changes the replies to what `when` says. */
function replies(
  when: (question: HttpQuestion) => boolean,
  change: (reply: HttpReply, bench: Bench, question: HttpQuestion) => HttpReply,
): Bend {
  return {
    handle: async (question, mirror, bench) => {
      const reply = await mirror(question)
      return when(question) ? change(reply, bench, question) : reply
    },
  }
}

/** Changes the questions that `when` says before the mirror has them. */
function questions(
  when: (question: HttpQuestion) => boolean,
  change: (question: HttpQuestion) => HttpQuestion,
): Bend {
  return { handle: (question, mirror) => mirror(when(question) ? change(question) : question) }
}

const path = (wanted: string) => (question: HttpQuestion) => question.path.split('?')[0] === wanted
const asksFor =
  (words: string) =>
  ({ method, path: asked, body }: HttpQuestion): boolean =>
    method === 'POST' && asked === '/v1/observe' && (textOf(body ?? utf8('')) ?? '').includes(words)
const first = asksFor('"descriptor":true')
const bare = asksFor('"handshakes":false')
const observing = path('/v1/observe')
const posted = (question: HttpQuestion): boolean =>
  observing(question) && question.method === 'POST'
const shared = (question: HttpQuestion): boolean => observing(question) && question.method === 'GET'
const unknown = path('/v1/no-such-path')

const withText = (from: string, to: string) => (question: HttpQuestion) => ({
  ...question,
  body: utf8((textOf(question.body ?? utf8('')) ?? '').replace(from, to)),
})

/** Changes the statement called `field` in the replies to what `when` says. */
function statements(
  when: (question: HttpQuestion) => boolean,
  field: string,
  change: (text: string, bench: Bench) => string,
): Bend {
  return replies(when, (reply, bench) => {
    const text = textIn(reply, field)
    if (text === '') return reply
    return { ...reply, body: JSON.stringify({ ...bodyOf(reply), [field]: change(text, bench) }) }
  })
}

/** Changes what is signed. */
const signed = (
  when: (question: HttpQuestion) => boolean,
  field: string,
  change: (payload: Payload) => Payload,
): Bend => statements(when, field, (text, bench) => bench.resign(text, change))

const observed = (
  when: (question: HttpQuestion) => boolean,
  change: (payload: Payload) => Payload,
): Bend => signed(when, 'observation', change)

/** Of the last byte of a signature, one bit. */
function misSigned(text: string): string {
  const parts = text.split('.')
  const bytes = fromBase64url(parts[2] ?? '') ?? new Uint8Array()
  const last = bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte))
  return [parts[0], parts[1], base64url(last)].join('.')
}

/** The same descriptor, changed, wherever it stands. */
function described(change: (content: Descriptor, bench: Bench) => object): Bend {
  return everyDescriptor((text, bench) =>
    bench.redescribe(text, (content) => change(content, bench)),
  )
}

function everyDescriptor(change: (text: string, bench: Bench) => string): Bend {
  return statements(() => true, 'descriptor', change)
}

/** What is told of mirrors, of another list than the mirror has. */
function listing(change: (mirrors: readonly KnownMirror[]) => readonly KnownMirror[]): Bend {
  return {
    handle: async (question, mirror, bench) => {
      const reply = await mirror(question)
      const body = bodyOf(reply)
      if (typeof body['digest'] === 'string') {
        const list = textIn(await mirror({ ...question, path: '/v1/list' }), 'list')
        const all = change(mirrorsIn(jsonIn(list.split('.')[1] ?? '')))
        const digest = bench.resign(body['digest'], (payload) => ({
          ...payload,
          count: all.length,
          digest: base64url(listDigest(bench.runtime.crypto, all.map(listedOf))),
        }))
        return { ...reply, body: JSON.stringify({ ...body, digest }) }
      }
      if (typeof body['list'] !== 'string') return reply
      const list = bench.resign(body['list'], (payload) => ({
        ...payload,
        mirrors: change(mirrorsIn(payload)),
      }))
      return { ...reply, body: JSON.stringify({ list }) }
    },
  }
}

function mirrorsIn(payload: Payload): readonly KnownMirror[] {
  return payload['mirrors'] as readonly KnownMirror[]
}

const testKeyOf = ({ authority }: Bench): TestKey => ({
  kind: 'P-256',
  privateKey: createPrivateKey(authority.keyPem),
  pem: authority.keyPem,
  spki: authority.certificate.spki,
})

const sealed = path('/v1/ohttp')

/** A gateway of our own, made anew for each question, that answers what is inside as `answer` says. */
function gateway(
  answer: (
    question: HttpQuestion,
    mirror: (question: HttpQuestion) => Promise<HttpReply>,
  ) => Promise<HttpReply>,
  options: { readonly forgets: boolean },
): Bend {
  let made: ReturnType<typeof createGateway> | null = null
  return {
    handle: async (question, mirror, bench) => {
      if (!sealed(question)) return mirror(question)
      const keys = () => [bench.mirror().identity().gatewayKey]
      if (made === null || options.forgets)
        made = createGateway(bench.runtime, { keys, answer: (inner) => answer(inner, mirror) })
      return made.answer(question)
    },
  }
}

/** Answers what is inside without a look at its date, padded to `block` bytes. */
async function answerInside(
  question: HttpQuestion,
  bench: Bench,
  { block, when }: { readonly block: number; readonly when: (hasDate: boolean) => boolean },
): Promise<HttpReply | null> {
  const { crypto, random } = bench.runtime
  const opened = openRequest(
    crypto,
    [bench.mirror().identity().gatewayKey],
    question.body ?? new Uint8Array(),
  )
  if (typeof opened === 'string') return null
  const request = readRequest(opened.message)
  const hasDate = request?.fields.some(([name]) => name === 'date') === true
  if (request === null || request.method !== 'POST' || !when(hasDate)) return null
  const reply = await bench.mirror().handle({
    ...question,
    path: request.path,
    contentType: 'application/json',
    body: request.content,
  })
  const message = writeResponse(
    {
      status: reply.status,
      fields: [
        ['content-type', reply.contentType],
        ['date', new Date(bench.runtime.clock.now()).toUTCString()],
      ],
      content: typeof reply.body === 'string' ? utf8(reply.body) : reply.body,
    },
    block,
  )
  const body = opened.seal(random, message)
  return { status: 200, contentType: obliviousTypes.response, cacheControl: 'no-store', body }
}

const inside = (options: Parameters<typeof answerInside>[2]): Bend => ({
  handle: async (question, mirror, bench) => {
    // The mirror hears it as well, so that it knows what was asked before.
    const reply = await mirror(question)
    return (sealed(question) ? await answerInside(question, bench, options) : null) ?? reply
  },
})

/** Counts how often it is called. */
function counter(): () => number {
  let count = 0
  return () => ++count
}

const pings = counter()
const heads = counter()
const shares = counter()
const seals = counter()

const tooMany: HttpReply = {
  status: 429,
  contentType: 'application/problem+json',
  cacheControl: 'no-store',
  body: JSON.stringify({ type: 'about:blank', title: 'Too many', status: 429, detail: 'later' }),
}

/** For each clause of the kit a mirror that breaks it, and no other. */
const bends: Readonly<Record<string, Bend>> = {
  'TLS-1': { transport: { tls: { minVersion: 'TLSv1.2' } } },
  'HTTP-1': { transport: { words: '220 mirror ready\r\n\r\n' } },

  'ID-2': {
    show: ({ key, chain }) => ({ key, chain: pemOf(derOfChain(chain)[0] ?? new Uint8Array()) }),
  },
  'ID-3': {
    show: (_shown, { runtime }) => {
      const other = createMirrorAuthority(runtime)
      const { keyPem, chainPem } = issueServer(runtime, other, { names: ['127.0.0.1'] })
      return { key: keyPem, chain: chainPem }
    },
  },
  'ID-4': {
    show: ({ key, chain }, bench) => {
      const noAuthority = makeCertificate({ key: testKeyOf(bench), ca: false })
      return { key, chain: pemOf(derOfChain(chain)[0] ?? new Uint8Array()) + noAuthority.pem }
    },
  },
  'ID-5': {
    show: (_shown, { runtime, authority }) => {
      const other = createMirrorAuthority(runtime)
      const { keyPem, certificate } = issueServer(runtime, other, { names: ['127.0.0.1'] })
      return { key: keyPem, chain: pemOf(certificate.der) + authority.certificatePem }
    },
  },
  'ID-6': {
    show: (_shown, { runtime, authority }) => {
      const { keyPem, chainPem } = issueServer(runtime, authority, { names: ['127.0.0.2'] })
      return { key: keyPem, chain: chainPem }
    },
  },
  'ID-7': {
    show: (_shown, bench) => {
      const signer = { name: ['Sightline mirror'], key: testKeyOf(bench) }
      const past = bench.runtime.clock.now() - 60_000
      const leaf = makeLeaf(signer, { ipAddresses: ['127.0.0.1'], notAfter: past })
      return { key: leaf.keyPem, chain: leaf.pem + bench.authority.certificatePem }
    },
  },

  'HTTP-2': { transport: { endsEach: true } },
  'PING-1': replies(path('/v1/ping'), () => json(200, '"pong"', 'no-store')),
  'HTTP-3': replies(path('/'), (reply) => ({ ...reply, status: 301 })),
  'HTTP-4': replies(path('/v1/ping'), (reply) => (pings() > 15 ? tooMany : reply)),
  'HTTP-5': { transport: { headerBytesMax: 2_000 } },
  'HTTP-6': { transport: { headerBytesMax: 65_536 } },
  'HTTP-7': replies(unknown, () => json(200, '{}', 'no-store')),
  'HTTP-8': replies(
    ({ method }) => method === 'DELETE',
    () => problem('not-found', 'nothing takes this'),
  ),
  'HTTP-9': { transport: { without: ['allow'] } },
  'HTTP-10': replies(
    ({ body }) => body === null || body.length > limits.requestBytesMax,
    () => problem('question-malformed', 'it is too long'),
  ),
  'HTTP-11': questions(
    ({ contentType }) => contentType === 'text/plain',
    (question) => ({ ...question, contentType: 'application/json' }),
  ),
  'HTTP-12': replies(
    ({ body }) => textOf(body ?? utf8('')) === '{"target":',
    () => problem('internal-error', 'it cannot be parsed'),
  ),
  'HTTP-13': { transport: { fields: () => [['set-cookie', 'a=b']] } },
  'PROB-1': replies(unknown, (reply) => ({ ...reply, contentType: 'text/html' })),
  'PROB-2': replies(unknown, (reply) => ({
    ...reply,
    body: JSON.stringify({ ...bodyOf(reply), type: 'about:blank' }),
  })),
  'PROB-3': replies(unknown, (reply) => ({ ...reply, cacheControl: 'max-age=5' })),

  'DESC-1': replies(path('/.well-known/secure-mirror'), () => problem('not-found', 'none')),
  'DESC-2': described((content) => ({ ...content, domain: 5 })),
  'DESC-3': everyDescriptor((text, bench) => {
    const other = createMirrorAuthority(bench.runtime)
    const signer = issueServer(bench.runtime, other, { names: ['127.0.0.1'] })
    return bench.redescribe(text, (content) => content, signer)
  }),
  'DESC-4': everyDescriptor(misSigned),
  'DESC-5': described((content) => ({ ...content, id: stranger })),
  'DESC-6': described((content) => ({ ...content, exp: content.iat + 8 * 86_400_000 })),
  'DESC-7': described((content) => ({ ...content, iat: content.iat + 600_000 })),
  'DESC-8': described((content) => ({
    ...content,
    addresses: [{ address: '192.0.2.7', port: 443 }],
  })),
  'DESC-9': described(({ answerKeys, ...rest }) => ({
    ...rest,
    answerKeys: [...answerKeys, ...answerKeys.map((key) => ({ ...key, keyId: stranger }))],
  })),
  'DESC-10': described(({ answerKeys, ...rest }) => ({
    ...rest,
    answerKeys: [...answerKeys, ...answerKeys.map((key) => ({ ...key, exp: key.exp + 1 }))],
  })),
  'DESC-11': described((content) => ({ ...content, protocol: ['2.0'] })),

  'OBS-1': replies(posted, (reply) =>
    reply.status === 200 ? { ...reply, contentType: 'text/html' } : reply,
  ),
  'OBS-2': statements(observing, 'observation', (text, bench) => {
    const [header = '', payload = ''] = text.split('.')
    const input = `${base64url(utf8(JSON.stringify({ ...jsonIn(header), b64: true })))}.${payload}`
    return `${input}.${base64url(bench.mirror().identity().answerKey.sign(utf8(input)))}`
  }),
  'OBS-3': statements(observing, 'observation', (text, bench) => {
    const content = JSON.stringify(jsonIn(text.split('.')[1] ?? ''))
    const { answerKey } = bench.mirror().identity()
    return signStatement(answerKey, { type: 'smn-obs+jws', keyId: stranger }, content)
  }),
  'OBS-4': statements(observing, 'observation', misSigned),
  'OBS-5': observed(observing, (payload) => ({ ...payload, v: 2 })),
  'OBS-6': observed(bare, (payload) => ({ ...payload, iss: stranger })),
  'OBS-7': observed(bare, (payload) => ({ ...payload, target: 'https://other.test' })),
  'OBS-8': observed(bare, (payload) => ({ ...payload, nonce: 'A'.repeat(22) })),
  'OBS-9': observed(bare, (payload) => shifted(payload, -3_600_000)),
  'OBS-10': observed(bare, (payload) => ({ ...payload, exp: Number(payload['sent']) - 1 })),
  'OBS-11': observed(bare, (payload) => ({
    ...payload,
    excuse: { code: 'busy', text: 'busy', retryAfterMs: null },
  })),
  'OBS-12': observed(bare, (payload) => ({
    ...payload,
    sight: { ...(payload['sight'] as Payload), at: Number(payload['sent']) - 120_000 },
  })),
  'OBS-13': replies(first, (reply) => ({ ...reply, cacheControl: 'max-age=60' })),

  'TGT-4': questions(asksFor('test/"'), withText('test/"', 'test"')),
  'ASK-1': questions(posted, (question) => {
    const asked = textOf(question.body ?? utf8('')) ?? ''
    if (!asked.startsWith('{"target"')) return question
    const nonce = /"nonce":"[^"]{22}"/.test(asked)
    return nonce
      ? question
      : {
          ...question,
          body: utf8(
            `${asked.replace(/,?"nonce":"[^"]*"/, '').slice(0, -1)},"nonce":"${'A'.repeat(22)}"}`,
          ),
        }
  }),
  'ASK-2': replies(first, (reply) => {
    const { descriptor: _descriptor, ...rest } = bodyOf(reply)
    return { ...reply, body: JSON.stringify(rest) }
  }),
  'ASK-3': questions(bare, withText('"handshakes":false', '"handshakes":true')),
  'ASK-4': questions(bare, withText('"asked":["127.0.0.1"]', '"asked":[]')),
  'ASK-5': questions(asksFor('["example"]'), withText('["example"]', '[]')),

  'SHARED-1': observed(shared, (payload) => ({ ...payload, nonce: 'A'.repeat(22) })),
  'SHARED-2': replies(shared, (reply) =>
    reply.status === 200 ? { ...reply, cacheControl: 'no-store' } : reply,
  ),
  'SHARED-3': observed(shared, (payload) => ({
    ...payload,
    sent: Number(payload['sent']) + shares(),
  })),
  'SHARED-4': replies(
    ({ method, path: asked }) => method === 'GET' && asked === '/v1/observe',
    () => json(200, '{}', 'no-store'),
  ),

  'ADDR-1': {
    handle: async (question, mirror, bench) => {
      const hidden = '"target":"https://127.0.0.1"'
      if (!asksFor(hidden)(question)) return mirror(question)
      const reply = await mirror(withText(hidden, '"target":"https://www.example.test"')(question))
      const text = bench.resign(textIn(reply, 'observation'), (payload) => ({
        ...payload,
        target: 'https://127.0.0.1',
      }))
      return { ...reply, body: JSON.stringify({ observation: text }) }
    },
  },
  'ADDR-2': observed(bare, (payload) => {
    const sight = payload['sight'] as { readonly handshakes: readonly object[] }
    const handshakes = sight.handshakes.map((one) => ({ ...one, outcome: 'failed' }))
    return { ...payload, sight: { ...sight, handshakes } }
  }),
  'ADDR-3': observed(asksFor('"smtp://'), (payload) => excused(payload, 'odd')),
  'ADDR-4': observed(asksFor(':9"'), (payload) => excused(payload, 'odd')),
  'ADDR-5': replies(asksFor('"https://127.0.0.1"'), () =>
    problem('question-malformed', 'not this one'),
  ),
  'CACHE-1': observed(first, (payload) => ({
    ...payload,
    exp: Number((payload['sight'] as Payload)['at']) + 60_000,
  })),
  'CACHE-2': questions(asksFor('"fresh":true'), withText('"fresh":true', '"fresh":false')),

  'LIST-1': replies(path('/v1/list/digest'), () => problem('not-found', 'none')),
  'LIST-2': statements(path('/v1/list'), 'list', misSigned),
  'LIST-3': replies(
    ({ path: asked }) => asked.startsWith('/v1/list'),
    (reply, bench) => {
      const body = bodyOf(reply)
      const field = 'digest' in body ? 'digest' : 'list'
      if (typeof body[field] !== 'string') return reply
      const text = bench.resign(body[field], (payload) => ({
        ...payload,
        iat: Number(payload['iat']) - 3_600_000,
      }))
      return { ...reply, body: JSON.stringify({ ...body, [field]: text }) }
    },
  ),
  'LIST-5': listing((mirrors) => [...mirrors, ...mirrors]),
  'LIST-6': signed(path('/v1/list/digest'), 'digest', (payload) => ({
    ...payload,
    digest: base64url(new Uint8Array(8_192)),
  })),
  'LIST-7': signed(path('/v1/list/digest'), 'digest', (payload) => ({
    ...payload,
    count: Number(payload['count']) + 1,
  })),
  'LIST-8': signed(
    ({ path: asked }) => asked.startsWith('/v1/list/bucket/'),
    'list',
    (payload) => ({ ...payload, mirrors: [] }),
  ),
  'LIST-9': questions(
    ({ path: asked }) => asked === '/v1/list?status=active',
    (question) => ({ ...question, path: '/v1/list' }),
  ),
  'LIST-10': questions(path('/v1/list/bucket/xyz'), (question) => ({
    ...question,
    path: '/v1/list/bucket/00',
  })),
  'SEEN-1': statements(path('/v1/bootstrap-seen'), 'seen', misSigned),

  'LOG-1': { withoutLog: true, ...replies(path('/v1/log/head'), () => problem('not-found', 'no')) },
  'LOG-2': statements(path('/v1/log/head'), 'head', misSigned),
  'LOG-3': signed(path('/v1/log/head'), 'head', (payload) =>
    heads() > 1 ? payload : { ...payload, root: base64url(new Uint8Array(32)) },
  ),
  'LOG-4': observed(first, ({ salt: _salt, ...payload }) => payload),
  'LOG-5': replies(path('/v1/log/consistency'), crooked),
  'LOG-6': replies(path('/v1/log/inclusion'), crooked),
  'LOG-7': replies(path('/v1/log/entries'), (reply) => ({
    ...reply,
    body: JSON.stringify({ ...bodyOf(reply), leaves: [base64url(new Uint8Array(32))] }),
  })),
  'LOG-8': replies(
    ({ path: asked }) => asked.startsWith('/v1/log/consistency?from=1&'),
    () => problem('question-malformed', 'not so far'),
  ),
  'LOG-9': replies(path('/v1/log/inclusion'), () => problem('leaf-unknown', 'not yet')),

  'OHTTP-1': described((content) => ({ ...content, ohttp: 'AAAA' })),
  'OHTTP-2': replies(sealed, (reply) =>
    reply.status === 200 ? json(200, '{"observation":"in the open"}', 'no-store') : reply,
  ),
  'OHTTP-3': gateway(
    async (question, mirror) => {
      if (question.method !== 'POST') return problem('not-found', 'none')
      return { ...(await mirror(question)), contentType: 'text/plain' }
    },
    { forgets: false },
  ),
  'OHTTP-4': inside({ block: 1, when: (hasDate) => hasDate && seals() === 1 }),
  'OHTTP-5': gateway(
    async (question, mirror) =>
      question.method === 'POST' ? mirror(question) : problem('not-found', 'none'),
    { forgets: true },
  ),
  'OHTTP-6': replies(sealed, (reply) =>
    reply.status === 422 ? problem('sealed-malformed', 'it does not open') : reply,
  ),
  'OHTTP-7': inside({ block: limits.obliviousResponseBlockBytes, when: (hasDate) => !hasDate }),
  'OHTTP-8': gateway(async (question, mirror) => mirror(question), { forgets: false }),
  'RELAY-1': replies(
    ({ path: asked }) => asked.startsWith('/v1/relay/'),
    () => problem('relay-failed', 'nobody there'),
  ),

  'JOIN-2': replies(path('/v1/join'), () => problem('question-malformed', 'not you')),
  'UP-1': replies(path('/v1/ping-request'), (reply) => ({ ...reply, body: '{"answers":false}' })),
  'STAND-1': replies(
    ({ path: asked }) => asked.startsWith('/v1/standing/') && asked.length > 50,
    (reply) => ({ ...reply, body: JSON.stringify({ ...bodyOf(reply), state: 'active' }) }),
  ),
  'REP-1': replies(path('/v1/reports'), () => json(202, '{"taken":true}', 'no-store')),
  'REM-1': replies(path('/v1/remove-requests'), () => json(202, '{"taken":true}', 'no-store')),
  'VOTE-1': replies(path('/v1/votes'), () => json(202, '{"taken":true}', 'no-store')),
  'NOTE-2': replies(path('/v1/notices'), () => json(202, '{"taken":true}', 'no-store')),
  'API-1': replies(path('/v1/openapi.json'), () => json(200, '{}', 'no-store')),
}

function shifted(payload: Payload, ms: number): Payload {
  const sight = payload['sight'] as { readonly at: number }
  return {
    ...payload,
    sent: Number(payload['sent']) + ms,
    exp: Number(payload['exp']) + ms,
    sight: { ...sight, at: sight.at + ms },
  }
}

function excused(payload: Payload, code: string): Payload {
  return { ...payload, excuse: { ...(payload['excuse'] as Payload), code } }
}

/** A proof whose first hash is another one. */
function crooked(reply: HttpReply): HttpReply {
  const body = bodyOf(reply)
  const hashes = body['path'] as readonly string[]
  if (reply.status !== 200) return reply
  return { ...reply, body: JSON.stringify({ ...body, path: [stranger, ...hashes.slice(1)] }) }
}

function failures({ checks }: Conformance): readonly string[] {
  return checks.flatMap(({ clause, outcome, text }) =>
    outcome === 'failed' ? [`${clause}: ${text}`] : [],
  )
}

const production = await tryBent()

test('our mirror keeps every clause', () => {
  assert.deepEqual(failures(production), [])
  assert.deepEqual(
    production.checks.flatMap(({ clause, outcome }) => (outcome === 'skipped' ? [clause] : [])),
    ['LOG-1'],
  )
})

test('a mirror without a log keeps all that is demanded of it', async () => {
  const report = await tryBent({ withoutLog: true })
  assert.deepEqual(failures(report), [])
  assert.equal(report.checks.find(({ clause }) => clause === 'LOG-1')?.outcome, 'passed')
})

test('every clause of the kit is one of the specification, and has a mirror that breaks it', () => {
  const specification = readFileSync(new URL(`../${specificationPath}`, import.meta.url), 'utf8')
  const known = new Set(clausesOf(specification))
  const tried = production.checks.map(({ clause }) => clause)
  assert.deepEqual(
    tried.filter((clause) => !known.has(clause)),
    [],
  )
  assert.deepEqual(tried.toSorted(), Object.keys(bends).toSorted())
})

suite('broken mirrors', { concurrency: 8 }, () => {
  for (const [clause, bend] of Object.entries(bends))
    test(`a mirror that breaks ${clause} fails ${clause} and nothing else`, async () => {
      const report = await tryBent(bend)
      assert.deepEqual(
        failures(report).map((text) => text.split(':')[0]),
        [clause],
        failures(report).join('\n'),
      )
    })
})
