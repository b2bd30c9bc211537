// All scenarios, in the order in which they are listed.

import { Failure } from '../../src/base/failure.ts'
import type { Scenario } from '../scenario.ts'
import { clockSkew } from './clock-skew.ts'
import { contentNetwork } from './content-network.ts'
import { eclipse } from './eclipse.ts'
import { everyday } from './everyday.ts'
import { honest } from './honest.ts'
import { liars } from './liars.ts'
import { propagation } from './propagation.ts'
import { regionDown } from './region-down.ts'
import { registryLiars } from './registry-liars.ts'
import { slowMirrors } from './slow-mirrors.ts'

/** Every scenario. */
export const scenarios: readonly Scenario[] = [
  everyday,
  honest,
  liars,
  registryLiars,
  eclipse,
  propagation,
  contentNetwork,
  regionDown,
  slowMirrors,
  clockSkew,
]

/** The scenario called `name`. @throws Failure usage */
export function scenarioNamed(name: string): Scenario {
  const found = scenarios.find((scenario) => scenario.name === name)
  if (found !== undefined) return found
  throw new Failure('usage', {
    action: 'choose scenario',
    what: `${JSON.stringify(name)} is none of ${scenarios.map((one) => one.name).join(', ')}`,
  })
}
