// Verifies a target: draws mirrors, looks itself at the same moment, judges as answers come, escalates before it alarms (R39–R64).

import { Failure } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import type { DnsAnswer } from '../observation/observation.ts'
import { parseTarget, type Target } from '../observation/target.ts'
import type { ListEntry } from '../protocol/routes.ts'
import { deadline } from '../runtime/deadline.ts'
import type { Endpoint, Runtime } from '../runtime/runtime.ts'
import type { Look, Probe } from '../vantage/probe.ts'
import { judge } from '../verdict/judge.ts'
import { neededOf, policies, type Policy, type Stage } from '../verdict/policies.ts'
import { distinctRegistries } from '../verdict/regions.ts'
import type { Case, Judgement, Round, Verdict } from '../verdict/verdict.ts'
import { createDesk, type Ask, type SignedAnswer } from './ask.ts'
import { createDraw } from './choice.ts'
import { findElsewhere } from './elsewhere.ts'
import { evidenceOf, type Evidence } from './evidence.ts'
import { startRound, type RunningRound } from './round.ts'

/** Milliseconds, each from the start of the verification. */
export interface Timings {
  /** Own DNS. */
  readonly dnsMs: number
  /** Own handshakes, after the DNS. */
  readonly handshakeMs: number
  /** Until the last answer that was needed. */
  readonly networkMs: number
  /** What the verdict waited for beyond the own look. */
  readonly addedMs: number
  readonly totalMs: number
}

/** A verdict with what it rests on. */
export interface Report extends Verdict {
  /** The signed observations that were counted (JWS), for evidence. */
  readonly observations: readonly string[]
  /** The descriptors (JWS) of the mirrors that made them. */
  readonly descriptors: readonly string[]
  readonly timings: Timings
  /** All that a third party needs to check it. */
  readonly evidence: Evidence
}

export interface ClientOptions {
  /** The mirrors that this client knows. */
  readonly mirrors: readonly ListEntry[]
  /** This machine's own vantage. */
  readonly probe: Probe
  /** `policies.default` unless given. */
  readonly policy?: Policy
  /** For one verification as a whole. */
  readonly timeoutMs?: number
  /**
   * Asks each mirror through another one, so that no mirror sees both this machine's address and what it asks about.
   * False unless given: it takes another hop's time.
   */
  readonly oblivious?: boolean
}

export interface VerifyOptions {
  /** Use this address instead of those that the local DNS gives. */
  readonly connect?: Endpoint
  readonly signal?: AbortSignal
}

/** Asks the network about targets. */
export interface Client {
  /** The verdict on `target`, with its reasons. @throws Failure target-malformed */
  verify(target: Target | string, options?: VerifyOptions): Promise<Report>
  /** True only when `target` is corroborated. */
  isTrusted(target: Target | string, options?: VerifyOptions): Promise<boolean>
  /** Connects to the mirrors ahead of questions; how many of them are what the list says. */
  warm(signal?: AbortSignal): Promise<number>
  close(): void
}

type Needs = Pick<Runtime, 'clock' | 'random' | 'crypto' | 'network'>

/** A client of the mirrors in `options`. */
export function createClient(needs: Needs, options: ClientOptions): Client {
  const { mirrors: relays, oblivious = false } = options
  const desk = createDesk(needs, oblivious ? { relays } : {})
  const policy = options.policy ?? policies.default
  const verify: Client['verify'] = async (asked, verifyOptions = {}) => {
    const target = typeof asked === 'string' ? parseTarget(asked) : asked
    const { signal, done } = deadline(
      needs.clock,
      options.timeoutMs ?? limits.verifyTimeoutMs,
      verifyOptions.signal,
    )
    try {
      return await runVerification(needs, {
        ...options,
        policy,
        target,
        signal,
        desk,
        connect: verifyOptions.connect ?? null,
      })
    } finally {
      done()
    }
  }
  return {
    verify,
    isTrusted: async (target, verifyOptions) =>
      (await verify(target, verifyOptions)).outcome === 'corroborated',
    warm: async (signal) => {
      const { signal: bounded, done } = deadline(needs.clock, limits.mirrorTimeoutMs, signal)
      const warmed = await Promise.all(
        options.mirrors.slice(0, limits.warmMirrorsMax).map((mirror) => desk.warm(mirror, bounded)),
      ).finally(done)
      return warmed.filter(Boolean).length
    },
    close: () => desk.close(),
  }
}

interface Verification {
  readonly mirrors: readonly ListEntry[]
  readonly probe: Probe
  readonly policy: Policy
  readonly target: Target
  readonly signal: AbortSignal
  readonly desk: ReturnType<typeof createDesk>
  readonly connect: Endpoint | null
}

async function runVerification(needs: Needs, task: Verification): Promise<Report> {
  const started = needs.clock.monotonic()
  const elapsed = (): number => needs.clock.monotonic() - started
  const own = { look: null as Look | null, readyMs: 0 }
  const looking = lookInTime(needs, task).then((look) => {
    own.look = look
    own.readyMs = elapsed()
    return look
  })
  const used = new Set<string>()
  for (let index = 0; ; index++) {
    const plan = planRound(task, index)
    const { judgement, answers, at, subject } = await runRound(needs, {
      task,
      plan,
      looking,
      own,
      used,
    })
    if (judgement.state === 'wait') throw new Error('a round ends with a judgement')
    if (judgement.state === 'escalate') continue
    const look = await looking
    const extra =
      judgement.verdict.outcome === 'contradicted' && task.connect === null
        ? await findElsewhere(needs, { ...task, look, answers, round: plan.round(answers.length) })
        : []
    const totalMs = elapsed()
    return {
      ...judgement.verdict,
      reasons: [...judgement.verdict.reasons, ...extra],
      observations: answers.map((answer) => answer.statement),
      descriptors: answers.map((answer) => answer.descriptor),
      evidence: evidenceOf(subject, answers, judgement.verdict),
      timings: {
        dnsMs: round1(look.sight.dnsMs),
        handshakeMs: round1(Math.max(0, own.readyMs - look.sight.dnsMs)),
        networkMs: round1(at - started),
        addedMs: round1(Math.max(0, totalMs - own.readyMs)),
        totalMs: round1(totalMs),
      },
    }
  }
}

/** The own look; where time runs out before DNS has answered, that is what was seen. */
async function lookInTime(needs: Needs, task: Verification): Promise<Look> {
  const { target, connect, signal } = task
  const started = needs.clock.monotonic()
  try {
    return await task.probe.look({ target, ...(connect === null ? {} : { connect }) }, signal)
  } catch (error) {
    if (!signal.aborted) throw error
    const dnsMs = round1(needs.clock.monotonic() - started)
    const silence: DnsAnswer = {
      status: 'timeout',
      records: [],
      ttl: null,
      ad: false,
      cname: [],
      error: 'out of time',
    }
    const authority = { ...silence, origin: 'service', owner: '', base: target.host } as const
    const dns = { a: silence, aaaa: silence, authority }
    return {
      sight: { target: target.text, at: needs.clock.now(), dns, handshakes: [], dnsMs },
      chains: new Map(),
    }
  }
}

function round1(ms: number): number {
  return Math.round(ms * 10) / 10
}

interface RoundIntent {
  readonly index: number
  readonly ask: number
  readonly fresh: boolean
  readonly round: (asked: number, regions?: number) => Round
}

/** What round `index` asks. Policies of one stage ask afresh at once; others confirm with a fresh round before an alarm. */
function planRound(task: Verification, index: number): RoundIntent {
  const { policy, mirrors } = task
  const stageAt = (i: number): Stage =>
    policy.stages[Math.min(i, policy.stages.length - 1)] ?? { ask: 1, need: 1 }
  const stage = stageAt(index)
  const ask = Math.min(stage.ask, mirrors.length)
  const fresh = index > 0 || policy.stages.length === 1
  const last = fresh && (index >= policy.stages.length - 1 || ask >= mirrors.length)
  return {
    index,
    ask,
    fresh,
    round: (asked, regions = policy.registriesMin) => ({
      index,
      fresh,
      last,
      asked,
      // A network that is too small for the policy cannot reach what is needed, and the verdict says so.
      needed: asked < policy.vantagesMin ? policy.vantagesMin : neededOf(stage, asked),
      shortOf: { vantages: asked < stage.ask, regions: regions < policy.registriesMin },
    }),
  }
}

interface RoundTask {
  readonly task: Verification
  readonly plan: RoundIntent
  readonly looking: Promise<Look>
  readonly own: { readonly look: Look | null }
  /** Mirrors asked in earlier rounds; grows. */
  readonly used: Set<string>
}

interface RoundResult {
  readonly judgement: Judgement
  readonly answers: readonly SignedAnswer[]
  readonly at: number
  /** What was judged. */
  readonly subject: Case
}

/** Asks and judges until the judgement is certain. */
function runRound(
  needs: Needs,
  { task, plan, looking, own, used }: RoundTask,
): Promise<RoundResult> {
  return new Promise((resolve, reject) => {
    let over = false
    let running: RunningRound | null = null
    const finish = (settle: () => void): void => {
      if (over) return
      over = true
      running?.stop()
      task.signal.removeEventListener('abort', onAbort)
      settle()
    }
    const onFault = (error: unknown): void => finish(() => reject(error as Error))
    const evaluate = (isOver: boolean): void => {
      if (over || running === null || own.look === null) return
      const standing = running.standing()
      const regions = distinctRegistries(running.mirrors().map((mirror) => mirror.region)).length
      const subject: Case = {
        target: task.target,
        own: own.look,
        answers: standing.answers,
        abstentions: standing.abstentions,
        replaced: standing.replaced,
        pending: isOver ? 0 : standing.pending,
        policy: task.policy,
        round: plan.round(standing.asked, regions),
        at: needs.clock.now(),
      }
      const judgement = judge(needs.crypto, subject)
      if (judgement.state === 'wait') return
      // Out of time there is no further round: what this one shows is the answer.
      const ended: Judgement = isOver ? { ...judgement, state: 'final' } : judgement
      const answers = [...standing.answers]
      finish(() => resolve({ judgement: ended, answers, subject, at: needs.clock.monotonic() }))
    }
    const onAbort = (): void => evaluate(true)
    const question: Ask = {
      target: task.target.text,
      fresh: plan.fresh,
      asked: plan.index === 0 ? [] : askedAddresses(own.look),
      handshakes: true,
    }
    running = startRound({
      desk: task.desk,
      draw: createDraw(needs.random, task.mirrors, {
        policy: task.policy,
        ask: plan.ask,
        later: new Set(used),
      }),
      clock: needs.clock,
      question,
      ask: plan.ask,
      signal: task.signal,
      onChange: () => evaluate(task.signal.aborted),
      onFault,
    })
    for (const mirror of running.mirrors()) used.add(mirror.id)
    task.signal.addEventListener('abort', onAbort, { once: true })
    looking.then(() => evaluate(task.signal.aborted), onFault)
  })
}

/** Addresses that this client shook hands with, for the vantages to look at as well (B3). */
function askedAddresses(look: Look | null): string[] {
  const addresses = (look?.sight.handshakes ?? []).map((handshake) => handshake.address)
  return [...new Set(addresses)].slice(0, limits.addressesProbedMax)
}

/** Reads a policy by name. @throws Failure usage */
export function policyNamed(name: string): Policy {
  const known = Object.entries(policies).find(([key]) => key === name)
  if (known !== undefined) return known[1]
  throw new Failure('usage', {
    action: 'choose policy',
    what: `${JSON.stringify(name)} is none of ${Object.keys(policies).join(', ')}`,
  })
}
