import assert from 'node:assert/strict'
import { Resolver } from 'node:dns'
import test from 'node:test'
import { Failure } from '../../base/failure.ts'
import { systemResolvers } from './system-resolvers.ts'

test('servers are read with their ports and brackets, in the order given', () => {
  const resolver = new Resolver()
  resolver.setServers(['192.0.2.1', '192.0.2.2:5353', '2001:db8::1', '[2001:db8::2]:5353'])
  assert.deepEqual(
    systemResolvers(() => resolver.getServers()),
    [
      { address: '192.0.2.1', port: 53 },
      { address: '192.0.2.2', port: 5353 },
      { address: '2001:db8::1', port: 53 },
      { address: '2001:db8::2', port: 5353 },
    ],
  )
})

test('a system without any is told so, with what to do', () => {
  assert.throws(
    () => systemResolvers(() => []),
    (error) =>
      Failure.is(error) && error.code === 'resolver-missing' && /--resolver/.test(error.hint ?? ''),
  )
})

test('what this system says is read whole', () => {
  for (const { address, port } of systemResolvers()) {
    assert.notEqual(address, '')
    assert.ok(port > 0)
  }
})
