import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeCertificate, makeKey, type Subtree } from '../../test/support/certificates.ts'
import { limits } from '../base/limits.ts'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import type { NameConstraints } from '../runtime/runtime.ts'
import { constraintBroken } from './name-constraints.ts'

const key = makeKey()
const isAddress = /^[0-9.]+$|:/

/** The verdict on a certificate with these names under constraints read from a real CA certificate. */
function broken(
  names: readonly string[],
  trees: { readonly permitted?: readonly Subtree[]; readonly excluded?: readonly Subtree[] },
): string | null {
  const ca = nodeCrypto.readCertificate(makeCertificate({ key, ca: true, ...trees }).der)
  const leaf = makeCertificate({
    key,
    dnsNames: names.filter((name) => !isAddress.test(name)),
    ipAddresses: names.filter((name) => isAddress.test(name)),
  })
  assert.ok(ca.nameConstraints)
  return constraintBroken(nodeCrypto.readCertificate(leaf.der), ca.nameConstraints)
}

const tree = (base: string): Subtree => (base.includes('/') ? { ip: base } : { dns: base })

const rows: readonly [name: string, base: string, isWithin: boolean][] = [
  ['example.test', 'example.test', true],
  ['a.b.example.test', 'example.test', true],
  ['A.Example.test', 'example.TEST', true],
  ['anexample.test', 'example.test', false],
  ['example.test', 'a.example.test', false],
  ['example.test', '.example.test', false],
  ['a.example.test', '.example.test', true],
  ['example.test', '', true],
  ['*.example.test', 'example.test', true],
  ['192.0.2.1', '192.0.2.0/24', true],
  ['192.0.3.1', '192.0.2.0/24', false],
  ['192.0.2.129', '192.0.2.128/25', true],
  ['192.0.2.127', '192.0.2.128/25', false],
  ['2001:db8::1', '2001:db8::/32', true],
  ['2001:db9::1', '2001:db8::/32', false],
  ['::ffff:192.0.2.1', '::/0', true],
  ['192.0.2.1', '::/0', false],
  ['2001:db8::1', '0.0.0.0/0', false],
]
for (const [name, base, isWithin] of rows)
  test(`${name} is ${isWithin ? '' : 'not '}within ${JSON.stringify(base)}`, () => {
    const permitted = broken([name], { permitted: [tree(base)] })
    const excluded = broken([name], { excluded: [tree(base)] })
    assert.equal(permitted === null, isWithin)
    assert.equal(excluded === null, !isWithin)
    assert.match(permitted ?? excluded ?? '', /is (not permitted|excluded)$/)
  })

test('a form that no subtree permits is free, and one that some do is bound', () => {
  const permitted = [tree('example.test')]
  assert.equal(broken(['192.0.2.1'], { permitted }), null)
  assert.equal(
    broken(['192.0.2.1'], { permitted: [tree('2001:db8::/32')] }),
    '192.0.2.1 is not permitted',
  )
})

test('all names must be within some permitted subtree and outside of every excluded one', () => {
  const permitted = [tree('a.test'), tree('b.test')]
  assert.equal(broken(['a.test', 'x.b.test'], { permitted }), null)
  assert.equal(broken(['a.test', 'c.test'], { permitted }), '"c.test" is not permitted')
  const excluded = [tree('x.a.test')]
  assert.equal(
    broken(['a.test', 'y.x.a.test'], { permitted, excluded }),
    '"y.x.a.test" is excluded',
  )
})

test('a wildcard may stand for an excluded name one label down, and for none further', () => {
  const excludes = (base: string): boolean =>
    broken(['*.example.test'], { excluded: [tree(base)] }) !== null
  assert.ok(excludes('secret.example.test'))
  assert.ok(excludes('SECRET.example.test'))
  assert.equal(excludes('.secret.example.test'), false)
  assert.equal(excludes('very.secret.example.test'), false)
  assert.equal(excludes('secret.other.test'), false)
})

test('forms that are not evaluated are never passed over', () => {
  assert.match(broken(['a.test'], { permitted: [{ email: 'a.test' }] }) ?? '', /not evaluated/)
  assert.match(broken(['a.test'], { excluded: [{ directory: ['A'] }] }) ?? '', /not evaluated/)
})

test('the work is bounded', () => {
  const count = Math.ceil(Math.sqrt(limits.nameChecksMax)) + 1
  const bases = Array.from({ length: count }, (_, i) => `${i}.test`)
  const constraints: NameConstraints = {
    permittedDns: [],
    excludedDns: bases,
    permittedIp: [],
    excludedIp: [],
    hasOtherForms: false,
  }
  const dnsNames = bases.map((base) => `a${base}`)
  const leaf = nodeCrypto.readCertificate(makeCertificate({ key, dnsNames }).der)
  assert.match(constraintBroken(leaf, constraints) ?? '', /too many to compare/)
  assert.equal(constraintBroken(leaf, { ...constraints, excludedDns: bases.slice(2) }), null)
})
