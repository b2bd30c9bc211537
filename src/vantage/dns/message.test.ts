import assert from 'node:assert/strict'
import test from 'node:test'
import { decode, type Packet } from 'dns-packet'
import fc from 'fast-check'
import { concat } from '../../base/bytes.ts'
import { limits } from '../../base/limits.ts'
import type { DnsAnswer } from '../../observation/observation.ts'
import {
  flags,
  label,
  message,
  name,
  pointer,
  question as questionOctets,
  questionAt,
  record,
  soaData,
  types,
  u16,
  u32,
  usual,
  type MessageParts,
} from '../../../test/support/dns-bytes.ts'
import { fuzzDnsMessage } from '../../../test/fuzz/dns-message.ts'
import { encodeQuery, isAskable, readAnswer, type Question, type QueryType } from './message.ts'

const asked: Question = { id: 0xbeef, name: 'wWw.ExAmple.tEst', type: 'A' }
const host = 'www.example.test'
const own = pointer(questionAt)
const address = Uint8Array.of(192, 0, 2, 1)

/** A message that answers `asked`, with the given changes. */
function reply(parts: Partial<MessageParts>, type: QueryType = 'A'): Uint8Array {
  return message({ id: asked.id, questions: [questionOctets(asked.name, types[type])], ...parts })
}

function answerOf(octets: Uint8Array, type: QueryType = 'A'): DnsAnswer {
  const reading = readAnswer(octets, { ...asked, type })
  assert.equal(reading.kind, 'answer')
  return reading.kind === 'answer' ? reading.answer : assert.fail()
}

const a = (owner: Uint8Array = own, last = 1): Uint8Array =>
  record(owner, types.A, { data: Uint8Array.of(192, 0, 2, last) })
const cname = (owner: string, target: string, ttl = 300): Uint8Array =>
  record(name(owner), types.CNAME, { data: name(target), ttl })
const soa = (zone: string, minimum: number, ttl = 3600): Uint8Array =>
  record(name(zone), types.SOA, { data: soaData(minimum), ttl })
const tlsa = (octets: readonly number[], ttl = 300): Uint8Array =>
  record(own, types.TLSA, { data: Uint8Array.from(octets), ttl })

// What is asked

test('a question has our id and case, wants recursion and the AD bit, and says how long a datagram may be', () => {
  const packet = decode(Buffer.from(encodeQuery({ ...asked, type: 'TLSA' }))) as Packet & {
    flag_rd: boolean
    flag_ad: boolean
    flag_qr: boolean
  }
  assert.equal(packet.id, asked.id)
  assert.deepEqual([packet.flag_qr, packet.flag_rd, packet.flag_ad], [false, true, true])
  assert.deepEqual(packet.questions, [{ name: asked.name, type: 'TLSA', class: 'IN' }])
  assert.partialDeepStrictEqual(packet.additionals, [
    { type: 'OPT', udpPayloadSize: limits.dnsUdpPayloadBytes, ednsVersion: 0, flags: 0 },
  ])
})

test('only names that DNS allows are askable', () => {
  const long = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.`
  for (const good of ['a', '_443._tcp.a.test', `${long}${'d'.repeat(61)}`, '*.a'])
    assert.equal(isAskable(good), true, good)
  for (const bad of ['', '.', 'a.', '.a', 'a..b', 'a b', 'ä.test', 'a\\b', 'a'.repeat(64)])
    assert.equal(isAskable(bad), false, bad)
  assert.equal(isAskable(`${long}${'d'.repeat(62)}`), false)
  assert.throws(() => encodeQuery({ ...asked, name: 'a..b' }), /Broken invariant/)
})

// What is an answer to it at all

test('the right answer is read', () => {
  assert.deepEqual(answerOf(reply({ answers: [a()] })), {
    status: 'ok',
    records: ['192.0.2.1'],
    ttl: 300,
    ad: false,
    cname: [],
    error: null,
  })
})

test('name servers are read, in lower case; one that is no host name spoils the answer', () => {
  const ns = (data: Uint8Array): Uint8Array => record(own, types.NS, { data })
  const named = answerOf(
    reply({ answers: [ns(name('B.Ns.Test')), ns(name('a.ns.test'))] }, 'NS'),
    'NS',
  )
  assert.deepEqual([named.status, named.records], ['ok', ['b.ns.test', 'a.ns.test']])
  const odd = answerOf(reply({ answers: [ns(concat(label('a.b'), name('test')))] }, 'NS'), 'NS')
  assert.equal(odd.status, 'malformed')
})

const strays: Readonly<Record<string, Uint8Array>> = {
  nothing: new Uint8Array(),
  'half a header': reply({}).subarray(0, 11),
  'a header alone': reply({ questions: [] }),
  'a cut-off question': reply({}).subarray(0, 20),
  'another id': reply({ id: 0xbeee, answers: [a()] }),
  'a question, not a response': reply({ flags: flags.recursionDesired, answers: [a()] }),
  'another opcode': reply({ flags: usual | 0x2800, answers: [a()] }),
  'another name': reply({ questions: [questionOctets('wWw.ExAmple.tEsu', types.A)] }),
  'another type': reply({ questions: [questionOctets(asked.name, types.AAAA)] }),
  'another class': reply({ questions: [concat(name(asked.name), u16(types.A), u16(3))] }),
  'two questions': reply({
    questions: [questionOctets(asked.name, types.A), questionOctets(asked.name, types.A)],
  }),
  'a name of other labels with the same text': reply({
    questions: [concat(label('wWw.ExAmple'), label('tEst'), Uint8Array.of(0), u16(1), u16(1))],
  }),
}
for (const [what, octets] of Object.entries(strays))
  test(`${what} is a stray datagram`, () =>
    assert.deepEqual(readAnswer(octets, asked, { anyCase: true }), { kind: 'stray' }))

test('another case of the name is told apart, and is taken where the transport is safe', () => {
  const octets = reply({ questions: [questionOctets(host, types.A)], answers: [a()] })
  assert.deepEqual(readAnswer(octets, asked), { kind: 'other-case' })
  assert.equal(readAnswer(octets, asked, { anyCase: true }).kind, 'answer')
})

test('a truncated answer is told apart, whatever its records look like', () => {
  const octets = reply({ flags: usual | flags.truncated, counts: [1, 9, 9, 9] })
  assert.deepEqual(readAnswer(octets, asked), { kind: 'truncated' })
})

// How it ended

const codes: readonly [code: number, status: DnsAnswer['status'], text: RegExp][] = [
  [1, 'servfail', /FORMERR/],
  [2, 'servfail', /SERVFAIL/],
  [4, 'servfail', /NOTIMP/],
  [5, 'refused', /REFUSED/],
  [9, 'servfail', /code 9/],
]
for (const [code, status, text] of codes)
  test(`response code ${code} is ${status}, even beside records`, () => {
    const answer = answerOf(reply({ flags: usual | code, answers: [a()] }))
    assert.equal(answer.status, status)
    assert.deepEqual(answer.records, [])
    assert.match(answer.error ?? '', text)
  })

test('an extended response code is no success', () => {
  const options = record(name(''), types.OPT, { data: new Uint8Array(), ttl: 0x0100_0000 })
  const answer = answerOf(reply({ answers: [a()], additionals: [options] }))
  assert.deepEqual([answer.status, answer.records], ['servfail', []])
  assert.match(answer.error ?? '', /BADVERS/)
})

test('the AD bit is passed on', () => {
  assert.equal(answerOf(reply({ flags: usual | flags.authentic, answers: [a()] })).ad, true)
})

test('a denial carries how long it may be kept: the lesser of the SOA TTL and its minimum', () => {
  const none = answerOf(reply({ authorities: [soa('example.test', 60)] }))
  assert.deepEqual([none.status, none.ttl, none.error], ['nodata', 60, null])
  const gone = answerOf(reply({ flags: usual | 3, authorities: [soa('test', 900, 30)] }))
  assert.deepEqual([gone.status, gone.ttl], ['nxdomain', 30])
  const root = answerOf(reply({ flags: usual | 3, authorities: [soa('', 86_400, 86_400)] }))
  assert.equal(root.ttl, 86_400)
  const foreign = answerOf(reply({ authorities: [soa('elsewhere.test', 60)] }))
  assert.deepEqual([foreign.status, foreign.ttl], ['nodata', null])
})

test('a referral and the silence of a server that does not resolve deny nothing', () => {
  const ns = record(name('test'), types.NS, { data: name('ns.test') })
  assert.equal(answerOf(reply({ authorities: [ns] })).status, 'refused')
  assert.equal(answerOf(reply({ flags: flags.response })).status, 'refused')
  assert.equal(answerOf(reply({ flags: flags.response | flags.authoritative })).status, 'nodata')
})

test('NXDOMAIN beside the records that it denies is malformed', () => {
  assert.equal(answerOf(reply({ flags: usual | 3, answers: [a()] })).status, 'malformed')
})

// Aliases

test('aliases are followed in whatever order they come, with the smallest TTL of all', () => {
  const answer = answerOf(
    reply({
      answers: [
        record(name('C.example.test'), types.A, { data: address, ttl: 200 }),
        cname('b.EXAMPLE.test', 'c.example.test', 100),
        cname(host, 'B.example.TEST', 150),
      ],
    }),
  )
  assert.deepEqual(answer.cname, ['b.example.test', 'c.example.test'])
  assert.deepEqual([answer.status, answer.records, answer.ttl], ['ok', ['192.0.2.1'], 100])
})

test('records off the way from the question are ignored', () => {
  const answer = answerOf(
    reply({
      answers: [
        a(name('evil.test'), 66),
        cname('evil.test', host),
        a(),
        a(name('sub.' + host), 67),
      ],
      additionals: [a(own, 68)],
      authorities: [a(own, 69)],
    }),
  )
  assert.deepEqual([answer.records, answer.cname], [['192.0.2.1'], []])
})

test('records of another class or type are ignored', () => {
  const answers = [
    record(own, types.A, { data: address, class: 3 }),
    record(own, types.TXT, { data: address }),
  ]
  assert.deepEqual(answerOf(reply({ answers, authorities: [soa('test', 5)] })).status, 'nodata')
})

test('aliases that end without a word about the last name are to be asked on', () => {
  const octets = reply({ flags: usual | flags.authentic, answers: [cname(host, 'b.test', 7)] })
  assert.deepEqual(readAnswer(octets, asked), {
    kind: 'alias',
    cname: ['b.test'],
    ttl: 7,
    ad: true,
  })
  const denied = answerOf(
    reply({ answers: [cname(host, 'b.test', 7)], authorities: [soa('test', 60)] }),
  )
  assert.deepEqual([denied.status, denied.cname, denied.ttl], ['nodata', ['b.test'], 7])
})

const chain = (steps: number): readonly Uint8Array[] => [
  cname(host, 'n1.test'),
  ...Array.from({ length: steps - 1 }, (_, i) => cname(`n${i + 1}.test`, `n${i + 2}.test`)),
  a(name(`n${steps}.test`)),
]

const brokenAliases: readonly [what: string, error: string, answers: readonly Uint8Array[]][] = [
  ['to itself', 'aliases go round', [cname(host, host)]],
  [
    'in a circle',
    'aliases go round',
    [cname(host, 'b.test'), cname('b.test', 'c.test'), cname('c.test', 'b.test')],
  ],
  ['back to the question', 'aliases go round', [cname(host, 'b.test'), cname('b.test', host)]],
  [
    'of two names',
    'a name is an alias of two names',
    [cname(host, 'b.test'), cname(host, 'c.test')],
  ],
  ['that are too many', 'there are more than 8 aliases', chain(limits.cnameStepsMax + 1)],
  ['to the root', 'an alias leads to what is no host name', [cname(host, '')]],
  [
    'to a label with a dot in it',
    'an alias leads to what is no host name',
    [record(own, types.CNAME, { data: concat(label('b.c'), name('test')) })],
  ],
  [
    'to octets that no host name has',
    'an alias leads to what is no host name',
    [
      record(own, types.CNAME, {
        data: concat(label(Uint8Array.of(0xe2, 0x84, 0xaa)), name('test')),
      }),
    ],
  ],
  [
    'longer than their record',
    'a name in a record has another length',
    [record(own, types.CNAME, { data: name('b.test'), length: 3 })],
  ],
]
for (const [what, error, answers] of brokenAliases)
  test(`aliases ${what} are malformed`, () => {
    assert.deepEqual(answerOf(reply({ answers, counts: [1, answers.length, 0, 0] })), {
      status: 'malformed',
      records: [],
      ttl: null,
      ad: false,
      cname: [],
      error,
    })
  })

test('as many aliases as allowed are followed, and the same alias twice is one', () => {
  assert.equal(answerOf(reply({ answers: chain(limits.cnameStepsMax) })).cname.length, 8)
  const twice = [cname(host, 'b.test', 9), cname(host, 'b.test', 5), a(name('b.test'))]
  assert.equal(answerOf(reply({ answers: twice })).ttl, 5)
})

test('only ASCII letters are equal in both cases: the Kelvin sign is no k', () => {
  const kelvin = concat(label(Uint8Array.of(0xe2, 0x84, 0xaa)), name('example.test'))
  const octets = message({
    id: 1,
    questions: [questionOctets('k.example.test', types.A)],
    answers: [a(kelvin)],
    authorities: [soa('test', 5)],
  })
  const reading = readAnswer(octets, { id: 1, name: 'k.example.test', type: 'A' })
  assert.partialDeepStrictEqual(reading, { answer: { status: 'nodata', records: [] } })
})

// Messages that lie about themselves

/** A name of `octets` octets in all that ends in a pointer to the question's name, which has 18. */
function nameEndingInOwn(octets: number): Uint8Array {
  const full = Array.from({ length: 3 }, () => label('y'.repeat(62)))
  return concat(...full, label('y'.repeat(octets - 3 * 63 - 1 - 18)), own)
}

/** Where the first answer begins. */
const answersAt = questionAt + name(host).length + 4
const empty = new Uint8Array()

const lying: readonly [what: string, error: string, octets: Uint8Array][] = [
  [
    'more answers than there are',
    'a name is cut off',
    reply({ answers: [a()], counts: [1, 2, 0, 0] }),
  ],
  ['65535 answers', 'a name is cut off', reply({ counts: [1, 65_535, 65_535, 65_535] })],
  [
    'a record longer than the message',
    'a record claims more octets than there are',
    reply({ answers: [record(own, types.A, { data: address, length: 400 })] }),
  ],
  [
    'an address of five octets',
    'an A record has 5 octets',
    reply({ answers: [record(own, types.A, { data: Uint8Array.of(1, 2, 3, 4, 5) })] }),
  ],
  [
    'an address of three octets',
    'an A record has 3 octets',
    reply({ answers: [record(own, types.A, { data: Uint8Array.of(1, 2, 3) })] }),
  ],
  [
    'an empty address',
    'an A record has 0 octets',
    reply({ answers: [record(own, types.A, { data: empty })] }),
  ],
  [
    'a cut-off record',
    'a record is cut off',
    reply({ answers: [a().subarray(0, 9)], counts: [1, 1, 0, 0] }),
  ],
  ['a cut-off name', 'a name is cut off', reply({ answers: [Uint8Array.of(63, 97)] })],
  ['a cut-off pointer', 'a name is cut off', reply({ answers: [Uint8Array.of(0xc0)] })],
  [
    'a label of unknown type',
    'a name holds a label of unknown type',
    reply({ answers: [a(Uint8Array.of(0x40, questionAt))] }),
  ],
  [
    'a pointer to itself',
    'a name points at itself or forwards',
    reply({ answers: [a(pointer(answersAt))] }),
  ],
  [
    'a pointer forwards',
    'a name points at itself or forwards',
    reply({ answers: [a(pointer(0x3fff))] }),
  ],
  [
    'a name that points into itself',
    'a name points at itself or forwards',
    reply({ answers: [a(concat(label('x'), pointer(answersAt)))] }),
  ],
  ['a name of 256 octets', 'a name is too long', reply({ answers: [a(nameEndingInOwn(256))] })],
  [
    'two OPT records',
    'it holds more than one OPT record',
    reply({ additionals: [1, 2].map(() => record(name(''), types.OPT, { data: empty })) }),
  ],
  [
    'a SOA that is too short',
    'the SOA has another length',
    reply({
      authorities: [record(name('test'), types.SOA, { data: soaData(5).subarray(0, -1) })],
    }),
  ],
]
for (const [what, error, octets] of lying)
  test(`${what}: malformed`, () => {
    const answer = answerOf(octets)
    assert.deepEqual([answer.status, answer.records, answer.ttl], ['malformed', [], null])
    assert.equal(answer.error, error)
  })

test('a name of 255 octets, pointers among them, is still a name', () => {
  assert.equal(answerOf(reply({ answers: [a(nameEndingInOwn(255)), a()] })).status, 'ok')
})

test('a chain of pointers costs no more than its bound', () => {
  // Each record's owner points at the pointer before it: steps grow with the square of the records.
  let at = questionAt + name(asked.name).length + 4
  const answers: Uint8Array[] = []
  let target = questionAt
  for (let i = 0; i < 4_000; i++) {
    answers.push(record(pointer(target), types.A, { data: address }))
    if (at < 0x3fff) target = at
    at += 16
  }
  assert.match(answerOf(reply({ answers })).error ?? '', /chain of pointers/)
})

test('octets behind the last record are ignored, and a TTL with its top bit set is 0', () => {
  const high = record(own, types.A, { data: address, ttl: 0x8000_0001 })
  const answer = answerOf(concat(reply({ answers: [high] }), Uint8Array.of(1, 2, 3)))
  assert.deepEqual([answer.status, answer.ttl], ['ok', 0])
})

// Records

test('addresses come in canonical text, each once, in the order received', () => {
  const data = (tail: readonly number[]): Uint8Array =>
    Uint8Array.from([
      0x20,
      1,
      0xd,
      0xb8,
      ...Array.from({ length: 12 - tail.length }, () => 0),
      ...tail,
    ])
  const answers = [[1], [0xab, 0xcd], [1]].map((tail) =>
    record(own, types.AAAA, { data: data(tail) }),
  )
  const answer = answerOf(reply({ answers }, 'AAAA'), 'AAAA')
  assert.deepEqual(answer.records, ['2001:db8::1', '2001:db8::abcd'])
})

test('of too many records the first are kept, and that is said', () => {
  const answers = Array.from({ length: 65 }, (_, i) => a(own, i))
  const answer = answerOf(reply({ answers }))
  assert.equal(answer.records.length, limits.dnsRecordsMax)
  assert.deepEqual([answer.status, answer.records[0]], ['ok', '192.0.2.0'])
  assert.match(answer.error ?? '', /of 65 records the first 64 are kept/)
})

const hash = (octets: number): readonly number[] => Array.from({ length: octets }, () => 0xab)
const goodTlsa: readonly [octets: readonly number[], text: string][] = [
  [[2, 1, 1, ...hash(32)], `2 1 1 ${'ab'.repeat(32)}`],
  [[3, 0, 2, ...hash(64)], `3 0 2 ${'ab'.repeat(64)}`],
  [[2, 1, 0, 0], '2 1 0 00'],
  [[3, 1, 0, ...hash(1024)], `3 1 0 ${'ab'.repeat(1024)}`],
]
const badTlsa: Readonly<Record<string, readonly number[]>> = {
  empty: [],
  'of two octets': [2, 1],
  'without data': [2, 1, 0],
  'with a short SHA-256': [2, 1, 1, ...hash(31)],
  'with a long SHA-256': [2, 1, 1, ...hash(33)],
  'with a short SHA-512': [2, 1, 2, ...hash(32)],
  'over 1 kB': [2, 1, 0, ...hash(1025)],
  'of an unknown usage': [4, 1, 1, ...hash(32)],
  'of an unknown selector': [3, 2, 1, ...hash(32)],
  'of an unknown matching type': [3, 1, 3, ...hash(32)],
}
test('well-formed TLSA records are their canonical text', () => {
  const answer = answerOf(
    reply({ answers: goodTlsa.map(([octets]) => tlsa(octets)) }, 'TLSA'),
    'TLSA',
  )
  assert.deepEqual(
    answer.records,
    goodTlsa.map(([, text]) => text),
  )
  assert.deepEqual([answer.status, answer.error], ['ok', null])
})
for (const [what, octets] of Object.entries(badTlsa))
  test(`a TLSA record ${what} neither counts nor hides the good one beside it`, () => {
    const alone = answerOf(reply({ answers: [tlsa(octets)] }, 'TLSA'), 'TLSA')
    assert.deepEqual([alone.status, alone.records, alone.ttl], ['malformed', [], null])
    assert.match(alone.error ?? '', /^1 of 1 TLSA records are left out: ./)
    const beside = answerOf(reply({ answers: [tlsa(octets), tlsa([2, 1, 0, 9])] }, 'TLSA'), 'TLSA')
    assert.deepEqual([beside.status, beside.records], ['ok', ['2 1 0 09']])
    assert.match(beside.error ?? '', /^1 of 2 TLSA records are left out: ./)
  })

// Properties

const arbitraryLabel = fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/)
const arbitraryName = fc
  .array(arbitraryLabel, { minLength: 1, maxLength: 8 })
  .map((l) => l.join('.'))

test('a question is read back as the answer to itself, and to no other', () => {
  fc.assert(
    fc.property(
      fc.nat(0xffff),
      arbitraryName,
      fc.constantFrom<QueryType>('A', 'AAAA', 'TLSA'),
      (id, owner, type) => {
        const question: Question = { id, name: owner, type }
        const octets = encodeQuery(question)
        assert.deepEqual(readAnswer(octets, question), { kind: 'stray' })
        octets[2] = (octets[2] ?? 0) | 0x80
        octets[3] = (octets[3] ?? 0) | 0x80
        assert.partialDeepStrictEqual(readAnswer(octets, question), {
          answer: { status: 'nodata' },
        })
        assert.deepEqual(readAnswer(octets, { ...question, id: id ^ 1 }), { kind: 'stray' })
      },
    ),
  )
})

test('what is encoded is read: aliases, addresses and the smallest TTL', () => {
  const ttl = fc.nat(0x7fff_ffff)
  fc.assert(
    fc.property(
      fc.uniqueArray(arbitraryName, {
        minLength: 1,
        maxLength: 8,
        selector: (n) => n.toLowerCase(),
      }),
      fc.uniqueArray(fc.ipV4(), { minLength: 1, maxLength: 60 }),
      fc.array(ttl, { minLength: 68, maxLength: 68 }),
      (names, addresses, ttls) => {
        const way = names
          .slice(0, -1)
          .map((from, i) =>
            record(name(from), types.CNAME, { data: name(names[i + 1] ?? ''), ttl: ttls[i] ?? 0 }),
          )
        const last = name(names.at(-1) ?? '')
        const records = addresses.map((text, i) =>
          record(last, types.A, {
            data: Uint8Array.from(text.split('.').map(Number)),
            ttl: ttls[8 + i] ?? 0,
          }),
        )
        const owner = names[0] ?? ''
        const octets = message({
          id: 7,
          questions: [questionOctets(owner, types.A)],
          answers: [...records, ...way],
        })
        const reading = readAnswer(octets, { id: 7, name: owner, type: 'A' })
        assert.deepEqual(reading, {
          kind: 'answer',
          answer: {
            status: 'ok',
            records: addresses,
            ttl: Math.min(...ttls.slice(0, way.length), ...ttls.slice(8, 8 + addresses.length)),
            ad: false,
            cname: names.slice(1).map((text) => text.toLowerCase()),
            error: null,
          },
        })
      },
    ),
  )
})

test('any octets, and any damage to a good answer, give no more than the message holds', () => {
  const good = concat(
    Uint8Array.of(0),
    u16(asked.id),
    reply(
      {
        flags: usual | flags.authentic,
        answers: [
          cname(host, 'b.test'),
          tlsa([2, 1, 1, ...hash(32)]),
          record(name('b.test'), types.TLSA, { data: Uint8Array.of(3, 1, 0, 5) }),
        ],
        authorities: [soa('test', 60)],
        additionals: [record(name(''), types.OPT, { data: u32(0) })],
      },
      'TLSA',
    ).subarray(2),
  )
  fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (octets) => fuzzDnsMessage(octets)))
  const damage = fc.array(fc.tuple(fc.nat(good.length), fc.nat(255)), {
    minLength: 1,
    maxLength: 6,
  })
  fc.assert(
    fc.property(damage, fc.nat(good.length), (changes, cut) => {
      const octets = Uint8Array.from(good)
      for (const [at, value] of changes) octets[at] = value
      fuzzDnsMessage(octets)
      fuzzDnsMessage(octets.subarray(0, cut))
    }),
    { numRuns: 3_000 },
  )
})
