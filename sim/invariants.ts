// What must hold whatever happens: checked after each event and each verdict, from what was signed and not from what
// the judge says of it.

import { fromBase64url, textOf } from '../src/base/bytes.ts'
import type { Report } from '../src/client/client.ts'
import type { Observation } from '../src/observation/observation.ts'
import type { Policy } from '../src/verdict/policies.ts'

/** An invariant that did not hold. */
export class InvariantBroken extends Error {
  constructor(name: string, what: string, elapsedMs: number) {
    super(`invariant broken ${Math.round(elapsedMs)} ms after the start: ${name}: ${what}`)
    this.name = 'InvariantBroken'
  }
}

/** When a verdict was given, and by which rules. */
export interface VerdictContext {
  readonly policy: Policy
  readonly elapsedMs: number
}

/** The invariants of one world. */
export interface Invariants {
  /** Adds one that holds after every event. `check` says what is wrong, or null; it must be quick. */
  readonly always: (name: string, check: () => string | null) => void
  /** @throws InvariantBroken */
  readonly afterEvent: (elapsedMs: number) => void
  /** @throws InvariantBroken */
  readonly onVerdict: (report: Report, context: VerdictContext) => void
  /** How many verdicts have been checked. */
  readonly verdicts: () => number
}

/** A rule of every verdict: what is wrong with one, or null. */
type VerdictRule = (report: Report, policy: Policy) => string | null

const verdictRules: Readonly<Record<string, VerdictRule>> = {
  'no verdict is corroborated without its quorum': quorumFault,
  'k of n adds up': sumFault,
  'no mirror is counted twice': twiceFault,
  'what was signed says what the verdict says': evidenceFault,
}

/** The invariants of verdicts, and room for more. */
export function createInvariants(): Invariants {
  const checks: { readonly name: string; readonly check: () => string | null }[] = []
  let verdicts = 0
  return {
    always: (name, check) => void checks.push({ name, check }),
    afterEvent: (elapsedMs) => {
      for (const { name, check } of checks) {
        const fault = check()
        if (fault !== null) throw new InvariantBroken(name, fault, elapsedMs)
      }
    },
    onVerdict: (report, { policy, elapsedMs }) => {
      verdicts += 1
      for (const [name, rule] of Object.entries(verdictRules)) {
        const fault = rule(report, policy)
        if (fault !== null) throw new InvariantBroken(name, `${report.target}: ${fault}`, elapsedMs)
      }
    },
    verdicts: () => verdicts,
  }
}

function quorumFault({ outcome, quorum }: Report, policy: Policy): string | null {
  if (outcome !== 'corroborated') return null
  const { agreeing, needed, asked } = quorum
  if (agreeing < needed) return `${agreeing} agree, ${needed} are needed`
  if (2 * needed <= asked) return `${needed} of ${asked} are not more than half`
  const least = Math.min(...policy.stages.map((stage) => stage.need), policy.vantagesMin)
  return agreeing < least
    ? `${agreeing} agree, the policy never does with fewer than ${least}`
    : null
}

function sumFault({ quorum, vantages }: Report): string | null {
  const { agreeing, dissenting, abstaining, asked, needed } = quorum
  const said = agreeing + dissenting + abstaining
  if (said > asked) return `${said} have spoken, ${asked} were asked`
  if (needed < 1) return `${needed} are needed`
  const agree = vantages.filter((one) => one.said === 'agrees').length
  const dissent = vantages.filter((one) => one.said === 'dissents').length
  if (agree !== agreeing) return `${agreeing} agree, and ${agree} are shown to`
  return dissent === dissenting ? null : `${dissenting} dissent, and ${dissent} are shown to`
}

function twiceFault({ vantages, observations }: Report): string | null {
  return (
    doubled(vantages.map((one) => one.id)) ??
    doubled(observations.map((one) => readSigned(one).iss))
  )
}

function doubled(ids: readonly string[]): string | null {
  const seen = new Set<string>()
  for (const id of ids) {
    if (seen.has(id)) return `${id} is there twice`
    seen.add(id)
  }
  return null
}

/** Counts anew, from the payloads, who names the key that was shown: by authority alone, where a match is one text. */
function evidenceFault({ outcome, mode, quorum, observations, own }: Report): string | null {
  if (outcome !== 'corroborated' || mode !== 'authority') return null
  const matching = [
    ...(own.caSpki === null ? [] : [`2 1 1 ${own.caSpki.replace('sha256:', '')}`]),
    ...(own.leafSpki === null ? [] : [`3 1 1 ${own.leafSpki.replace('sha256:', '')}`]),
  ]
  const naming = observations
    .map(readSigned)
    .filter((one) => one.sight?.dns.authority.records.some((record) => matching.includes(record)))
  return naming.length >= quorum.needed
    ? null
    : `${naming.length} signed observations name the key that was shown, ${quorum.needed} are needed`
}

function readSigned(statement: string): Observation {
  const payload = fromBase64url(statement.split('.')[1] ?? '')
  return JSON.parse(textOf(payload ?? new Uint8Array()) ?? 'null') as Observation
}
