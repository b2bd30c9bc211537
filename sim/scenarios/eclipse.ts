// An attacker floods a new client's list with mirrors of its own: what counts is in how many places they are, not how
// many there are (protocol §9).

import { policies } from '../../src/verdict/policies.ts'
import type { ListEntry } from '../../src/protocol/routes.ts'
import { falseAccept } from '../closed-forms.ts'
import { regions } from '../engine/places.ts'
import { defineScenario } from '../scenario.ts'
import type { Attacker } from '../world/attacker.ts'
import type { World } from '../world/world.ts'
import { timesIn, verifyMany } from './shared.ts'

/** The attacker's mirrors for each honest one. */
const crowd = 2

/** The scenario `eclipse`. */
export const eclipse = defineScenario({
  name: 'eclipse',
  summary: 'a new client’s list is flooded with an attacker’s mirrors in few networks',
  defaults: { mirrors: 150, days: 2 },
  play: async ({ mirrors, days, figures, inWorld }) => {
    const perRegion = Math.floor(mirrors / regions.length)
    const floods = {
      'all in one region': {
        places: regions.slice(1, 2),
        share: 1 / regions.length,
        registries: 1,
      },
      'one network in each region': { places: regions, share: 1 / (perRegion + 1), registries: 5 },
    }
    for (const [name, { places, share, registries }] of Object.entries(floods))
      await inWorld(
        async (world) => {
          // Seats are to be decided by draws, not by who is near.
          world.links.stretch(0.2)
          const attacker = world.attacker()
          const list = await floodedList(world, { attacker, places, count: crowd * mirrors })
          for (const policy of Object.values(policies)) {
            const client = world.client({ policy, mirrors: list })
            const tally = await verifyMany(world, {
              client,
              times: timesIn(days),
              scene: (site) => world.attack({ attacker, way: 'poisons', victim: client, site }),
            })
            figures.share(
              `false accept: ${policy.name}, two of three listed mirrors are the attacker’s, ${name}`,
              {
                ...tally.ended('corroborated'),
                expected: falseAccept(policy, {
                  share,
                  registries,
                  regionsEach: places.length < regions.length ? 1 : 6,
                }),
              },
            )
          }
        },
        { mirrors: perRegion * regions.length },
      )
  },
})

/** The honest mirrors and the attacker's: so many machines, in one network at each place. */
async function floodedList(
  world: World,
  flood: {
    readonly attacker: Attacker
    readonly places: readonly string[]
    readonly count: number
  },
): Promise<readonly ListEntry[]> {
  const entries: ListEntry[] = []
  for (let i = 0; i < flood.count; i++) {
    const networks = flood.places.length
    const region = flood.places[i % networks] ?? ''
    const mirror = await world.mirrorOn(world.node('attackers', { region, networks }))
    mirror.playsFor(flood.attacker)
    entries.push(mirror.entry)
  }
  return [...world.mirrors.entries, ...entries]
}
