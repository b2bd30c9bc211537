// All colluding mirrors are in the regions of one registry, or of a few: what variety is worth (R150).

import { policies, type Policy } from '../../src/verdict/policies.ts'
import { registries } from '../../src/verdict/regions.ts'
import { falseAccept } from '../closed-forms.ts'
import { regions } from '../engine/places.ts'
import { defineScenario, type Stage } from '../scenario.ts'
import type { World } from '../world/world.ts'
import { timesIn, verifyMany } from './shared.ts'

/** The scenario `registry-liars`. */
export const registryLiars = defineScenario({
  name: 'registry-liars',
  summary: 'an attacker owns every mirror of one registry, of two, or of three',
  defaults: { mirrors: 150, days: 2 },
  play: (stage) =>
    stage.inWorld(async (world) => {
      for (const count of [1, 2, 3])
        for (const policy of Object.values(policies))
          for (const size of sizes) await owning(world, stage, { count, policy, size })
    }),
})

/**
 * In a small world nobody is late, and each seat is decided by its draw, as arithmetic has it. In the real one seats of
 * mirrors that are far are contested, and those that are near win more of them.
 */
const sizes = [0.2, 1]

interface Conditions {
  readonly count: number
  readonly policy: Policy
  readonly size: number
}

async function owning(
  world: World,
  { days, figures }: Stage,
  { count, policy, size }: Conditions,
): Promise<void> {
  world.links.stretch(size)
  const client = world.client({ policy })
  const tally = await verifyMany(world, {
    client,
    times: timesIn(days),
    scene: (site) => {
      const attacker = world.attacker()
      const owned = world.chance.shuffled(registries).slice(0, count)
      const accomplices = owned.flatMap((registry) => world.mirrors.of(registry))
      for (const mirror of accomplices) mirror.playsFor(attacker)
      const end = world.attack({ attacker, way: 'intercepts', victim: client, site })
      return () => {
        end()
        for (const mirror of accomplices) mirror.repents()
      }
    },
  })
  const place = size === 1 ? 'at real distances' : 'nobody is late'
  const name = `false accept: ${policy.name}, all mirrors of ${count} of 5 registries collude, ${place}`
  const expected = falseAccept(policy, {
    share: count / registries.length,
    registries: count,
    regionsEach: regions.length / registries.length,
  })
  // One registry alone never wins, however near it is.
  if (size < 1) figures.share(name, { ...tally.ended('corroborated'), expected })
  else if (expected === 0) figures.shareAtMost(name, { ...tally.ended('corroborated'), most: 0 })
  else figures.share(name, tally.ended('corroborated'))
}
