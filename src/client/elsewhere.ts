// After a contradiction: does the site show an authorised key at an address that vantages were given? (protocol §6.2)

import { limits } from '../base/limits.ts'
import type { Target } from '../observation/target.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { addressRefusal } from '../vantage/address.ts'
import type { Look, Probe } from '../vantage/probe.ts'
import { judge } from '../verdict/judge.ts'
import type { Policy } from '../verdict/policies.ts'
import { reason, type Reason } from '../verdict/reasons.ts'
import type { Answer, Round } from '../verdict/verdict.ts'

/** What the search starts from. */
export interface ElsewhereTask {
  readonly target: Target
  readonly look: Look
  readonly answers: readonly Answer[]
  readonly round: Round
  readonly policy: Policy
  readonly probe: Probe
  readonly signal: AbortSignal
}

/** At most one reason: an address that at least two vantages were given, and that shows an authorised key. */
export async function findElsewhere(
  needs: Pick<Runtime, 'clock' | 'crypto'>,
  task: ElsewhereTask,
): Promise<readonly Reason[]> {
  const addresses = sharedAddresses(task)
  if (addresses.length === 0 || task.signal.aborted) return []
  const shaken = await task.probe.shake(
    task.target,
    addresses.map((address) => ({ address, origin: 'asked' as const })),
    task.signal,
  )
  const completed = shaken.handshakes.filter((handshake) => handshake.outcome === 'completed')
  for (const handshake of completed) {
    const judgement = judge(needs.crypto, {
      target: task.target,
      own: { sight: { ...task.look.sight, handshakes: [handshake] }, chains: shaken.chains },
      answers: task.answers,
      abstentions: [],
      replaced: [],
      pending: 0,
      policy: { ...task.policy, address: 'proved' },
      round: { ...task.round, last: true },
      at: needs.clock.now(),
    })
    if (judgement.state === 'final' && judgement.verdict.outcome === 'corroborated')
      return [
        reason(
          'reachable-elsewhere',
          `the server at ${handshake.address} shows a key that is corroborated; use that address`,
        ),
      ]
  }
  return []
}

function sharedAddresses({ look, answers }: ElsewhereTask): readonly string[] {
  const tried = new Set(look.sight.handshakes.map((handshake) => handshake.address))
  // Two liars must not send this machine into its own network. Where it was given no public address itself, as in a
  // test network, others are no less public.
  const isMeant = (address: string): boolean =>
    addressRefusal(address) === null || [...tried].every((one) => addressRefusal(one) !== null)
  const named = answers.flatMap(({ observation }) => {
    const dns = observation.sight?.dns
    return dns === undefined ? [] : [...new Set([...dns.a.records, ...dns.aaaa.records])]
  })
  const shared = [...new Set(named)].filter(
    (address) =>
      !tried.has(address) && isMeant(address) && named.filter((one) => one === address).length >= 2,
  )
  return shared.slice(0, limits.addressesProbedMax)
}
