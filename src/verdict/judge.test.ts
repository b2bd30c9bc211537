// Properties that hold for every set of answers: an early decision is never changed, and no order of arrival matters.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createOrganisation } from '../../test/support/world.ts'
import { createVirtualClock } from '../../test/support/virtual-clock.ts'
import { readCertificates } from '../../test/support/pem.ts'
import { certificateHash, spkiHash } from '../observation/fingerprint.ts'
import type { DnsAnswer, Handshake, Observation, Sight } from '../observation/observation.ts'
import { isRejection, signObservation, verifyObservation } from '../observation/sign.ts'
import { parseTarget } from '../observation/target.ts'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import type { Certificate } from '../runtime/runtime.ts'
import { judge } from './judge.ts'
import { neededOf, policies, readPolicy, type Policy } from './policies.ts'
import { reasonMeanings } from './reasons.ts'
import type { Answer, Case, Verdict } from './verdict.ts'

const clock = createVirtualClock()
const owner = createOrganisation(clock, 1)
const thief = createOrganisation(clock, 2)
const target = parseTarget('www.example.test')
const site = '203.0.113.10'
const genuine = readCertificates(owner.server().chainPem)
const forged = readCertificates(thief.server().chainPem)

/** What one vantage may say: the owner's record, the thief's, both, none, or no answer of its DNS. */
const claims = ['owner', 'thief', 'both', 'none', 'silent'] as const
type Claim = (typeof claims)[number]
const records: Readonly<Record<Claim, readonly string[]>> = {
  owner: [owner.tlsa],
  thief: [thief.tlsa],
  both: [thief.tlsa, owner.tlsa],
  none: [],
  silent: [],
}

function dnsOf(claim: Claim): Sight['dns'] {
  const answer = (list: readonly string[], status: DnsAnswer['status']): DnsAnswer => ({
    status,
    records: list,
    ttl: 60,
    ad: false,
    cname: [],
    error: null,
  })
  const status = claim === 'silent' ? 'servfail' : claim === 'none' ? 'nodata' : 'ok'
  return {
    a: answer([site], 'ok'),
    aaaa: answer([], 'nodata'),
    authority: {
      ...answer(records[claim], status),
      origin: 'service',
      owner: '_443._tcp.www.example.test',
      base: 'www.example.test',
    },
  }
}

function handshakeOf(chain: readonly Certificate[]): Handshake {
  return {
    address: site,
    port: 443,
    origin: 'own',
    outcome: 'completed',
    error: null,
    protocol: 'TLSv1.3',
    cipher: null,
    group: null,
    alpn: null,
    chain: chain.map((one) => ({
      certificate: certificateHash(nodeCrypto, one),
      spki: spkiHash(nodeCrypto, one),
    })),
    connectMs: 1,
    handshakeMs: 1,
  }
}

const { key } = nodeCrypto.generateKey('Ed25519')
const made = new Map<string, Answer>()

/** What vantage `i` says, signed and verified as everywhere else. */
function answerOf(claim: Claim, i: number, chain = genuine): Answer {
  const name = `${claim} ${i} ${chain === genuine}`
  const known = made.get(name)
  if (known !== undefined) return known
  const id = `${i}`.padStart(43, 'v')
  const observation: Observation = {
    v: 1,
    iss: id,
    target: target.text,
    nonce: null,
    sent: clock.now(),
    exp: clock.now() + 60_000,
    status: 'answered',
    excuse: null,
    source: 'fresh',
    sight: { at: clock.now(), dns: dnsOf(claim), handshakes: [handshakeOf(chain)], dnsMs: 1 },
  }
  const verified = verifyObservation(nodeCrypto, signObservation(key, 'k', observation), {
    vantage: id,
    answerKeys: [{ keyId: 'k', key: key.publicKey, expires: clock.now() + 1_000_000 }],
    target: target.text,
    nonce: null,
    now: clock.now(),
  })
  assert.ok(!isRejection(verified))
  const region = ['ARIN-US', 'RIPE-DE', 'APNIC-JP', 'LACNIC-BR', 'AFRINIC-ZA'][i % 5] ?? null
  const answer = { vantage: { id, region }, observation: verified }
  made.set(name, answer)
  return answer
}

function caseOf(given: {
  readonly answers: readonly Answer[]
  readonly pending: number
  readonly policy?: Policy
  readonly chain?: readonly Certificate[]
}): Case {
  const { answers, pending, policy = policies.default, chain = genuine } = given
  const asked = answers.length + pending
  const [stage] = policy.stages
  return {
    target,
    own: {
      sight: {
        target: target.text,
        at: clock.now(),
        dns: dnsOf('owner'),
        handshakes: [handshakeOf(chain)],
        dnsMs: 1,
      },
      chains: new Map([[site, chain]]),
    },
    answers,
    abstentions: [],
    replaced: [],
    pending,
    policy,
    round: {
      asked,
      index: 1,
      fresh: true,
      last: true,
      shortOf: { vantages: false, regions: false },
      needed: neededOf(stage ?? { ask: 5, need: 4 }, asked),
    },
    at: clock.now(),
  }
}

function finalOf(subject: Case): Verdict {
  const judgement = judge(nodeCrypto, subject)
  assert.equal(judgement.state, 'final')
  return (judgement as { verdict: Verdict }).verdict
}

const anyClaims = fc.array(fc.constantFrom(...claims), { minLength: 3, maxLength: 7 })
const chains = fc.constantFrom(genuine, forged)

test('what is decided early stays so, whatever still comes', () => {
  fc.assert(
    fc.property(anyClaims, chains, fc.nat(6), (said, chain, early) => {
      const answers = said.map((claim, i) => answerOf(claim, i, chain))
      const first = answers.slice(0, Math.min(early, answers.length))
      const now = judge(
        nodeCrypto,
        caseOf({ answers: first, pending: answers.length - first.length, chain }),
      )
      if (now.state === 'wait') return
      assert.equal(now.state, 'final')
      assert.equal(finalOf(caseOf({ answers, pending: 0, chain })).outcome, now.verdict.outcome)
    }),
    { numRuns: 400 },
  )
})

test('the order of arrival changes nothing', () => {
  fc.assert(
    fc.property(anyClaims, chains, fc.infiniteStream(fc.nat()), (said, chain, order) => {
      const answers = said.map((claim, i) => answerOf(claim, i, chain))
      const keys = [...order.take(answers.length)]
      const shuffled = answers
        .map((answer, i) => ({ answer, key: keys[i] ?? 0 }))
        .toSorted((a, b) => a.key - b.key)
        .map(({ answer }) => answer)
      const one = finalOf(caseOf({ answers, pending: 0, chain }))
      const other = finalOf(caseOf({ answers: shuffled, pending: 0, chain }))
      assert.deepEqual(
        [one.outcome, one.quorum, one.mode],
        [other.outcome, other.quorum, other.mode],
      )
    }),
  )
})

test('no verdict is corroborated without its quorum, and k of n adds up', () => {
  fc.assert(
    fc.property(anyClaims, chains, (said, chain) => {
      const answers = said.map((claim, i) => answerOf(claim, i, chain))
      const { outcome, quorum, reasons } = finalOf(caseOf({ answers, pending: 0, chain }))
      assert.equal(quorum.agreeing + quorum.dissenting + quorum.abstaining, quorum.asked)
      if (outcome === 'corroborated') assert.ok(quorum.agreeing >= quorum.needed)
      for (const reason of reasons) assert.ok(Object.hasOwn(reasonMeanings, reason.code))
    }),
  )
})

test('a vantage that speaks twice is heard once', () => {
  const liar = answerOf('thief', 0)
  const subject = caseOf({ answers: [liar, liar, liar, liar, liar], pending: 0, chain: forged })
  assert.equal(finalOf(subject).outcome, 'inconclusive')
})

test('a forged chain needs as many liars as the quorum', () => {
  fc.assert(
    fc.property(fc.integer({ min: 3, max: 7 }), fc.nat(7), (asked, liars) => {
      const said = Array.from({ length: asked }, (_, i): Claim => (i < liars ? 'thief' : 'owner'))
      const answers = said.map((claim, i) => answerOf(claim, i))
      const subject = caseOf({ answers, pending: 0, chain: forged })
      assert.equal(
        finalOf(subject).outcome === 'corroborated',
        Math.min(liars, asked) >= subject.round.needed,
      )
    }),
  )
})

test('the share that must agree in smaller networks', () => {
  const needed = (policy: Policy, asked: number): number =>
    neededOf(policy.stages[0] ?? { ask: 1, need: 1 }, asked)
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6].map((n) => needed(policies.default, n)),
    [1, 2, 3, 3, 4, 4],
  )
  assert.deepEqual(
    [3, 4, 5].map((n) => needed(policies.high, n)),
    [3, 4, 5],
  )
  const second = policies.default.stages[1]
  assert.deepEqual(
    [5, 6, 7, 8, 9, 10].map((n) => neededOf(second, n)),
    [4, 5, 6, 7, 8, 8],
  )
})

const encode = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))
const minimal = { name: 'mine', stages: [{ ask: 5, need: 4 }] }

test('a policy file may say little; the rest is as in the default policy', () => {
  const policy = readPolicy(encode(minimal), 'p.json')
  assert.equal(policy.registriesMin, 3)
  assert.equal(policy.withoutAuthority, 'views')
})

const refused: readonly (readonly [string, unknown, RegExp])[] = [
  ['is no JSON', '{', /JSON/],
  ['names a field that there is not', { ...minimal, quorum: 3 }, /quorum/],
  [
    'needs more than it asks',
    { name: 'x', stages: [{ ask: 3, need: 4 }] },
    /at stages\.0: need is larger/,
  ],
  ['is content with half', { name: 'x', stages: [{ ask: 4, need: 2 }] }, /more than half/],
  ['has no stage', { name: 'x', stages: [] }, /at stages/],
  ['asks a thousand', { name: 'x', stages: [{ ask: 1_000, need: 900 }] }, /at stages\.0\.ask/],
  ['is too large', 'x'.repeat(70_000), /at most/],
]
for (const [what, value, why] of refused) {
  test(`refuses a policy that ${what}`, () =>
    assert.throws(() => readPolicy(encode(value), 'p.json'), why))
}
