// Nothing goes wrong: every site is corroborated, from everywhere, also over cold connections.

import { policies } from '../../src/verdict/policies.ts'
import { falseAlarm } from '../closed-forms.ts'
import { regions } from '../engine/places.ts'
import { quantiles } from '../figures.ts'
import { defineScenario } from '../scenario.ts'
import { percent, timesIn, verifyMany } from './shared.ts'

/** Shares of looks in which an honest mirror sees something else than the truth. */
const errors = [0, 0.003, 0.05]

/** The scenario `honest`. */
export const honest = defineScenario({
  name: 'honest',
  summary: 'nobody lies; honest mirrors err once in a while',
  defaults: { mirrors: 300, days: 1 },
  play: ({ days, figures, inWorld }) =>
    inWorld(async (world) => {
      const times = timesIn(days)
      for (const error of errors) {
        for (const mirror of world.mirrors.all) mirror.errs({ in: error })
        for (const policy of Object.values(policies)) {
          const client = world.client({ policy, region: world.chance.oneOf(regions) })
          const tally = await verifyMany(world, { client, times })
          const under = `${policy.name}, ${percent(error)} of looks are wrong`
          figures.share(`false alarm: ${under}`, {
            ...tally.ended('contradicted', 'inconclusive', 'unverifiable'),
            expected: falseAlarm(policy, error),
          })
          if (error > 0) continue
          const added = quantiles(tally.reports.map((report) => report.timings.addedMs))
          figures.size(`added to the connection, median: ${policy.name}`, {
            unit: 'ms',
            value: added.p50,
          })
          figures.size(`added to the connection, 95 %: ${policy.name}`, {
            unit: 'ms',
            value: added.p95,
          })
        }
      }
    }),
})
