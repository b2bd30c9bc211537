// Lets a bounded number of things be done at a time, in all and for each key; the rest waits in turn.

/** Waits for a turn; what it resolves with gives it back. */
export type Turns = (key: string) => Promise<() => void>

interface Waiting {
  readonly key: string
  readonly go: (leave: () => void) => void
}

/** Turns for `max` at a time, and for `perKeyMax` of one key. Those who wait go in the order in which they came, as far as their key allows. */
export function createTurns({ max, perKeyMax }: { max: number; perKeyMax: number }): Turns {
  const inside = new Map<string, number>()
  const waiting = new Set<Waiting>()
  let total = 0
  const hasRoom = (key: string): boolean => total < max && (inside.get(key) ?? 0) < perKeyMax
  const enter = (key: string): (() => void) => {
    total += 1
    inside.set(key, (inside.get(key) ?? 0) + 1)
    let left = false
    return () => {
      if (left) return
      left = true
      total -= 1
      const rest = (inside.get(key) ?? 1) - 1
      if (rest === 0) inside.delete(key)
      else inside.set(key, rest)
      callNext()
    }
  }
  const callNext = (): void => {
    for (const one of waiting) {
      if (total >= max) return
      if (!hasRoom(one.key)) continue
      waiting.delete(one)
      one.go(enter(one.key))
    }
  }
  return (key) =>
    hasRoom(key)
      ? Promise.resolve(enter(key))
      : new Promise((go) => {
          waiting.add({ key, go })
        })
}
