// The arithmetic that simulations are compared with, itself compared with what must be so, and with draws.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createDraw } from '../../src/client/choice.ts'
import type { ListEntry } from '../../src/protocol/routes.ts'
import { policies, type Policy } from '../../src/verdict/policies.ts'
import { registryOf } from '../../src/verdict/regions.ts'
import {
  atLeast,
  exactly,
  falseAccept,
  falseAlarm,
  intervalOf,
  meanAsked,
  seatsIn,
} from '../../sim/closed-forms.ts'
import { createChance } from '../../sim/engine/chance.ts'
import { addressOf, regions } from '../../sim/engine/places.ts'

function isNear(actual: number, expected: number, relative = 0.01): void {
  assert.ok(Math.abs(actual - expected) <= relative * expected, `${actual} is not near ${expected}`)
}

test('binomial probabilities sum to one, and tails fit together', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (n, p) => {
        let sum = 0
        for (let k = 0; k <= n; k++) sum += exactly(k, n, p)
        isNear(sum, 1, 1e-9)
        isNear(atLeast(0, n, p), 1, 1e-9)
        const half = Math.ceil(n / 2)
        isNear(1 + atLeast(half, n, p), 2 - atLeast(n - half + 1, n, 1 - p), 1e-9)
      },
    ),
  )
})

test('rates of the policies are those that can be worked out by hand', () => {
  isNear(falseAccept(policies.literal, { share: 0.1 }), 1e-3)
  isNear(falseAccept(policies.mpic, { share: 0.2 }), 5 * 0.2 ** 4 * 0.8 + 0.2 ** 5)
  isNear(falseAlarm(policies.literal, 0.01), 1 - 0.99 ** 3)
  assert.equal(falseAlarm(policies.default, 0), 0)
  assert.equal(falseAccept(policies.default, { share: 0 }), 0)
  assert.equal(falseAccept(policies.high, { share: 1 }), 1)
  // Rounds help the attacker a little, and honest sites a lot.
  assert.ok(
    falseAccept(policies.default, { share: 0.2 }) > falseAccept(policies.mpic, { share: 0.2 }),
  )
  assert.ok(falseAlarm(policies.default, 0.1) < falseAlarm(policies.mpic, 0.1) / 1_000)
  assert.equal(meanAsked(policies.literal, 0.1), 3)
  isNear(meanAsked(policies.default, 0), 5)
})

test('whoever owns all mirrors of one registry is never believed', () => {
  for (const policy of Object.values(policies))
    assert.equal(falseAccept(policy, { share: 0.2, registries: 1, regionsEach: 6 }), 0)
})

test('colluding everywhere is the same as being spread over all five registries', () => {
  for (const policy of Object.values(policies))
    isNear(
      falseAccept(policy, { share: 0.2, registries: 5, regionsEach: 6 }),
      falseAccept(policy, { share: 0.2 }),
      1e-6,
    )
})

test('seats fall to registries as production draws them', () => {
  const entries: readonly ListEntry[] = regions.flatMap((region, i) =>
    [0, 1, 2].map((n) => ({
      ip: addressOf('mirrors', 3 * i + n),
      port: 443,
      id: `${3 * i + n}`.padStart(43, '0'),
      region,
    })),
  )
  const owned = new Set(['ARIN', 'RIPE'])
  const random = createChance('draws')
  const draws = 4_000
  for (const { policy, ask } of [
    { policy: policies.default, ask: 5 },
    { policy: policies.high, ask: 10 },
    { policy: policies.mpic, ask: 5 },
    { policy: policies.literal, ask: 3 },
  ] satisfies readonly { readonly policy: Policy; readonly ask: number }[]) {
    const expected = seatsIn(owned.size, { policy, ask, regionsEach: 6 })
    isNear(
      expected.reduce((sum, one) => sum + one, 0),
      1,
      1e-9,
    )
    const counts = expected.map(() => 0)
    for (let i = 0; i < draws; i++) {
      const draw = createDraw(random, entries, { policy, ask })
      const drawn: ListEntry[] = []
      for (let seat = 0; seat < ask; seat++) {
        const next = draw.next(drawn)
        if (next !== null) drawn.push(next)
      }
      const inside = drawn.filter((one) => owned.has(registryOf(one.region))).length
      counts[inside] = (counts[inside] ?? 0) + 1
    }
    counts.forEach((count, seats) => {
      const { low, high } = intervalOf(count, draws, 0.9999)
      const probability = expected[seats] ?? 0
      assert.ok(
        low <= probability && probability <= high,
        `${policy.name}: ${seats} seats ${count} times of ${draws}, expected ${probability}`,
      )
    })
  }
})

test('an interval holds the true share about as often as it says', () => {
  const chance = createChance('intervals')
  for (const truth of [0.002, 0.1, 0.5]) {
    const [runs, trials] = [300, 200]
    let held = 0
    for (let run = 0; run < runs; run++) {
      let hits = 0
      for (let i = 0; i < trials; i++) if (chance.happens(truth)) hits++
      const { low, high } = intervalOf(hits, trials, 0.95)
      if (low <= truth && truth <= high) held++
    }
    assert.ok(held / runs >= 0.93, `${truth}: ${held} of ${runs}`)
  }
  assert.deepEqual(intervalOf(0, 10).low, 0)
  assert.deepEqual(intervalOf(10, 10).high, 1)
})
