// A process that holds a mirror with many cached names, and says what they take. Run with `--expose-gc`.

import { createMirror } from '../../src/mirror/mirror.ts'
import { createMirrorAuthority } from '../../src/mirror/identity.ts'
import { nodeClock } from '../../src/runtime/node/clock.ts'
import { nodeCrypto } from '../../src/runtime/node/crypto.ts'
import { nodeRandom } from '../../src/runtime/node/random.ts'
import { sightOf } from './sight.ts'

/** What this process prints: bytes after a full garbage collection, with no name and with all. */
export interface MemoryReport {
  readonly names: number
  readonly empty: { readonly resident: number; readonly heap: number }
  readonly full: { readonly resident: number; readonly heap: number }
}

function measure(): MemoryReport['empty'] {
  globalThis.gc?.()
  const { rss, heapUsed } = process.memoryUsage()
  return { resident: rss, heap: heapUsed }
}

const names = Number(process.argv[2] ?? 100_000)
const log = { info: () => {}, warn: () => {} }
const needs = { clock: nodeClock, random: nodeRandom, crypto: nodeCrypto, log }
// All is the mirror's own but the look itself: a hundred thousand real ones would take minutes.
const mirror = createMirror(needs, {
  authority: createMirrorAuthority(needs),
  description: {
    addresses: [{ address: '127.0.0.1', port: 443 }],
    domain: null,
    region: 'RIPE',
    contact: [],
  },
  probe: {
    look: async ({ target }) => ({
      sight: sightOf(target.text, nodeClock.now()),
      chains: new Map(),
    }),
    shake: async () => ({ handshakes: [], chains: new Map() }),
    resolve: async (target) => sightOf(target.text, nodeClock.now()),
  },
  allowPrivate: true,
  known: () => [],
})
const empty = measure()
for (let i = 1; i <= names; i++) {
  // Each name is a domain of its own, so that none waits for the pace that a mirror keeps for one domain.
  const path = `/v1/observe?target=${encodeURIComponent(`https://n${i}.test`)}`
  const peer = { address: '127.0.0.1', port: 1 }
  await mirror.handle({ method: 'GET', path, contentType: '', body: new Uint8Array(), peer })
}
if (mirror.cached() !== names)
  throw new Error(`the mirror holds ${mirror.cached()} names of ${names}`)
const report: MemoryReport = { names, empty, full: measure() }
process.stdout.write(`ready ${JSON.stringify(report)}\n`)
