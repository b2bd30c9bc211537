// A content network gives each part of the world another address, and each server a key of its own: only the literal
// policy, which compares addresses, takes that for an attack.

import { policies } from '../../src/verdict/policies.ts'
import { registries } from '../../src/verdict/regions.ts'
import { defineScenario } from '../scenario.ts'
import { timesIn, verifyMany } from './shared.ts'

/** The scenario `content-network`. */
export const contentNetwork = defineScenario({
  name: 'content-network',
  summary: 'sites with another address and key in each part of the world',
  defaults: { mirrors: 150, days: 1 },
  play: ({ days, figures, inWorld }) =>
    inWorld(async (world) => {
      for (const isPublished of [true, false])
        for (const policy of Object.values(policies)) {
          // Nobody can say anything of a site without records by the letter of the seed.
          if (!isPublished && policy.withoutAuthority === 'unverifiable') continue
          let [hits, trials] = [0, 0]
          for (const registry of registries) {
            const client = world.client({ policy, region: `${registry}-XX` })
            const tally = await verifyMany(world, {
              client,
              times: Math.ceil(timesIn(days) / registries.length),
              site: () => world.site({ servers: 'each-registry', isPublished }),
            })
            const alarms = tally.ended('contradicted', 'inconclusive')
            hits += alarms.hits
            trials += alarms.trials
          }
          const kind = isPublished ? 'with records' : 'without records'
          const name = `false alarm: ${policy.name}, content network ${kind}`
          // Three mirrors of three registries never have all the client's address.
          if (policy.address === 'equal') figures.share(name, { hits, trials, expected: 1 })
          else figures.shareAtMost(name, { hits, trials, most: 0 })
        }
    }),
})
