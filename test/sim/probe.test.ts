// The world's quick eyes see what the production probe sees over the world's DNS and connections.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createProbe, type Look, type LookRequest } from '../../src/vantage/probe.ts'
import { createWorldProbe } from '../../sim/world/probe.ts'
import { createWorldResolver } from '../../sim/world/resolver.ts'
import type { SimClient } from '../../sim/world/clients.ts'
import type { Site } from '../../sim/world/site.ts'
import { createWorld, type World } from '../../sim/world/world.ts'

/** A look without what differs from look to look: times, and what a library tells beyond the facts. */
function factsOf(look: Look): unknown {
  const { target, dns, handshakes } = look.sight
  return {
    target,
    dns,
    handshakes: handshakes.map(({ connectMs, handshakeMs, ...facts }) => ({
      ...facts,
      timed: [connectMs !== null, handshakeMs !== null],
    })),
    chains: [...look.chains].map(([address, chain]) => [address, chain.map((one) => one.der)]),
  }
}

async function bothSee(
  world: World,
  client: SimClient,
  request: Omit<LookRequest, 'target'> & { readonly site: Site },
): Promise<unknown> {
  const { engine, links, sightlines, chance } = world
  const runtime = client.node.runtime()
  const needs = { engine, links, sightlines, chance, clock: runtime.clock }
  const resolver = createWorldResolver(needs, client.vantage)
  const { site, ...asked } = request
  const looked = { ...asked, target: site.target }
  const [quick, whole] = [
    createWorldProbe(needs, client.vantage),
    createProbe(runtime, { resolver, allowPrivate: false }),
  ].map((probe) => engine.runUntil(probe.look(looked, new AbortController().signal)))
  const facts = factsOf(await (quick as Promise<Look>))
  assert.deepEqual(facts, factsOf(await (whole as Promise<Look>)))
  return facts
}

test('sites, content networks, attackers, unknown names and dead servers look the same to both', async () => {
  const world = await createWorld({ seed: 1, mirrors: 0 })
  const client = world.client({ region: 'RIPE-DE' })
  const site = world.site()
  const cdn = world.site({ servers: 'each-registry' })
  const bare = world.site({ isPublished: false })
  const attacker = world.attacker()
  const seen = [
    await bothSee(world, client, { site }),
    await bothSee(world, client, { site: cdn }),
    await bothSee(world, client, { site: bare }),
    await bothSee(world, client, { site, handshakes: false }),
    await bothSee(world, client, { site, asked: [cdn.addresses[0] ?? ''] }),
    await bothSee(world, client, { site, asked: [...site.addresses] }),
  ]
  for (const way of ['poisons', 'intercepts'] as const) {
    const end = world.attack({ attacker, way, victim: client, site })
    seen.push(await bothSee(world, client, { site }))
    end()
  }
  // From elsewhere, the attacker's machine shows the same face.
  const end = world.attack({ attacker, way: 'poisons', victim: world.client(), site })
  seen.push(await bothSee(world, client, { site, asked: [attacker.address] }))
  end()
  assert.equal(new Set(seen.map((one) => JSON.stringify(one))).size, seen.length - 1)
  const gone = world.site()
  world.forget(gone)
  await bothSee(world, client, { site: gone })
})

test('a site in a region that is cut off gives both no answer', async () => {
  const world = await createWorld({ seed: 1, mirrors: 0 })
  const client = world.client({ region: 'RIPE-DE' })
  const site = world.site({ region: 'APNIC-JP' })
  world.partition('APNIC')
  await bothSee(world, client, { site })
})
