// The simulated network: distance, cuts, loss, silence, and the end of processes in the middle of what they do.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sleep } from '../../src/runtime/deadline.ts'
import { mirrorPool, peerOf } from '../../src/protocol/peers.ts'
import { paths } from '../../src/protocol/routes.ts'
import { NetworkError, type HttpsRequest, type HttpsResponse } from '../../src/runtime/runtime.ts'
import { oneWayMs } from '../../sim/engine/places.ts'
import { createWorld, type World } from '../../sim/world/world.ts'
import type { SimMirror } from '../../sim/world/mirrors.ts'

const places = ['RIPE-DE', 'APNIC-JP', 'ARIN-US']

async function stage(): Promise<{
  readonly world: World
  readonly near: SimMirror
  readonly far: SimMirror
  readonly ask: (mirror: SimMirror, signal?: AbortSignal) => Promise<HttpsResponse>
}> {
  const world = await createWorld({ seed: 1, mirrors: 3, places })
  const [near, far] = world.mirrors.all
  assert.ok(near !== undefined && far !== undefined)
  const runtime = world.node('clients', { region: 'RIPE-FR' }).runtime()
  const pool = mirrorPool(runtime)
  const ping = { method: 'GET', path: paths.ping, bytesMax: 1_000 } as const
  const ask = (mirror: SimMirror, signal?: AbortSignal): Promise<HttpsResponse> => {
    const request: HttpsRequest = { ...ping, signal: signal ?? new AbortController().signal }
    return pool.request(peerOf(mirror.entry), request)
  }
  return { world, near, far, ask }
}

function failsWith(code: string): (error: unknown) => boolean {
  return (error) => error instanceof NetworkError && error.code === code
}

test('a cold connection takes two round trips more, a warm one is kept for minutes', async () => {
  const { world, far, ask } = await stage()
  const { engine } = world
  const took = async (): Promise<number> => {
    const started = engine.monotonic()
    await engine.runUntil(ask(far))
    return engine.monotonic() - started
  }
  const roundTrip = 2 * oneWayMs('RIPE-FR', 'APNIC-JP')
  const [cold, warm] = [await took(), await took()]
  assert.ok(cold > 3 * roundTrip && cold < 4 * roundTrip, `${cold}`)
  assert.ok(warm > roundTrip && warm < 1.4 * roundTrip, `${warm}`)
  await engine.advance(400_000)
  assert.ok((await took()) > 3 * roundTrip, 'after minutes it is cold again')
})

test('a cut lets questions hang until they are given up, and mends', async () => {
  const { world, near, far, ask } = await stage()
  const { engine } = world
  await engine.runUntil(ask(far))
  const mend = world.partition('APNIC')
  const patience = new AbortController()
  world.engine.after(700, () => patience.abort(new NetworkError('timeout', 'out of patience')))
  await assert.rejects(engine.runUntil(ask(far, patience.signal)), /out of patience/)
  assert.equal((await engine.runUntil(ask(near))).status, 204)
  await assert.rejects(engine.runUntil(ask(far)), failsWith('timeout'), 'a new connection')
  mend()
  assert.equal((await engine.runUntil(ask(far))).status, 204)
})

test('lost packets are sent again: later, but whole', async () => {
  const { world, near, ask } = await stage()
  world.links.lose(0.5)
  const times: number[] = []
  for (let i = 0; i < 20; i++) {
    const started = world.engine.monotonic()
    const { status } = await world.engine.runUntil(ask(near))
    assert.equal(status, 204)
    times.push(world.engine.monotonic() - started)
  }
  assert.ok(Math.max(...times) > 1_000)
})

test('a silent host takes connections that were warm, and answers nothing', async () => {
  const { world, near, ask } = await stage()
  await world.engine.runUntil(ask(near))
  near.isSilent(true)
  await assert.rejects(world.engine.runUntil(ask(near)), failsWith('timeout'))
  near.isSilent(false)
  assert.equal((await world.engine.runUntil(ask(near))).status, 204)
})

test('a process that ends resets what it had, refuses what comes, and is another after its return', async () => {
  const { world, near, ask } = await stage()
  const { engine } = world
  await engine.runUntil(ask(near))
  const asking = ask(near)
  asking.catch(() => {})
  near.crashes()
  await assert.rejects(engine.runUntil(asking), failsWith('reset'))
  await assert.rejects(engine.runUntil(ask(near)), failsWith('refused'))
  const before = near.entry.id
  await engine.runUntil(near.returns())
  assert.equal((await engine.runUntil(ask(near))).status, 204)
  assert.equal(near.served().entry.id, before, 'its CA is on its disk')
})

test('nothing of a process goes on after its end: no timer, no promise, no answer', async () => {
  const { world, near } = await stage()
  const node = world.node('clients', { region: 'RIPE-FR' })
  const runtime = node.runtime()
  const seen: string[] = []
  const work = async (): Promise<void> => {
    await sleep(runtime.clock, 10)
    seen.push('before')
    await runtime.files.write('memory', 'kept', { mode: 0o600, exclusive: true })
    const pool = mirrorPool(runtime)
    const signal = new AbortController().signal
    await pool.request(peerOf(near.entry), {
      method: 'GET',
      path: paths.ping,
      bytesMax: 10,
      signal,
    })
    seen.push('after')
  }
  void work()
  world.engine.after(20, () => node.crash())
  await world.engine.advance(60_000)
  assert.deepEqual(seen, ['before'])
  const kept = await node.runtime().files.read('memory', 'memory')
  assert.equal(new TextDecoder().decode(kept), 'kept', 'the disk is there for the next process')
})

test('a database outlives the process that opened it', async () => {
  const { world } = await stage()
  const node = world.node('clients', { region: 'RIPE-FR' })
  const database = node.runtime().databases.open('store', { exclusive: true })
  database.run('CREATE TABLE t (x INTEGER)')
  database.transaction(() => database.run('INSERT INTO t VALUES (?)', [7]))
  assert.throws(() =>
    database.transaction(() => {
      database.run('INSERT INTO t VALUES (?)', [8])
      throw new Error('in the middle')
    }),
  )
  database.close()
  node.crash()
  const again = node.runtime().databases.open('store', { exclusive: true })
  assert.deepEqual(
    again.all('SELECT x FROM t').map((row) => row['x']),
    [7],
  )
})

test('traffic is counted on both sides', async () => {
  const { world, near, ask } = await stage()
  const before = { ...near.node.host.traffic }
  await world.engine.runUntil(ask(near))
  const { sent, received, receivedBytes } = near.node.host.traffic
  assert.equal(sent - before.sent, 1)
  assert.equal(received - before.received, 1)
  assert.equal(receivedBytes - before.receivedBytes, paths.ping.length)
})
