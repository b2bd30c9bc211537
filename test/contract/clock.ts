// What every Clock promises; each implementation runs this suite.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../src/runtime/runtime.ts'

/** How a test lets time pass: by waiting, or by saying so. */
export interface ClockUnderTest {
  readonly clock: Clock
  /** Resolves when `promise` has, time having passed as it must. */
  pass<T>(promise: Promise<T>): Promise<T>
}

/** Registers the suite for the implementation called `name`. */
export function clockContract(name: string, make: () => ClockUnderTest): void {
  const after = ({ clock }: ClockUnderTest, ms: number): Promise<number> =>
    new Promise((resolve) => clock.after(ms, () => resolve(clock.monotonic())))

  test(`${name}: wall time is milliseconds since 1970, monotonic time never goes back`, () => {
    const { clock } = make()
    assert.ok(clock.now() > Date.UTC(2020, 0, 1))
    const [first, second] = [clock.monotonic(), clock.monotonic()]
    assert.ok(second >= first)
  })

  test(`${name}: a timer never runs early, and not within the call that arms it`, async () => {
    const under = make()
    const started = under.clock.monotonic()
    let isArmed = false
    const ran = new Promise<boolean>((resolve) => under.clock.after(0, () => resolve(isArmed)))
    isArmed = true
    assert.equal(await under.pass(ran), true)
    // Node's timers count whole milliseconds.
    assert.ok((await under.pass(after(under, 5))) - started >= 4)
  })

  test(`${name}: timers run in the order of their times`, async () => {
    const under = make()
    const order: string[] = []
    const third = new Promise<void>((resolve) =>
      under.clock.after(30, () => {
        order.push('third')
        resolve()
      }),
    )
    under.clock.after(1, () => order.push('first'))
    under.clock.after(15, () => order.push('second'))
    await under.pass(third)
    assert.deepEqual(order, ['first', 'second', 'third'])
  })

  test(`${name}: a cancelled timer does not run, and cancelling twice or late is harmless`, async () => {
    const under = make()
    let ran = 0
    const cancel = under.clock.after(1, () => (ran += 1))
    cancel()
    cancel()
    await under.pass(after(under, 10))
    assert.equal(ran, 0)
    let other = 0
    const late = under.clock.after(1, () => (other += 1))
    await under.pass(after(under, 10))
    late()
    assert.equal(other, 1)
  })
}
