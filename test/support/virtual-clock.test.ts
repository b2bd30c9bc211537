import assert from 'node:assert/strict'
import test from 'node:test'
import { deadline, sleep } from '../../src/runtime/deadline.ts'
import { createVirtualClock } from './virtual-clock.ts'

test('timers run in the order of due time, then of arming, each at its own instant', async () => {
  const clock = createVirtualClock({ now: 1_000 })
  const seen: string[] = []
  const note = (name: string) => () => seen.push(`${name}@${clock.monotonic()}/${clock.now()}`)
  clock.after(20, note('late'))
  clock.after(10, note('first'))
  clock.after(10, note('second'))
  clock.after(-5, note('overdue'))
  await clock.advance(15)
  assert.deepEqual(seen, ['overdue@0/1000', 'first@10/1010', 'second@10/1010'])
  assert.equal(clock.monotonic(), 15)
  await clock.advance(5)
  assert.equal(seen.at(-1), 'late@20/1020')
  assert.equal(clock.armed, 0)
})

test('promises get their turn between two instants, and timers that they arm run in the same call', async () => {
  const clock = createVirtualClock()
  const seen: number[] = []
  const walk = async (): Promise<void> => {
    for (let step = 0; step < 3; step++) {
      await sleep(clock, 10)
      seen.push(clock.monotonic())
    }
  }
  const walking = walk()
  await clock.advance(30)
  await walking
  assert.deepEqual(seen, [10, 20, 30])
})

test('a cancelled timer does not run, and cancelling one that ran does nothing', async () => {
  const clock = createVirtualClock()
  let runs = 0
  const cancel = clock.after(1, () => runs++)
  const cancelOther = clock.after(1, () => runs++)
  cancelOther()
  assert.equal(clock.armed, 1)
  await clock.advance(1)
  cancel()
  assert.equal(runs, 1)
})

test('a timer that is cancelled by another of the same instant does not run', async () => {
  const clock = createVirtualClock()
  let runs = 0
  let cancel = (): void => {}
  clock.after(5, () => cancel())
  cancel = clock.after(5, () => runs++)
  await clock.advance(5)
  assert.equal(runs, 0)
})

test('what a timer throws reaches the test', async () => {
  const clock = createVirtualClock()
  clock.after(1, () => {
    throw new Error('boom')
  })
  await assert.rejects(clock.advance(1), /boom/)
})

test('runUntilIdle ends with the last timer and refuses one that never ends', async () => {
  const clock = createVirtualClock()
  clock.after(5, () => void clock.after(7, () => {}))
  await clock.runUntilIdle()
  assert.equal(clock.monotonic(), 12)
  const again = (): void => void clock.after(1_000, again)
  again()
  await assert.rejects(clock.runUntilIdle(10_000), /still armed after 10000 ms/)
})

test('runUntil gives the result at its instant, and says when there will be none', async () => {
  const clock = createVirtualClock()
  const { signal } = deadline(clock, 100)
  assert.equal(await clock.runUntil(sleep(clock, 40).then(() => clock.monotonic())), 40)
  await assert.rejects(clock.runUntil(sleep(clock, 500, signal)), { code: 'timeout' })
  assert.equal(clock.monotonic(), 100)
  await assert.rejects(clock.runUntil(new Promise(() => {})), /no result/)
})
