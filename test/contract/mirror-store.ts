// What every MirrorStore promises; each implementation runs this suite.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { z } from 'zod'
import { hex, utf8 } from '../../src/base/bytes.ts'
import { Failure } from '../../src/base/failure.ts'
import { limits } from '../../src/base/limits.ts'
import {
  appendLeaves,
  emptyFrontier,
  hashLeaf,
  proveConsistency,
  proveInclusion,
  readFrontier,
  rootOf,
  verifyConsistency,
  verifyInclusion,
  type Frontier,
} from '../../src/observation/merkle.ts'
import { nodeCrypto } from '../../src/runtime/node/crypto.ts'
import type { Log } from '../../src/runtime/runtime.ts'
import { shelfOf } from '../../src/store/shelves.ts'
import { grow, put, remove, type Change, type MirrorStore } from '../../src/store/store.ts'
import { createVirtualClock, type VirtualClock } from '../support/virtual-clock.ts'

/** What a store is made with. */
export interface StoreNeeds {
  readonly clock: VirtualClock
  readonly log: Log
  /** Leaves that it keeps; absent for the usual number. */
  readonly leavesKept?: number
}

interface Bench {
  readonly store: MirrorStore
  readonly clock: VirtualClock
  /** Rows that the operator was told of. */
  readonly told: readonly string[]
  /** Commits, with the time passing that it takes. */
  readonly commit: (changes: readonly Change[]) => Promise<void>
}

const any = shelfOf('settings', z.json())
const peers = shelfOf('peers', z.object({ standing: z.string(), since: z.number() }))
const someone = { standing: 'active', since: 5 }
const isRefused = (error: unknown): boolean => Failure.is(error) && error.code === 'store-refused'
const leavesOf = (from: number, to: number): readonly Uint8Array[] =>
  Array.from({ length: to - from }, (_, i) => hashLeaf(nodeCrypto, utf8(`leaf ${from + i}`)))

/** Registers the suite for the implementation called `name`, whose stores are empty when made. */
export function mirrorStoreContract(
  name: string,
  make: (needs: StoreNeeds) => Promise<MirrorStore>,
): void {
  const check = (
    title: string,
    body: (bench: Bench) => Promise<void>,
    options: { readonly leavesKept?: number } = {},
  ): void => {
    test(`${name}: ${title}`, async () => {
      const clock = createVirtualClock()
      const told: string[] = []
      const log = {
        info: () => {},
        warn: (_event: string, fields?: Readonly<Record<string, unknown>>) =>
          told.push(String(fields?.['error'])),
      }
      const store = await make({ clock, log, ...options })
      const commit = (changes: readonly Change[]) => clock.runUntil(store.commit(changes))
      try {
        await body({ store, clock, told, commit })
      } finally {
        await store.close()
      }
    })
  }
  rowsContract(check)
  boundsContract(check)
  damageContract(check)
  logContract(check)
}

type Check = (
  title: string,
  body: (bench: Bench) => Promise<void>,
  options?: { readonly leavesKept?: number },
) => void

function rowsContract(check: Check): void {
  check(
    'what is put is read, in the order of keys, until it is replaced or removed',
    async (bench) => {
      const { store, commit } = bench
      assert.deepEqual(await store.load(peers), new Map())
      assert.equal(await store.get(peers, 'a'), null)
      await commit(['b', 'a', 'B', 'a!'].map((key) => put(peers, { key, value: someone })))
      assert.deepEqual([...(await store.load(peers)).keys()], ['B', 'a', 'a!', 'b'])
      assert.deepEqual(await store.get(peers, 'a'), someone)
      const changed = { standing: 'inactive', since: 6 }
      await commit([
        put(peers, { key: 'a', value: changed }),
        remove(peers, 'b'),
        remove(peers, 'c'),
      ])
      assert.deepEqual(
        await store.load(peers),
        new Map([
          ['B', someone],
          ['a', changed],
          ['a!', someone],
        ]),
      )
      assert.equal(await store.count('peers'), 3)
      assert.deepEqual(await store.load(any), new Map())
    },
  )

  check('values of every JSON kind come back', async ({ store, commit }) => {
    const values = [null, true, 0.5, '', 'text "\u{1f600}\u0000\n', [[]], { a: { b: [1, null] } }]
    await commit(values.map((value, i) => put(any, { key: `k${i}`, value })))
    assert.deepEqual([...(await store.load(any)).values()], values)
  })

  check('changes of one batch are made in their order', async ({ store, commit }) => {
    const values = [1, 2, 3]
    await commit(values.map((value) => put(any, { key: 'k', value })))
    assert.equal(await store.get(any, 'k'), 3)
    await commit([remove(any, 'k'), put(any, { key: 'k', value: 4 })])
    assert.equal(await store.get(any, 'k'), 4)
    await commit([put(any, { key: 'k', value: 5 }), remove(any, 'k')])
    assert.equal(await store.count('settings'), 0)
    await commit([])
  })

  check('a batch is whole or nothing, and harms no other that comes with it', async (bench) => {
    const { store, clock } = bench
    const batches = [
      [put(any, { key: 'a', value: 1 })],
      [put(any, { key: 'b', value: 1 }), grow(7, []), put(any, { key: 'c', value: 1 })],
      [remove(any, 'a'), grow(1, [])],
      [put(any, { key: 'd', value: 1 })],
    ]
    const outcomes = await clock.runUntil(
      Promise.allSettled(batches.map((changes) => store.commit(changes))),
    )
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
    )
    assert.ok(outcomes[1]?.status === 'rejected' && isRefused(outcomes[1].reason))
    assert.deepEqual([...(await store.load(any)).keys()], ['a', 'd'])
    assert.equal(await store.count('settings'), 2)
  })

  check('any history of batches leaves what a plain map would hold', async (bench) => {
    const { store, commit } = bench
    const key = fc.constantFrom('a', 'b', 'c', 'd')
    const change = fc.oneof(
      fc.record({ key, value: fc.nat() }).map((row) => ({ row, fits: true })),
      key.map((gone) => ({ gone, fits: true })),
      fc.constant({ fits: false }),
    )
    const model = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 6 }), async (batch) => {
        const changes = batch.map((one) =>
          'row' in one ? put(any, one.row) : 'gone' in one ? remove(any, one.gone) : grow(1, []),
        )
        const fits = batch.every((one) => one.fits)
        await commit(changes).then(
          () => assert.ok(fits),
          (error) => assert.ok(!fits && isRefused(error)),
        )
        for (const one of fits ? batch : []) {
          if ('row' in one) model.set(one.row.key, one.row.value)
          else if ('gone' in one) model.delete(one.gone)
        }
        const sorted = [...model].toSorted(([a], [b]) => (a < b ? -1 : 1))
        assert.deepEqual([...(await store.load(any))], sorted)
        assert.equal(await store.count('settings'), model.size)
      }),
    )
  })

  check('a store that is closed has written what waited, and takes nothing more', async (bench) => {
    const { store, clock } = bench
    const waiting = store.commit([put(any, { key: 'a', value: 1 })])
    await store.close()
    await clock.runUntil(waiting)
    const isClosed = (error: unknown): boolean => Failure.is(error) && error.code === 'store-failed'
    await assert.rejects(store.commit([]), isClosed)
    await assert.rejects(store.load(any), isClosed)
    await assert.rejects(store.get(any, 'a'), isClosed)
    await assert.rejects(store.log.size(), isClosed)
    await store.close()
  })
}

function boundsContract(check: Check): void {
  check(
    'rows are kept until their time, and no longer than their shelf keeps them',
    async (bench) => {
      const { store, clock, commit } = bench
      const names = shelfOf('names', z.number())
      const now = clock.now()
      await commit([
        put(any, { key: 'brief', value: 1, until: now + 60_000 }),
        put(any, { key: 'kept', value: 1 }),
        put(names, { key: 'brief', value: 1, until: now + 60_000 }),
        put(names, { key: 'long', value: 1, until: now + 10 * limits.storedNamesMs }),
        put(names, { key: 'usual', value: 1 }),
      ])
      assert.equal((await store.load(any)).size, 2)
      await clock.advance(60_000)
      assert.deepEqual([...(await store.load(any)).keys()], ['kept'])
      assert.equal(await store.get(any, 'brief'), null)
      assert.deepEqual([...(await store.load(names)).keys()], ['long', 'usual'])
      // What is out of date is deleted with the next batch after a while.
      await commit([put(any, { key: 'other', value: 1 })])
      assert.deepEqual([await store.count('settings'), await store.count('names')], [2, 2])
      await clock.advance(limits.storedNamesMs)
      assert.deepEqual(await store.load(names), new Map())
      await commit([remove(any, 'other')])
      assert.equal(await store.count('names'), 0)
    },
  )

  check('a row that is put again lives on', async ({ store, clock, commit }) => {
    await commit([put(any, { key: 'a', value: 1, until: clock.now() + 1_000 })])
    await commit([put(any, { key: 'a', value: 2 })])
    await clock.advance(100_000)
    assert.equal(await store.get(any, 'a'), 2)
  })

  check('a full shelf refuses, and takes again what is changed, or has room', async (bench) => {
    const { store, clock, commit } = bench
    const row = (i: number): Change => put(any, { key: `k${i}`, value: i })
    const until = clock.now() + 10_000
    await commit(Array.from({ length: limits.storedSettingsMax - 1 }, (_, i) => row(i)))
    await commit([put(any, { key: 'brief', value: 1, until })])
    await assert.rejects(commit([row(5_000), put(peers, { key: 'a', value: someone })]), isRefused)
    assert.equal(await store.count('settings'), limits.storedSettingsMax)
    assert.equal(await store.count('peers'), 0)
    await commit([row(3)])
    await commit([remove(any, 'k3'), row(5_000)])
    await assert.rejects(commit([row(5_001)]), isRefused)
    await clock.advance(10_000)
    await commit([row(5_001)])
    assert.equal(await store.count('settings'), limits.storedSettingsMax)
    assert.equal(await store.get(any, 'k5001'), 5_001)
  })

  check('a shelf that forgets lets go of those whose time is up first', async (bench) => {
    const { store, clock, commit } = bench
    const corpus = shelfOf('corpus', z.number())
    const end = clock.now() + limits.storedCorpusMs
    const row = (i: number): Change => put(corpus, { key: `k${i}`, value: i, until: end - i })
    const extra = 7
    for (let i = 0; i < limits.storedCorpusMax + extra; i += limits.storeChangesMax) {
      const count = Math.min(limits.storeChangesMax, limits.storedCorpusMax + extra - i)
      await commit(Array.from({ length: count }, (_, at) => row(i + at)))
    }
    assert.equal(await store.count('corpus'), limits.storedCorpusMax)
    const last = limits.storedCorpusMax + extra - 1
    // Rows whose end comes sooner go: here the ones put last.
    assert.equal(await store.get(corpus, `k${last - extra}`), last - extra)
    assert.equal(await store.get(corpus, `k${last - extra + 1}`), null)
    assert.equal(await store.get(corpus, 'k0'), 0)
  })

  check('keys, values and batches beyond their bounds are refused whole', async (bench) => {
    const { store, commit } = bench
    const first = put(any, { key: 'first', value: 1 })
    const long = 'x'.repeat(limits.storedSettingCharsMax)
    const refused: readonly (readonly Change[])[] = [
      ...['', ' ', 'a b', 'é', 'a\n', '\u0000', 'x'.repeat(limits.storeKeyCharsMax + 1)].map(
        (key) => [first, put(any, { key, value: 1 })],
      ),
      [first, put(any, { key: 'a', value: long })],
      [first, remove(any, '')],
      Array.from({ length: limits.storeChangesMax + 1 }, () => first),
    ]
    for (const changes of refused) await assert.rejects(commit(changes), isRefused)
    assert.equal(await store.count('settings'), 0)
    await commit([put(any, { key: 'x'.repeat(limits.storeKeyCharsMax), value: long.slice(2) })])
  })
}

function damageContract(check: Check): void {
  check('a row of another shape is set aside and told once; the rest is read', async (bench) => {
    const { store, told, commit } = bench
    const loose = shelfOf('peers', z.json())
    await commit([
      put(peers, { key: 'a', value: someone }),
      put(loose, { key: 'b', value: { standing: 7, since: 5 } }),
      put(loose, { key: 'c', value: 'nonsense' }),
      put(peers, { key: 'd', value: someone }),
    ])
    assert.equal(await store.get(peers, 'c'), null)
    assert.deepEqual([...(await store.load(peers)).keys()], ['a', 'd'])
    assert.equal(told.length, 2)
    assert.match(told[0] ?? '', /^read store .*: peers c is damaged: at the top: /)
    assert.match(told[1] ?? '', /^read store .*: peers b is damaged: at standing: /)
    assert.deepEqual([...(await store.load(peers)).keys()], ['a', 'd'])
    assert.equal(await store.get(peers, 'b'), null)
    assert.equal(told.length, 2)
    assert.equal(await store.count('peers'), 2)
    await commit([put(peers, { key: 'b', value: someone })])
    assert.deepEqual(await store.get(peers, 'b'), someone)
  })

  check('what could not be read again is not put', async () => {
    const value = { standing: 'active', since: Number.NaN }
    assert.throws(() => put(peers, { key: 'a', value }), /Broken invariant/)
  })
}

function logContract(check: Check): void {
  const growBy = async (
    { commit }: Bench,
    frontier: Frontier,
    leaves: readonly Uint8Array[],
  ): Promise<Frontier> => {
    const made = appendLeaves(nodeCrypto, frontier, leaves)
    await commit([grow(frontier.size, made.nodes)])
    return made.frontier
  }

  check('a log grows with the rows of its batch, and proves what it holds', async (bench) => {
    const { store, commit } = bench
    assert.deepEqual(
      [await store.log.size(), await store.log.find(hashLeaf(nodeCrypto, utf8('')))],
      [0, null],
    )
    assert.deepEqual(await readFrontier(store.log, 0), emptyFrontier)
    const leaves = leavesOf(0, 21)
    const older = await growBy(bench, emptyFrontier, leaves.slice(0, 9))
    const newer = await growBy(bench, older, leaves.slice(9))
    assert.equal(await store.log.size(), 21)
    assert.deepEqual(await readFrontier(store.log, 21), newer)
    assert.deepEqual(await readFrontier(store.log, 9), older)
    assert.deepEqual(
      (await store.log.leaves({ from: 3, to: 8 })).map(hex),
      leaves.slice(3, 8).map(hex),
    )
    assert.deepEqual(
      (await store.log.leaves({ from: 19, to: 99 })).map(hex),
      leaves.slice(19).map(hex),
    )
    assert.deepEqual(await store.log.leaves({ from: 21, to: 99 }), [])
    const [leaf] = leaves.slice(12)
    assert.ok(leaf !== undefined)
    assert.equal(await store.log.find(leaf), 12)
    const path = await proveInclusion(nodeCrypto, store.log, { index: 12, size: 21 })
    const root = rootOf(nodeCrypto, newer)
    assert.ok(path !== null)
    assert.ok(verifyInclusion(nodeCrypto, { leaf, index: 12, size: 21, root, path }))
    assert.deepEqual(await store.log.read([{ level: 4, index: 1 }]), [null])
    const { nodes } = appendLeaves(nodeCrypto, older, leavesOf(9, 12))
    const stale = commit([put(any, { key: 'a', value: 1 }), grow(9, nodes)])
    await assert.rejects(stale, isRefused)
    assert.equal(await store.get(any, 'a'), null)
    assert.equal(await store.log.size(), 21)
  })

  check('of equal leaves the first is found', async (bench) => {
    const [leaf, other] = leavesOf(0, 2)
    assert.ok(leaf !== undefined && other !== undefined)
    await growBy(bench, emptyFrontier, [other, leaf, leaf, other])
    assert.deepEqual([await bench.store.log.find(leaf), await bench.store.log.find(other)], [1, 0])
  })

  const kept = 1_024
  check(
    'old leaves are forgotten and the trunk stays: what was is still the beginning of what is',
    async (bench) => {
      const { store } = bench
      const leaves = leavesOf(0, 3_000)
      let frontier = emptyFrontier
      for (const step of [256, 700, 44, 1_500, 500])
        frontier = await growBy(bench, frontier, leaves.slice(frontier.size, frontier.size + step))
      assert.equal(frontier.size, 3_000)
      // 3,000 less 1,024, in whole multiples of 256.
      const first = 1_792
      assert.deepEqual(await store.log.leaves({ from: first - 1, to: first + 2 }), [])
      assert.equal((await store.log.leaves({ from: first, to: 3_000 })).length, 3_000 - first)
      const place = (leaf: Uint8Array) => store.log.find(leaf)
      const around = leaves.slice(first - 1, first + 1)
      assert.deepEqual(await Promise.all(around.map(place)), [null, first])
      assert.deepEqual(await readFrontier(store.log, 3_000), frontier)
      const prove = (from: number) => proveConsistency(nodeCrypto, store.log, { from, to: 3_000 })
      const newer = rootOf(nodeCrypto, frontier)
      for (const from of [256, 512, 1_024, 1_792, 1_793, 2_222, 2_999]) {
        const beginning = appendLeaves(nodeCrypto, emptyFrontier, leaves.slice(0, from)).frontier
        const older = rootOf(nodeCrypto, beginning)
        const path = await prove(from)
        assert.ok(path !== null, String(from))
        assert.ok(verifyConsistency(nodeCrypto, { from, to: 3_000, older, newer, path }))
      }
      assert.equal(await prove(1_000), null)
      const proveLeaf = (index: number) =>
        proveInclusion(nodeCrypto, store.log, { index, size: 3_000 })
      assert.equal(await proveLeaf(5), null)
      assert.notEqual(await proveLeaf(first), null)
    },
    { leavesKept: kept },
  )
}
