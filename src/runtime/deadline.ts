// Deadlines on the Clock seam, because AbortSignal.timeout ignores a virtual clock.

import { NetworkError, type Clock } from './runtime.ts'

/** A signal that aborts after `ms` or with `parent`; `done` frees the timer. The reason is a NetworkError. */
export function deadline(
  clock: Clock,
  ms: number,
  parent?: AbortSignal,
): { readonly signal: AbortSignal; readonly done: () => void } {
  const controller = new AbortController()
  const abort = (): void => controller.abort(parent?.reason)
  const cancel = clock.after(ms, () =>
    controller.abort(new NetworkError('timeout', `no answer within ${ms} ms`)),
  )
  if (parent?.aborted === true) abort()
  else parent?.addEventListener('abort', abort, { once: true })
  return {
    signal: controller.signal,
    done: () => {
      cancel()
      parent?.removeEventListener('abort', abort)
    },
  }
}

/** Resolves after `ms`, or rejects with the signal's reason. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason as Error)
    const onAbort = (): void => {
      cancel()
      reject(signal?.reason as Error)
    }
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** `promise`, or the signal's reason when that comes first; what arrives late goes to `release`. */
export function orAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  release?: (late: T) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let over = signal.aborted
    const onAbort = (): void => {
      over = true
      reject(signal.reason as Error)
    }
    if (over) reject(signal.reason as Error)
    else signal.addEventListener('abort', onAbort, { once: true })
    promise.then(
      (value) => {
        signal.removeEventListener('abort', onAbort)
        if (over) release?.(value)
        else resolve(value)
      },
      (error: unknown) => {
        signal.removeEventListener('abort', onAbort)
        if (!over) reject(error as Error)
      },
    )
  })
}
