// Mirrors are slow or silent: substitutes stand in, verdicts come in time, and liars gain little by being quick.

import { policies } from '../../src/verdict/policies.ts'
import { falseAccept } from '../closed-forms.ts'
import { quantiles } from '../figures.ts'
import { defineScenario, type Stage } from '../scenario.ts'
import type { World } from '../world/world.ts'
import { percent, timesIn, verifyMany } from './shared.ts'

const slownessMs = 1_000

/** The scenario `slow-mirrors`. */
export const slowMirrors = defineScenario({
  name: 'slow-mirrors',
  summary: 'a share of mirrors is slow or silent, and liars are quick',
  defaults: { mirrors: 150, days: 1 },
  play: (stage) =>
    stage.inWorld(async (world) => {
      for (const share of [0.2, 0.5]) await someAreLate(world, stage, share)
      await liarsAreQuick(world, stage)
    }),
})

async function someAreLate(world: World, { days, figures }: Stage, share: number): Promise<void> {
  for (const policy of Object.values(policies))
    for (const kind of ['slow', 'silent'] as const) {
      const late = world.mirrors.share(share)
      for (const mirror of late)
        if (kind === 'slow') mirror.isSlowerBy(slownessMs)
        else mirror.isSilent(true)
      const tally = await verifyMany(world, {
        client: world.client({ policy }),
        times: timesIn(days),
      })
      for (const mirror of late) {
        mirror.isSlowerBy(0)
        mirror.isSilent(false)
      }
      const under = `${policy.name}, ${percent(share)} of mirrors are ${kind}`
      figures.shareAtMost(`contradicted: ${under}`, { ...tally.ended('contradicted'), most: 0 })
      figures.share(`inconclusive: ${under}`, tally.ended('inconclusive'))
      const added = quantiles(tally.reports.map((report) => report.timings.addedMs))
      figures.size(`added to the connection, median: ${under}`, { unit: 'ms', value: added.p50 })
      figures.size(`added to the connection, 95 %: ${under}`, { unit: 'ms', value: added.p95 })
    }
}

/** Every honest mirror answers late, so that each seat may be contested; the liars answer at once. */
async function liarsAreQuick(world: World, { days, figures }: Stage): Promise<void> {
  const share = 0.2
  for (const policy of Object.values(policies)) {
    const client = world.client({ policy })
    const tally = await verifyMany(world, {
      client,
      times: timesIn(days),
      scene: (site) => {
        const attacker = world.attacker()
        const accomplices = new Set(world.mirrors.share(share))
        for (const mirror of world.mirrors.all)
          if (accomplices.has(mirror)) mirror.playsFor(attacker)
          else mirror.isSlowerBy(slownessMs)
        const end = world.attack({ attacker, way: 'poisons', victim: client, site })
        return () => {
          end()
          for (const mirror of world.mirrors.all) {
            mirror.repents()
            mirror.isSlowerBy(0)
          }
        }
      },
    })
    // A second draw for each seat is what quickness can win.
    figures.shareAtMost(
      `false accept: ${policy.name}, ${percent(share)} collude and are a second quicker`,
      {
        ...tally.ended('corroborated'),
        most: falseAccept(policy, { share: 1 - (1 - share) ** 2 }),
      },
    )
  }
}
