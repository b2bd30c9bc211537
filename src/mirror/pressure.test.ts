// Floods: what one network, or one address that is asked about, can take from the others.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createVirtualClock } from '../../test/support/virtual-clock.ts'
import { limits } from '../base/limits.ts'
import { NetworkError, type Connection } from '../runtime/runtime.ts'
import { createAdmission, networkOf, type Place } from './admission.ts'
import { halfOfThePace, pacedConnect } from './pace.ts'
import { readQuestion, readTarget } from './questions.ts'

const victim = { address: '203.0.113.1', port: 443 }
const { signal: never } = new AbortController()

function pace() {
  const clock = createVirtualClock()
  const times: number[] = []
  const connect = pacedConnect(
    clock,
    {
      connect: async () => {
        times.push(clock.monotonic())
        return {} as Connection
      },
    },
    halfOfThePace,
  )
  return { clock, times, connect }
}

test('an address is connected to no more often than its pace, after two at once', async () => {
  const { clock, times, connect } = pace()
  const all = [1, 2, 3, 4].map(() => connect(victim, never))
  await clock.runUntil(Promise.all(all))
  assert.deepEqual(times, [0, 0, 1_000, 2_000])
})

test('a burst does not blind a vantage to an address: who waits too long is told, who gives up gives back', async () => {
  const { clock, connect } = pace()
  const burst = Array.from({ length: 400 }, () => {
    const controller = new AbortController()
    clock.after(500, () => controller.abort(new NetworkError('aborted', 'enough')))
    return connect(victim, controller.signal).then(
      () => 'connected',
      (error: unknown) => (error as NetworkError).message,
    )
  })
  const said = await clock.runUntil(Promise.all(burst))
  assert.ok(said.filter((one) => /too often/.test(one)).length > 390)
  await clock.advance(1_000)
  const late = connect(victim, never)
  let isConnected = false
  void late.then(() => (isConnected = true))
  await clock.advance(1_000)
  assert.equal(isConnected, true)
})

test('addresses do not wait for each other', async () => {
  const { clock, connect } = pace()
  const flood = Array.from({ length: 5 }, () => connect(victim, never).catch(() => null))
  await clock.runUntil(connect({ address: '203.0.113.2', port: 443 }, never))
  assert.equal(clock.monotonic(), 0)
  await clock.runUntil(Promise.all(flood))
})

test('one network cannot fill the waiting room: others still come in, in turn', async () => {
  const clock = createVirtualClock()
  const admission = createAdmission(clock)
  const flood = Array.from({ length: 5_000 }, () =>
    admission.enter({ network: 'flood', domain: 'flood.example' }),
  )
  const place: Place | null = await clock.runUntil(
    admission.enter({ network: 'other', domain: 'good.example' }),
  )
  assert.ok(place !== null)
  place.leave()
  const places = await clock.runUntil(Promise.all(flood))
  assert.ok(places.filter((one) => one === null).length > 4_000)
})

test('a place that is left is taken by the next, and leaving twice frees one', async () => {
  const clock = createVirtualClock()
  const admission = createAdmission(clock)
  const enter = (i: number): Promise<Place | null> =>
    admission.enter({ network: `n${i}`, domain: `d${i}.example` })
  const first = await Promise.all(Array.from({ length: limits.outstandingMax }, (_, i) => enter(i)))
  const waiting = [enter(1_000_000), enter(1_000_001)]
  first[0]?.leave()
  first[0]?.leave()
  assert.ok((await clock.runUntil(Promise.race(waiting))) !== null)
  const [, second] = await clock.runUntil(Promise.all(waiting))
  assert.equal(second, null)
})

test('networks are /24 and /56', () => {
  assert.equal(networkOf('192.0.2.1'), networkOf('192.0.2.254'))
  assert.notEqual(networkOf('192.0.2.1'), networkOf('192.0.3.1'))
  assert.equal(networkOf('2001:db8:0:aa01::1'), networkOf('2001:db8:0:aaff::1'))
  assert.notEqual(networkOf('2001:db8:0:aa01::1'), networkOf('2001:db8:0:bb01::1'))
  assert.equal(networkOf('::ffff:192.0.2.1'), networkOf('192.0.2.9'))
})

test('one address in several spellings is asked for once', () => {
  const asked = ['2606:4700::1', '2606:4700:0::1', '2606:4700:0:0::1', '2606:4700::0001']
  const body = { target: 'https://www.example.com', nonce: 'a'.repeat(22), asked }
  const read = readQuestion(
    {
      method: 'POST',
      path: '/v1/observe',
      contentType: 'application/json',
      body: new TextEncoder().encode(JSON.stringify(body)),
      peer: { address: '192.0.2.1', port: 1 },
    },
    readTarget,
  )
  assert.ok('asked' in read)
  assert.deepEqual(read.asked.asked, ['2606:4700::1'])
})
