// Vectors of targets, of addresses that are not looked at, and of whose word holds for a name (TGT, ADDR, AUTH).

import type { DnsAnswer } from '../../../src/observation/observation.ts'
import { accepted, refusedBy, type VectorFile } from './stage.ts'

/** Texts as a question may hold them, and texts that it may not. */
export function targetVectors(): VectorFile {
  const good = [
    'https://example.com',
    'https://www.example.com:8443',
    'https://_service.example.com',
    'https://xn--bcher-kva.example',
    'https://192.0.2.1',
    'https://192.0.2.1:1',
    'https://[2001:db8::1]',
    'https://[2001:db8::1]:65535',
    'tls://example.com:443',
    'imaps://mail.example.com',
    'smtp://mx.example.com',
  ]
  const bad: readonly (readonly [string, string])[] = [
    ['example.com', 'TGT-4'],
    ['HTTPS://example.com', 'TGT-4'],
    ['https://example.com/', 'TGT-4'],
    ['https://EXAMPLE.com', 'TGT-4'],
    ['https://example.com.', 'TGT-4'],
    ['https://example.com:443', 'TGT-3'],
    ['https://example.com:08443', 'TGT-3'],
    ['https://example.com:0', 'TGT-3'],
    ['https://example.com:65536', 'TGT-3'],
    ['tls://example.com', 'TGT-3'],
    ['https://bücher.example', 'TGT-1'],
    ['https://exa..mple.com', 'TGT-1'],
    ['https://-a.example.com', 'TGT-1'],
    ['https://a-.example.com', 'TGT-1'],
    [`https://${'a'.repeat(64)}.example.com`, 'TGT-1'],
    [`https://${'a.'.repeat(126)}aa`, 'TGT-1'],
    ['https://192.0.2', 'TGT-2'],
    ['https://192.0.2.01', 'TGT-2'],
    ['https://192.0.2.256', 'TGT-2'],
    ['https://0x7f.0.0.1', 'TGT-2'],
    ['https://example.1', 'TGT-2'],
    ['https://[2001:DB8::1]', 'TGT-4'],
    ['https://[2001:db8:0::1]', 'TGT-4'],
    ['https://2001:db8::1', 'TGT-4'],
    ['https://user@example.com', 'TGT-4'],
    ['https://example.com/path', 'TGT-4'],
    ['gopher://example.com', 'TGT-4'],
    ['https://exa mple.com', 'TGT-4'],
    ['', 'TGT-4'],
  ]
  return {
    name: 'targets',
    content: {
      about: 'Texts of targets as they stand in a question.',
      cases: [
        ...good.map((text) => ({ text, ...accepted })),
        ...bad.map(([text, clause]) => ({ text, ...refusedBy(clause) })),
      ],
    },
  }
}

/** Addresses and ports, and whether a mirror goes there for strangers. */
export function addressVectors(): VectorFile {
  const open = [
    '9.9.9.9',
    '100.63.255.255',
    '100.128.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.0.1.0',
    '223.255.255.255',
    '2001:4860:4860::8888',
    '2a00::1',
    '64:ff9b::909:909',
    '2002:909:909::1',
  ]
  const closed = [
    '0.0.0.0',
    '10.0.0.1',
    '100.64.0.0',
    '100.127.255.255',
    '127.0.0.1',
    '127.255.255.255',
    '169.254.169.254',
    '172.16.0.0',
    '172.31.255.255',
    '192.0.2.1',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:9.9.9.9',
    '::ffff:127.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b:1::1',
    '2002:7f00:1::1',
    '2001:0:909:909::f5f5:fefe',
    '2001:db8::1',
    'fc00::1',
    'fe80::1',
    'ff02::1',
    '4000::1',
  ]
  const ports = [
    ...[25, 443, 465, 587, 853, 993, 995, 1024, 8443, 65_535].map((port) => ({
      port,
      ...accepted,
    })),
    ...[1, 7, 9, 23, 53, 79, 80, 1023].map((port) => ({ port, ...refusedBy('ADDR-4') })),
  ]
  return {
    name: 'addresses',
    content: {
      about:
        'Addresses and ports that a mirror connects to on behalf of strangers, and those that it does not.',
      cases: [
        ...open.map((address) => ({ address, ...accepted })),
        ...closed.map((address) => ({ address, ...refusedBy('ADDR-2') })),
      ],
      ports,
    },
  }
}

const answer: DnsAnswer = { status: 'ok', records: [], ttl: 60, ad: false, cname: [], error: null }
const nothing: DnsAnswer = { ...answer, status: 'nodata', ttl: 30 }
const absent: DnsAnswer = { ...answer, status: 'nxdomain', ttl: 20 }
const failed: DnsAnswer = { ...answer, status: 'servfail', ttl: null, error: 'servfail' }
const key = (digit: string): string => `2 1 1 ${digit.repeat(64)}`
const says = (record: string, change: Partial<DnsAnswer> = {}): DnsAnswer => ({
  ...answer,
  records: [record],
  ...change,
})

/** What DNS says to each question, and whose word then holds. Questions that are not named are answered `nxdomain`. */
export function authorityVectors(): VectorFile {
  const host = 'a.b.example.com'
  const service = '_443._tcp.a.b.example.com'
  const alias = { ...says('203.0.113.1'), cname: ['x.provider.net', 'y.provider.net'] }
  const from = (owner: string, change: object = {}) => {
    const [, prefix = '', base = ''] = /^(_ca|_443\._tcp)\.(.*)$/.exec(owner) ?? []
    const origin = prefix === '_ca' ? 'inherited' : base === host ? 'service' : 'expanded'
    return { owner, origin, base, status: 'ok', records: [key('1')], ...change }
  }
  const here = { A: says('203.0.113.1') }
  const aliased = { A: alias, AAAA: { ...nothing, cname: alias.cname } }
  const by = (clause: string, one: object) => ({ ...one, clause })
  const whole = (name: string, zone: object, expected: object) => ({
    name,
    clause: 'AUTH-1',
    host,
    port: 443,
    zone,
    expected,
  })
  const expanded = '_443._tcp.y.provider.net'
  return {
    name: 'authority',
    content: {
      about:
        'What DNS answers by name and type, and the authority that a mirror reports. A question that is not named is answered nxdomain with a TTL of 20.',
      absent,
      cases: [
        whole(
          'the service speaks for itself',
          {
            [host]: here,
            [service]: { TLSA: says(key('1')) },
            '_ca.example.com': { TLSA: says(key('2')) },
          },
          from(service, { ttl: 60 }),
        ),
        whole(
          'the nearest ancestor speaks',
          {
            [host]: here,
            [service]: { TLSA: nothing },
            '_ca.b.example.com': { TLSA: says(key('1')) },
            '_ca.example.com': { TLSA: says(key('2')) },
          },
          from('_ca.b.example.com', { ttl: 20 }),
        ),
        whole(
          'the domain speaks',
          {
            [host]: here,
            [service]: { TLSA: nothing },
            '_ca.example.com': { TLSA: says(key('1')) },
          },
          from('_ca.example.com', { ttl: 20 }),
        ),
        by(
          'AUTH-4',
          whole(
            'a public suffix does not speak',
            { [host]: here, '_ca.com': { TLSA: says(key('1')) } },
            from(service, { status: 'nxdomain', records: [], ttl: 20 }),
          ),
        ),
        by(
          'AUTH-2',
          whole(
            'nobody speaks',
            { [host]: here, [service]: { TLSA: nothing } },
            from(service, { status: 'nodata', records: [], ttl: 20 }),
          ),
        ),
        whole(
          'the name that the host is an alias of speaks, before an ancestor does',
          {
            [host]: aliased,
            [service]: { TLSA: nothing },
            [expanded]: { TLSA: says(key('1')) },
            '_ca.example.com': { TLSA: says(key('2')) },
          },
          from(expanded, { ttl: 30 }),
        ),
        whole(
          'the service speaks before the name that the host is an alias of',
          {
            [host]: aliased,
            [service]: { TLSA: says(key('1')) },
            [expanded]: { TLSA: says(key('2')) },
          },
          from(service, { ttl: 60 }),
        ),
        whole(
          'a question that failed ends the search',
          {
            [host]: here,
            [service]: { TLSA: failed },
            '_ca.example.com': { TLSA: says(key('1')) },
          },
          from(service, { status: 'servfail', records: [], ttl: null }),
        ),
        whole(
          'a question that failed on the way ends it as well',
          {
            [host]: here,
            [service]: { TLSA: nothing },
            '_ca.b.example.com': { TLSA: failed },
            '_ca.example.com': { TLSA: says(key('1')) },
          },
          from('_ca.b.example.com', {
            status: 'servfail',
            records: [],
            ttl: null,
          }),
        ),
        by(
          'AUTH-3',
          whole(
            'it is not known whether the host is an alias',
            {
              [host]: { A: failed, AAAA: failed },
              [service]: { TLSA: nothing },
              '_ca.example.com': { TLSA: says(key('1')) },
            },
            from(service, { origin: 'expanded', status: 'servfail', records: [], ttl: null }),
          ),
        ),
        by(
          'AUTH-5',
          whole(
            'an empty policy stops the inheritance',
            {
              [host]: here,
              [service]: { TLSA: nothing },
              '_ca.b.example.com': { TLSA: says('2 1 0 00') },
              '_ca.example.com': { TLSA: says(key('1')) },
            },
            from('_ca.b.example.com', {
              status: 'nodata',
              records: [],
              ttl: 20,
            }),
          ),
        ),
        by(
          'AUTH-6',
          whole(
            'the authority is validated where all of the way is',
            {
              [host]: here,
              [service]: { TLSA: { ...nothing, ad: true } },
              [`_ca.${host}`]: { TLSA: says(key('1'), { ad: true, ttl: 300 }) },
            },
            from(`_ca.${host}`, { ttl: 30, ad: true }),
          ),
        ),
        by(
          'AUTH-6',
          whole(
            'and not where a part is not',
            {
              [host]: here,
              [service]: { TLSA: nothing },
              [`_ca.${host}`]: { TLSA: says(key('1'), { ad: true, ttl: 300 }) },
            },
            from(`_ca.${host}`, { ttl: 30, ad: false }),
          ),
        ),
        {
          ...whole(
            'of a deep name, those nearest to the domain are asked',
            {
              '_ca.5.6.7.8.9.example.com': { TLSA: says(key('1')) },
              '_ca.1.2.3.4.5.6.7.8.9.example.com': { TLSA: says(key('2')) },
            },
            from('_ca.5.6.7.8.9.example.com', { ttl: 20 }),
          ),
          clause: 'AUTH-4',
          host: '1.2.3.4.5.6.7.8.9.example.com',
        },
      ],
    },
  }
}
