// The resolver against real servers: BIND as authority, unbound as recursive resolver, dig as oracle.

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { limits } from '../../src/base/limits.ts'
import { parseTarget } from '../../src/observation/target.ts'
import { nodeClock } from '../../src/runtime/node/clock.ts'
import { connect } from '../../src/runtime/node/connection.ts'
import { nodeRandom } from '../../src/runtime/node/random.ts'
import { openUdp } from '../../src/runtime/node/udp.ts'
import { resolveTarget } from '../../src/vantage/dns/resolve.ts'
import { createResolver, type QueryType, type Resolver } from '../../src/vantage/dns/resolver.ts'
import { ensurePackages } from '../support/packages.ts'
import { runProgram } from '../support/program.ts'
import { freePort, startService, type Service } from '../support/service.ts'

const never = new AbortController().signal
const sha256 = (digit: string): string => digit.repeat(64)
const sha512 = (i: number): string => i.toString(16).padStart(2, '0').repeat(64)

/** More octets than a datagram of `limits.dnsUdpPayloadBytes` holds. */
const bigSet = Array.from({ length: 40 }, (_, i) => `big._tcp IN TLSA 3 1 2 ${sha512(i)}`)

const exampleZone = `$TTL 300
@ IN SOA ns.example.test. admin.example.test. 1 3600 600 86400 45
@ IN NS ns.example.test.
ns IN A 127.0.0.1
@ IN A 192.0.2.10
plain IN A 192.0.2.1
plain 120 IN AAAA 2001:db8::1
many IN A 192.0.2.1
many IN A 192.0.2.2
many IN A 192.0.2.3
chain 200 IN CNAME chain2
chain2 100 IN CNAME edge.cdn.test.
loop IN CNAME loop2
loop2 IN CNAME loop
dangling IN CNAME nowhere.cdn.test.
empty.non.terminal IN A 192.0.2.9
*.wild IN A 192.0.2.7
*._tcp.wild IN TLSA 3 1 1 ${sha256('c')}
_443._tcp.plain IN TLSA 2 1 1 ${sha256('a')}
_443._tcp.plain IN TLSA 2 1 1 ${sha256('b')}
_443._tcp.delegated IN CNAME tlsa.cdn.test.
_ca IN TLSA 2 1 1 ${sha256('e')}
_ca.free IN TLSA 2 1 0 00
free IN A 192.0.2.8
${bigSet.join('\n')}
`

const cdnZone = `$TTL 60
@ IN SOA ns.cdn.test. admin.cdn.test. 1 3600 600 86400 30
@ IN NS ns.cdn.test.
ns IN A 127.0.0.1
edge IN A 198.51.100.1
edge IN AAAA 2001:db8:1::1
tlsa IN TLSA 3 1 1 ${sha256('d')}
_443._tcp.edge IN TLSA 3 1 1 ${sha256('f')}
`

const signedZone = `$TTL 300
@ IN SOA ns.signed.test. admin.signed.test. 1 3600 600 86400 60
@ IN NS ns.signed.test.
ns IN A 127.0.0.1
www IN A 203.0.113.1
_443._tcp.www IN TLSA 2 1 1 ${sha256('9')}
`

/** Not signed, though its resolver holds a trust anchor for it. */
const bogusZone = `$TTL 300
@ IN SOA ns.bogus.test. admin.bogus.test. 1 3600 600 86400 60
@ IN NS ns.bogus.test.
ns IN A 127.0.0.1
www IN A 203.0.113.2
`

const zones = {
  'example.test': exampleZone,
  'cdn.test': cdnZone,
  'signed.test': signedZone,
  'bogus.test': bogusZone,
}

let folder = ''
const services: Service[] = []
let authoritative = 0
let recursive = 0

before(async () => {
  await ensurePackages('bind9', 'bind9-dnsutils', 'unbound')
  folder = await mkdtemp(join(tmpdir(), 'sightline-dns-'))
  authoritative = await freePort()
  services.push(await startNamed())
  const keys = await dig(authoritative, 'signed.test', 'DNSKEY', '+short')
  recursive = await freePort()
  services.push(await startUnbound(keys.trim().split('\n')))
})

after(async () => {
  for (const service of services.toReversed()) await service.stop()
  if (folder !== '') await rm(folder, { recursive: true })
})

/** What dig prints about `query`: name, type, and its options. */
function dig(port: number, ...query: readonly string[]): Promise<string> {
  const server = ['@127.0.0.1', '-p', String(port), '+tries=1', '+time=5']
  return runProgram(['dig', ...server, ...query])
}

async function startNamed(): Promise<Service> {
  for (const [zone, text] of Object.entries(zones)) await writeFile(join(folder, zone), text)
  const zoneStatements = Object.keys(zones).map((zone) => {
    const policy = zone === 'signed.test' ? 'dnssec-policy default; inline-signing yes;' : ''
    return `zone "${zone}" { type primary; file "${folder}/${zone}"; ${policy} };`
  })
  const config = join(folder, 'named.conf')
  await writeFile(
    config,
    `options {
      directory "${folder}"; key-directory "${folder}"; pid-file "${folder}/named.pid";
      listen-on port ${authoritative} { 127.0.0.1; }; listen-on-v6 { none; };
      recursion no; dnssec-validation no; session-keyfile none;
    };
    controls { };
    ${zoneStatements.join('\n')}`,
  )
  return startService({
    command: ['named', '-g', '-c', config],
    ready: async () => {
      const answer = await dig(authoritative, 'www.signed.test', 'A', '+dnssec', '+short')
      return answer.includes('203.0.113.1') && answer.includes('signed.test.')
    },
  })
}

async function startUnbound(keys: readonly string[]): Promise<Service> {
  const config = join(folder, 'unbound.conf')
  const stubs = Object.keys(zones).map(
    (zone) => `stub-zone:\n name: "${zone}"\n stub-addr: 127.0.0.1@${authoritative}`,
  )
  await writeFile(
    config,
    `server:
      interface: 127.0.0.1@${recursive}
      directory: "${folder}"
      chroot: ""
      username: ""
      pidfile: "${folder}/unbound.pid"
      use-syslog: no
      do-daemonize: no
      do-not-query-localhost: no
      local-zone: "test." nodefault
      ${keys.map((key) => `trust-anchor: "signed.test. IN DNSKEY ${key}"`).join('\n      ')}
      trust-anchor: "bogus.test. IN DS 1 13 2 ${sha256('0')}"
remote-control:
      control-enable: no
${stubs.join('\n')}
`,
  )
  return startService({
    command: ['unbound', '-d', '-c', config],
    ready: async () =>
      (await dig(recursive, 'plain.example.test', 'A', '+short')).trim() === '192.0.2.1',
  })
}

function resolverAt(port: number): Resolver {
  const needs = { clock: nodeClock, random: nodeRandom, network: { udp: openUdp, connect } }
  return createResolver(needs, { servers: [{ address: '127.0.0.1', port }] })
}

/** What dig prints about one question, in our words. */
interface Printed {
  readonly code: string
  readonly ad: boolean
  readonly records: readonly string[]
  readonly cname: readonly string[]
  readonly ttl: number
}

/**
 * What dig says, asked on for the last name where the server gives aliases without following them, as BIND does
 * when they lead into another zone.
 */
async function digToTheEnd(port: number, name: string, type: QueryType): Promise<Printed> {
  const first = await digAnswer(port, name, type)
  const alias = first.cname.at(-1)
  if (alias === undefined || first.code !== 'NOERROR' || first.records.length > 0) return first
  const rest = await digToTheEnd(port, alias, type)
  return {
    ...rest,
    cname: [...first.cname, ...rest.cname],
    ttl: Math.min(first.ttl, rest.ttl),
    ad: first.ad && rest.ad,
  }
}

async function digAnswer(port: number, name: string, type: QueryType): Promise<Printed> {
  const text = await dig(port, name, type, '+noall', '+comments', '+answer')
  const rows = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith(';'))
    .map((line) => line.split(/\s+/u))
  const dataOf = (wanted: string): readonly (readonly string[])[] =>
    rows.filter((row) => row[3] === wanted).map((row) => row.slice(4))
  return {
    code: /status: (\w+)/u.exec(text)?.[1] ?? 'none',
    ad: / ad[ ;]/u.test(/flags:[^;]*;/u.exec(text)?.[0] ?? ''),
    records: dataOf(type).map((data) =>
      type === 'TLSA'
        ? [...data.slice(0, 3), data.slice(3).join('').toLowerCase()].join(' ')
        : data.join(' '),
    ),
    cname: dataOf('CNAME').map((data) => (data[0] ?? '').replace(/\.$/u, '')),
    ttl: Math.min(...rows.map((row) => Number(row[1]))),
  }
}

type Row = readonly [
  name: string,
  type: QueryType,
  status: string,
  recordCount: number,
  negativeTtl?: number,
]

/** What is asked of both servers, with the status and the number of records that the zones above give. */
const questions: readonly Row[] = [
  ['plain.example.test', 'A', 'ok', 1],
  ['plain.example.test', 'AAAA', 'ok', 1],
  ['many.example.test', 'A', 'ok', 3],
  ['many.example.test', 'AAAA', 'nodata', 0, 45],
  ['absent.example.test', 'A', 'nxdomain', 0, 45],
  ['non.terminal.example.test', 'A', 'nodata', 0, 45],
  ['chain.example.test', 'A', 'ok', 1],
  ['chain.example.test', 'AAAA', 'ok', 1],
  ['dangling.example.test', 'A', 'nxdomain', 0, 30],
  ['anything.wild.example.test', 'A', 'ok', 1],
  ['_443._tcp.plain.example.test', 'TLSA', 'ok', 2],
  ['_8443._tcp.wild.example.test', 'TLSA', 'ok', 1],
  // RFC 4592: a wildcard of the host does not give it a wildcard service.
  ['_443._tcp.host.wild.example.test', 'TLSA', 'nodata', 0, 45],
  ['_443._tcp.delegated.example.test', 'TLSA', 'ok', 1],
  ['_ca.example.test', 'TLSA', 'ok', 1],
  ['_ca.free.example.test', 'TLSA', 'ok', 1],
  ['big._tcp.example.test', 'TLSA', 'ok', 40],
  ['www.signed.test', 'A', 'ok', 1],
  ['_443._tcp.www.signed.test', 'TLSA', 'ok', 1],
  ['absent.signed.test', 'A', 'nxdomain', 0, 60],
]

for (const server of ['authoritative', 'recursive'] as const)
  for (const [name, type, status, recordCount, negativeTtl] of questions)
    test(`${server}: ${name} ${type} is ${status}, as dig sees it`, async () => {
      const port = server === 'authoritative' ? authoritative : recursive
      const ours = await resolverAt(port).query(name, type, never)
      const theirs = await digToTheEnd(port, name, type)
      assert.deepEqual(
        {
          status: ours.status,
          records: ours.records.toSorted(),
          cname: ours.cname,
          ad: ours.ad,
          error: ours.error,
        },
        {
          status,
          records: theirs.records.toSorted(),
          cname: theirs.cname,
          ad: theirs.ad,
          error: null,
        },
      )
      assert.equal(theirs.code, status === 'nxdomain' ? 'NXDOMAIN' : 'NOERROR')
      assert.equal(ours.records.length, recordCount)
      // A cache counts down between the two questions; an authority does not.
      const slackS = server === 'authoritative' ? 0 : 5
      const expected = negativeTtl ?? theirs.ttl
      assert.ok(ours.ttl !== null && Math.abs(ours.ttl - expected) <= slackS, `TTL ${ours.ttl}`)
    })

test('the big answer does not fit a datagram, so it came over TCP', async () => {
  const size = `+bufsize=${limits.dnsUdpPayloadBytes}`
  const text = await dig(recursive, 'big._tcp.example.test', 'TLSA', '+ignore', '+notcp', size)
  assert.match(text, /flags:[^;]* tc[ ;]/u)
})

test('validation shows: AD for a signed zone, none for another, SERVFAIL for a broken one', async () => {
  const resolver = resolverAt(recursive)
  assert.equal((await resolver.query('www.signed.test', 'A', never)).ad, true)
  assert.equal((await resolver.query('plain.example.test', 'A', never)).ad, false)
  assert.partialDeepStrictEqual(await resolver.query('www.bogus.test', 'A', never), {
    status: 'servfail',
    records: [],
  })
})

test('aliases that go round give no answer from either server', async () => {
  for (const port of [authoritative, recursive]) {
    const answer = await resolverAt(port).query('loop.example.test', 'A', never)
    assert.ok(['malformed', 'servfail'].includes(answer.status), answer.status)
    assert.deepEqual(answer.records, [])
  }
})

test('a zone that the server does not serve is refused, which denies nothing', async () => {
  const answer = await resolverAt(authoritative).query('www.elsewhere.test', 'TLSA', never)
  assert.equal(answer.status, 'refused')
})

const authorities: readonly (readonly [target: string, expected: object])[] = [
  [
    'https://plain.example.test',
    { origin: 'service', owner: '_443._tcp.plain.example.test', status: 'ok' },
  ],
  [
    'https://delegated.example.test',
    { origin: 'service', cname: ['tlsa.cdn.test'], records: [`3 1 1 ${sha256('d')}`] },
  ],
  [
    'https://chain.example.test',
    { origin: 'expanded', base: 'edge.cdn.test', records: [`3 1 1 ${sha256('f')}`] },
  ],
  [
    'smtp://many.example.test',
    { origin: 'inherited', owner: '_ca.example.test', records: [`2 1 1 ${sha256('e')}`] },
  ],
  [
    'https://free.example.test',
    { origin: 'inherited', owner: '_ca.free.example.test', status: 'nodata', records: [] },
  ],
  ['https://edge.cdn.test:8443', { origin: 'service', status: 'nxdomain', records: [] }],
  ['https://www.bogus.test', { origin: 'service', status: 'servfail', records: [] }],
]
for (const [text, expected] of authorities)
  test(`whose word holds for ${text}`, async () => {
    const resolution = await resolveTarget(resolverAt(recursive), parseTarget(text), never)
    assert.partialDeepStrictEqual(resolution.authority, expected)
  })
