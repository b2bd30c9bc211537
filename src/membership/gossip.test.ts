import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createSeededRandom } from '../../test/support/seeded-random.ts'
import {
  acceptsInbound,
  chooseForwarding,
  choosePartner,
  planLinks,
  unknownOf,
  type Link,
} from './gossip.ts'
import { parameters } from './parameters.ts'
import { indexByNetwork } from './peers.ts'

const minute = 60_000
const peers = Array.from({ length: 40 }, (_, i) => ({ id: `m${i}`, network: `n${i % 20}` }))
const active = indexByNetwork(peers)
const self = new Set(['m0'])

test('a newcomer is passed on to eight of different networks', () => {
  const options = { random: createSeededRandom(1), except: new Set(['m0', 'm1']), parameters }
  const chosen = chooseForwarding(active, options)
  assert.equal(new Set(chosen.map(({ network }) => network)).size, 8)
  assert.ok(chosen.every(({ id }) => id !== 'm0' && id !== 'm1'))
})

test('a partner is another mirror, if there is one', () => {
  const options = { random: createSeededRandom(1), except: self }
  assert.notEqual(choosePartner(active, options)?.id, 'm0')
  assert.equal(choosePartner(indexByNetwork(peers.slice(0, 1)), options), null)
})

test('of a list only ids that we do not know are news', () => {
  assert.deepEqual(
    unknownOf(peers.slice(0, 3), (id) => id !== 'm1').map(({ id }) => id),
    ['m1'],
  )
})

const plan = (held: readonly Link[], now = 0) =>
  planLinks(held, active, {
    random: createSeededRandom(1),
    now,
    swappedAt: 0,
    except: self,
    parameters,
  })
const links = (inbound: number, outbound: number): readonly Link[] => [
  ...Array.from({ length: inbound }, (_, i) => ({ id: `in${i}`, outbound: false })),
  ...Array.from({ length: outbound }, (_, i) => ({ id: `m${i + 1}`, outbound: true })),
]

for (const [inbound, outbound, opened, closed] of [
  [0, 0, 8, 0],
  [0, 3, 5, 0],
  [4, 0, 4, 0],
  [4, 4, 0, 0],
  [2, 4, 2, 0],
  // More than we take; half of all are of our choice all the same.
  [6, 0, 4, 0],
  [4, 8, 0, 4],
  [1, 8, 0, 1],
] as const)
  test(`${inbound} inbound and ${outbound} own links: ${opened} more, ${closed} fewer`, () => {
    const { open, close } = plan(links(inbound, outbound))
    assert.equal(open.length, opened)
    assert.equal(close.length, closed)
  })

test('others connect to us while half of the places are free for them', () => {
  assert.equal(acceptsInbound(links(3, 4), parameters), true)
  assert.equal(acceptsInbound(links(3, 8), parameters), true)
  assert.equal(acceptsInbound(links(4, 0), parameters), false)
})

test('one own link is exchanged every ten minutes', () => {
  const early = plan(links(4, 4), 10 * minute - 1)
  assert.deepEqual(early, { open: [], close: [], swappedAt: 0 })
  const { open, close, swappedAt } = plan(links(4, 4), 10 * minute)
  assert.equal(open.length, 1)
  assert.equal(close.length, 1)
  assert.equal(swappedAt, 10 * minute)
  assert.ok(!links(4, 4).some(({ id }) => id === open[0]?.id))
})

test('while links are missing, none is exchanged', () => {
  const { open, close, swappedAt } = plan(links(4, 2), 10 * minute)
  assert.equal(open.length, 2)
  assert.deepEqual([close, swappedAt], [[], 0])
})

test('where everybody is connected already, nothing is exchanged', () => {
  const few = indexByNetwork(peers.slice(0, 9))
  const all = Array.from({ length: 8 }, (_, i) => ({ id: `m${i + 1}`, outbound: true }))
  const options = {
    random: createSeededRandom(1),
    now: 10 * minute,
    swappedAt: 0,
    except: self,
    parameters,
  }
  assert.deepEqual(planLinks(all, few, options), { open: [], close: [], swappedAt: 10 * minute })
})

test('whoever connects to us, half of the links stay of our choice, and no inbound one is closed', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ knocks: fc.boolean(), wait: fc.nat(20 * minute) }), { maxLength: 60 }),
      fc.integer(),
      (steps, seed) => {
        const random = createSeededRandom(seed)
        let held: readonly Link[] = []
        let [now, swappedAt] = [0, 0]
        for (const [i, { knocks, wait }] of steps.entries()) {
          now += wait
          if (knocks && acceptsInbound(held, parameters))
            held = [...held, { id: `attacker${i}`, outbound: false }]
          const next = planLinks(held, active, { random, now, swappedAt, except: self, parameters })
          swappedAt = next.swappedAt
          assert.ok(next.close.every((id) => held.find((link) => link.id === id)?.outbound))
          held = [
            ...held.filter(({ id }) => !next.close.includes(id)),
            ...next.open.map(({ id }) => ({ id, outbound: true })),
          ]
          assert.equal(held.length, 8)
          assert.ok(held.filter(({ outbound }) => outbound).length >= 4)
          assert.equal(new Set(held.map(({ id }) => id)).size, 8)
        }
      },
    ),
  )
})
