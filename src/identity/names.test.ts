import assert from 'node:assert/strict'
import test from 'node:test'
import { constraintBroken } from '../observation/name-constraints.ts'
import { constraintsOf, fileNameOf, parseServerName } from './names.ts'

const names = [
  ['a.test', 'dns', 'a.test', 'a.test'],
  ['A.Test.', 'dns', 'a.test', 'a.test'],
  ['*.a.test', 'dns', '*.a.test', '_wildcard.a.test'],
  ['bücher.test', 'dns', 'xn--bcher-kva.test', 'xn--bcher-kva.test'],
  ['192.0.2.1', 'ip', '192.0.2.1', '192.0.2.1'],
  ['2001:DB8:0::1', 'ip', '2001:db8::1', '2001-db8--1'],
  ['[2001:db8::1]', 'ip', '2001:db8::1', '2001-db8--1'],
] as const

for (const [text, kind, canonical, file] of names)
  test(`${text} is the ${kind} name ${canonical}, in files ${file}`, () => {
    const name = parseServerName(text)
    assert.deepEqual([name.kind, name.text, fileNameOf(name)], [kind, canonical, file])
  })

for (const text of [
  '',
  '*',
  '*.',
  '*.*.a.test',
  '*.test',
  'a.*.test',
  '*.192.0.2.1',
  'https://a.test',
  'a.test:443',
  'a.test/x',
  '10.0.0.0/8',
  '../a',
  'a..test',
  '1.2.3',
  '[2001:db8::1]:443',
  'a\n.test',
  'x'.repeat(64),
])
  test(`${JSON.stringify(text)} is no name for a certificate`, () => {
    assert.throws(() => parseServerName(text), { code: 'name-malformed' })
  })

const within = [
  [['a.test'], 'a.test', true],
  [['A.test.'], 'x.y.a.test', true],
  [['a.test'], '*.a.test', true],
  [['a.test'], 'ba.test', false],
  [['x.a.test'], '*.a.test', false],
  [['a.test'], 'test', false],
  [['a.test'], '192.0.2.1', false],
  [['a.test'], '2001:db8::1', false],
  [['192.0.2.1'], 'a.test', false],
  [['192.0.2.1'], '192.0.2.1', true],
  [['192.0.2.1'], '192.0.2.2', false],
  [['10.0.0.0/9'], '10.127.255.255', true],
  [['10.0.0.0/9'], '10.128.0.0', false],
  [['10.1.2.3/8'], '10.255.0.0', true],
  [['0.0.0.0/0'], '255.255.255.255', true],
  [['0.0.0.0/0'], '::1', false],
  [['2001:db8::/33'], '2001:db8:7fff::1', true],
  [['2001:db8::/33'], '2001:db8:8000::1', false],
  [['a.test', '10.0.0.0/8'], '10.0.0.1', true],
  [['a.test', '10.0.0.0/8'], 'b.test', false],
] as const

for (const [permitted, name, expected] of within)
  test(`a CA for ${permitted.join(' and ')} may ${expected ? '' : 'not '}speak for ${name}`, () => {
    const { kind, text } = parseServerName(name)
    const names = kind === 'dns' ? [[text], []] : [[], [text]]
    const [dnsNames = [], ipAddresses = []] = names
    const broken = constraintBroken({ dnsNames, ipAddresses }, constraintsOf(permitted))
    assert.equal(broken === null, expected)
  })

for (const text of [
  '',
  '*.a.test',
  '.a.test',
  '10.0.0.0/33',
  '::/129',
  '10.0.0.0/',
  '10.0.0.0/8/8',
  '1/8',
  'a.test/8',
])
  test(`${JSON.stringify(text)} is no name constraint`, () => {
    assert.throws(() => constraintsOf([text]), { code: 'name-malformed' })
  })
