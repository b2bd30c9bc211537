// The DNS servers of the demo: sections and codes on the wire, regions, caches, lies, and what does not fit a datagram.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { DecodedPacket, RecordType } from 'dns-packet'
import { exchangeDns } from '../../demo/dns/listen.ts'
import { serveAuthority, serveResolver, type RegionalResolver } from '../../demo/dns/servers.ts'
import { createZones, type Zones } from '../../demo/dns/zones.ts'
import { world as real } from '../../demo/world.ts'
import type { Endpoint } from '../../src/runtime/runtime.ts'
import { createResolver, type QueryType } from '../../src/vantage/dns/resolver.ts'

const authorityAddress = '127.0.53.1'
const regions: Readonly<Record<string, string>> = { '127.11.0.53': 'ARIN', '127.12.0.53': 'RIPE' }
const key = (letter: string): string => `2 1 1 ${letter.repeat(64)}`
/** A record set that no datagram holds. */
const manyKeys = Array.from({ length: 30 }, (_, i) => `2 1 1 ${i.toString(16).padStart(64, '0')}`)

async function world(t: TestContext): Promise<{
  zones: Zones
  authority: Endpoint
  arin: RegionalResolver
  ripe: RegionalResolver
}> {
  const zones = createZones()
  zones.open('bakery.test')
  const authority = await serveAuthority(authorityAddress, zones, (from) => regions[from] ?? null)
  t.after(() => authority.close())
  const resolverAt = async (address: string): Promise<RegionalResolver> => {
    const resolver = await serveResolver(address, authority.endpoint)
    t.after(() => resolver.close())
    return resolver
  }
  return {
    zones,
    authority: authority.endpoint,
    arin: await resolverAt('127.11.0.53'),
    ripe: await resolverAt('127.12.0.53'),
  }
}

const recursionDesired = 1 << 8
const ask = (server: Endpoint, name: string, type: RecordType): Promise<DecodedPacket> =>
  exchangeDns(
    { type: 'query', id: 7, flags: recursionDesired, questions: [{ name, type }] },
    server,
    '127.0.0.1',
  )
const dataOf = (packet: DecodedPacket): readonly unknown[] =>
  (packet.answers ?? []).map((record) => ('data' in record ? record.data : null))
const codeOf = (packet: DecodedPacket): number => (packet.flags ?? 0) & 15

test('the authority answers from its zones, in the letters of the question', async (t) => {
  const { zones, authority } = await world(t)
  zones.put('www.bakery.test', 'A', { ttl: 60, data: ['127.100.0.1', '127.100.0.2'] })
  const answer = await ask(authority, 'wWw.BAKERY.tesT', 'A')
  assert.equal(answer.flag_aa, true)
  assert.equal(answer.flag_ra, false)
  assert.equal(answer.id, 7)
  assert.deepEqual(dataOf(answer), ['127.100.0.1', '127.100.0.2'])
  assert.equal(answer.questions?.[0]?.name, 'wWw.BAKERY.tesT')
  assert.equal(answer.answers?.[0]?.name, 'wWw.BAKERY.tesT')
})

test('a missing type is no data, a missing name is no name, another zone is refused', async (t) => {
  const { zones, authority } = await world(t)
  zones.put('_443._tcp.www.bakery.test', 'TLSA', { ttl: 60, data: [key('a')] })
  const rows = [
    ['_443._tcp.www.bakery.test', 'A', 0, 'SOA'],
    ['_tcp.www.bakery.test', 'TLSA', 0, 'SOA'],
    ['bakery.test', 'TLSA', 0, 'SOA'],
    ['shop.bakery.test', 'A', 3, 'SOA'],
    ['akery.test', 'A', 5, null],
  ] as const
  for (const [name, type, code, section] of rows) {
    const answer = await ask(authority, name, type)
    assert.equal(codeOf(answer), code, name)
    assert.deepEqual(answer.answers, [], name)
    assert.equal(answer.authorities?.[0]?.type ?? null, section, name)
  }
})

test('aliases are followed within the answer, and a loop of them ends', async (t) => {
  const { zones, authority } = await world(t)
  zones.put('www.bakery.test', 'CNAME', { ttl: 60, data: ['edge.bakery.test'] })
  zones.put('edge.bakery.test', 'A', { ttl: 60, data: ['127.100.0.1'] })
  assert.deepEqual(dataOf(await ask(authority, 'www.bakery.test', 'A')), [
    'edge.bakery.test',
    '127.100.0.1',
  ])
  zones.put('edge.bakery.test', 'CNAME', { ttl: 60, data: ['www.bakery.test'] })
  zones.remove('edge.bakery.test', 'A')
  assert.equal(codeOf(await ask(authority, 'www.bakery.test', 'A')), 0)
})

test('a TLSA set that does not fit a datagram comes whole by TCP', async (t) => {
  const { zones, arin } = await world(t)
  zones.put('_443._tcp.www.bakery.test', 'TLSA', { ttl: 60, data: manyKeys })
  const answer = await ask(arin.endpoint, '_443._tcp.www.bakery.test', 'TLSA')
  assert.equal(answer.flag_tc, false)
  assert.equal(answer.answers?.length, 30)
})

test('each region gets its own answer through its own resolver', async (t) => {
  const { zones, arin, ripe } = await world(t)
  zones.put('cdn.bakery.test', 'A', { ttl: 60, data: ['127.100.0.1'] })
  zones.put('cdn.bakery.test', 'A', { ttl: 60, data: ['127.101.0.1'], region: 'ARIN' })
  const fromArin = await ask(arin.endpoint, 'cdn.bakery.test', 'A')
  assert.equal(fromArin.flag_ra, true)
  assert.equal(fromArin.flag_aa, false)
  assert.deepEqual(dataOf(fromArin), ['127.101.0.1'])
  assert.deepEqual(dataOf(await ask(ripe.endpoint, 'cdn.bakery.test', 'A')), ['127.100.0.1'])
})

test('a resolver remembers for the TTL and no longer', async (t) => {
  const { zones, arin } = await world(t)
  const tellers = { lasting: 60, passing: 0 }
  for (const [name, ttl] of Object.entries(tellers)) {
    zones.put(`${name}.bakery.test`, 'A', { ttl, data: ['127.100.0.1'] })
    await ask(arin.endpoint, `${name}.bakery.test`, 'A')
    zones.put(`${name}.bakery.test`, 'A', { ttl, data: ['127.100.0.2'] })
  }
  const lasting = await ask(arin.endpoint, 'LASTING.bakery.test', 'A')
  assert.deepEqual(dataOf(lasting), ['127.100.0.1'])
  assert.equal(lasting.answers?.[0]?.name, 'LASTING.bakery.test')
  assert.deepEqual(dataOf(await ask(arin.endpoint, 'passing.bakery.test', 'A')), ['127.100.0.2'])
})

test('a poisoned resolver lies where it was told to, also that there is nothing, and is healed again', async (t) => {
  const { zones, arin, ripe } = await world(t)
  zones.put('www.bakery.test', 'A', { ttl: 60, data: ['127.100.0.1'] })
  zones.put('_443._tcp.www.bakery.test', 'TLSA', { ttl: 60, data: [key('a')] })
  const lies = createZones()
  lies.open('bakery.test')
  lies.put('www.bakery.test', 'A', { ttl: 60, data: ['127.66.0.1'] })
  lies.put('_443._tcp.www.bakery.test', 'TLSA', { ttl: 60, data: [] })
  arin.poison(lies)
  assert.deepEqual(dataOf(await ask(arin.endpoint, 'www.bakery.test', 'A')), ['127.66.0.1'])
  const none = await ask(arin.endpoint, '_443._tcp.www.bakery.test', 'TLSA')
  assert.deepEqual([codeOf(none), none.answers?.length, none.authorities?.length], [0, 0, 1])
  assert.deepEqual(dataOf(await ask(ripe.endpoint, 'www.bakery.test', 'A')), ['127.100.0.1'])
  arin.poison(null)
  assert.deepEqual(dataOf(await ask(arin.endpoint, 'www.bakery.test', 'A')), ['127.100.0.1'])
})

test("Sightline's own resolver client reads them as it reads any resolver", async (t) => {
  const { zones, arin } = await world(t)
  zones.put('www.bakery.test', 'CNAME', { ttl: 60, data: ['edge.bakery.test'] })
  zones.put('edge.bakery.test', 'A', { ttl: 30, data: ['127.100.0.1'] })
  zones.put('_443._tcp.www.bakery.test', 'TLSA', { ttl: 60, data: manyKeys })
  const client = createResolver(real, { servers: [arin.endpoint] })
  const query = (name: string, type: QueryType) =>
    client.query(name, type, new AbortController().signal)
  const address = await query('www.bakery.test', 'A')
  assert.deepEqual(
    [address.status, address.records, address.cname, address.ttl],
    ['ok', ['127.100.0.1'], ['edge.bakery.test'], 30],
  )
  const authority = await query('_443._tcp.www.bakery.test', 'TLSA')
  assert.deepEqual([authority.status, authority.records], ['ok', manyKeys])
  assert.equal((await query('edge.bakery.test', 'AAAA')).status, 'nodata')
  assert.equal((await query('_ca.bakery.test', 'TLSA')).status, 'nxdomain')
  assert.equal((await query('www.nowhere.test', 'A')).status, 'refused')
})

test('a resolver whose authority is gone says that it failed', async (t) => {
  const authority = await serveAuthority(authorityAddress, createZones(), () => null)
  const resolver = await serveResolver('127.11.0.53', authority.endpoint)
  t.after(() => resolver.close())
  await authority.close()
  assert.equal(codeOf(await ask(resolver.endpoint, 'www.bakery.test', 'A')), 2)
})
