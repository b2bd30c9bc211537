import assert from 'node:assert/strict'
import test from 'node:test'
import type { DnsAnswer } from '../../observation/observation.ts'
import { observationSchema } from '../../observation/schema.ts'
import { parseTarget } from '../../observation/target.ts'
import { resolveTarget } from './resolve.ts'
import type { QueryType, Resolver } from './resolver.ts'

const never = new AbortController().signal
const rr = (letter: string): string => `2 1 1 ${letter.repeat(64)}`

const none: DnsAnswer = {
  status: 'nodata',
  records: [],
  ttl: 30,
  ad: false,
  cname: [],
  error: null,
}
const has = (...records: readonly string[]): DnsAnswer => ({
  ...none,
  status: 'ok',
  records,
  ttl: 60,
})
const failed: DnsAnswer = {
  ...none,
  status: 'timeout',
  ttl: null,
  error: 'no answer within 3000 ms',
}
const aliasTo = (answer: DnsAnswer, ...cname: readonly string[]): DnsAnswer => ({
  ...answer,
  cname,
})

type Table = Readonly<Record<string, DnsAnswer | 'silent'>>

/** A resolver with answers by `type name`, that keeps what it was asked; `silent` ends only by the asker's abort. */
function tableResolver(table: Table): Resolver & {
  readonly asked: string[]
  readonly aborted: string[]
} {
  const asked: string[] = []
  const aborted: string[] = []
  return {
    asked,
    aborted,
    query: (name: string, type: QueryType, signal: AbortSignal) => {
      const key = `${type} ${name}`
      asked.push(key)
      const answer = table[key] ?? none
      if (answer !== 'silent') return Promise.resolve(answer)
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          aborted.push(key)
          reject(signal.reason as Error)
        })
      })
    },
  }
}

const www = parseTarget('https://www.example.test')
const service = 'TLSA _443._tcp.www.example.test'

test('everything is asked at once, before any answer', async () => {
  const resolver = tableResolver({ 'A www.example.test': has('192.0.2.1') })
  const resolving = resolveTarget(resolver, www, never)
  assert.deepEqual(resolver.asked.toSorted(), [
    'A www.example.test',
    'AAAA www.example.test',
    'TLSA _443._tcp.www.example.test',
    'TLSA _ca.example.test',
    'TLSA _ca.www.example.test',
  ])
  const { a, aaaa, authority } = await resolving
  assert.deepEqual([a.records, aaaa.status, authority.status], [['192.0.2.1'], 'nodata', 'nodata'])
  assert.equal(resolver.asked.length, 5)
})

test('ports and schemes name the service; all of them run over TCP', async () => {
  for (const [target, owner] of [
    ['https://a.test:8443', '_8443._tcp.a.test'],
    ['smtp://mx.a.test', '_25._tcp.mx.a.test'],
    ['ssh://a.test', '_22._tcp.a.test'],
  ] as const) {
    const { authority } = await resolveTarget(tableResolver({}), parseTarget(target), never)
    assert.equal(authority.owner, owner)
  }
})

test('the decided authority does not wait for what lies farther, and ends its questions', async () => {
  const resolver = tableResolver({
    [service]: has(rr('a')),
    'TLSA _ca.www.example.test': 'silent',
    'TLSA _ca.example.test': 'silent',
  })
  const { authority } = await resolveTarget(resolver, www, never)
  assert.partialDeepStrictEqual(authority, { origin: 'service', records: [rr('a')] })
  assert.deepEqual(resolver.aborted.toSorted(), [
    'TLSA _ca.example.test',
    'TLSA _ca.www.example.test',
  ])
})

test('a host that is an alias: its own statement first, and the expanded name only without one', async () => {
  const alias = { 'A www.example.test': aliasTo(has('192.0.2.1'), 'x.cdn.test', 'edge.cdn.test') }
  const expanded = 'TLSA _443._tcp.edge.cdn.test'
  const stated = tableResolver({ ...alias, [service]: has(rr('a')), [expanded]: has(rr('b')) })
  assert.partialDeepStrictEqual((await resolveTarget(stated, www, never)).authority, {
    origin: 'service',
    base: 'www.example.test',
    records: [rr('a')],
  })
  assert.ok(!stated.asked.includes(expanded))
  const unstated = tableResolver({
    ...alias,
    [expanded]: has(rr('b')),
    'TLSA _ca.example.test': has(rr('c')),
  })
  assert.partialDeepStrictEqual((await resolveTarget(unstated, www, never)).authority, {
    origin: 'expanded',
    owner: '_443._tcp.edge.cdn.test',
    base: 'edge.cdn.test',
    records: [rr('b')],
  })
  const neither = tableResolver({ ...alias, 'TLSA _ca.example.test': has(rr('c')) })
  assert.partialDeepStrictEqual((await resolveTarget(neither, www, never)).authority, {
    origin: 'inherited',
    owner: '_ca.example.test',
    base: 'example.test',
    records: [rr('c')],
  })
})

test('an alias shows in the AAAA answer too, and in a denial', async () => {
  const resolver = tableResolver({
    'AAAA www.example.test': aliasTo(none, 'edge.cdn.test'),
    'A www.example.test': failed,
    'TLSA _443._tcp.edge.cdn.test': has(rr('b')),
  })
  const { authority } = await resolveTarget(resolver, www, never)
  assert.partialDeepStrictEqual(authority, { origin: 'expanded', base: 'edge.cdn.test' })
})

test('a failing expanded name is not passed over in favour of the domain', async () => {
  const resolver = tableResolver({
    'A www.example.test': aliasTo(has('192.0.2.1'), 'edge.cdn.test'),
    'TLSA _443._tcp.edge.cdn.test': failed,
    'TLSA _ca.example.test': has(rr('c')),
  })
  const { authority } = await resolveTarget(resolver, www, never)
  assert.partialDeepStrictEqual(authority, { origin: 'expanded', status: 'timeout', records: [] })
})

test('where nobody knows whether the host is an alias, nothing farther is taken', async () => {
  const resolver = tableResolver({
    'A www.example.test': failed,
    'AAAA www.example.test': failed,
    'TLSA _ca.example.test': has(rr('c')),
  })
  const { authority } = await resolveTarget(resolver, www, never)
  assert.partialDeepStrictEqual(authority, { origin: 'expanded', status: 'timeout', records: [] })
  assert.match(authority.error ?? '', /whether the host is an alias is not known/)
  const known = tableResolver({
    'A www.example.test': failed,
    'TLSA _ca.example.test': has(rr('c')),
  })
  assert.equal((await resolveTarget(known, www, never)).authority.origin, 'inherited')
})

test('an address is itself, without a question', async () => {
  const resolver = tableResolver({})
  const four = await resolveTarget(resolver, parseTarget('https://192.0.2.1:8443'), never)
  assert.partialDeepStrictEqual(four, {
    a: { status: 'ok', records: ['192.0.2.1'], ttl: null },
    aaaa: { status: 'nodata', records: [] },
    authority: { status: 'nodata', origin: 'service', owner: '', base: '192.0.2.1', records: [] },
  })
  const six = await resolveTarget(resolver, parseTarget('https://[2001:db8::1]'), never)
  assert.deepEqual([six.a.status, six.aaaa.records], ['nodata', ['2001:db8::1']])
  assert.deepEqual(resolver.asked, [])
})

test('names that leave no room for a prefix are not asked, and the result is a valid statement', async () => {
  const host = `${Array.from({ length: 7 }, () => 'a'.repeat(35)).join('.')}.b`
  assert.equal(host.length, 253)
  const resolver = tableResolver({ [`A ${host}`]: has('192.0.2.1') })
  const dns = await resolveTarget(resolver, parseTarget(host), never)
  assert.deepEqual([dns.authority.status, dns.authority.owner], ['nodata', ''])
  assert.ok(resolver.asked.every((key) => (key.split(' ')[1] ?? '').length <= 253))
  const sight = { at: 1, dns, handshakes: [], dnsMs: 1 }
  const head = {
    v: 1,
    iss: 'i'.repeat(43),
    target: `https://${host}`,
    nonce: null,
    sent: 1,
    exp: 2,
  }
  const statement = { ...head, status: 'answered', excuse: null, source: 'fresh', sight }
  assert.equal(observationSchema.safeParse(statement).success, true)
})

test('the asker who aborts gets the reason, and all questions end', async () => {
  const resolver = tableResolver({ 'A www.example.test': 'silent', [service]: 'silent' })
  const asker = new AbortController()
  const resolving = resolveTarget(resolver, www, asker.signal)
  const reason = new Error('no longer wanted')
  asker.abort(reason)
  await assert.rejects(resolving, (error) => error === reason)
  assert.deepEqual(resolver.aborted.toSorted(), ['A www.example.test', service])
  await assert.rejects(resolveTarget(resolver, www, asker.signal), (error) => error === reason)
})
