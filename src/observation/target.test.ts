import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Failure } from '../base/failure.ts'
import { isCanonicalTarget, parseTarget, schemes } from './target.ts'

const accepted: readonly (readonly [string, string, string?])[] = [
  ['example.com', 'https://example.com'],
  ['example.com:443', 'https://example.com'],
  ['example.com:8443', 'https://example.com:8443'],
  ['EXAMPLE.com.', 'https://example.com'],
  ['https://example.com/', 'https://example.com'],
  ['HTTPS://example.com:0443', 'https://example.com'],
  ['tls://example.com:853', 'tls://example.com:853'],
  ['smtp://mx.example.com', 'smtp://mx.example.com'],
  ['smtp://mx.example.com:587', 'smtp://mx.example.com:587'],
  ['imaps://mail.example.com', 'imaps://mail.example.com'],
  ['ssh://host', 'ssh://host'],
  ['192.0.2.1', 'https://192.0.2.1'],
  ['[2001:DB8:0::1]:8443', 'https://[2001:db8::1]:8443'],
  ['https://[::1]', 'https://[::1]'],
  ['_dmarc.example.com', 'https://_dmarc.example.com'],
  [
    'bücher.example',
    'https://xn--bcher-kva.example',
    'https://xn--bcher-kva.example (bücher.example)',
  ],
  ['faß.example', 'https://xn--fa-hia.example', 'https://xn--fa-hia.example (faß.example)'],
  ['ｅｘａｍｐｌｅ.com', 'https://example.com'],
  [
    'xn--bcher-kva.example',
    'https://xn--bcher-kva.example',
    'https://xn--bcher-kva.example (bücher.example)',
  ],
  // Cyrillic а among Latin letters: shown in both forms, with the mixture named.
  [
    'pаypal.example',
    'https://xn--pypal-4ve.example',
    'https://xn--pypal-4ve.example (pаypal.example; mixes Latin and Cyrillic letters)',
  ],
  ['日本語テスト.example', 'https://xn--zckzah1436ble8a.example'],
]
for (const [written, text, display] of accepted) {
  test(`reads ${written}`, () => {
    const target = parseTarget(written)
    if (written !== '日本語テスト.example') assert.equal(target.text, text)
    else assert.doesNotMatch(target.display, /mixes/)
    if (display !== undefined) assert.equal(target.display, display)
    assert.equal(isCanonicalTarget(target.text), true)
  })
}

const refused: readonly (readonly [string, RegExp])[] = [
  ['', /host is missing/],
  ['https://', /host is missing/],
  ['gopher://example.com', /unknown scheme "gopher"/],
  ['constructor://example.com', /unknown scheme/],
  ['example.com:0', /port 0 is not between/],
  ['example.com:70000', /port 70000 is not between/],
  ['example.com:', /port "" is not a number/],
  ['example.com:+1', /port "\+1" is not a number/],
  ['example.com:80:80', /IPv6 address is written in brackets/],
  ['2001:db8::1', /brackets/],
  ['[2001:db8::1', /not closed/],
  ['[example.com]', /not an IPv6 address/],
  ['[fe80::1%eth0]', /zone|not an IPv6/],
  ['tls://example.com', /has no usual port/],
  ['user@example.com', /user name/],
  ['example.com/path', /path/],
  ['https://example.com?query', /path/],
  ['exa mple.com', /white space/],
  ['example.com\n', /white space/],
  ['a..b', /empty label/],
  ['.example.com', /empty label/],
  [`${'a'.repeat(64)}.example`, /64 octets/],
  [`${'a.'.repeat(127)}example`, /octets, DNS allows 253/],
  ['-a.example', /characters that no host name/],
  ['a-.example', /characters that no host name/],
  ['exa$mple.com', /characters that no host name|not a valid/],
  ['xn--\u0000.example', /control|valid/],
  ['xn--a.example', /not a valid internationalised/],
  ['1.2.3', /looks like an IPv4/],
  ['1.2.3.256', /looks like an IPv4/],
  ['0x7f.1', /looks like an IPv4/],
  ['127.1', /looks like an IPv4/],
  ['2130706433', /looks like an IPv4/],
  ['01.2.3.4', /looks like an IPv4/],
  ['x'.repeat(2_000), /2000 characters/],
]
for (const [written, why] of refused) {
  test(`refuses ${JSON.stringify(written.slice(0, 40))}`, () => {
    assert.throws(
      () => parseTarget(written),
      (error) =>
        Failure.is(error) &&
        error.code === 'target-malformed' &&
        why.test(error.message) &&
        error.hint !== null,
    )
  })
}

test('every scheme has its usual port, or asks for one', () => {
  for (const [scheme, { port }] of Object.entries(schemes)) {
    if (port === null) assert.throws(() => parseTarget(`${scheme}://a.test`), /usual port/)
    else assert.equal(parseTarget(`${scheme}://a.test`).port, port)
  }
})

test('the canonical text of any target reads as itself', () => {
  const host = fc.oneof(
    fc.domain(),
    fc.ipV4(),
    fc.ipV6().map((address) => `[${address}]`),
  )
  const scheme = fc.constantFrom(...Object.keys(schemes))
  fc.assert(
    fc.property(scheme, host, fc.integer({ min: 1, max: 65_535 }), (name, where, port) => {
      const target = parseTarget(`${name}://${where}:${port}`)
      assert.equal(target.port, port)
      assert.deepEqual({ ...parseTarget(target.text) }, { ...target })
    }),
  )
})
