// The input that a fuzzing thread runs now, where the thread that watches it can read it even when it hangs.

const headBytes = 8

/** Longest input that targets are given. */
export const inputBytesMax = 4_096

/** A place for one input. */
export function createShared(): SharedArrayBuffer {
  return new SharedArrayBuffer(headBytes + inputBytesMax)
}

/** Says that run number `run` with `input` begins. */
export function begin(shared: SharedArrayBuffer, run: number, input: Uint8Array): void {
  new Uint8Array(shared, headBytes).set(input)
  const head = new Int32Array(shared, 0, 2)
  Atomics.store(head, 1, input.length)
  Atomics.store(head, 0, run | 0)
}

/** The run that began last, and its input. */
export function current(shared: SharedArrayBuffer): {
  readonly run: number
  readonly input: Uint8Array
} {
  const head = new Int32Array(shared, 0, 2)
  const run = Atomics.load(head, 0)
  return { run, input: new Uint8Array(shared, headBytes).slice(0, Atomics.load(head, 1)) }
}
