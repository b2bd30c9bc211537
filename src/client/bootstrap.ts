// How a client comes to its list of mirrors (R29–R37, protocol §3): from a bootstrap file, and later from mirrors that it
// knows, by what more than half of all asked say.

import { Failure } from '../base/failure.ts'
import { agreeOnList, type AgreedMirror } from '../membership/list.ts'
import type { Parameters } from '../membership/parameters.ts'
import { drawPeers, indexByNetwork } from '../membership/peers.ts'
import { networkOf } from '../membership/place.ts'
import type { ListEntry } from '../protocol/routes.ts'
import type { Random, Runtime } from '../runtime/runtime.ts'
import { addressRefusal } from '../vantage/address.ts'
import { collectLists, type CollectedLists, type CollectTask } from './collect.ts'

/** Mirrors to begin with. */
export interface Beginning {
  /** Of bootstrap files. */
  readonly pairs: readonly ListEntry[]
  /** Of the list that was agreed on last; null for a new client. */
  readonly current: readonly ListEntry[] | null
}

/**
 * Whom to ask: the pairs, and of the current list a few, both drawn by network and not by number. Some of them may have
 * several addresses.
 */
export function chooseAsked(
  random: Random,
  beginning: Beginning,
  parameters: Parameters,
): readonly ListEntry[] {
  const { askedMax, refreshMirrors } = parameters.list
  const draw = (mirrors: readonly ListEntry[], count: number): readonly ListEntry[] => {
    const places = mirrors.map((one) => ({ ...one, network: networkOf(one.ip, parameters) }))
    const drawn = drawPeers(indexByNetwork(places), count, { random, except: new Set() })
    const ids = new Set(drawn.map(({ id }) => id))
    return mirrors.filter(({ id }) => ids.has(id))
  }
  const chosen = [
    ...draw(beginning.pairs, askedMax),
    ...draw(beginning.current ?? [], refreshMirrors),
  ]
  return [...new Map(chosen.map((one) => [`${one.ip} ${one.port} ${one.id}`, one])).values()]
}

/** What is asked, of whom, and what is taken. */
export interface AgreeTask extends Omit<CollectTask, 'mirrors' | 'wholeLists'> {
  readonly beginning: Beginning
  readonly parameters: Parameters
  /** Takes mirrors at private addresses, for test networks. */
  readonly allowPrivate: boolean
}

/** A list that is agreed on. */
export interface Agreement extends Pick<CollectedLists, 'silent' | 'seen'> {
  /** By id. */
  readonly mirrors: readonly AgreedMirror[]
  /** When, ms since 1970 UTC. */
  readonly agreed: number
  /** Mirrors whose word or silence counted. */
  readonly asked: number
  /** Ids of the mirrors that gave their lists. */
  readonly from: readonly string[]
  /** Mirrors that were agreed on, but are at addresses that are not public. */
  readonly refused: readonly AgreedMirror[]
}

/**
 * The list that the mirrors of `task.beginning` agree on.
 *
 * A mirror that is silent counts as one that names nobody: whoever can silence some gains no majority by it. Only a
 * bootstrap mirror that the last list had no more is not counted when it is silent, so that a file of some years serves.
 * @throws Failure list-undecided; the reason of `task.signal` when that aborts
 */
export async function agreeOnMirrors(
  needs: Pick<Runtime, 'clock' | 'random' | 'crypto' | 'network'>,
  task: AgreeTask,
): Promise<Agreement> {
  const { beginning, parameters, allowPrivate, ...asking } = task
  const mirrors = chooseAsked(needs.random, beginning, parameters)
  const { lists, silent, seen } = await collectLists(needs, {
    ...asking,
    mirrors,
    wholeLists: parameters.list.wholeLists,
  })
  const asked = new Set(mirrors.map(({ id }) => id))
  for (const { mirror } of silent) if (isForgotten(mirror.id, beginning)) asked.delete(mirror.id)
  const consensus = agreeOnList(lists, asked.size, parameters)
  if (consensus.kind !== 'agreed')
    throw undecided(
      consensus.kind === 'too-few-lists'
        ? `${consensus.lists} of ${mirrors.length} mirrors gave one, and ${consensus.needed} must`
        : `the lists come from ${consensus.regions} regions, and ${consensus.needed} are needed`,
    )
  const isTaken = ({ ip }: AgreedMirror): boolean => allowPrivate || addressRefusal(ip) === null
  const taken = consensus.mirrors.filter(isTaken)
  if (taken.length === 0)
    throw undecided(`no mirror is named by more than half of the ${asked.size} that were asked`)
  return {
    mirrors: taken,
    agreed: needs.clock.now(),
    asked: asked.size,
    from: lists.map(({ from }) => from),
    refused: consensus.mirrors.filter((one) => !isTaken(one)),
    silent,
    seen,
  }
}

function isForgotten(id: string, { current }: Beginning): boolean {
  return current !== null && !current.some((one) => one.id === id)
}

function undecided(why: string): Failure {
  return new Failure('list-undecided', { why })
}
