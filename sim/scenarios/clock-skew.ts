// Clocks are wrong: a mirror whose clock is abstains, and a client whose own is learns that it can verify nothing.

import { limits } from '../../src/base/limits.ts'
import { policies } from '../../src/verdict/policies.ts'
import { defineScenario } from '../scenario.ts'
import { percent, timesIn, verifyMany } from './shared.ts'

/** Wrong by less, and by more, than is borne. */
const borneMs = limits.clockSkewMs - 10_000
const tooMuchMs = limits.clockSkewMs + 180_000

/** The scenario `clock-skew`. */
export const clockSkew = defineScenario({
  name: 'clock-skew',
  summary: 'clocks of mirrors, and then the client’s own, are wrong',
  defaults: { mirrors: 150, days: 1 },
  play: ({ days, figures, inWorld }) =>
    inWorld(async (world) => {
      const times = timesIn(days)
      for (const policy of Object.values(policies)) {
        for (const share of [0.1, 0.3]) {
          const wrong = world.mirrors.share(share)
          for (const mirror of wrong)
            mirror.clockIsOffBy(world.chance.happens(0.5) ? tooMuchMs : -tooMuchMs)
          const tally = await verifyMany(world, { client: world.client({ policy }), times })
          for (const mirror of wrong) mirror.clockIsOffBy(0)
          figures.shareAtMost(
            `false alarm: ${policy.name}, ${percent(share)} of mirrors’ clocks are 5 minutes off`,
            {
              ...tally.ended('contradicted', 'inconclusive'),
              most: 0,
            },
          )
        }
        const client = world.client({ policy })
        client.clockIsOffBy(borneMs)
        const borne = await verifyMany(world, { client, times })
        figures.shareAtMost(`false alarm: ${policy.name}, the client’s clock is 110 s fast`, {
          ...borne.ended('contradicted', 'inconclusive'),
          most: 0,
        })
        client.clockIsOffBy(-tooMuchMs)
        const off = await verifyMany(world, { client, times })
        figures.share(`inconclusive: ${policy.name}, the client’s clock is 5 minutes slow`, {
          ...off.ended('inconclusive'),
          expected: 1,
        })
      }
    }),
})
