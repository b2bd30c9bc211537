// Every scenario in a small size, with a seed that is written down: nothing breaks, and figures are what they must be.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { policies } from '../../src/verdict/policies.ts'
import { falseAccept, falseAlarm } from '../../sim/closed-forms.ts'
import type { Figure } from '../../sim/figures.ts'
import { reproduction, runScenario } from '../../sim/run.ts'
import type { Scenario, Size } from '../../sim/scenario.ts'
import { dissenting, vouching } from '../../sim/scenarios/liars.ts'
import { scenarios, scenarioNamed } from '../../sim/scenarios/index.ts'

const seed = 7

/** Small enough for seconds. */
const sizes: Readonly<Record<string, Size>> = {
  everyday: { mirrors: 30, days: 0.5 },
  honest: { mirrors: 60, days: 0.1 },
  liars: { mirrors: 60, days: 0.05 },
  'registry-liars': { mirrors: 30, days: 0.05 },
  eclipse: { mirrors: 60, days: 0.05 },
  propagation: { mirrors: 60, days: 0.1 },
  'content-network': { mirrors: 60, days: 0.1 },
  'region-down': { mirrors: 60, days: 0.05 },
  'slow-mirrors': { mirrors: 60, days: 0.05 },
  'clock-skew': { mirrors: 60, days: 0.05 },
}

for (const { name } of scenarios)
  test(`${name}: nothing breaks, and every figure is what it must be`, async () => {
    const size = sizes[name]
    assert.ok(size !== undefined, `${name} has no size here`)
    const { faults, figures, verdicts } = await runScenario(scenarioNamed(name), { seed, ...size })
    assert.deepEqual(faults, [])
    assert.ok(figures.length > 0 && verdicts > 0)
  })

test('the same seed gives the same trace and figures, another seed others', async () => {
  const run = (of: number) =>
    runScenario(scenarioNamed('everyday'), { seed: of, mirrors: 20, days: 0.2 })
  const [one, again, other] = [await run(1), await run(1), await run(2)]
  assert.deepEqual(one, again)
  assert.notEqual(one.trace, other.trace)
})

test('real keys bring the same verdicts, and repeat as well', async () => {
  const run = (keys: 'made-up' | 'real') =>
    runScenario(scenarioNamed('honest'), { seed, mirrors: 10, days: 0.01, keys })
  const [cheap, real, again] = [await run('made-up'), await run('real'), await run('real')]
  const shares = (figures: readonly Figure[]) => figures.filter((figure) => figure.unit === 'share')
  assert.deepEqual(real.faults, [])
  assert.deepEqual(shares(real.figures), shares(cheap.figures))
  assert.equal(real.trace, again.trace)
})

/** A scenario of its own. */
function scenarioOf(play: Scenario['play']): Scenario {
  return { name: 'story', summary: '', defaults: { mirrors: 3, days: 1 }, play }
}

test('what does not fit, breaks or throws is told, with the line that repeats it', async () => {
  const unfit = await runScenario(
    scenarioOf(async ({ figures }) => {
      figures.share('wrong', { hits: 50, trials: 100, expected: 0.1 })
      figures.shareAtMost('too often', { hits: 50, trials: 100, most: 0.1 })
      figures.size('too long', { unit: 'ms', value: 2, most: 1 })
      figures.share('right', { hits: 50, trials: 100, expected: 0.5 })
    }),
    { seed: 3 },
  )
  assert.deepEqual(
    unfit.figures.map((figure) => figure.fits),
    [false, false, false, true],
  )
  assert.equal(unfit.faults.length, 3)
  assert.equal(reproduction(unfit), 'npx sightline simulate story --seed 3 --mirrors 3 --days 1')
  const broken = await runScenario(
    scenarioOf(({ inWorld }) =>
      inWorld(async (world) => {
        world.always('nothing lasts a second', () =>
          world.engine.monotonic() < 1_000 ? null : 'it did',
        )
        await world.wait(5_000)
      }),
    ),
    { seed: 3 },
  )
  assert.match(
    broken.faults[0] ?? '',
    /^invariant broken 5000 ms after the start: nothing lasts a second: it did$/,
  )
  const thrown = await runScenario(
    scenarioOf(() => Promise.reject(new Error('a mistake'))),
    { seed: 3 },
  )
  assert.match(thrown.faults[0] ?? '', /a mistake[\s\S]* at /)
})

test('a run ends when it is told to', async () => {
  const stop = AbortSignal.abort(new Error('enough'))
  const run = runScenario(scenarioNamed('everyday'), { seed, mirrors: 300, days: 30, signal: stop })
  await assert.rejects(run, /enough/)
})

for (const policy of [policies.literal, policies.mpic])
  test(`${policy.name}: rates of wrong verdicts are those of the closed form`, async () => {
    const share = 0.3
    const { faults, figures } = await runScenario(
      scenarioOf((stage) =>
        stage.inWorld(async (world) => {
          await vouching(world, stage, { policy, share })
          await dissenting(world, stage, { policy, share })
        }),
      ),
      { seed, mirrors: 60, days: 1 },
    )
    assert.deepEqual(faults, [])
    assert.deepEqual(
      figures.map((figure) => figure.expected),
      [falseAccept(policy, { share }), falseAlarm(policy, share + (1 - share) * 0.003)],
    )
    // Neither is so rare that anything would fit.
    assert.ok(figures.every((figure) => figure.measured > 0 && (figure.interval?.high ?? 1) < 0.8))
  })
