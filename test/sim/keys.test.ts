// Keys and certificates of the simulation: cheap, and yet nobody passes for somebody else.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createChance } from '../../sim/engine/chance.ts'
import { madeUpKeys, realKeys, type Keys } from '../../sim/engine/crypto.ts'
import { createEngine } from '../../sim/engine/engine.ts'
import { Failure } from '../../src/base/failure.ts'
import { issueServer } from '../../src/identity/issue.ts'
import { mirrorIdOf } from '../../src/observation/fingerprint.ts'
import { validatePath } from '../../src/observation/path.ts'
import { hpkePublicKey } from '../../src/protocol/hpke.ts'
import { mirrorChainFault } from '../../src/protocol/descriptor.ts'

const clock = createEngine()
const random = createChance('keys')

for (const [name, make] of [
  ['made-up keys', madeUpKeys],
  ['real keys', realKeys],
] as const) {
  const keys: Keys = make(createChance('keys'))
  const { crypto } = keys
  const needs = { clock, random, crypto }

  test(`${name}: a signature verifies with its key and data alone`, () => {
    for (const algorithm of ['Ed25519', 'ES256'] as const) {
      const { key, pem } = crypto.generateKey(algorithm)
      const { key: other } = crypto.generateKey(algorithm)
      const data = Uint8Array.of(1, 2, 3)
      const signature = key.sign(data)
      assert.equal(signature.length, 64)
      assert.ok(crypto.verify(key.publicKey, data, signature))
      assert.ok(!crypto.verify(other.publicKey, data, signature))
      assert.ok(!crypto.verify(key.publicKey, Uint8Array.of(1, 2, 4), signature))
      assert.ok(!crypto.verify(key.publicKey, data, signature.with(0, (signature[0] ?? 0) ^ 1)))
      assert.deepEqual(crypto.loadKey(pem).publicKey, key.publicKey)
    }
    assert.throws(() => crypto.loadKey('none'), isFailure('key-malformed'))
  })

  test(`${name}: the same seed makes the same keys`, () => {
    const again = make(createChance('keys')).crypto
    const [one, other] = [make(createChance('keys')).crypto, make(createChance('other')).crypto]
    for (const algorithm of ['Ed25519', 'ES256'] as const) {
      const { spki } = one.generateKey(algorithm).key.publicKey
      assert.deepEqual(spki, again.generateKey(algorithm).key.publicKey.spki)
      assert.notDeepEqual(spki, other.generateKey(algorithm).key.publicKey.spki)
    }
  })

  test(`${name}: the production code judges certificates as any others`, () => {
    const [own, foreign] = [keys.authority(needs, 'own'), keys.authority(needs, 'foreign')]
    const { certificate } = issueServer(needs, own, { names: ['23.0.1.1', 'www.example.test'] })
    assert.deepEqual(certificate.ipAddresses, ['23.0.1.1'])
    assert.deepEqual(certificate.dnsNames, ['www.example.test'])
    const read = crypto.readCertificate(certificate.der)
    assert.deepEqual(read.spki, certificate.spki)
    const anchored = (anchor: typeof own, at: number) =>
      validatePath(
        {
          chain: [certificate, own.certificate],
          anchor: { kind: 'certificate', certificate: anchor.certificate },
          at,
        },
        crypto,
      )
    assert.ok(anchored(own, clock.now()).ok)
    assert.ok(!anchored(foreign, clock.now()).ok)
    assert.ok(!anchored(own, clock.now() + 91 * 86_400_000).ok)
    const expected = { now: clock.now(), address: '23.0.1.1' }
    const id = mirrorIdOf(crypto, own.certificate.spki)
    assert.equal(
      mirrorChainFault(crypto, [certificate, own.certificate], { ...expected, id }),
      null,
    )
    assert.notEqual(
      mirrorChainFault(crypto, [certificate, foreign.certificate], {
        ...expected,
        id: mirrorIdOf(crypto, foreign.certificate.spki),
      }),
      null,
    )
    assert.throws(
      () => crypto.readCertificate(Uint8Array.of(1)),
      isFailure('certificate-malformed'),
    )
    assert.throws(
      () =>
        crypto.readCertificate(
          certificate.der.with(-1, (certificate.der.at(-1) ?? 0) ^ 1).slice(1),
        ),
      isFailure('certificate-malformed'),
    )
  })

  test(`${name}: two agree on a secret, and what is sealed opens with its key alone`, () => {
    fc.assert(
      fc.property(bytes(32), bytes(32), fc.uint8Array({ maxLength: 100 }), (a, b, plaintext) => {
        const [forA, forB] = [hpkePublicKey(crypto, a), hpkePublicKey(crypto, b)]
        const secret = crypto.x25519(a, forB)
        assert.deepEqual(secret, crypto.x25519(b, forA))
        const key = { key: (secret ?? a).subarray(0, 16), nonce: b.subarray(0, 12) }
        const sealed = crypto.seal(key, plaintext)
        assert.equal(sealed.length, plaintext.length + 16)
        assert.deepEqual(crypto.unseal(key, sealed), plaintext)
        assert.equal(
          crypto.unseal({ ...key, nonce: a.subarray(0, 12) }, sealed),
          sameNonce(a, b, plaintext),
        )
        assert.equal(crypto.unseal(key, sealed.with(-1, (sealed.at(-1) ?? 0) ^ 1)), null)
      }),
      { numRuns: 30 },
    )
  })

  test(`${name}: keyed hashes have the length of their digest and depend on key and data`, () => {
    const [key, data] = [Uint8Array.of(1), Uint8Array.of(2)]
    assert.equal(crypto.hmac('sha256', key, data).length, 32)
    assert.equal(crypto.hmac('sha384', key, data).length, 48)
    assert.equal(crypto.hmac('sha512', key, data).length, 64)
    assert.notDeepEqual(crypto.hmac('sha256', key, data), crypto.hmac('sha256', data, key))
  })
}

function bytes(length: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: length, maxLength: length })
}

/** Two nonces may be the same by chance of the generator. */
function sameNonce(a: Uint8Array, b: Uint8Array, plaintext: Uint8Array): Uint8Array | null {
  return a.subarray(0, 12).every((byte, i) => byte === b[i]) ? plaintext : null
}

function isFailure(code: string): (error: unknown) => boolean {
  return (error) => Failure.is(error) && error.code === code
}
