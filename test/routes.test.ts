// The table of routes and the mirror that answers them: neither has one that the other does not, nor says other things of it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parameters } from '../src/membership/parameters.ts'
import { createMirrorAuthority } from '../src/mirror/identity.ts'
import { openLog } from '../src/mirror/log.ts'
import { createMirror, type Mirror } from '../src/mirror/mirror.ts'
import { createNetwork } from '../src/mirror/network/network.ts'
import { openPeers } from '../src/mirror/network/peers.ts'
import { openTrialMemory } from '../src/mirror/network/trials.ts'
import { createRelay } from '../src/mirror/relay.ts'
import { mirrorIdOf } from '../src/observation/fingerprint.ts'
import { openapiDocument } from '../src/protocol/openapi.ts'
import { problemCodeOf, problems } from '../src/protocol/problems.ts'
import { routeTable, type Route } from '../src/protocol/route-table.ts'
import { paths } from '../src/protocol/routes.ts'
import { nodeCrypto } from '../src/runtime/node/crypto.ts'
import { silentLog } from '../src/runtime/node/log.ts'
import type { HttpReply } from '../src/runtime/runtime.ts'
import { createMemoryStore } from '../src/store/memory/backend.ts'
import { createSeededRandom } from './support/seeded-random.ts'
import { createVirtualClock } from './support/virtual-clock.ts'
import { createWorld, scriptedProbe } from './support/world.ts'

const clock = createVirtualClock()
const mirror = await createWholeMirror()

async function createWholeMirror(): Promise<Mirror> {
  const needs = { clock, random: createSeededRandom(3), crypto: nodeCrypto, log: silentLog }
  const { network } = createWorld({
    count: 1,
    scene: { addresses: [], tlsa: [], servers: {} },
  }).runtime
  const authority = createMirrorAuthority(needs)
  const store = createMemoryStore(needs)
  const self = mirrorIdOf(nodeCrypto, authority.certificate.spki)
  const probe = scriptedProbe(clock, () => ({ addresses: [], tlsa: [], servers: {} }))
  return createMirror(needs, {
    authority,
    description: {
      addresses: [{ address: '198.18.0.1', port: 443 }],
      domain: null,
      region: null,
      contact: [],
    },
    probe,
    allowPrivate: false,
    known: () => [],
    relay: createRelay({ ...needs, network }, { self, find: () => null }),
    log: await openLog(needs, store),
    network: createNetwork(
      { ...needs, network },
      {
        self: { ip: '198.18.0.1', port: 443, id: self },
        peers: await openPeers(needs, { self, store, parameters }),
        parameters,
        probe,
        allowPrivate: false,
        trials: {
          memory: await openTrialMemory(needs.random, store),
          region: null,
          identity: () => mirror.identity(),
          nameServers: async () => null,
        },
      },
    ),
  })
}

function ask(method: string, path: string): Promise<HttpReply> {
  const question = {
    method,
    path,
    contentType: 'application/json',
    body: new Uint8Array(),
    peer: { address: '198.51.100.1', port: 40_000 },
  }
  return clock.runUntil(Promise.resolve(mirror.handle(question)))
}

/** The path with some value for each parameter, which need not be one that the mirror has an answer to. */
function examplePath(route: Route): string {
  return route.path.replace('{bucket}', '7f').replace('{id}', 'b'.repeat(43))
}

for (const route of routeTable)
  test(`${route.method} ${route.path}: an answer, or a problem that the table names`, async () => {
    const reply = await ask(route.method, examplePath(route))
    if (reply.status === route.gives.status) {
      assert.equal(reply.contentType, route.gives.body?.mediaType ?? 'text/plain')
      return
    }
    assert.equal(reply.contentType, 'application/problem+json', String(reply.body))
    const code = problemCodeOf(String(reply.body))
    assert.ok(code !== null && route.problems.includes(code), String(code))
    assert.equal(problems[code].status, reply.status)
  })

for (const [path, routes] of Map.groupBy(routeTable, (route) => route.path))
  test(`${path}: other methods are refused, and those that are taken are named`, async () => {
    const [route] = routes
    const taken = routes.map((one) => one.method)
    const others = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS'].filter(
      (method) => !taken.some((one) => one === method),
    )
    for (const method of others) {
      const reply = await ask(method, route === undefined ? path : examplePath(route))
      assert.equal(reply.status, 405, method)
      assert.deepEqual(reply.allow?.split(', ').toSorted(), taken.toSorted())
    }
  })

test('every path of the protocol is in the table', () => {
  for (const path of Object.values(paths))
    assert.ok(
      routeTable.some((route) => route.path.replace(/\{.*$/, '') === path),
      path,
    )
})

test('what is in no row is not found', async () => {
  for (const path of ['/', '/v1', '/v1/', '/v1/observe/', '/v2/observe', '/v1/lists'])
    assert.equal((await ask('GET', path)).status, 404, path)
})

test('the description names each route once, and refers to nothing that is not in it', async () => {
  const text = JSON.stringify(openapiDocument())
  const ids = [...text.matchAll(/"operationId":"(\w+)"/g)].map(([, id = '']) => id)
  assert.deepEqual(
    ids,
    routeTable.map(({ id }) => id),
  )
  const components: unknown = openapiDocument()['components']
  for (const [, group = '', name = ''] of text.matchAll(/"#\/components\/(\w+)\/([\w-]+)"/g)) {
    const all = (components as Record<string, Record<string, unknown>>)[group] ?? {}
    assert.ok(Object.hasOwn(all, name), `${group}/${name}`)
  }
  assert.equal((await ask('GET', paths.openapi)).body, text)
})
