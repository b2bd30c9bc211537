// Every implementation of an interface runs that interface's suite.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { createEngine } from '../../sim/engine/engine.ts'
import { createWorld as createSimulatedWorld } from '../../sim/world/world.ts'
import { createMirrorAuthority } from '../../src/mirror/identity.ts'
import { serveMirror } from '../../src/mirror/serve.ts'
import { peerOf } from '../../src/protocol/peers.ts'
import { nodeClock } from '../../src/runtime/node/clock.ts'
import { nodeRuntime } from '../../src/runtime/node/runtime.ts'
import { createResolver } from '../../src/vantage/dns/resolver.ts'
import { freePort } from '../support/service.ts'
import { createMemoryStore } from '../../src/store/memory/backend.ts'
import { openSqliteStore } from '../../src/store/sqlite/backend.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'
import { createWorld } from '../support/world.ts'
import { clockContract } from './clock.ts'
import { httpsPoolContract } from './https-pool.ts'
import { mirrorStoreContract } from './mirror-store.ts'

clockContract('the real clock', () => ({ clock: nodeClock, pass: (promise) => promise }))
clockContract('the virtual clock', () => {
  const clock = createVirtualClock()
  return { clock, pass: (promise) => clock.runUntil(promise) }
})

clockContract('the simulated clock', () => {
  const engine = createEngine()
  return { clock: engine, pass: (promise) => engine.runUntil(promise) }
})

httpsPoolContract('the real network', async () => {
  const runtime = nodeRuntime()
  const served = await serveMirror(runtime, {
    authority: createMirrorAuthority(runtime),
    listen: { address: '127.0.0.1', port: 0 },
    addresses: ['127.0.0.1'],
    region: null,
    domain: null,
    contact: [],
    resolver: createResolver(runtime, { servers: [{ address: '127.0.0.1', port: 53 }] }),
    allowPrivate: true,
    known: [],
  })
  return {
    pool: (accept) => runtime.network.httpsPool({ accept }),
    mirror: peerOf(served.entry),
    nobody: peerOf({ ip: '127.0.0.1', port: await freePort(), id: 'n'.repeat(43) }),
    pass: (promise) => promise,
    stop: () => served.close(),
  }
})
httpsPoolContract('the virtual network', async () => {
  const { runtime, mirrors, clock } = createWorld({
    count: 1,
    scene: { addresses: [], tlsa: [], servers: {} },
  })
  const [one] = mirrors
  return {
    pool: (accept) => runtime.network.httpsPool({ accept }),
    mirror: peerOf(one?.entry ?? { ip: '', port: 0, id: '' }),
    nobody: peerOf({ ip: '198.51.100.200', port: 443, id: 'n'.repeat(43) }),
    pass: (promise) => clock.runUntil(promise),
    stop: async () => {},
  }
})

httpsPoolContract('the simulated network', async () => {
  const world = await createSimulatedWorld({ seed: 1, mirrors: 1 })
  const [one] = world.mirrors.entries
  const { network } = world.node('clients', { region: 'RIPE-DE' }).runtime()
  return {
    pool: (accept) => network.httpsPool({ accept }),
    mirror: peerOf(one ?? { ip: '', port: 0, id: '' }),
    nobody: peerOf({ ip: '198.51.100.200', port: 443, id: 'n'.repeat(43) }),
    pass: (promise) => world.engine.runUntil(promise),
    stop: async () => {},
  }
})

mirrorStoreContract('memory', async ({ clock, log, ...options }) =>
  createMemoryStore({ clock, log }, options),
)

let folder = ''
let stores = 0
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sightline-stores-'))
})
after(() => rm(folder, { recursive: true, force: true }))
mirrorStoreContract('SQLite', async ({ clock, log, ...options }) => {
  const needs = { clock, log, databases: nodeRuntime().databases }
  return openSqliteStore(needs, join(folder, `${++stores}.db`), options)
})
