import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createSeededRandom } from '../../test/support/seeded-random.ts'
import { assertShare, hypergeometricTail } from '../../test/support/statistics.ts'
import {
  chooseInformed,
  choosePanel,
  coolDownMs,
  isSeriesValid,
  mayRequestRemoval,
  tally,
  voteDeadline,
  type Poll,
  type Vote,
} from './panel.ts'
import { parameters } from './parameters.ts'
import { indexByNetwork } from './peers.ts'

const [hour, day] = [3_600_000, 86_400_000]
const panel = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i']
const deadline = 1_000

/** Votes as short text: `a+` for removal, `a-` against, `a+@1200` later. */
function votesOf(text: string): readonly Vote[] {
  return [...text.matchAll(/(\w)([+-])(?:@(\d+))?/g)].map(([, from = '', sign, at]) => ({
    from,
    opinion: sign === '+' ? ('remove' as const) : ('keep' as const),
    at: Number(at ?? 500),
  }))
}
const poll = (text: string, members: readonly string[] = panel): Poll => ({
  panel: members,
  deadline,
  votes: votesOf(text),
})
const outcomeOf = (text: string, now: number): string => tally(poll(text), now, parameters).outcome

for (const [votes, before, after] of [
  ['', 'open', 'retry'],
  ['a+ b+ c+ d+ e+', 'open', 'retry'],
  ['a+ b+ c+ d+ e+ f+', 'remove', 'remove'],
  ['a+ b+ c+ d+ e+ f-', 'remove', 'remove'],
  ['a+ b+ c+ d+ e- f-', 'open', 'remove'],
  ['a+ b+ c+ d- e- f-', 'open', 'keep'],
  ['a+ b+ c- d- e- f-', 'open', 'keep'],
  ['a- b- c- d- e- f+', 'keep', 'keep'],
  ['a+ b+ c+ d+ e- f- g- h-', 'open', 'keep'],
  ['a+ b+ c+ d+ e- f- g- h- i+', 'remove', 'remove'],
  ['a+ b+ c+ d+ e- f- g- h- i-', 'keep', 'keep'],
] as const)
  test(`votes ${votes || 'of nobody'}: ${before} before the deadline, ${after} after it`, () => {
    assert.equal(outcomeOf(votes, deadline), before)
    assert.equal(outcomeOf(votes, deadline + 1), after)
  })

test('votes that nobody asked for, second votes, and late ones are told and not counted', () => {
  const counted = tally(poll('a+ z+ a- b+@1001 b-@1002 c-@1000'), 2_000, parameters)
  assert.deepEqual(
    counted.ignored.map(({ vote, fault }) => [vote.from, fault]),
    [
      ['z', 'not-asked'],
      ['a', 'twice'],
      ['b', 'late'],
      ['b', 'late'],
    ],
  )
  assert.deepEqual([counted.remove, counted.keep], [1, 1])
})

const voteArbitrary = fc.record({
  from: fc.constantFrom(...panel, 'y', 'z'),
  opinion: fc.constantFrom('remove' as const, 'keep' as const),
  at: fc.integer({ min: 0, max: 1_500 }),
})

test('nobody is counted twice, and nobody who was not asked', () => {
  fc.assert(
    fc.property(fc.array(voteArbitrary, { maxLength: 40 }), fc.nat(2_000), (votes, now) => {
      const { remove, keep, ignored } = tally({ panel, deadline, votes }, now, parameters)
      const inTime = votes.filter(({ from, at }) => at <= deadline && panel.includes(from))
      assert.equal(remove + keep, new Set(inTime.map(({ from }) => from)).size)
      assert.equal(remove + keep + ignored.length, votes.length)
    }),
  )
})

test('an outcome stands, whatever votes come after it', () => {
  fc.assert(
    fc.property(
      fc.array(voteArbitrary, { maxLength: 20 }),
      fc.array(voteArbitrary, { maxLength: 20 }),
      (votes, more) => {
        const first = tally({ panel, deadline, votes }, 0, parameters).outcome
        if (first !== 'remove' && first !== 'keep') return
        for (const now of [0, deadline, deadline + 1])
          assert.equal(
            tally({ panel, deadline, votes: [...votes, ...more] }, now, parameters).outcome,
            first,
          )
      },
    ),
  )
})

test('no order of voters matters', () => {
  const opinions = fc.array(fc.constantFrom('remove' as const, 'keep' as const, null), {
    minLength: 9,
    maxLength: 9,
  })
  fc.assert(
    fc.property(opinions, (list) => {
      const votes = list.flatMap((opinion, i) =>
        opinion === null ? [] : [{ from: panel[i] ?? '', opinion, at: 5 }],
      )
      assert.deepEqual(
        tally({ panel, deadline, votes: votes.toReversed() }, 2_000, parameters),
        tally({ panel, deadline, votes }, 2_000, parameters),
      )
    }),
  )
})

const peers = Array.from({ length: 1_000 }, (_, i) => ({ id: `m${i}`, network: `n${i}` }))
const active = indexByNetwork(peers)
const options = (seed: number) => ({
  random: createSeededRandom(seed),
  initiator: 'm0',
  subject: 'm1',
  parameters,
})

test('a panel has nine, of different networks, without initiator, subject and earlier ones', () => {
  const small = indexByNetwork(peers.slice(0, 20))
  for (let seed = 0; seed < 100; seed++) {
    const first = choosePanel(small, options(seed)).map(({ id }) => id)
    assert.equal(new Set(first).size, 9)
    assert.ok(!first.includes('m0') && !first.includes('m1'))
    const second = choosePanel(small, { ...options(seed), earlier: new Set(first) })
    assert.equal(second.length, 9)
    assert.ok(second.every(({ id }) => !first.includes(id)))
  }
  assert.equal(chooseInformed(active, options(1)).length, 6)
})

test('a small network gives the panel that it has', () => {
  const one = indexByNetwork(peers.slice(0, 7).map((peer) => ({ ...peer, network: 'same' })))
  assert.equal(choosePanel(one, options(3)).length, 5)
  assert.deepEqual(choosePanel(indexByNetwork([]), options(3)), [])
})

for (const [liars, trials] of [
  [0.1, 20_000],
  [0.2, 10_000],
  [0.3, 5_000],
] as const) {
  const marked = liars * peers.length
  const expected = hypergeometricTail({ n: 9, k: 5 }, marked, peers.length)
  test(`a lying majority of nine at ${liars} liars: ${expected.toExponential(1)}`, () => {
    const random = createSeededRandom(liars * 100)
    let hits = 0
    for (let i = 0; i < trials; i++) {
      const members = choosePanel(active, { random, initiator: '', subject: '', parameters })
      const votes = members.map(({ id }) => ({
        from: id,
        opinion: Number(id.slice(1)) < marked ? ('remove' as const) : ('keep' as const),
        at: 1,
      }))
      const polled = { panel: members.map(({ id }) => id), deadline, votes }
      if (tally(polled, 5, parameters).outcome === 'remove') hits += 1
    }
    assertShare({ hits, trials }, expected, 'wrong removals')
  })
}

test('who has asked waits three days, and longer after each removal', () => {
  assert.deepEqual(
    [0, 1, 2].map((strikes) => coolDownMs(strikes, parameters) / day),
    [3, 6, 9],
  )
  const may = (lastRequestAt: number | null, strikes: number, now: number): boolean =>
    mayRequestRemoval({ lastRequestAt, strikes }, now, parameters)
  assert.equal(may(null, 5, 0), true)
  assert.equal(may(0, 0, 3 * day - 1), false)
  assert.equal(may(0, 0, 3 * day), true)
  assert.equal(may(0, 1, 3 * day), false)
})

test('a series serves all votes of a day, and votes may come half a series late', () => {
  assert.equal(isSeriesValid(0, day - 1, parameters), true)
  assert.equal(isSeriesValid(0, day, parameters), false)
  assert.equal(voteDeadline(0, parameters), 9 * hour)
})
