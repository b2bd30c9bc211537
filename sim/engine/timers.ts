// Timers in the order in which they fall due: a heap of four children a node, because thousands of mirrors arm a timer
// for every question and cancel nearly all of them.

/** An armed timer. */
export interface Timer {
  /** Milliseconds of the simulation. */
  readonly due: number
  /** Timers that are due at the same instant run in the order of arming. */
  readonly order: number
  /** Null once it has run or was cancelled. */
  run: (() => void) | null
}

/** Armed timers. */
export interface Timers {
  arm(due: number, run: () => void): Timer
  /** Harmless for a timer that has run or was cancelled. */
  cancel(timer: Timer): void
  /** What the first timer that is due by `until` runs, or null; it is armed no more. */
  take(until: number): { readonly due: number; readonly run: () => void } | null
  /** How many are armed. */
  readonly armed: number
}

/** Cancelled timers stay in the heap until they are more than the others, and more than these. */
const deadMin = 1_024

const children = 4

/** No timers yet. */
export function createTimers(): Timers {
  let heap: Timer[] = []
  let armings = 0
  let dead = 0

  const take = (until: number): { readonly due: number; readonly run: () => void } | null => {
    for (;;) {
      const first = heap[0]
      if (first === undefined || (first.run !== null && first.due > until)) return null
      removeFirst(heap)
      const { due, run } = first
      if (run === null) {
        dead -= 1
        continue
      }
      first.run = null
      return { due, run }
    }
  }
  return {
    arm: (due, run) => {
      const timer: Timer = { due, order: armings++, run }
      heap.push(timer)
      rise(heap, heap.length - 1)
      return timer
    },
    cancel: (timer) => {
      if (timer.run === null) return
      timer.run = null
      dead += 1
      if (dead < deadMin || dead * 2 < heap.length) return
      heap = heap.filter((one) => one.run !== null)
      dead = 0
      for (let i = Math.floor((heap.length - 2) / children); i >= 0; i--) sink(heap, i)
    },
    take,
    get armed() {
      return heap.length - dead
    },
  }
}

function isBefore(one: Timer, other: Timer): boolean {
  return one.due < other.due || (one.due === other.due && one.order < other.order)
}

function removeFirst(heap: Timer[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  heap[0] = last
  sink(heap, 0)
}

function rise(heap: Timer[], from: number): void {
  const timer = heap[from]
  if (timer === undefined) return
  let place = from
  while (place > 0) {
    const above = (place - 1) >> 2
    const parent = heap[above]
    if (parent === undefined || !isBefore(timer, parent)) break
    heap[place] = parent
    place = above
  }
  heap[place] = timer
}

function sink(heap: Timer[], from: number): void {
  const timer = heap[from]
  if (timer === undefined) return
  let place = from
  for (;;) {
    const first = place * children + 1
    let least = first
    let child = heap[first]
    if (child === undefined) break
    const end = Math.min(first + children, heap.length)
    for (let i = first + 1; i < end; i++) {
      const other = heap[i]
      if (other !== undefined && isBefore(other, child)) {
        child = other
        least = i
      }
    }
    if (!isBefore(child, timer)) break
    heap[place] = child
    place = least
  }
  heap[place] = timer
}
