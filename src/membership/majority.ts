// What more than half of several voices say.

/** The value that more than half of `values` are; null when there is none. */
export function majorityOf<T>(values: Iterable<T>): T | null {
  const counts = new Map<T, number>()
  let all = 0
  for (const value of values) {
    counts.set(value, (counts.get(value) ?? 0) + 1)
    all += 1
  }
  for (const [value, n] of counts) if (2 * n > all) return value
  return null
}
