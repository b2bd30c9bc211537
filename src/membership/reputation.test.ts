import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parameters } from './parameters.ts'
import {
  noReputation,
  noteComparison,
  notePing,
  noteResponse,
  summarise,
  triggersRemoval,
  wilsonLowerBound,
  withdrawDissent,
  type Reputation,
  type Suspicion,
} from './reputation.ts'

const start = Date.UTC(2026, 0, 1)
const at = (now: number) => ({ now, parameters })
const { halfLifeMs } = parameters.reputation

function compared(agreements: number, dissents: number, now = start): Reputation {
  let reputation = noReputation
  for (let i = 0; i < agreements; i++) reputation = noteComparison(reputation, 'agreement', at(now))
  for (let i = 0; i < dissents; i++) reputation = noteComparison(reputation, 'dissent', at(now))
  return reputation
}

const near = (one: number, other: number): void =>
  assert.ok(Math.abs(one - other) <= 1e-9 * Math.max(1, Math.abs(other)), `${one} is not ${other}`)

test('agreements and dissents count half after the half-life', () => {
  const after = summarise(compared(8, 4), at(start + halfLifeMs))
  near(after.agreements, 4)
  near(after.dissents, 2)
  near(summarise(compared(8, 4), at(start + 10 * halfLifeMs)).agreements, 8 / 1024)
})

test('decay is the sum of what is left of each, however it is noted', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ wait: fc.integer({ min: 0, max: 10 ** 9 }), dissent: fc.boolean() })),
      (steps) => {
        let now = start
        let reputation = noReputation
        const dissents: number[] = []
        for (const { wait, dissent } of steps) {
          now += wait
          reputation = noteComparison(reputation, dissent ? 'dissent' : 'agreement', at(now))
          if (dissent) dissents.push(now)
        }
        const exact = dissents.reduce((sum, when) => sum + 2 ** ((when - now) / halfLifeMs), 0)
        near(reputation.dissents, exact)
        // What is read in between does not change what is read later.
        near(summarise(reputation, at(now + halfLifeMs)).dissents, exact / 2)
      },
    ),
  )
})

test('a clock that was set back makes nothing older or younger', () => {
  const back = noteComparison(compared(3, 0), 'agreement', at(start - halfLifeMs))
  near(summarise(back, at(start - halfLifeMs)).agreements, 4)
  near(summarise(back, at(start)).agreements, 2)
})

test('a withdrawn dissent leaves what would have been without it', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 20 }),
      fc.integer({ min: 0, max: 10 ** 10 }),
      (others, wait) => {
        const noted = noteComparison(compared(2, others), 'dissent', at(start + 1_000))
        const withdrawn = withdrawDissent(noted, start + 1_000, at(start + 1_000 + wait))
        near(withdrawn.dissents, summarise(compared(2, others), at(start + 1_000 + wait)).dissents)
        assert.ok(withdrawn.dissents >= 0)
      },
    ),
  )
})

test('the average of pings follows the newest by a tenth', () => {
  const first = notePing(noReputation, 100, at(start))
  assert.equal(first.pingMs, 100)
  assert.equal(notePing(first, 200, at(start)).pingMs, 110)
  let reputation = first
  for (let i = 0; i < 100; i++) reputation = notePing(reputation, 20, at(start))
  near(reputation.pingMs ?? 0, 20 + 80 * 0.9 ** 100)
  assert.equal(reputation.pings, 101)
})

test("Wilson's bound is known at known places", () => {
  // At no hit it is 0; at half of very many it is nearly half.
  assert.equal(wilsonLowerBound(0, 0, 2.33), 0)
  near(wilsonLowerBound(0, 100, 2.33), 0)
  assert.ok(Math.abs(wilsonLowerBound(500_000, 1_000_000, 2.33) - 0.4988) < 0.0001)
  // By hand: (0.1 + 1.96²/200 − 1.96·√(0.09/100 + 1.96²/40000)) / (1 + 1.96²/100) = 0.0552.
  assert.ok(Math.abs(wilsonLowerBound(10, 100, 1.96) - 0.0552) < 0.0001)
})

test("Wilson's bound grows with hits, falls with total, and is below the share", () => {
  const number = (max: number): fc.Arbitrary<number> => fc.double({ min: 0, max, noNaN: true })
  fc.assert(
    fc.property(number(1_000), number(1_000), number(100), (hits, misses, more) => {
      const bound = (h: number, m: number): number => wilsonLowerBound(h, h + m, 2.33)
      const [found, slack] = [bound(hits, misses), 1e-9]
      assert.ok(found >= 0 && found <= 1)
      assert.ok(hits + misses === 0 || found <= hits / (hits + misses) + slack)
      assert.ok(bound(hits + more, misses) >= found - slack)
      assert.ok(bound(hits, misses + more) <= found + slack)
    }),
  )
})

const clean: Suspicion = {
  reputation: noReputation,
  auditFailed: false,
  contradictions: [],
  isNeighbour: true,
}
const kinds = (suspicion: Partial<Suspicion>, now = start): readonly string[] =>
  triggersRemoval({ ...clean, ...suspicion }, at(now)).map(({ kind }) => kind)

for (const [agreements, dissents, triggers] of [
  [0, 11, false],
  [0, 12, true],
  [9, 3, true],
  [11, 1, false],
  [1_000, 3, false],
  [1_000, 20, false],
  [1_000, 40, true],
  [500, 0, false],
] as const)
  test(`${dissents} dissents among ${agreements} agreements ask for ${triggers ? 'a' : 'no'} removal`, () => {
    assert.deepEqual(
      kinds({ reputation: compared(agreements, dissents) }),
      triggers ? ['dissent-share'] : [],
    )
  })

test('dissents of long ago ask for nothing', () => {
  const reputation = compared(0, 40)
  assert.deepEqual(kinds({ reputation }, start + halfLifeMs), ['dissent-share'])
  assert.deepEqual(kinds({ reputation }, start + 2 * halfLifeMs), [])
})

test('slow answers ask for a removal once there are enough of them', () => {
  const answered = (count: number, ms: number): Reputation => {
    let reputation = noReputation
    for (let i = 0; i < count; i++) reputation = noteResponse(reputation, ms, at(start))
    return reputation
  }
  assert.deepEqual(kinds({ reputation: answered(199, 1_900) }), [])
  assert.deepEqual(kinds({ reputation: answered(200, 1_900) }), ['slow-response-p95'])
  assert.deepEqual(kinds({ reputation: answered(200, 900) }), [])
  assert.deepEqual(kinds({ reputation: answered(200, 1_900) }, start + 3 * 86_400_000), [])
})

test('only neighbours hold a slow ping against a mirror', () => {
  let reputation = noReputation
  for (let i = 0; i < 23; i++) reputation = notePing(reputation, 300, at(start))
  assert.deepEqual(kinds({ reputation }), [])
  reputation = notePing(reputation, 300, at(start))
  assert.deepEqual(triggersRemoval({ ...clean, reputation }, at(start)), [
    { kind: 'slow-ping', pingMs: 300 },
  ])
  assert.deepEqual(kinds({ reputation, isNeighbour: false }), [])
})

test('a failed audit asks for a removal, and so do two independent contradictions', () => {
  assert.deepEqual(kinds({ auditFailed: true }), ['failed-audit'])
  const one = { domain: 'a.test', nsSet: '1' }
  assert.deepEqual(kinds({ contradictions: [one, one, { ...one, domain: 'b.test' }] }), [])
  assert.deepEqual(kinds({ contradictions: [one, { domain: 'b.test', nsSet: '2' }] }), [
    'contradictions',
  ])
})

test('nobody is asked about a mirror that nothing is known of', () => {
  assert.deepEqual(kinds({}), [])
})

test('what is stored is what comes back', () => {
  const reputation = noteResponse(notePing(compared(3, 1), 12.5, at(start)), 80, at(start))
  assert.deepEqual(JSON.parse(JSON.stringify(reputation)), reputation)
})
