// What scenarios have in common: verifying many sites one after the other, and counting what comes of it.

import type { Report } from '../../src/client/client.ts'
import type { Outcome } from '../../src/verdict/verdict.ts'
import type { Counted } from '../figures.ts'
import type { SimClient } from '../world/clients.ts'
import type { Site } from '../world/site.ts'
import type { World } from '../world/world.ts'

/** Verifications in a virtual day: of one client, which looks every seven minutes, and once for each figure. */
export const verificationsPerDay = 200

/** What many verifications came to. */
export interface Tally {
  readonly reports: readonly Report[]
  /** How many ended so. */
  ended(...outcomes: readonly Outcome[]): Counted
}

/** What is done many times. */
export interface Trial {
  readonly client: SimClient
  readonly times: number
  /** The site of one trial; a new one unless given. */
  readonly site?: () => Site
  /** Sets the scene for one trial; what it returns is done afterwards. */
  readonly scene?: (site: Site) => (() => void) | undefined
  /** Between two trials; until caches have forgotten and connections are cold, unless given. */
  readonly everyMs?: number
}

/** After five minutes a warm connection is given up. */
const coldAfterMs = 400_000

/** Lets a client verify, each time another site. */
export async function verifyMany(world: World, trial: Trial): Promise<Tally> {
  const { client, times, scene, everyMs = coldAfterMs } = trial
  const reports: Report[] = []
  for (let i = 0; i < times; i++) {
    const site = trial.site?.() ?? world.site()
    const clear = scene?.(site)
    reports.push(await client.verify(site))
    clear?.()
    if (trial.site === undefined) world.forget(site)
    await world.wait(everyMs)
  }
  return tallyOf(reports)
}

/** Counts `reports`. */
export function tallyOf(reports: readonly Report[]): Tally {
  return {
    reports,
    ended: (...outcomes) => ({
      hits: reports.filter((report) => outcomes.includes(report.outcome)).length,
      trials: reports.length,
    }),
  }
}

/** How many trials a run of so many days has for each figure. */
export function timesIn(days: number): number {
  return Math.max(1, Math.round(days * verificationsPerDay))
}

/** A share for people: `20 %`. */
export function percent(share: number): string {
  return `${Number((share * 100).toFixed(3))} %`
}
