// The fuzzer itself: it finds planted faults, notices what hangs, and repeats a run from its seed.

import fc from 'fast-check'
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { chanceFrom } from './fuzz/chance.ts'
import { createFrontier } from './fuzz/coverage.ts'
import { mutate } from './fuzz/mutate.ts'
import { fuzzTarget, type FuzzOptions, type Outcome } from './fuzz/run.ts'
import { root } from './sources.ts'

const fixture = new URL('fuzz/fixture/', import.meta.url)

function fuzz(name: string, options: Partial<FuzzOptions> = {}): Promise<Outcome> {
  return fuzzTarget({
    module: new URL(`${name}.ts`, fixture).href,
    covered: fixture.href,
    corpus: [],
    seed: 1,
    milliseconds: Infinity,
    runsMax: 2_000_000,
    inputMs: 5_000,
    ...options,
  })
}

suite('the fuzzer', { concurrency: 2 }, () => {
  test('finds a fault behind four bytes', async () => {
    const outcome = await fuzz('magic')
    assert.ok(outcome.kind === 'broken')
    assert.match(outcome.error, /the planted fault/)
    assert.deepEqual([...outcome.input.subarray(0, 4)], [0x53, 0x31, 0xf5, 0x07])
  })

  test('does not find it without coverage', async () => {
    const outcome = await fuzz('magic', { covered: 'file:///nowhere/', runsMax: 20_000 })
    assert.equal(outcome.kind, 'sound')
  })

  test('repeats a run from its seed', async () => {
    const short = (seed: number): Promise<Outcome> => fuzz('magic', { seed, runsMax: 10_000 })
    assert.deepEqual(await short(1), await short(1))
    assert.notDeepEqual(await short(2), await short(1))
  })

  test('uses the dictionary of a target', async () => {
    assert.equal((await fuzz('word')).kind, 'broken')
  })

  test('tells an input that hangs', async () => {
    const outcome = await fuzz('hang', { inputMs: 500 })
    assert.ok(outcome.kind === 'broken')
    assert.deepEqual([outcome.input[0], outcome.error], [0, 'it took more than 500 ms'])
  })

  test('begins with the corpus that it is given', async () => {
    const outcome = await fuzz('magic', { corpus: [Uint8Array.of(0x53, 0x31, 0xf5, 0x07)] })
    assert.deepEqual([outcome.kind, outcome.runs], ['broken', 1])
  })

  test('refuses a module without a target', async () => {
    await assert.rejects(fuzz('../chance'), /exports 0 functions whose name begins with fuzz/)
  })
})

test('npm run fuzz ends with 1, and gives the bytes, when a target breaks', () => {
  const { status, stderr } = run('magic', '--from', 'tools/fuzz/fixture')
  assert.match(stderr, /^magic: broken in run \d+, seed 3, by these \d+ bytes:\n5331f507/)
  assert.equal(status, 1)
})

test('npm run fuzz ends with 0 when a target holds', () => {
  const { status, stdout } = run('dns-message', '--runs', '5000')
  assert.match(stdout, /^dns-message: holds: \d+ runs/m)
  assert.equal(status, 0)
})

test('npm run fuzz ends with 2 when there is no such target', () => {
  assert.equal(run('nonsense').status, 2)
})

function run(...words: readonly string[]) {
  return spawnSync(process.execPath, [join(root, 'tools', 'fuzz.ts'), ...words, '--seed', '3'], {
    cwd: root,
    encoding: 'utf8',
  })
}

test('mutate() keeps to the bound, and leaves its input alone', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.integer(), fc.nat({ max: 300 }), (input, seed, lengthMax) => {
      const before = input.slice()
      const output = mutate(input, {
        chance: chanceFrom(seed),
        corpus: [input],
        dictionary: [Uint8Array.of(1, 2, 3)],
        lengthMax,
      })
      assert.ok(output.length <= lengthMax)
      assert.deepEqual(input, before)
    }),
  )
})

test('a frontier grows by functions, and by blocks that run for the first time', () => {
  const frontier = createFrontier()
  const seen = (unrun: readonly (readonly [number, number])[]): boolean => {
    const ran = [{ id: 'f', unrun }]
    const isNew = frontier.isNew(ran)
    frontier.learn(ran)
    return isNew
  }
  assert.equal(seen([[10, 50]]), true, 'the function')
  assert.equal(seen([[10, 50]]), false, 'the same again')
  assert.equal(seen([[20, 30]]), true, 'the outer block, without the inner one')
  assert.equal(seen([[10, 50]]), false, 'less than before')
  assert.equal(seen([]), true, 'the inner block')
  assert.equal(seen([]), false, 'all of it again')
  assert.equal(frontier.size(), 3)
})
