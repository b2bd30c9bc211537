// Owners change their keys while records travel: announced roll-overs must stay silent, and what is replaced at once must
// be quiet again, and safe again, as soon as DNS can make it so.

import type { Outcome } from '../../src/verdict/verdict.ts'
import { policies, type Policy } from '../../src/verdict/policies.ts'
import { defineScenario, type Stage } from '../scenario.ts'
import type { SimClient } from '../world/clients.ts'
import type { Site } from '../world/site.ts'
import type { World } from '../world/world.ts'
import { tallyOf } from './shared.ts'

const ttlS = 60
const propagationMs = 30_000

/**
 * After so long every mirror gives out the new record: it has come to all name servers, resolvers have let go of the
 * old one, and mirrors too (a minute at most). A question may have begun just before.
 */
const settledMs = propagationMs + ttlS * 1000 + 60_000 + 5_000

const lookEveryMs = 5_000

/** How often each change is made in one virtual day. */
const changesPerDay = 10

/** The scenario `propagation`. */
export const propagation = defineScenario({
  name: 'propagation',
  summary: 'owners change their keys, announced or at once, while records travel',
  defaults: { mirrors: 150, days: 1 },
  play: (stage) =>
    stage.inWorld(async (world) => {
      for (const policy of [policies.default, policies.high, policies.mpic]) {
        await announced(world, stage, policy)
        await atOnce(world, stage, policy)
        await stolen(world, stage, policy)
      }
    }),
})

/** The new key is named beside the old one, used when everybody must know it, and the old one dropped (RFC 7671 §8.1). */
async function announced(world: World, { days, figures }: Stage, policy: Policy): Promise<void> {
  const client = world.client({ policy })
  const reports = await timesOver(days, async () => {
    const site = world.site({ ttlS, propagationMs })
    const [old = ''] = site.associationsAt('', 0)
    const next = site.makesNewKey()
    site.publishes(old, next)
    const first = await looksAt(world, client, { site, forMs: settledMs })
    site.usesNewKey()
    const second = await looksAt(world, client, { site, forMs: settledMs })
    site.publishes(next)
    const third = await looksAt(world, client, { site, forMs: settledMs })
    world.forget(site)
    return [...first, ...second, ...third].map((look) => look.report)
  })
  figures.shareAtMost(`false alarm: ${policy.name}, during an announced roll-over`, {
    ...tallyOf(reports).ended('contradicted', 'inconclusive', 'unverifiable'),
    most: 0,
  })
}

/** Key and record are replaced in the same moment. */
async function atOnce(world: World, { days, figures }: Stage, policy: Policy): Promise<void> {
  const client = world.client({ policy })
  const alarmedMs = await timesOver(days, async () => {
    const site = world.site({ ttlS, propagationMs })
    site.publishes(site.makesNewKey())
    site.usesNewKey()
    const looks = await looksAt(world, client, { site, forMs: 2 * settledMs })
    world.forget(site)
    return [lastMs(looks, (outcome) => outcome !== 'corroborated')]
  })
  figures.size(`last alarm after a key is replaced at once: ${policy.name}`, {
    unit: 'ms',
    value: Math.max(...alarmedMs),
    most: settledMs,
  })
}

/** The owner replaces a key that was stolen, and the thief plays the site before the client. */
async function stolen(world: World, { days, figures }: Stage, policy: Policy): Promise<void> {
  const client = world.client({ policy })
  const believedMs = await timesOver(days, async () => {
    const site = world.site({ ttlS, propagationMs })
    const thief = world.attacker(site.authority())
    const end = world.attack({ attacker: thief, way: 'intercepts', victim: client, site })
    site.publishes(site.makesNewKey())
    site.usesNewKey()
    const looks = await looksAt(world, client, { site, forMs: 2 * settledMs })
    end()
    world.forget(site)
    return [lastMs(looks, (outcome) => outcome === 'corroborated')]
  })
  figures.size(`a stolen key is believed after its record is replaced: ${policy.name}`, {
    unit: 'ms',
    value: Math.max(...believedMs),
    most: settledMs,
  })
}

interface Look {
  readonly afterMs: number
  readonly report: Awaited<ReturnType<SimClient['verify']>>
}

async function looksAt(
  world: World,
  client: SimClient,
  { site, forMs }: { readonly site: Site; readonly forMs: number },
): Promise<readonly Look[]> {
  const started = world.engine.monotonic()
  const looks: Look[] = []
  for (;;) {
    const afterMs = world.engine.monotonic() - started
    if (afterMs >= forMs) return looks
    looks.push({ afterMs, report: await client.verify(site) })
    await world.wait(lookEveryMs)
  }
}

function lastMs(looks: readonly Look[], is: (outcome: Outcome) => boolean): number {
  return looks.findLast(({ report }) => is(report.outcome))?.afterMs ?? 0
}

async function timesOver<T>(
  days: number,
  once: () => Promise<readonly T[]>,
): Promise<readonly T[]> {
  const all: T[] = []
  for (let i = 0; i < Math.max(1, Math.round(days * changesPerDay)); i++)
    all.push(...(await once()))
  return all
}
