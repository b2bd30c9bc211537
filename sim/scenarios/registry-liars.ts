// All colluding mirrors are in the regions of one registry, or of a few: what variety is worth (R150).

import { policies } from '../../src/verdict/policies.ts'
import { registries } from '../../src/verdict/regions.ts'
import { falseAccept } from '../closed-forms.ts'
import { regions } from '../engine/places.ts'
import { defineScenario } from '../scenario.ts'
import { timesIn, verifyMany } from './shared.ts'

/** The scenario `registry-liars`. */
export const registryLiars = defineScenario({
  name: 'registry-liars',
  summary: 'an attacker owns every mirror of one registry, of two, or of three',
  defaults: { mirrors: 150, days: 2 },
  play: ({ days, figures, inWorld }) =>
    inWorld(async (world) => {
      for (const count of [1, 2, 3])
        for (const policy of Object.values(policies)) {
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
          figures.share(
            `false accept: ${policy.name}, all mirrors of ${count} of 5 registries collude`,
            {
              ...tally.ended('corroborated'),
              expected: falseAccept(policy, {
                share: count / registries.length,
                registries: count,
                regionsEach: regions.length / registries.length,
              }),
            },
          )
        }
    }),
})
