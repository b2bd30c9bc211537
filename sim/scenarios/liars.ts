// A share of all mirrors works for the attacker: it vouches for the attacker's key, or dissents from everybody's.

import { policies, type Policy } from '../../src/verdict/policies.ts'
import { falseAccept, falseAlarm } from '../closed-forms.ts'
import { defineScenario, type Stage } from '../scenario.ts'
import type { World } from '../world/world.ts'
import { percent, timesIn, verifyMany } from './shared.ts'

const shares = [0.1, 0.2, 0.3]

/** How often honest mirrors err meanwhile. */
const error = 0.003

/** The scenario `liars`. */
export const liars = defineScenario({
  name: 'liars',
  summary: 'a share of all mirrors vouches for an attacker, or dissents on purpose',
  defaults: { mirrors: 300, days: 2 },
  play: (stage) =>
    stage.inWorld(async (world) => {
      for (const share of shares)
        for (const policy of Object.values(policies)) {
          await vouching(world, stage, { policy, share })
          await dissenting(world, stage, { policy, share })
        }
    }),
})

/** Who lies, and by which rules they are judged. */
export interface Conditions {
  readonly policy: Policy
  readonly share: number
}

/** The attacker holds the victim's DNS, and each time other mirrors are its accomplices. */
export async function vouching(
  world: World,
  { days, figures }: Stage,
  { policy, share }: Conditions,
): Promise<void> {
  const client = world.client({ policy })
  const tally = await verifyMany(world, {
    client,
    times: timesIn(days),
    scene: (site) => {
      const attacker = world.attacker()
      const accomplices = world.mirrors.share(share)
      for (const mirror of accomplices) mirror.playsFor(attacker)
      const end = world.attack({ attacker, way: 'poisons', victim: client, site })
      return () => {
        end()
        for (const mirror of accomplices) mirror.repents()
      }
    },
  })
  figures.share(`false accept: ${policy.name}, ${percent(share)} collude`, {
    ...tally.ended('corroborated'),
    expected: falseAccept(policy, { share }),
  })
}

/** Nobody attacks; the liars want that honest sites are blocked. */
export async function dissenting(
  world: World,
  { days, figures }: Stage,
  { policy, share }: Conditions,
): Promise<void> {
  for (const mirror of world.mirrors.all) mirror.errs({ in: error })
  const tally = await verifyMany(world, {
    client: world.client({ policy }),
    times: timesIn(days),
    scene: () => {
      const liars = world.mirrors.share(share)
      for (const mirror of liars) mirror.lies({ about: 1 })
      return () => {
        for (const mirror of liars) mirror.repents()
      }
    },
  })
  for (const mirror of world.mirrors.all) mirror.errs({ in: 0 })
  figures.share(`false alarm: ${policy.name}, ${percent(share)} dissent`, {
    ...tally.ended('contradicted', 'inconclusive', 'unverifiable'),
    expected: falseAlarm(policy, share + (1 - share) * error),
  })
}
