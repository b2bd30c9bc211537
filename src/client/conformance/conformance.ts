// Tries a mirror from outside, clause by clause of the specification: whatever language it is written in, this is what all others rely on.

import { Failure } from '../../base/failure.ts'
import { limits } from '../../base/limits.ts'
import { formatMirrorUrl } from '../../protocol/bootstrap.ts'
import { deadline, sleep } from '../../runtime/deadline.ts'
import { NetworkError } from '../../runtime/runtime.ts'
import type { Check, Trial } from './check.ts'
import { descriptorChecks } from './checks/descriptor.ts'
import { listChecks } from './checks/lists.ts'
import { logChecks } from './checks/log.ts'
import { networkChecks, problemChecks, strangerChecks } from './checks/network.ts'
import { obliviousChecks } from './checks/oblivious.ts'
import {
  addressChecks,
  askingChecks,
  cacheChecks,
  observationChecks,
  sharedChecks,
} from './checks/observation.ts'
import {
  everyReplyChecks,
  httpCheck,
  httpChecks,
  identityChecks,
  tlsCheck,
} from './checks/transport.ts'
import { createLooks } from './looks.ts'
import { createSession, Untried, type TrialNeeds, type TrialOptions } from './session.ts'

/** What became of one check. */
export interface CheckResult {
  readonly clause: string
  readonly demand: string
  readonly outcome: 'passed' | 'failed' | 'skipped'
  /** What is wrong, or why it was not tried; null when it passed. */
  readonly text: string | null
}

/** What a trial came to. */
export interface Conformance {
  /** `https://IP:PORT#ID`. */
  readonly mirror: string
  readonly target: string
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly checks: readonly CheckResult[]
}

/** How a mirror is tried. */
export interface ConformanceOptions extends Omit<TrialOptions, 'pause'> {
  /** Lets time pass; tests have quicker ways than to wait. */
  readonly pause?: TrialOptions['pause']
  /** Called before each check. */
  readonly onCheck?: (check: Pick<Check, 'clause' | 'demand'>) => void
}

/**
 * Tries the mirror with some sixty small requests, one after the other. It asks for nothing that changes what the
 * mirror thinks of anybody.
 * @throws Failure mirror-rejected when nobody is there; the reason of `signal`
 */
export async function tryConformance(
  needs: TrialNeeds,
  options: ConformanceOptions,
): Promise<Conformance> {
  const { onCheck = () => {} } = options
  const { signal, done } = deadline(needs.clock, limits.trialMs, options.signal)
  const pause = options.pause ?? ((ms) => sleep(needs.clock, ms, signal))
  const session = createSession(needs, { ...options, pause, signal })
  const looks = createLooks(session)
  const trial: Trial = { session, looks }
  const checks: CheckResult[] = []
  let barred: string | null = null
  const tryNext = async (check: Check): Promise<CheckResult> => {
    onCheck(check)
    const result = barred === null ? await tryOne(check, trial) : skipped(check, barred)
    checks.push(result)
    return result
  }
  try {
    await reach(trial)
    await tryNext(tlsCheck)
    if (!(await hasTls(trial))) barred = 'TLS cannot be settled'
    if ((await tryNext(httpCheck)).outcome === 'failed') barred = 'nothing can be asked'
    for (const check of checksBehindHttp(trial)) await tryNext(check)
  } finally {
    done()
    session.close()
  }
  const count = (outcome: CheckResult['outcome']): number =>
    checks.filter((one) => one.outcome === outcome).length
  return {
    mirror: formatMirrorUrl(options.mirror),
    target: options.target.text,
    passed: count('passed'),
    failed: count('failed'),
    skipped: count('skipped'),
    checks,
  }
}

/** In the order in which they are tried. The head of the log is wanted from before anything is looked at. */
function checksBehindHttp({ session, looks }: Trial): readonly Check[] {
  const log = logChecks(session, looks)
  return [
    ...identityChecks,
    ...httpChecks,
    ...descriptorChecks,
    ...log.early,
    ...observationChecks,
    ...askingChecks,
    ...sharedChecks,
    ...addressChecks,
    ...listChecks(session),
    ...obliviousChecks(session),
    ...networkChecks,
    ...strangerChecks,
    ...cacheChecks,
    ...log.late,
    ...everyReplyChecks,
    ...problemChecks,
  ]
}

/** @throws Failure mirror-rejected when nobody is there */
async function reach({ session }: Trial): Promise<void> {
  const { needs, mirror } = session
  const bounds = deadline(needs.clock, limits.trialRequestMs, session.signal)
  try {
    const endpoint = { address: mirror.ip, port: mirror.port }
    const connection = await needs.network.connect(endpoint, bounds.signal)
    connection.close()
  } catch (error) {
    if (!(error instanceof NetworkError) || session.signal.aborted) throw error
    const reason = { mirror: formatMirrorUrl(mirror), why: error.message }
    throw new Failure('mirror-rejected', reason, { cause: error })
  } finally {
    bounds.done()
  }
}

async function hasTls({ session }: Trial): Promise<boolean> {
  try {
    await session.line.facts()
    return true
  } catch (error) {
    if (error instanceof NetworkError && !session.signal.aborted) return false
    throw error
  }
}

async function tryOne(check: Check, trial: Trial): Promise<CheckResult> {
  try {
    const fault = await check.run(trial)
    return { ...named(check), outcome: fault === null ? 'passed' : 'failed', text: fault }
  } catch (error) {
    if (trial.session.signal.aborted) throw trial.session.signal.reason
    if (error instanceof Untried) return skipped(check, error.message)
    if (error instanceof NetworkError)
      return { ...named(check), outcome: 'failed', text: `there was no answer: ${error.message}` }
    throw error
  }
}

function skipped(check: Check, text: string): CheckResult {
  return { ...named(check), outcome: 'skipped', text }
}

function named({ clause, demand }: Check): Pick<Check, 'clause' | 'demand'> {
  return { clause, demand }
}
