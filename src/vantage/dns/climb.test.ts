import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { limits } from '../../base/limits.ts'
import type { Authority, DnsAnswer, DnsStatus } from '../../observation/observation.ts'
import { decideAuthority, isDecisive, policyNames, type Lookup } from './climb.ts'

// Which names

const climbs: readonly [host: string, names: readonly string[]][] = [
  ['example.test', ['example.test']],
  ['www.example.test', ['www.example.test', 'example.test']],
  ['a.b.example.co.uk', ['a.b.example.co.uk', 'b.example.co.uk', 'example.co.uk']],
  ['_x.a_b.example.com', ['_x.a_b.example.com', 'a_b.example.com', 'example.com']],
  ['a.xn--fiqs8s', ['a.xn--fiqs8s']],
  // Public suffixes, of registries and of companies, are nobody's domain.
  ['test', []],
  ['localhost', []],
  ['co.uk', []],
  ['github.io', []],
  ['somebody.github.io', ['somebody.github.io']],
  ['www.somebody.github.io', ['www.somebody.github.io', 'somebody.github.io']],
  // The exceptions of the list: `!www.ck` under `*.ck`.
  ['x.ck', []],
  ['www.ck', ['www.ck']],
]
for (const [host, names] of climbs)
  test(`for ${host} the policies of ${names.join(', ') || 'nobody'} count`, () =>
    assert.deepEqual(policyNames(host), names))

test('a deep name does not escape the policy of its domain', () => {
  const names = policyNames(`${'deep.'.repeat(20)}example.com`)
  assert.equal(names.length, limits.climbLabelsMax)
  assert.equal(names[0], `${'deep.'.repeat(limits.climbLabelsMax - 1)}example.com`)
  assert.equal(names.at(-1), 'example.com')
})

test('every policy name is the host or its parent, down to one domain, in order', () => {
  const label = fc.stringMatching(/^[a-z0-9]{1,8}$/)
  fc.assert(
    fc.property(fc.array(label, { minLength: 1, maxLength: 12 }), (labels) => {
      const names = policyNames(labels.join('.'))
      assert.ok(names.length <= limits.climbLabelsMax)
      for (const [i, name] of names.entries()) {
        assert.ok(`.${labels.join('.')}`.endsWith(`.${name}`))
        if (i > 0) assert.ok(names[i - 1]?.endsWith(`.${name}`))
      }
    }),
  )
})

// Which answer

const said = (status: DnsStatus, ...records: readonly string[]): DnsAnswer => ({
  status,
  records,
  ttl: status === 'ok' ? 60 : status === 'nodata' || status === 'nxdomain' ? 30 : null,
  ad: true,
  cname: [],
  error: null,
})
const rr = (letter: string): string => `2 1 1 ${letter.repeat(64)}`
const marker = '2 1 0 00'

const places = {
  service: { origin: 'service', owner: '_443._tcp.www.example.test', base: 'www.example.test' },
  expanded: { origin: 'expanded', owner: '_443._tcp.cdn.test', base: 'cdn.test' },
  self: { origin: 'inherited', owner: '_ca.www.example.test', base: 'www.example.test' },
  domain: { origin: 'inherited', owner: '_ca.example.test', base: 'example.test' },
} as const
type Place = keyof typeof places

interface Case {
  readonly what: string
  readonly said: readonly [Place, DnsAnswer][]
  readonly place: Place
  readonly status: DnsStatus
  readonly records: readonly string[]
}

const none = said('nodata')
const cases: readonly Case[] = [
  {
    what: 'the service speaks for itself',
    said: [
      ['service', said('ok', rr('a'))],
      ['domain', said('ok', rr('b'))],
    ],
    place: 'service',
    status: 'ok',
    records: [rr('a')],
  },
  {
    what: 'the name that the host is an alias of comes next',
    said: [
      ['service', none],
      ['expanded', said('ok', rr('b'))],
      ['domain', said('ok', rr('c'))],
    ],
    place: 'expanded',
    status: 'ok',
    records: [rr('b')],
  },
  {
    what: 'the nearest ancestor with records wins',
    said: [
      ['service', said('nxdomain')],
      ['self', said('ok', rr('a'))],
      ['domain', said('ok', rr('b'))],
    ],
    place: 'self',
    status: 'ok',
    records: [rr('a')],
  },
  {
    what: 'the domain speaks where nothing nearer does',
    said: [
      ['service', none],
      ['expanded', said('nxdomain')],
      ['self', said('nxdomain')],
      ['domain', said('ok', rr('a'), rr('b'))],
    ],
    place: 'domain',
    status: 'ok',
    records: [rr('a'), rr('b')],
  },
  {
    what: 'nobody speaks',
    said: [
      ['service', said('nxdomain')],
      ['self', none],
      ['domain', none],
    ],
    place: 'service',
    status: 'nxdomain',
    records: [],
  },
  {
    what: 'the marker stops inheritance',
    said: [
      ['service', none],
      ['self', said('ok', marker)],
      ['domain', said('ok', rr('a'))],
    ],
    place: 'self',
    status: 'nodata',
    records: [],
  },
  {
    what: 'the marker beside a record is no marker',
    said: [
      ['service', none],
      ['domain', said('ok', marker, rr('a'))],
    ],
    place: 'domain',
    status: 'ok',
    records: [marker, rr('a')],
  },
  {
    what: 'the marker has no meaning at a service: it is a record that matches nothing',
    said: [
      ['service', said('ok', marker)],
      ['domain', said('ok', rr('a'))],
    ],
    place: 'service',
    status: 'ok',
    records: [marker],
  },
  ...(['servfail', 'refused', 'timeout', 'malformed', 'unreachable'] as const).flatMap(
    (status): Case[] => [
      {
        what: `${status} of the service is not passed over`,
        said: [
          ['service', said(status)],
          ['domain', said('ok', rr('b'))],
        ],
        place: 'service',
        status,
        records: [],
      },
      {
        what: `${status} of a nearer ancestor is not passed over`,
        said: [
          ['service', none],
          ['self', said(status)],
          ['domain', said('ok', rr('b'))],
        ],
        place: 'self',
        status,
        records: [],
      },
    ],
  ),
]

function decide(list: readonly [Place, DnsAnswer][]): Authority {
  const [nearest, ...farther] = list.map(([place, answer]): Lookup => ({
    ...places[place],
    answer,
  }))
  return decideAuthority(nearest ?? assert.fail(), farther)
}

for (const row of cases)
  test(row.what, () => {
    assert.partialDeepStrictEqual(decide(row.said), {
      ...places[row.place],
      status: row.status,
      records: row.records,
    })
  })

test('TTL and AD cover the denials on the way, and not what lies behind', () => {
  const unsigned = { ...none, ad: false, ttl: 20 }
  const inherited = decide([
    ['service', unsigned],
    ['self', said('ok', rr('a'))],
    ['domain', { ...none, ttl: 1 }],
  ])
  assert.deepEqual([inherited.ttl, inherited.ad], [20, false])
  const own = decide([
    ['service', said('ok', rr('a'))],
    ['domain', unsigned],
  ])
  assert.deepEqual([own.ttl, own.ad], [60, true])
  const nobody = decide([
    ['service', { ...none, ttl: null }],
    ['domain', { ...none, ttl: 7 }],
  ])
  assert.deepEqual([nobody.ttl, nobody.ad], [7, true])
  assert.equal(decide([['service', { ...none, ttl: null }]]).ttl, null)
  const failed = decide([
    ['service', none],
    ['domain', said('timeout')],
  ])
  assert.equal(failed.ttl, null)
})

test('an authority says where it was found and why there is none', () => {
  assert.match(
    decide([['domain', said('ok', marker)]]).error ?? '',
    /_ca\.example\.test says: no policy/,
  )
})

test('suppressing answers never changes whose word holds: it only takes the word away', () => {
  const order = ['service', 'expanded', 'self', 'domain'] as const
  const answer = fc.constantFrom(none, said('nxdomain'), said('ok', rr('a')), said('ok', marker))
  fc.assert(
    fc.property(
      fc.tuple(answer, answer, answer, answer),
      fc.tuple(fc.boolean(), fc.boolean(), fc.boolean(), fc.boolean()),
      (answers, suppressed) => {
        const honest = order.map((place, i): [Place, DnsAnswer] => [place, answers[i] ?? none])
        const attacked = honest.map(([place, given], i): [Place, DnsAnswer] => [
          place,
          suppressed[i] === true ? said('timeout') : given,
        ])
        const before = decide(honest)
        const after = decide(attacked)
        const decisive =
          after.status === 'ok' || after.status === 'nodata' || after.status === 'nxdomain'
        if (decisive) assert.deepEqual(after, before)
        else assert.deepEqual(after.records, [])
      },
    ),
  )
})

test('only a denial is passed over', () => {
  const statuses: readonly DnsStatus[] = [
    'ok',
    'nodata',
    'nxdomain',
    'servfail',
    'refused',
    'timeout',
    'malformed',
    'unreachable',
  ]
  const passed = statuses.filter((status) => !isDecisive({ ...places.self, answer: said(status) }))
  assert.deepEqual(passed, ['nodata', 'nxdomain'])
})
