// Ordinary days, in which everything that can go wrong does so now and then, as the seed has it: what runs over many
// seeds look for.

import type { Report } from '../../src/client/client.ts'
import { policies, type Policy } from '../../src/verdict/policies.ts'
import { registries } from '../../src/verdict/regions.ts'
import { falseAccept, falseAlarm } from '../closed-forms.ts'
import { quantiles } from '../figures.ts'
import { defineScenario, type Stage } from '../scenario.ts'
import type { SimClient } from '../world/clients.ts'
import type { SimMirror } from '../world/mirrors.ts'
import type { Site } from '../world/site.ts'
import type { World } from '../world/world.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

const looksPerClientAndDay = 48

/** The scenario `everyday`. */
export const everyday = defineScenario({
  name: 'everyday',
  summary: 'ordinary days: attacks, liars, crashes, cuts, lost packets and wrong clocks, by chance',
  defaults: { mirrors: 100, days: 1 },
  play: (stage) => stage.inWorld((world) => days(world, stage)),
})

/** One verification, and what was going on. */
interface Look {
  readonly report: Report
  readonly policy: Policy
  readonly isAttacked: boolean
}

async function days(world: World, { days: count, figures }: Stage): Promise<void> {
  const { chance } = world
  const liarShare = 0.12 * chance.uniform()
  const error = 0.005 * chance.uniform()
  for (const mirror of world.mirrors.all) mirror.errs({ in: error })
  world.links.lose(0.01 * chance.uniform())
  const sites = peopleSites(world)
  const clients = Object.values(policies).map((policy) => ({
    policy,
    client: world.client({ policy }),
  }))
  const attacked = new Map<SimClient, Site>()
  const untilMs = count * dayMs
  const troubles = [
    comesAndGoes(world, { untilMs, everyMs: hourMs }, () => mirrorTrouble(world)),
    comesAndGoes(world, { untilMs, everyMs: 8 * hourMs }, () =>
      world.partition(chance.oneOf(registries)),
    ),
    comesAndGoes(world, { untilMs, everyMs: 2 * hourMs }, () =>
      attackOn(world, {
        attacked,
        liarShare,
        client: chance.oneOf(clients).client,
        site: chance.oneOf(sites),
      }),
    ),
  ]
  noGhosts(world)
  const looks: Look[] = []
  const looking = clients.map(async ({ client, policy }) => {
    while (world.engine.monotonic() < untilMs) {
      await world.wait(chance.around(dayMs / looksPerClientAndDay))
      const bait = attacked.get(client)
      // Attackers wait for those who come.
      const site = bait !== undefined && chance.happens(0.5) ? bait : chance.oneOf(sites)
      const report = await client.verify(site)
      const [before, after] = [bait === site, attacked.get(client) === site]
      // One that begins or ends meanwhile is neither.
      if (before === after) looks.push({ report, policy, isAttacked: before })
    }
  })
  await Promise.all([...troubles, ...looking])
  for (const policy of Object.values(policies))
    tell(
      { figures },
      { policy, liarShare, error, looks: looks.filter((look) => look.policy === policy) },
    )
}

function peopleSites(world: World): readonly Site[] {
  return Array.from({ length: 100 }, (_, i) =>
    world.site(i % 10 === 9 ? { servers: 'each-registry' } : {}),
  )
}

/** Lets a trouble begin once in a while, and end after some minutes; none is left when the time is up. */
async function comesAndGoes(
  world: World,
  { untilMs, everyMs }: { readonly untilMs: number; readonly everyMs: number },
  begin: () => () => void | Promise<void>,
): Promise<void> {
  const { chance, engine } = world
  for (;;) {
    await world.wait(chance.around(everyMs))
    if (engine.monotonic() >= untilMs) return
    const end = begin()
    await world.wait(chance.around(20 * minuteMs))
    await end()
  }
}

/** Something that befalls one mirror. */
function mirrorTrouble({ chance, mirrors }: World): () => void | Promise<void> {
  const mirror = chance.oneOf(mirrors.all)
  const troubles: readonly (() => () => void | Promise<void>)[] = [
    () => {
      mirror.crashes()
      return () => mirror.returns()
    },
    () => {
      mirror.isSilent(true)
      return () => mirror.isSilent(false)
    },
    () => {
      mirror.isSlowerBy(chance.around(500))
      return () => mirror.isSlowerBy(0)
    },
    () => {
      mirror.clockIsOffBy((chance.uniform() - 0.5) * 10 * minuteMs)
      return () => mirror.clockIsOffBy(0)
    },
    () => {
      mirror.lies({ about: 0.2 })
      return () => mirror.repents()
    },
  ]
  return chance.oneOf(troubles)()
}

interface AttackPlan {
  readonly attacked: Map<SimClient, Site>
  readonly liarShare: number
  readonly client: SimClient
  readonly site: Site
}

/** An attacker with accomplices comes between a client and a site. */
function attackOn(world: World, { attacked, liarShare, client, site }: AttackPlan): () => void {
  const attacker = world.attacker()
  const accomplices: readonly SimMirror[] = world.mirrors.share(liarShare)
  for (const mirror of accomplices) mirror.playsFor(attacker)
  const way = world.chance.oneOf(['poisons', 'intercepts'] as const)
  const end = world.attack({ attacker, way, victim: client, site })
  attacked.set(client, site)
  return () => {
    end()
    if (attacked.get(client) === site) attacked.delete(client)
    for (const mirror of accomplices) mirror.repents()
  }
}

/** Who has crashed receives nothing: its port is closed. */
function noGhosts({ always, mirrors }: World): void {
  const seen = new Map<SimMirror, { readonly life: number; readonly received: number }>()
  let next = 0
  always('a mirror without a process receives nothing', () => {
    // One mirror an event: each is looked at again and again.
    const mirror = mirrors.all[next++ % mirrors.all.length]
    if (mirror === undefined) return null
    const { listeners, life, traffic } = mirror.node.host
    const before = seen.get(mirror)
    if (listeners.size > 0) {
      seen.delete(mirror)
      return null
    }
    seen.set(mirror, { life, received: traffic.received })
    return before === undefined || before.life !== life || before.received === traffic.received
      ? null
      : `${mirror.node.host.name} received ${traffic.received - before.received} messages`
  })
}

interface Telling {
  readonly policy: Policy
  readonly liarShare: number
  readonly error: number
  readonly looks: readonly Look[]
}

function tell(
  { figures }: Pick<Stage, 'figures'>,
  { policy, liarShare, error, looks }: Telling,
): void {
  const attacked = looks.filter((look) => look.isAttacked)
  const quiet = looks.filter((look) => !look.isAttacked)
  const count = (some: readonly Look[], outcome: Report['outcome']) => ({
    hits: some.filter(({ report }) => report.outcome === outcome).length,
    trials: some.length,
  })
  // Seats may be contested where mirrors are slow: then two draws decide one.
  figures.shareAtMost(`false accept: ${policy.name}, under attack`, {
    ...count(attacked, 'corroborated'),
    most: falseAccept(policy, { share: 1 - (1 - liarShare) ** 2 }),
  })
  const alarms = count(quiet, 'contradicted')
  const name = `contradicted: ${policy.name}, not attacked`
  // Comparing addresses takes a content network for an attack.
  if (policy.address === 'equal') figures.share(name, alarms)
  else
    figures.shareAtMost(name, {
      ...alarms,
      most: falseAlarm(policy, liarShare + (1 - liarShare) * error) + 0.01,
    })
  figures.share(`inconclusive: ${policy.name}, not attacked`, count(quiet, 'inconclusive'))
  const { p50, p95 } = quantiles(quiet.map(({ report }) => report.timings.addedMs))
  figures.size(`added to the connection, median: ${policy.name}`, { unit: 'ms', value: p50 })
  figures.size(`added to the connection, 95 %: ${policy.name}`, { unit: 'ms', value: p95 })
}
