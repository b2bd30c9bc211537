// Several bootstrap files of several signers as one, and what changed between two: nobody deletes a mirror unseen (T1, T4; protocol §3).

import { majorityOf } from './majority.ts'

/** One mirror in a bootstrap file. */
export interface Pair {
  readonly ip: string
  readonly port: number
  readonly id: string
  readonly region: string | null
}

/** One bootstrap file. */
export interface Source {
  /** Hash of the CA that vouches for it; null where nobody does. Two files of one signer are one voice. */
  readonly signer: string | null
  readonly pairs: readonly Pair[]
}

/** A pair, and who named it. */
export interface VouchedPair extends Pair {
  /** In the order of the sources, each once. */
  readonly signers: readonly string[]
}

/** What the sources come to. */
export interface MergedSources {
  /** Signers that a pair needed: not more than there are. */
  readonly needed: number
  readonly taken: readonly VouchedPair[]
  /** Pairs with too few signers, so that it can be shown what a threshold keeps away. */
  readonly left: readonly VouchedPair[]
}

/**
 * The pairs of all `sources`, each once. With `vouchersMin` 0 all are taken, those that nobody signed too: so a signer
 * that deletes a pair has no effect. With more, a pair needs that many signers, or all of them where there are fewer:
 * so a signer that invents pairs has none. An id may then have several addresses; which is true, the mirror itself
 * shows by its key.
 */
export function mergeSources(sources: readonly Source[], vouchersMin: number): MergedSources {
  const signers = new Set(sources.flatMap(({ signer }) => (signer === null ? [] : [signer])))
  const needed = Math.min(vouchersMin, signers.size)
  const named = new Map<
    string,
    { readonly pair: Pair; readonly by: Set<string>; readonly regions: (string | null)[] }
  >()
  for (const { signer, pairs } of sources) {
    for (const pair of pairs) {
      const key = `${addressOf(pair)} ${pair.id}`
      const known = named.get(key) ?? { pair, by: new Set<string>(), regions: [] }
      named.set(key, known)
      known.regions.push(pair.region)
      if (signer !== null) known.by.add(signer)
    }
  }
  const merged = [...named.values()].map(({ pair, by, regions }) => ({
    ...pair,
    region: majorityOf(regions),
    signers: [...by],
  }))
  return {
    needed,
    taken: merged.filter((pair) => pair.signers.length >= needed),
    left: merged.filter((pair) => pair.signers.length < needed),
  }
}

/** What a newer file says differently. */
export interface SourceDifferences {
  readonly added: readonly Pair[]
  readonly removed: readonly Pair[]
  /** The same id at another address or in another region, or the same address with another id. */
  readonly changed: readonly { readonly older: Pair; readonly newer: Pair }[]
}

/** The differences between two files of one signer. A pair that is named twice counts once. */
export function differences(older: readonly Pair[], newer: readonly Pair[]): SourceDifferences {
  const before = new Map(older.map((pair) => [textOf(pair), pair]))
  const after = new Map(newer.map((pair) => [textOf(pair), pair]))
  const gone = new Map([...before].filter(([text]) => !after.has(text)))
  const come = new Map([...after].filter(([text]) => !before.has(text)))
  const changed: { readonly older: Pair; readonly newer: Pair }[] = []
  // By id first: a mirror that moved is the same mirror. What is left at the same address is another one there.
  for (const keyOf of [(pair: Pair) => pair.id, addressOf]) {
    const oldOnes = new Map([...gone].map(([text, pair]) => [keyOf(pair), { text, pair }]))
    for (const [text, pair] of come) {
      const old = oldOnes.get(keyOf(pair))
      if (old === undefined) continue
      oldOnes.delete(keyOf(pair))
      gone.delete(old.text)
      come.delete(text)
      changed.push({ older: old.pair, newer: pair })
    }
  }
  return { added: [...come.values()], removed: [...gone.values()], changed }
}

function addressOf({ ip, port }: Pair): string {
  return `${ip} ${port}`
}

function textOf(pair: Pair): string {
  return `${addressOf(pair)} ${pair.id} ${pair.region ?? '-'}`
}
