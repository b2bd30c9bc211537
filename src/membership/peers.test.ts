import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createSeededRandom } from '../../test/support/seeded-random.ts'
import { drawPeers, indexByNetwork, type Peer } from './peers.ts'

const peersArbitrary = fc
  .array(fc.integer({ min: 0, max: 20 }), { maxLength: 60 })
  .map((networks) => networks.map((network, i): Peer => ({ id: `${i}`, network: `${network}` })))

test('a draw has no mirror twice, none left out on purpose, and as many networks as there are', () => {
  fc.assert(
    fc.property(
      peersArbitrary,
      fc.integer({ min: 0, max: 30 }),
      fc.integer(),
      (peers, count, seed) => {
        const except = new Set(peers.filter((_, i) => i % 5 === 0).map(({ id }) => id))
        const index = indexByNetwork(peers)
        assert.equal(index.size, peers.length)
        const drawn = drawPeers(index, count, { random: createSeededRandom(seed), except })
        const allowed = peers.filter(({ id }) => !except.has(id))
        const networks = (list: readonly Peer[]): number =>
          new Set(list.map(({ network }) => network)).size
        assert.equal(new Set(drawn.map(({ id }) => id)).size, drawn.length)
        assert.ok(drawn.every(({ id }) => !except.has(id)))
        assert.equal(drawn.length, Math.min(count, allowed.length))
        assert.equal(networks(drawn), Math.min(count, networks(allowed)))
      },
    ),
  )
})

test('the owner of most mirrors in few networks has the weight of few networks', () => {
  const farm = Array.from({ length: 5_000 }, (_, i) => ({ id: `f${i}`, network: `f${i % 20}` }))
  const others = Array.from({ length: 5_000 }, (_, i) => ({ id: `o${i}`, network: `o${i % 1500}` }))
  const index = indexByNetwork([...farm, ...others])
  const random = createSeededRandom(11)
  let seats = 0
  const panels = 2_000
  for (let i = 0; i < panels; i++)
    seats += drawPeers(index, 9, { random, except: new Set() }).filter(({ id }) =>
      id.startsWith('f'),
    ).length
  // 20 of 1,520 networks: 1.3 % of the seats, where half of all mirrors would have taken half.
  const share = seats / (9 * panels)
  assert.ok(share > 0.008 && share < 0.019, `${share}`)
})
