// Virtual time of the simulator: order, turns of promises, and a trace that tells two runs apart.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createChance } from '../../sim/engine/chance.ts'
import { createEngine } from '../../sim/engine/engine.ts'
import { createTimers } from '../../sim/engine/timers.ts'
import { createTrace } from '../../sim/engine/trace.ts'

test('timers are taken by due time and then by arming, whatever is cancelled in between', () => {
  const step = fc.oneof(
    fc.record({ arm: fc.integer({ min: 0, max: 50 }) }),
    fc.record({ cancel: fc.nat({ max: 5_000 }) }),
    fc.record({ takeUntil: fc.integer({ min: 0, max: 60 }) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const timers = createTimers()
      let model: { readonly due: number; readonly order: number }[] = []
      const armed: { readonly order: number; readonly cancel: () => void }[] = []
      const ran: number[] = []
      for (const one of steps) {
        if ('arm' in one) {
          const order = armed.length
          const timer = timers.arm(one.arm, () => ran.push(order))
          armed.push({ order, cancel: () => timers.cancel(timer) })
          model.push({ due: one.arm, order })
        } else if ('cancel' in one) {
          const chosen = armed[one.cancel % Math.max(1, armed.length)]
          chosen?.cancel()
          model = model.filter(({ order }) => order !== chosen?.order)
        } else {
          const [first] = model.toSorted((a, b) => a.due - b.due || a.order - b.order)
          const taken = timers.take(one.takeUntil)
          if (first === undefined || first.due > one.takeUntil) assert.equal(taken, null)
          else {
            taken?.run()
            assert.equal(ran.at(-1), first.order)
            model = model.filter((other) => other !== first)
          }
        }
        assert.equal(timers.armed, model.length)
      }
    }),
  )
})

test('cancelled timers do not pile up, and the others keep their order', () => {
  const timers = createTimers()
  const kept: number[] = []
  for (let i = 0; i < 50_000; i++) {
    const timer = timers.arm((i * 7_919) % 10_007, () => {})
    if (i % 100 === 0) kept.push(timer.due)
    else timers.cancel(timer)
  }
  assert.equal(timers.armed, kept.length)
  const taken: number[] = []
  for (let next = timers.take(Infinity); next !== null; next = timers.take(Infinity))
    taken.push(next.due)
  assert.deepEqual(
    taken,
    kept.toSorted((a, b) => a - b),
  )
})

test('between two events every promise has had its turns, however long the chain', async () => {
  const engine = createEngine()
  const seen: string[] = []
  const chain = async (length: number): Promise<void> => {
    for (let i = 0; i < length; i++) await Promise.resolve()
    seen.push(`chain at ${engine.monotonic()}`)
  }
  engine.after(1, () => void chain(5_000))
  engine.after(2, () => seen.push(`timer at ${engine.monotonic()}`))
  await engine.runUntilIdle()
  assert.deepEqual(seen, ['chain at 1', 'timer at 2'])
})

test('a check after each event ends the run at the event that broke it', async () => {
  let broken = false
  const engine = createEngine({
    afterEvent: () => {
      if (broken) throw new Error('it does not hold')
    },
  })
  engine.after(5, () => (broken = true))
  engine.after(6, () => assert.fail('time went on'))
  await assert.rejects(engine.advance(10), /it does not hold/)
  assert.equal(engine.monotonic(), 5)
})

test('two runs of one seed have one trace, and another seed, order or instant has another', async () => {
  const run = async (seed: string, delay = 0): Promise<string> => {
    const trace = createTrace()
    const engine = createEngine({ trace })
    const chance = createChance(seed)
    const walk = (left: number): void => {
      if (left > 0) engine.after(delay + chance.around(100), () => walk(left - 1))
    }
    for (let i = 0; i < 50; i++) walk(20)
    await engine.runUntilIdle()
    assert.equal(engine.events, 1_000)
    return trace.hash()
  }
  assert.match(await run('a'), /^[0-9a-f]{16}$/)
  assert.equal(await run('a'), await run('a'))
  assert.notEqual(await run('a'), await run('b'))
  assert.notEqual(await run('a'), await run('a', 1e-6))
})

test('streams of chance are uniform, and independent of what others draw', () => {
  const chance = createChance('seed 1')
  const draws = Array.from({ length: 20_000 }, () => chance.uniform())
  const mean = draws.reduce((sum, one) => sum + one, 0) / draws.length
  assert.ok(Math.abs(mean - 0.5) < 0.01, `${mean}`)
  assert.ok(draws.every((one) => one >= 0 && one < 1))
  const around = draws.map(() => chance.around(10)).reduce((sum, one) => sum + one, 0)
  assert.ok(Math.abs(around / draws.length - 10) < 0.4)
  assert.deepEqual(
    createChance('seed 1').stream('x').bytes(9),
    chance.stream('x').bytes(9),
    'a stream does not depend on what its parent drew before',
  )
  assert.notDeepEqual(chance.stream('x').bytes(9), chance.stream('y').bytes(9))
  const shuffled = chance.shuffled([1, 2, 3, 4, 5])
  assert.deepEqual(
    shuffled.toSorted((a, b) => a - b),
    [1, 2, 3, 4, 5],
  )
  assert.throws(() => chance.oneOf([]), /nothing to choose/)
})
