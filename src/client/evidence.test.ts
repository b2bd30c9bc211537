// Evidence files: what is written holds anywhere, and what was changed does not.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createOrganisation, createWorld, type Scene } from '../../test/support/world.ts'
import { Failure } from '../base/failure.ts'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import { policies } from '../verdict/policies.ts'
import { checkEvidence, readEvidence, writeEvidence, type Evidence } from './evidence.ts'

const site = '203.0.113.10'

function stage() {
  const { clock } = createWorld({ count: 0, scene: { addresses: [], tlsa: [], servers: {} } })
  const owner = createOrganisation(clock, 1)
  const thief = createOrganisation(clock, 2)
  const honest: Scene = {
    addresses: [site],
    tlsa: [owner.tlsa],
    servers: { [site]: owner.server() },
  }
  const forged: Scene = { ...honest, servers: { [site]: thief.server() } }
  return { honest, forged, world: createWorld({ count: 7, scene: honest }) }
}

/** Through the file and back, as on another machine. */
function carried(evidence: Evidence): Evidence {
  const [read] = readEvidence(new TextEncoder().encode(writeEvidence([evidence])), 'e.json')
  assert.ok(read !== undefined)
  return read
}

for (const kind of ['honest', 'forged'] as const) {
  test(`evidence of a verdict on ${kind === 'honest' ? 'the site' : 'an interception'} holds elsewhere`, async () => {
    const { world, ...scenes } = stage()
    const report = await world.verify(scenes[kind])
    const finding = checkEvidence(nodeCrypto, carried(report.evidence))
    assert.deepEqual(finding.faults, [])
    assert.equal(finding.holds, true)
    assert.equal(finding.verdict.outcome, report.outcome)
    assert.deepEqual(finding.verdict.quorum.agreeing, report.quorum.agreeing)
  })
}

const changes: readonly (readonly [string, (evidence: Evidence) => Evidence])[] = [
  ['another outcome', (e) => ({ ...e, outcome: 'contradicted' })],
  ['another target', (e) => ({ ...e, target: 'https://other.example.test' })],
  ['another time', (e) => ({ ...e, at: e.at + 600_000 })],
  [
    'a changed statement',
    (e) => ({
      ...e,
      answers: e.answers.map((a) => ({
        ...a,
        observation: a.observation.replace(/.{8}$/, 'AAAAAAAA'),
      })),
    }),
  ],
  [
    'answers of one mirror under the names of others',
    (e) => ({
      ...e,
      answers: e.answers.map((a) => ({ ...(e.answers[0] ?? a), vantage: a.vantage })),
    }),
  ],
  ['one answer many times', (e) => ({ ...e, answers: e.answers.map((a) => e.answers[0] ?? a) })],
  ['answers left out', (e) => ({ ...e, answers: e.answers.slice(0, 2) })],
  [
    'descriptors exchanged',
    (e) => ({
      ...e,
      answers: e.answers.map((a, i) => ({
        ...a,
        descriptor: e.answers[(i + 1) % e.answers.length]?.descriptor ?? '',
      })),
    }),
  ],
]
for (const [what, change] of changes) {
  test(`evidence with ${what} does not hold`, async () => {
    const { world, honest } = stage()
    const { evidence } = await world.verify(honest)
    assert.equal(checkEvidence(nodeCrypto, carried(change(evidence))).holds, false)
  })
}

const refused: readonly (readonly [string, string])[] = [
  ['no JSON', '{'],
  ['another version', '{"v":2,"evidence":[]}'],
  ['no evidence', '{"v":1,"evidence":[]}'],
  ['a verdict in place of evidence', '{"v":1,"evidence":[{"outcome":"corroborated"}]}'],
]
for (const [what, content] of refused) {
  test(`refuses a file with ${what}`, () => {
    assert.throws(
      () => readEvidence(new TextEncoder().encode(content), 'e.json'),
      (error) => Failure.is(error) && error.code === 'file-malformed',
    )
  })
}

test('evidence of a round with many dead mirrors can be read again', async () => {
  const { honest } = stage()
  const world = createWorld({ count: 140, scene: honest })
  for (const mirror of world.mirrors) mirror.latencyMs = 'dead'
  const stages = [{ ask: 40, need: 30 }]
  const policy = { ...policies.default, name: 'wide', perRegistryMax: 40, stages }
  const report = await world.verify(honest, { policy })
  assert.ok(report.vantages.length > 100)
  assert.equal(checkEvidence(nodeCrypto, carried(report.evidence)).holds, true)
})
