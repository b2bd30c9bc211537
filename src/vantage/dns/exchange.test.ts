import assert from 'node:assert/strict'
import test from 'node:test'
import { connect } from '../../runtime/node/connection.ts'
import { openUdp } from '../../runtime/node/udp.ts'
import { NetworkError } from '../../runtime/runtime.ts'
import { startHostileDnsServer } from '../../../test/support/dns-server.ts'
import { createSeededRandom } from '../../../test/support/seeded-random.ts'
import { exchange } from './exchange.ts'

for (const transport of ['udp', 'tcp'] as const)
  test(`an exchange by ${transport} ends with the reason of its signal, whatever that is`, async (context) => {
    const server = await startHostileDnsServer(() => {})
    context.after(() => server.close())
    const needs = { random: createSeededRandom(5), network: { udp: openUdp, connect } }
    const asking = { server: server.endpoint, name: 'a.test', type: 'A', transport } as const
    const reasons = [new NetworkError('timeout', 'too late'), new Error('no longer wanted')]
    for (const [i, reason] of reasons.entries()) {
      const asker = new AbortController()
      const asked = exchange(needs, asking, asker.signal)
      await server.received(i + 1)
      asker.abort(reason)
      await assert.rejects(asked, (error) => error === reason)
    }
    await server.idle()
  })
