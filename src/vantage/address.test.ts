// RFC 6890 and the documents of each row: first and last address, and the neighbours on both sides.

import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { addressRefusal, portRefusal, usualLowPorts } from './address.ts'

type Expected = RegExp | null
/** First and last address of a range with the reason, then what the addresses just below and above are. */
type Row = readonly [first: string, last: string, why: RegExp, below: Expected, above: Expected]

const none = null
const unallocated = /not allocated/

const rowsV4: readonly Row[] = [
  ['0.0.0.0', '0.255.255.255', /this network/, none, none],
  ['10.0.0.0', '10.255.255.255', /private.*1918/, none, none],
  ['100.64.0.0', '100.127.255.255', /carriers.*6598/, none, none],
  ['127.0.0.0', '127.255.255.255', /loopback/, none, none],
  ['169.254.0.0', '169.254.255.255', /link-local/, none, none],
  ['172.16.0.0', '172.31.255.255', /private.*1918/, none, none],
  ['192.0.0.0', '192.0.0.255', /IETF protocol/, none, none],
  ['192.0.2.0', '192.0.2.255', /documentation/, none, none],
  ['192.31.196.0', '192.31.196.255', /AS112/, none, none],
  ['192.52.193.0', '192.52.193.255', /multicast tunnelling/, none, none],
  ['192.88.99.0', '192.88.99.255', /6to4 relay/, none, none],
  ['192.168.0.0', '192.168.255.255', /private.*1918/, none, none],
  ['192.175.48.0', '192.175.48.255', /AS112/, none, none],
  ['198.18.0.0', '198.19.255.255', /benchmarking/, none, none],
  ['198.51.100.0', '198.51.100.255', /documentation/, none, none],
  ['203.0.113.0', '203.0.113.255', /documentation/, none, none],
  ['224.0.0.0', '239.255.255.255', /multicast/, none, /reserved/],
  ['240.0.0.0', '255.255.255.254', /reserved/, /multicast/, /broadcast/],
  ['255.255.255.255', '255.255.255.255', /broadcast/, /reserved/, none],
]

const f = (from: string, groups: number): string => `${from}${':ffff'.repeat(groups)}`

const rowsV6: readonly Row[] = [
  ['::', '::', /unspecified/, none, /loopback/],
  ['::1', '::1', /loopback/, /unspecified/, /IPv4-compatible/],
  ['::2', '::ffff:ffff', /IPv4-compatible/, /loopback/, unallocated],
  ['::ffff:0:0', '::ffff:ffff:ffff', /IPv4-mapped/, unallocated, unallocated],
  ['64:ff9b:1::', f('64:ff9b:1', 5), /8215/, unallocated, unallocated],
  ['100::', f('100:0:0:0', 4), /discarded/, unallocated, /dummy/],
  ['100:0:0:1::', f('100:0:0:1', 4), /dummy/, /discarded/, unallocated],
  ['2001:1::1', '2001:1::1', /port control/, /2928/, /TURN/],
  ['2001:1::2', '2001:1::2', /TURN/, /port control/, /9665/],
  ['2001:1::3', '2001:1::3', /9665/, /TURN/, /2928/],
  ['2001:2::', f('2001:2:0', 5), /benchmarking/, /2928/, /2928/],
  ['2001:3::', f('2001:3', 6), /multicast tunnelling/, /2928/, /2928/],
  ['2001:4:112::', f('2001:4:112', 5), /AS112/, /2928/, /2928/],
  ['2001:10::', f('2001:1f', 6), /4843/, /2928/, /7343/],
  ['2001:20::', f('2001:2f', 6), /7343/, /4843/, /9374/],
  ['2001:30::', f('2001:3f', 6), /9374/, /7343/, /2928/],
  ['2001:40::', f('2001:1ff', 6), /2928/, /9374/, none],
  ['2001:db8::', f('2001:db8', 6), /documentation/, none, none],
  ['2620:4f:8000::', f('2620:4f:8000', 5), /AS112/, none, none],
  ['3fff::', f('3fff:fff', 6), /documentation/, none, none],
  ['4000::', f('5eff', 7), unallocated, none, /segment/],
  ['5f00::', f('5f00', 7), /segment/, unallocated, unallocated],
  ['6000::', f('7fff', 7), unallocated, unallocated, unallocated],
  ['8000::', f('fbff', 7), unallocated, unallocated, /unique local/],
  ['fc00::', f('fdff', 7), /unique local/, unallocated, unallocated],
  ['fe80::', f('febf', 7), /link-local/, unallocated, /site-local/],
  ['fec0::', f('feff', 7), /site-local/, /link-local/, /multicast/],
  ['ff00::', f('ffff', 7), /multicast/, /site-local/, none],
]

/** The address `step` further on, or null beyond the end of the family. */
function neighbour(address: string, step: 1 | -1): string | null {
  const octets = ipaddr.parse(address).toByteArray()
  for (let i = octets.length - 1; i >= 0; i--) {
    const sum = (octets[i] ?? 0) + step
    octets[i] = (sum + 256) % 256
    if (sum >= 0 && sum <= 255) return ipaddr.fromByteArray(octets).toString()
  }
  return null
}

function expectRefusal(address: string | null, expected: Expected): void {
  if (address === null) return
  const why = addressRefusal(address)
  if (expected === null) assert.equal(why, null, address)
  else assert.match(why ?? 'not refused', expected, address)
}

for (const [first, last, why, below, above] of [...rowsV4, ...rowsV6])
  test(`refuses ${first} to ${last}, and not its neighbours`, () => {
    expectRefusal(first, why)
    expectRefusal(last, why)
    expectRefusal(neighbour(first, -1), below)
    expectRefusal(neighbour(last, 1), above)
  })

test('global unicast is not refused', () => {
  for (const address of ['1.1.1.1', '8.8.8.8', '2000::', '2606:4700::1111', f('3ffe', 7)])
    assert.equal(addressRefusal(address), null, address)
})

test('an address that carries another is judged by that', () => {
  const hex = (ip: string): string => {
    const [a = 0, b = 0, c = 0, d = 0] = ipaddr.IPv4.parse(ip).toByteArray()
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  }
  const flipped = (ip: string): string => {
    const octets = ipaddr.IPv4.parse(ip).toByteArray()
    return hex(octets.map((octet) => octet ^ 0xff).join('.'))
  }
  for (const inner of ['10.1.2.3', '127.0.0.1', '169.254.169.254', '192.168.0.1', '0.0.0.0']) {
    const say = (name: string): RegExp => new RegExp(`^${name} of ${inner}: `)
    assert.match(addressRefusal(`64:ff9b::${inner}`) ?? '', say('NAT64'))
    assert.match(addressRefusal(`2002:${hex(inner)}::1`) ?? '', say('6to4'))
    assert.match(addressRefusal(`2001:0:${hex(inner)}::${flipped('8.8.8.8')}`) ?? '', say('Teredo'))
    assert.match(addressRefusal(`2001:0:${hex('8.8.8.8')}::${flipped(inner)}`) ?? '', say('Teredo'))
    assert.match(addressRefusal(`::ffff:${inner}`) ?? '', /IPv4-mapped/)
  }
  assert.equal(addressRefusal('64:ff9b::8.8.8.8'), null)
  assert.equal(addressRefusal(`2002:${hex('8.8.8.8')}::1`), null)
  assert.equal(addressRefusal(`2001:0:${hex('8.8.8.8')}::${flipped('9.9.9.9')}`), null)
  assert.match(addressRefusal('::ffff:8.8.8.8') ?? '', /IPv4-mapped/)
})

test('text that is no canonical address is refused, however a resolver would read it', () => {
  for (const text of ['', 'example.com', '127.1', '0x7f.0.0.1', '017700000001', '2130706433'])
    assert.match(addressRefusal(text) ?? '', /not an IP address/, text)
  for (const text of ['fe80::1%eth0', '2606:4700::1111%1', '1.1.1.1%1'])
    assert.match(addressRefusal(text) ?? '', /zone/, text)
})

/** Any address of 4 or 16 octets, often at the edge of something. */
const octetsNearEdges = (length: 4 | 16): fc.Arbitrary<number[]> => {
  const octet = fc.oneof(fc.constantFrom(0, 1, 0xff, 0xfe), fc.integer({ min: 0, max: 255 }))
  const heads = [...rowsV4, ...rowsV6]
    .flatMap(([first, last]) => [first, last])
    .map((address) => ipaddr.parse(address).toByteArray())
    .filter((octets) => octets.length === length)
  const some = fc.array(octet, { minLength: length, maxLength: length })
  const near = fc
    .tuple(fc.constantFrom(...heads), fc.integer({ min: 0, max: length - 1 }), octet)
    .map(([head, at, value]) => head.map((old, i) => (i === at ? value : old)))
  return fc.oneof(some, near)
}

test('IPv4: exactly what ipaddr.js knows as unicast is not refused', () => {
  fc.assert(
    fc.property(octetsNearEdges(4), (octets) => {
      const address = new ipaddr.IPv4(octets)
      assert.equal(addressRefusal(address.toString()) === null, address.range() === 'unicast')
    }),
    { numRuns: 2_000 },
  )
})

test('IPv6: within 2000::/3 exactly what ipaddr.js knows as unicast is not refused, outside nothing', () => {
  const allocated = ipaddr.IPv6.parseCIDR('2000::/3')
  fc.assert(
    fc.property(octetsNearEdges(16), (octets) => {
      const address = new ipaddr.IPv6(octets)
      const range = address.range()
      // These carry an IPv4 address, and are judged by it in a test of their own.
      fc.pre(
        range !== '6to4' &&
          range !== 'teredo' &&
          !address.match([
            new ipaddr.IPv6([0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            96,
          ]),
      )
      const expected = range === 'unicast' && address.match(allocated)
      assert.equal(addressRefusal(address.toString()) === null, expected, address.toString())
    }),
    { numRuns: 2_000 },
  )
})

test('ports: the usual ones of the schemes and everything from 1024 up', () => {
  for (const port of [22, 25, 110, 143, 443, 465, 587, 636, 853, 990, 993, 995])
    assert.equal(portRefusal(port), null, String(port))
  for (const port of [1024, 4433, 5222, 6697, 8443, 65_535])
    assert.equal(portRefusal(port), null, String(port))
  for (const port of [1, 23, 53, 80, 123, 445, 1023])
    assert.match(portRefusal(port) ?? '', /no service with TLS/, String(port))
  for (const port of [0, -1, 65_536, 1.5, Number.NaN])
    assert.match(portRefusal(port) ?? '', /not a port/, String(port))
  assert.equal(portRefusal(80, new Set([80])), null)
  assert.match(portRefusal(443, new Set([80])) ?? '', /no service/)
  assert.ok([...usualLowPorts].every((port) => port < 1024))
})
