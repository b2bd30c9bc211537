// A process that is the sites of a bench: one TLS service at many loopback addresses, under a CA of its own.

import { serveSite } from '../../demo/site.ts'
import { hex } from '../../src/base/bytes.ts'
import { createAuthority, issueServer } from '../../src/identity/issue.ts'
import { nodeClock } from '../../src/runtime/node/clock.ts'
import { nodeCrypto } from '../../src/runtime/node/crypto.ts'
import { nodeRandom } from '../../src/runtime/node/random.ts'

/** Where the sites are. */
export interface Sites {
  readonly addresses: readonly string[]
  /** What their certificate is for, such as `*.bench.test`. */
  readonly names: readonly string[]
}

const { addresses, names } = JSON.parse(process.argv[2] ?? '{}') as Sites
const needs = { clock: nodeClock, random: nodeRandom, crypto: nodeCrypto }
const authority = createAuthority(needs, { name: 'Bench' })
const { keyPem, chainPem } = issueServer(needs, authority, { names })
const site = await serveSite({
  credentials: Object.fromEntries(addresses.map((address) => [address, { keyPem, chainPem }])),
  page: 'bench',
})
const caSpki = hex(authority.spkiHash)
process.stdout.write(`ready ${JSON.stringify({ port: site.port, caSpki })}\n`)
