import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createWorld } from '../../test/support/world.ts'
import { limits } from '../base/limits.ts'
import { createDescriptors } from './descriptors.ts'

async function stage() {
  const world = createWorld({ count: 2, scene: { addresses: [], tlsa: [], servers: {} } })
  const [mirror, other] = world.mirrors
  assert.ok(mirror !== undefined && other !== undefined)
  const { id } = mirror.entry
  const older = mirror.mirror.identity().descriptor
  await world.clock.advance(1_000)
  const newer = mirror.mirror.renew().descriptor
  return { world, id, older, newer, other, descriptors: createDescriptors(world.runtime) }
}

test('what a mirror sent is known until it expires, and is nothing to seal with', async () => {
  const { world, id, newer, descriptors } = await stage()
  assert.equal(descriptors.known(id), null)
  assert.equal(descriptors.learn(id, newer).statement, newer)
  assert.equal(descriptors.known(id)?.statement, newer)
  assert.equal(descriptors.learn(id, undefined).statement, newer)
  assert.equal(descriptors.relayed(id), null)
  await world.clock.advance(limits.descriptorValidMs)
  assert.equal(descriptors.known(id), null)
  assert.throws(() => descriptors.learn(id, undefined), /did not send its descriptor/)
})

test('an older one of a relay is sealed with, but does not take the place of the newer one', async () => {
  const { world, id, older, newer, descriptors } = await stage()
  descriptors.learn(id, newer)
  assert.equal(descriptors.learnRelayed(id, older).statement, older)
  assert.equal(descriptors.known(id)?.statement, newer)
  assert.equal(descriptors.relayed(id)?.statement, older)
  await world.clock.advance(limits.sealingKeyMs)
  assert.equal(descriptors.relayed(id), null)
})

test('a descriptor of another mirror is not taken from anybody', async () => {
  const { id, other, descriptors } = await stage()
  const { descriptor } = other.mirror.identity()
  assert.throws(() => descriptors.learn(id, descriptor), /another one than the id names/)
  assert.throws(() => descriptors.learnRelayed(id, descriptor), /another one than the id names/)
  assert.equal(descriptors.known(id), null)
})
