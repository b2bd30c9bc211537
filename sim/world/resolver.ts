// The world's DNS as the production resolver's interface has it, for the parts that ask single questions.

import { limits } from '../../src/base/limits.ts'
import { sleep } from '../../src/runtime/deadline.ts'
import type { DnsAnswer } from '../../src/observation/observation.ts'
import type { Resolver } from '../../src/vantage/dns/resolver.ts'
import type { ProbeNeeds } from './probe.ts'
import type { Vantage } from './sightlines.ts'

/** Milliseconds that an answer takes. */
const answerMs = 10

/** Answers A, AAAA, TLSA and NS of the world's sites, as `vantage` is told them. */
export function createWorldResolver(needs: ProbeNeeds, vantage: Vantage): Resolver {
  return {
    query: async (name, type, signal) => {
      const service = /^_443\._tcp\.(.+)$/.exec(name)?.[1]
      const site = needs.sightlines.find(service ?? name)
      if (site !== null && site.region !== null && needs.links.trip(vantage.host, site) === null) {
        await sleep(needs.clock, limits.dnsTimeoutMs, signal)
        const error = `no answer within ${limits.dnsTimeoutMs} ms`
        return { ...answer('timeout', [], 0), ttl: null, error }
      }
      await sleep(needs.clock, answerMs, signal)
      if (site === null) return answer('nxdomain', [], noSiteTtlS)
      const view = needs.sightlines.view(vantage, site, needs.engine.monotonic())
      const records =
        type === 'TLSA' && service !== undefined
          ? view.associations
          : service !== undefined
            ? []
            : type === 'A'
              ? view.addresses
              : type === 'NS'
                ? site.nameServers
                : []
      return answer(records.length > 0 ? 'ok' : 'nodata', records, view.ttlS)
    },
  }
}

const noSiteTtlS = 60

function answer(status: DnsAnswer['status'], records: readonly string[], ttl: number): DnsAnswer {
  return { status, records, ttl, ad: false, cname: [], error: null }
}
