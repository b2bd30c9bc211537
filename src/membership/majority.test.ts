import assert from 'node:assert/strict'
import { test } from 'node:test'
import { majorityOf } from './majority.ts'

for (const [values, majority] of [
  [[], null],
  [['a'], 'a'],
  [['a', 'b'], null],
  [['a', 'b', 'a'], 'a'],
  [['a', 'b', 'a', 'b'], null],
  [['a', 'a', 'b', 'c'], null],
] as const)
  test(`more than half of [${values.join(' ')}] say ${majority}`, () => {
    assert.equal(majorityOf<string>(values), majority)
  })
