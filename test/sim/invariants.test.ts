// Each invariant of verdicts catches the verdict that breaks it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Report } from '../../src/client/client.ts'
import { policies } from '../../src/verdict/policies.ts'
import { createInvariants, InvariantBroken } from '../../sim/invariants.ts'
import { createWorld } from '../../sim/world/world.ts'

/** An honest verdict, whole. */
async function verdict(): Promise<Report> {
  const world = await createWorld({ seed: 1, mirrors: 10 })
  const report = await world.engine.runUntil(world.client().verify(world.site()))
  assert.equal(report.outcome, 'corroborated')
  assert.equal(world.verdicts(), 1)
  return report
}

const context = { policy: policies.default, elapsedMs: 12 }

const breaks: readonly [invariant: RegExp, broken: (report: Report) => Report][] = [
  [/without its quorum/, (report) => ({ ...report, quorum: { ...report.quorum, agreeing: 3 } })],
  [
    /without its quorum/,
    (report) => ({
      ...report,
      quorum: { ...report.quorum, agreeing: 2, needed: 2, asked: 3 },
    }),
  ],
  [/without its quorum/, (report) => ({ ...report, quorum: { ...report.quorum, asked: 9 } })],
  [/adds up/, (report) => ({ ...report, quorum: { ...report.quorum, abstaining: 5 } })],
  [/adds up/, (report) => ({ ...report, quorum: { ...report.quorum, dissenting: 1 } })],
  [
    /counted twice/,
    (report) => ({
      ...report,
      vantages: [
        ...report.vantages,
        ...report.vantages.filter((one) => one.said === 'abstains'),
        dummyOf(report),
        dummyOf(report),
      ],
    }),
  ],
  [
    /counted twice/,
    (report) => ({
      ...report,
      observations: [...report.observations, report.observations[0] ?? ''],
    }),
  ],
  [/what was signed/, (report) => ({ ...report, observations: report.observations.slice(1) })],
  [/what was signed/, (report) => ({ ...report, own: { ...report.own, caSpki: 'sha256:00' } })],
]

function dummyOf(report: Report): Report['vantages'][number] {
  const [first] = report.vantages
  assert.ok(first !== undefined)
  return { ...first, id: 'nobody', said: 'abstains' }
}

test('an honest verdict keeps them all', async () => {
  createInvariants().onVerdict(await verdict(), context)
})

breaks.forEach(([invariant, broken], i) => {
  test(`verdict ${i + 1} breaks one: ${invariant.source}`, async () => {
    const report = broken(await verdict())
    assert.throws(
      () => createInvariants().onVerdict(report, context),
      (error) => error instanceof InvariantBroken && invariant.test(error.message),
    )
  })
})

test('an alarm without quorum is no breach, and a check of events is asked after each', async () => {
  const invariants = createInvariants()
  const report = await verdict()
  const quorum = { ...report.quorum, agreeing: 0 }
  const vantages = report.vantages.map((one) => ({ ...one, said: 'abstains' as const }))
  invariants.onVerdict({ ...report, outcome: 'inconclusive', quorum, vantages }, context)
  let asked = 0
  invariants.always('asked', () => (++asked < 3 ? null : 'three times'))
  invariants.afterEvent(1)
  invariants.afterEvent(2)
  assert.throws(() => invariants.afterEvent(3), /asked: three times/)
})
