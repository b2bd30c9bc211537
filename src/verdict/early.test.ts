// Whatever vantages say, in whatever order: what is decided early stays so, and k of n is right. Unlike the cases of
// `judge.test.ts` these mix aliases, digests of two strengths, several own chains, fleets of keys and blind vantages.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createOrganisation } from '../../test/support/world.ts'
import { createVirtualClock } from '../../test/support/virtual-clock.ts'
import { readCertificates } from '../../test/support/pem.ts'
import { hex } from '../base/bytes.ts'
import { certificateHash, spkiHash } from '../observation/fingerprint.ts'
import type { Authority, DnsAnswer, Handshake, Observation } from '../observation/observation.ts'
import { isRejection, signObservation, verifyObservation } from '../observation/sign.ts'
import type {} from '../observation/observation.ts'
import { parseTarget } from '../observation/target.ts'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import type { Certificate } from '../runtime/runtime.ts'
import { judge } from './judge.ts'
import { neededOf, policies, type Policy } from './policies.ts'
import type { Abstention, Answer, Case, Judgement, OwnLook } from './verdict.ts'

const clock = createVirtualClock()
const one = createOrganisation(clock, 1)
const other = createOrganisation(clock, 2)
const target = parseTarget('www.example.test')
const alias = 'cdn.example.net'
const regions = ['ARIN-US', 'RIPE-DE', 'APNIC-JP', 'LACNIC-BR', 'AFRINIC-ZA']
const addresses = ['203.0.113.1', '203.0.113.2', '203.0.113.3'] as const

/** Two keys of one CA, one of another, and one that is for the alias alone. */
const chains: readonly (readonly Certificate[])[] = [
  one.server(),
  one.server(),
  other.server(),
  one.server(alias),
].map((issued) => readCertificates(issued.chainPem))

function strong({ authority }: typeof one): string {
  return `2 1 2 ${hex(nodeCrypto.digest('sha512', authority.certificate.spki))}`
}

const recordSets: readonly (readonly string[])[] = [
  [],
  [one.tlsa],
  [other.tlsa],
  [one.tlsa, other.tlsa],
  [one.tlsa, strong(other)],
  [one.tlsa, strong(one)],
  [strong(one)],
]

function handshakeOf(place: Pick<Handshake, 'address' | 'origin'>, shown: number): Handshake {
  const chain = chains[shown]
  return {
    ...place,
    port: 443,
    outcome: chain === undefined ? 'failed' : 'completed',
    error: chain === undefined ? { code: 'refused', text: 'refused' } : null,
    protocol: null,
    cipher: null,
    group: null,
    alpn: null,
    chain: (chain ?? []).map((certificate) => ({
      certificate: certificateHash(nodeCrypto, certificate),
      spki: spkiHash(nodeCrypto, certificate),
    })),
    connectMs: null,
    handshakeMs: null,
  }
}

function answered(records: readonly string[], status?: DnsAnswer['status']): DnsAnswer {
  const said = status ?? (records.length > 0 ? 'ok' : 'nodata')
  return { status: said, records, ttl: 60, ad: false, cname: [], error: null }
}

function dnsOf(at: readonly string[], authority: DnsAnswer, base: string) {
  const origin: Authority['origin'] = base === alias ? 'expanded' : 'service'
  return {
    a: answered(at),
    aaaa: answered([]),
    authority: { ...authority, origin, owner: `_443._tcp.${base}`, base },
  }
}

const saying = fc.record({
  records: fc.constantFrom(...recordSets, [], [], []),
  isSilent: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  base: fc.constantFrom(target.host, alias),
  at: fc.constantFrom(...addresses),
  /** A chain, or none for the last number. */
  own: fc.nat(chains.length),
  asked: fc.nat(chains.length),
})
type Saying = typeof saying extends fc.Arbitrary<infer T> ? T : never

const { key } = nodeCrypto.generateKey('Ed25519')

function answerOf(said: Saying, i: number): Answer {
  const authority = answered(said.records, said.isSilent ? 'servfail' : undefined)
  const [first] = addresses
  const observation: Observation = {
    v: 1,
    iss: `${i}`.padStart(43, 'v'),
    target: target.text,
    nonce: null,
    sent: clock.now(),
    exp: clock.now(),
    status: 'answered',
    excuse: null,
    source: 'fresh',
    sight: {
      at: clock.now(),
      dns: dnsOf([said.at], authority, said.base),
      handshakes: [
        handshakeOf({ address: said.at, origin: 'own' }, said.own),
        ...(said.at === first
          ? []
          : [handshakeOf({ address: first, origin: 'asked' }, said.asked)]),
      ],
      dnsMs: 1,
    },
  }
  const vantage = { id: observation.iss, region: regions[i % regions.length] ?? null }
  const verified = verifyObservation(nodeCrypto, signObservation(key, 'k', observation), {
    vantage: observation.iss,
    answerKeys: [{ keyId: 'k', key: key.publicKey, expires: clock.now() + 1_000_000 }],
    target: target.text,
    nonce: null,
    now: clock.now(),
  })
  assert.ok(!isRejection(verified))
  return { vantage, observation: verified }
}

function lookOf(shown: readonly number[]): OwnLook {
  const places = shown.map((chain, i) => ({ address: addresses[i] ?? '', chain }))
  const dns = dnsOf(
    places.map(({ address }) => address),
    answered([]),
    target.host,
  )
  const handshakes = places.map(({ address, chain }) =>
    handshakeOf({ address, origin: 'own' }, chain),
  )
  return {
    sight: { target: target.text, at: clock.now(), dns, handshakes, dnsMs: 1 },
    chains: new Map(places.map(({ address, chain }) => [address, chains[chain] ?? []])),
  }
}

const rounds = fc.record({
  said: fc.array(saying, { minLength: 3, maxLength: 10 }),
  shown: fc.array(fc.nat(chains.length - 1), { minLength: 1, maxLength: 2 }),
  early: fc.nat(10),
  silent: fc.nat(2),
})

for (const policy of Object.values<Policy>(policies)) {
  test(`under the policy ${policy.name} an early decision is the late one, and k of n adds up`, () => {
    fc.assert(
      fc.property(rounds, ({ said, shown, early, silent }) => {
        const own = lookOf(shown)
        const answers = said.map(answerOf)
        const asked = answers.length + silent
        const [first] = policy.stages
        const stage = first !== undefined && asked <= first.ask ? first : { ask: 12, need: 9 }
        const needed = neededOf(stage, asked)
        const judged = (given: Pick<Case, 'answers' | 'abstentions' | 'pending'>): Judgement =>
          judge(nodeCrypto, {
            ...given,
            target,
            own,
            policy,
            replaced: [],
            at: clock.now(),
            round: {
              asked,
              needed,
              index: 1,
              fresh: true,
              last: true,
              shortOf: { vantages: false, regions: false },
            },
          })
        const abstentions = Array.from({ length: silent }, (_, i): Abstention => {
          return { vantage: { id: `silent ${i}`, region: null }, code: 'timeout', text: 'late' }
        })
        const whole = judged({ answers, abstentions, pending: 0 })
        assert.ok(whole.state === 'final')
        const { outcome, quorum } = whole.verdict
        assert.equal(quorum.agreeing + quorum.dissenting + quorum.abstaining, quorum.asked)
        if (outcome === 'corroborated') assert.ok(quorum.agreeing >= quorum.needed)
        const heard = answers.slice(0, early)
        const part = judged({ answers: heard, abstentions: [], pending: asked - heard.length })
        if (part.state === 'final') assert.equal(part.verdict.outcome, outcome)
      }),
      { numRuns: 500 },
    )
  })
}
