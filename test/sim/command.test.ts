// The command `simulate`: the same run in two processes, many seeds, and what is said of those that fail.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { reproduction, type RunResult } from '../../sim/run.ts'
import { runSeeds } from '../../sim/seeds.ts'
import { createBench, type Bench } from '../cli/run.ts'

let bench: Bench
before(async () => {
  bench = await createBench()
})
after(() => bench[Symbol.asyncDispose]())

const small = 'sightline simulate everyday --mirrors 20 --days 0.1'

test('two processes with one seed print the same trace and figures', async () => {
  const [one, other, third] = await Promise.all([
    bench.run(`${small} --seed 7 --json`),
    bench.run(`${small} --seed 7 --json`),
    bench.run(`${small} --seed 8 --json`),
  ])
  assert.equal(one.code, 0, one.stderr)
  assert.equal(one.stdout, other.stdout)
  const result = JSON.parse(one.stdout) as RunResult
  assert.match(result.trace, /^[0-9a-f]{16}$/)
  assert.equal(result.seed, 7)
  assert.ok(result.figures.length > 0)
  assert.notEqual((JSON.parse(third.stdout) as RunResult).trace, result.trace)
})

test('a run tells what it cost on the terminal, and scenarios are listed', async () => {
  const [run, list] = await Promise.all([
    bench.run('sightline simulate honest --mirrors 10 --days 0.005'),
    bench.run('sightline simulate --list'),
  ])
  assert.equal(run.code, 0, run.stderr)
  assert.match(run.stdout, /^honest, seed 1: 10 mirrors, 0\.005 days\n/)
  assert.match(run.stdout, /trace [0-9a-f]{16} over \d+ events and \d+ verdicts\n/)
  assert.match(run.stdout, /events per second\n$/)
  assert.match(list.stdout, /^everyday .*\nhonest /)
  assert.equal((await bench.run('sightline simulate nowhere')).code, 2)
})

test('many seeds run at once, and each says by itself what it says among others', async () => {
  const { code, stdout, stderr } = await bench.run(`${small} --seed 7 --seeds 3 --json`)
  assert.equal(code, 0, stderr)
  const results = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as RunResult)
  assert.deepEqual(
    results.map((one) => one.seed).toSorted((a, b) => a - b),
    [7, 8, 9],
  )
  const alone = JSON.parse((await bench.run(`${small} --seed 8 --json`)).stdout) as RunResult
  assert.deepEqual(
    results.find((one) => one.seed === 8),
    alone,
  )
})

test('a thread that breaks down fails with its seed alone', async () => {
  const results: RunResult[] = []
  await runSeeds({
    scenario: 'everyday',
    options: { seed: 1, mirrors: 3, days: 0.5 },
    count: 6,
    signal: new AbortController().signal,
    worker: new URL('fixture/fragile-worker.ts', import.meta.url),
    onResult: (result) => results.push(result),
  })
  assert.equal(results.length, 6)
  const failed = results.filter((one) => one.faults.length > 0)
  assert.deepEqual(
    failed.map((one) => one.seed).toSorted((a, b) => a - b),
    [2, 4, 6],
  )
  const [first] = failed
  assert.match(first?.faults[0] ?? '', /broke down: .*nobody’s rejection/)
  assert.equal(
    reproduction(first ?? { scenario: '', seed: 0, mirrors: 0, days: 0 }),
    `npx sightline simulate everyday --seed ${first?.seed} --mirrors 3 --days 0.5`,
  )
})

test('seeds stop when they are told to', async () => {
  const stop = new AbortController()
  const running = runSeeds({
    scenario: 'everyday',
    options: { seed: 1, mirrors: 10, days: 0.02 },
    count: 1_000_000,
    signal: stop.signal,
    onResult: () => stop.abort(new Error('enough')),
  })
  await assert.rejects(running, /enough/)
})
