// A whole region is gone, dead, or cut off: verdicts take longer, and are never wrong.

import { policies, type Policy } from '../../src/verdict/policies.ts'
import { registries, registryOf } from '../../src/verdict/regions.ts'
import { regions } from '../engine/places.ts'
import { quantiles } from '../figures.ts'
import { defineScenario, type Stage } from '../scenario.ts'
import type { World } from '../world/world.ts'
import { timesIn, verifyMany } from './shared.ts'

/** What befalls a region; the result ends it. */
type Fate = (world: World, registry: string) => () => Promise<void>

const fates: Readonly<Record<string, Fate>> = {
  'mirrors of a registry refuse connections': (world, registry) => {
    const gone = world.mirrors.of(registry)
    for (const mirror of gone) mirror.crashes()
    return async () => {
      for (const mirror of gone) await mirror.returns()
    }
  },
  'mirrors of a registry are silent': (world, registry) => {
    const gone = world.mirrors.of(registry)
    for (const mirror of gone) mirror.isSilent(true)
    return async () => {
      for (const mirror of gone) mirror.isSilent(false)
    }
  },
  'a registry’s region is cut off': (world, registry) => {
    const mend = world.partition(registry)
    return async () => mend()
  },
}

/** The scenario `region-down`. */
export const regionDown = defineScenario({
  name: 'region-down',
  summary: 'all mirrors of one registry are dead, silent, or cut off',
  defaults: { mirrors: 150, days: 0.5 },
  play: (stage) =>
    stage.inWorld(async (world) => {
      for (const [name, fate] of Object.entries(fates))
        for (const policy of Object.values(policies)) {
          for (const registry of registries)
            await befall(world, { registry, fate, policy, name, stage })
        }
    }),
})

interface Parts {
  readonly stage: Stage
  readonly registry: string
  readonly fate: Fate
  readonly policy: Policy
  readonly name: string
}

async function befall(world: World, { stage, registry, fate, policy, name }: Parts): Promise<void> {
  // Client and site are where the world is whole.
  const elsewhere = regions.filter((region) => registryOf(region) !== registry)
  const client = world.client({ policy, region: world.chance.oneOf(elsewhere) })
  const end = fate(world, registry)
  const tally = await verifyMany(world, {
    client,
    times: Math.ceil(timesIn(stage.days) / registries.length),
    site: () => world.site({ region: world.chance.oneOf(elsewhere) }),
  })
  await end()
  const under = `${policy.name}, ${name} (${registry})`
  stage.figures.shareAtMost(`contradicted: ${under}`, { ...tally.ended('contradicted'), most: 0 })
  stage.figures.share(`inconclusive: ${under}`, tally.ended('inconclusive'))
  const { p95 } = quantiles(tally.reports.map((report) => report.timings.totalMs))
  stage.figures.size(`verdict after, 95 %: ${under}`, { unit: 'ms', value: p95 })
}
