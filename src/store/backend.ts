// A MirrorStore over rows that are read and written at once: bounds, ages, damaged rows and shared commits are the same for each.

import type { z } from 'zod'
import { Failure } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import type { NodeId, TreeNode } from '../observation/merkle.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { shelves, type Shelf, type ShelfName, type ShelfRules } from './shelves.ts'
import type { Change, MirrorStore } from './store.ts'

/** A row as it lies there. */
export interface Row {
  readonly key: string
  readonly text: string
  /** Null for ever. */
  readonly until: number | null
}

/** Where rows and nodes lie. All calls are synchronous; changes are made within `transaction`. */
export interface Backend {
  /** The path, for messages. */
  readonly place: string
  readonly isDurable: boolean
  /** Runs `work` whole or not at all; may be nested. */
  transaction<T>(work: () => T): T
  get(shelf: ShelfName, key: string): Row | null
  /** Every row, in the order of keys. */
  all(shelf: ShelfName): readonly Row[]
  count(shelf: ShelfName): number
  put(shelf: ShelfName, row: Row): void
  remove(shelf: ShelfName, key: string): void
  /** Removes up to `most` rows whose time was up at `now`, or where it is null whose time is up first. */
  forget(shelf: ShelfName, rows: { readonly now: number | null; readonly most: number }): void
  /** Moves a row that cannot be read to where only the operator looks. */
  setAside(shelf: ShelfName, row: Row, why: string): void
  readonly nodes: {
    size(): number
    /** Place of the first leaf that is kept. */
    first(): number
    read(id: NodeId): Uint8Array | null
    leaves(from: number, to: number): readonly Uint8Array[]
    find(leaf: Uint8Array): number | null
    add(node: TreeNode): void
    /** Removes what is below the roots of 256 leaves, in front of leaf `before`, a multiple of 256. */
    forget(before: number): void
  }
  close(): void
}

/** How a store is kept. */
export interface StoreOptions {
  /** How long a batch waits for others; null writes each by itself, at once. */
  readonly waitMs: number | null
  /** Default `limits.logLeavesKeptMax`. */
  readonly leavesKept?: number
}

type Needs = Pick<Runtime, 'clock' | 'log'>

interface Waiting {
  readonly changes: readonly Change[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** A store that keeps its rows in `backend`, which is closed with it. */
export function createStore(needs: Needs, backend: Backend, options: StoreOptions): MirrorStore {
  const { clock } = needs
  const write = createWriter(needs, backend, options.leavesKept ?? limits.logLeavesKeptMax)
  let waiting: Waiting[] = []
  let changesWaiting = 0
  let cancel = (): void => {}
  let isClosed = false
  const flush = (): void => {
    cancel()
    const batches = waiting
    waiting = []
    changesWaiting = 0
    if (batches.length > 0) write(batches)
  }
  const open = (): Backend => {
    if (!isClosed) return backend
    throw new Failure('store-failed', { path: backend.place, action: 'use', why: 'it is closed' })
  }
  const read = createReader(needs, open)
  return {
    isDurable: backend.isDurable,
    commit: async (changes) => {
      open()
      checkBatch(changes)
      await new Promise<void>((resolve, reject) => {
        waiting.push({ changes, resolve, reject })
        changesWaiting += changes.length
        if (options.waitMs === null || changesWaiting > limits.storeChangesMax) flush()
        else if (waiting.length === 1) cancel = clock.after(options.waitMs, flush)
      })
    },
    ...read,
    close: async () => {
      if (isClosed) return
      flush()
      isClosed = true
      backend.close()
    },
  }
}

/** Refuses what no state of the store would allow. */
function checkBatch(changes: readonly Change[]): void {
  if (changes.length > limits.storeChangesMax)
    throw refused(
      'a batch',
      '',
      `it has ${changes.length} changes, at most ${limits.storeChangesMax} are taken`,
    )
  for (const change of changes) {
    if (change.kind === 'grow') continue
    const { shelf, key } = change
    if (!/^[\x21-\x7e]+$/.test(key) || key.length > limits.storeKeyCharsMax)
      throw refused(
        shelf,
        key,
        `a key is 1 to ${limits.storeKeyCharsMax} printable ASCII characters`,
      )
    if (change.kind === 'put' && change.text.length > shelves[shelf].valueCharsMax)
      throw refused(
        shelf,
        key,
        `the value has ${change.text.length} characters, at most ${shelves[shelf].valueCharsMax} are kept`,
      )
  }
}

function refused(shelf: string, key: string, why: string): Failure {
  return new Failure('store-refused', { shelf, key, why })
}

/** Writes batches together, each whole or not at all, and answers each. */
function createWriter(
  { clock }: Needs,
  backend: Backend,
  leavesKept: number,
): (batches: readonly Waiting[]) => void {
  let sweptAt = -Infinity
  const sweep = (now: number): void => {
    if (clock.monotonic() - sweptAt < limits.storeSweepMs) return
    sweptAt = clock.monotonic()
    for (const shelf of shelfNames) backend.forget(shelf, { now, most: limits.storeSweepRowsMax })
  }
  const apply = (changes: readonly Change[], now: number): void => {
    const touched = new Map<ShelfName, string>()
    for (const change of changes) {
      if (change.kind === 'grow') growLog(backend, change, leavesKept)
      else if (change.kind === 'remove') backend.remove(change.shelf, change.key)
      else {
        const { shelf, key, text } = change
        backend.put(shelf, { key, text, until: endOf(shelves[shelf], change.until, now) })
        touched.set(shelf, key)
      }
    }
    for (const [shelf, key] of touched) makeRoom(backend, shelf, { key, now })
  }
  return (batches) => {
    const answers: (() => void)[] = []
    try {
      backend.transaction(() => {
        const now = clock.now()
        sweep(now)
        for (const { changes, resolve, reject } of batches) {
          try {
            backend.transaction(() => apply(changes, now))
            answers.push(resolve)
          } catch (error) {
            // A refused batch harms no other; a failing disk leaves nothing to go on with.
            if (!Failure.is(error) || error.code !== 'store-refused') throw error
            answers.push(() => reject(error))
          }
        }
      })
    } catch (error) {
      for (const { reject } of batches) reject(error)
      return
    }
    for (const answer of answers) answer()
  }
}

const shelfNames = Object.keys(shelves) as readonly ShelfName[]

function endOf(rules: ShelfRules, until: number | null, now: number): number | null {
  if (rules.keepMs === null) return until
  return Math.min(until ?? Infinity, now + rules.keepMs)
}

/** Brings a shelf back to its bound. @throws Failure store-refused where it does not forget by itself */
function makeRoom(
  backend: Backend,
  shelf: ShelfName,
  last: { readonly key: string; readonly now: number },
): void {
  const { rowsMax, whenFull } = shelves[shelf]
  const excess = (): number => backend.count(shelf) - rowsMax
  if (excess() <= 0) return
  backend.forget(shelf, { now: last.now, most: limits.storeSweepRowsMax })
  const still = excess()
  if (still <= 0) return
  if (whenFull === 'refuse')
    throw refused(shelf, last.key, `the shelf is full with ${rowsMax} rows`)
  backend.forget(shelf, { now: null, most: still })
}

/** Leaves below which nodes are forgotten together. */
const tile = 256

function growLog(
  backend: Backend,
  change: Extract<Change, { kind: 'grow' }>,
  leavesKept: number,
): void {
  const { nodes } = backend
  const size = nodes.size()
  if (size !== change.size)
    throw refused(
      'the log',
      String(change.size),
      `it has ${size} leaves, and these follow ${change.size}`,
    )
  for (const node of change.nodes) nodes.add(node)
  const first = nodes.first()
  const surplus = Math.floor((nodes.size() - leavesKept) / tile) * tile
  const before = Math.min(surplus, first + limits.logForgottenAtOnceMax)
  if (before > first) nodes.forget(before)
}

/** The reading half of a store. Damaged rows are set aside as they are met: so each is told once, and none stops a start. */
function createReader(
  needs: Needs,
  open: () => Backend,
): Pick<MirrorStore, 'load' | 'get' | 'count' | 'log'> {
  const tell = (shelf: ShelfName, { key }: Row, why: string): void => {
    const failure = new Failure('store-damaged', {
      path: open().place,
      where: `${shelf} ${key}`,
      why,
    })
    needs.log.warn('store row damaged, set aside', { shelf, key, error: failure.message })
  }
  const valuesOf = <T>(shelf: Shelf<T>, rows: readonly Row[]): ReadonlyMap<string, T> => {
    const now = needs.clock.now()
    const values = new Map<string, T>()
    const damaged: (readonly [Row, string])[] = []
    for (const row of rows) {
      if (row.until !== null && row.until <= now) continue
      const read = readValue(shelf.schema, row.text)
      if (typeof read === 'string') damaged.push([row, read])
      else values.set(row.key, read.value)
    }
    if (damaged.length === 0) return values
    open().transaction(() => {
      for (const [row, why] of damaged) open().setAside(shelf.name, row, why)
    })
    for (const [row, why] of damaged) tell(shelf.name, row, why)
    return values
  }
  return {
    load: async (shelf) => valuesOf(shelf, open().all(shelf.name)),
    get: async (shelf, key) => {
      const row = open().get(shelf.name, key)
      return row === null ? null : (valuesOf(shelf, [row]).get(key) ?? null)
    },
    count: async (shelf) => open().count(shelf),
    log: {
      size: async () => open().nodes.size(),
      find: async (leaf) => open().nodes.find(leaf),
      leaves: async ({ from, to }) => open().nodes.leaves(from, to),
      read: async (ids) => ids.map((id) => open().nodes.read(id)),
    },
  }
}

/** The value in `text`, or what is wrong with it. */
function readValue<T>(schema: z.ZodType<T>, text: string): { readonly value: T } | string {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return 'it is not JSON'
  }
  const checked = schema.safeParse(parsed)
  if (checked.success) return { value: checked.data }
  const [issue] = checked.error.issues
  return `at ${issue?.path.join('.') || 'the top'}: ${issue?.message ?? 'unreadable'}`
}
