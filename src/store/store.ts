// The memory of a mirror: rows on shelves and the nodes of its log, changed in batches that are whole or not at all.

import { invariant } from '../base/invariant.ts'
import type { NodeReader, TreeNode } from '../observation/merkle.ts'
import type { Shelf, ShelfName } from './shelves.ts'

/** One change; `put`, `remove` and `grow` make them. */
export type Change =
  | {
      readonly kind: 'put'
      readonly shelf: ShelfName
      readonly key: string
      /** The value as JSON. */
      readonly text: string
      /** Until when the row is kept, ms since 1970 UTC; null for as long as its shelf keeps rows. */
      readonly until: number | null
    }
  | { readonly kind: 'remove'; readonly shelf: ShelfName; readonly key: string }
  | {
      readonly kind: 'grow'
      /** Leaves before the change: it is refused when the log has another number by then. */
      readonly size: number
      readonly nodes: readonly TreeNode[]
    }

/** The nodes of the mirror's own log. Leaves beyond `limits.logLeavesKeptMax` are forgotten, the trunk never. */
export interface LogNodes extends NodeReader {
  /** How many leaves were ever appended. */
  size(): Promise<number>
  /** The place of the leaf with this hash; null where there is none, or none any more. */
  find(leaf: Uint8Array): Promise<number | null>
  /** The leaves from `from` to before `to`, as far as they are there; empty when the first of them is not. */
  leaves(range: { readonly from: number; readonly to: number }): Promise<readonly Uint8Array[]>
}

/** What a mirror must not forget. Every call may throw store-failed and store-damaged. */
export interface MirrorStore {
  /** True when what was acknowledged survives the end of the process, and a loss of power. */
  readonly isDurable: boolean
  /**
   * Makes all `changes`, in their order, or none. Resolves when they are durable; batches that come at the same time
   * share the way to the disk. @throws Failure store-refused when a bound does not allow them
   */
  commit(changes: readonly Change[]): Promise<void>
  /**
   * Every row of a shelf that is not out of date, by its key, in the order of keys. A row whose value is not of the
   * shelf's shape is set aside, and told to the operator once; the others are read.
   */
  load<T>(shelf: Shelf<T>): Promise<ReadonlyMap<string, T>>
  /** One row's value, or null; a damaged one is set aside. */
  get<T>(shelf: Shelf<T>, key: string): Promise<T | null>
  /** How many rows there are, those out of date included that have not been deleted yet. */
  count(shelf: ShelfName): Promise<number>
  readonly log: LogNodes
  /** Waits for what is under way. */
  close(): Promise<void>
}

/** The change that puts `value` at `key`, in the place of another. `until` shortens the time that its shelf keeps it. */
export function put<T>(
  shelf: Shelf<T>,
  {
    key,
    value,
    until = null,
  }: { readonly key: string; readonly value: T; readonly until?: number | null },
): Change {
  // What cannot be read again must not be written: here the caller is near, at the next start nobody is.
  invariant(
    shelf.schema.safeParse(value).success,
    `what is put on the shelf ${shelf.name} has its shape`,
  )
  return { kind: 'put', shelf: shelf.name, key, text: JSON.stringify(value), until }
}

/** The change that removes the row at `key`; none there is fine. */
export function remove(shelf: Pick<Shelf<unknown>, 'name'>, key: string): Change {
  return { kind: 'remove', shelf: shelf.name, key }
}

/** The change that appends to a log of `size` leaves; `nodes` are those of `appendLeaves`. */
export function grow(size: number, nodes: readonly TreeNode[]): Change {
  return { kind: 'grow', size, nodes }
}
