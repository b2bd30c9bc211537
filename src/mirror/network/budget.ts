// Lets through as much work as there is time for; as it runs short, some of it at random, so that nobody can keep others out (protocol §11).

import { integerBelow } from '../../membership/chance.ts'
import type { Clock, Random } from '../../runtime/runtime.ts'

/** A budget of work, in whatever unit. */
export interface Budget {
  /** True when `cost` may be spent now, and then it is. */
  spend(cost: number): boolean
}

/** `perSecond` on average, two seconds' worth at once. Below half of that, the less is left the more is refused. */
export function createBudget(
  { clock, random }: { readonly clock: Pick<Clock, 'monotonic'>; readonly random: Random },
  perSecond: number,
): Budget {
  const full = 2 * perSecond
  let left = full
  let filledAt = clock.monotonic()
  return {
    spend: (cost) => {
      const now = clock.monotonic()
      left = Math.min(full, left + ((now - filledAt) * perSecond) / 1000)
      filledAt = now
      const chance = Math.max(0, left - cost) / (full / 2)
      if (chance < 1 && integerBelow(random, 1_000_000) >= chance * 1_000_000) return false
      left -= cost
      return true
    },
  }
}
