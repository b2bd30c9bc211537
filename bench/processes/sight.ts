// One look at one site as a vantage sees it, for the parts of a bench that measure a mirror without a network.

import type { Sight } from '../../src/observation/observation.ts'

/**
 * What a vantage sees of `target`: one address, no IPv6, one TLSA record, one handshake with a chain of two.
 * Nothing is shared between two sights, as nothing is when they come from the wire.
 */
export function sightOf(target: string, now: number): Sight {
  const name = target.replace(/^https:\/\//, '')
  // By way of JSON, so that no string is one object for all sights.
  return JSON.parse(
    JSON.stringify({
      target,
      at: now,
      dns: {
        a: { ...answered, records: ['127.1.0.1'] },
        aaaa: { ...answered, status: 'nodata' },
        authority: {
          ...answered,
          records: [`2 1 1 ${'5a'.repeat(32)}`],
          origin: 'service',
          owner: `_443._tcp.${name}`,
          base: name,
        },
      },
      handshakes: [
        {
          address: '127.1.0.1',
          port: 443,
          origin: 'own',
          outcome: 'completed',
          error: null,
          protocol: 'TLSv1.3',
          cipher: 'TLS_AES_256_GCM_SHA384',
          group: 'X25519MLKEM768',
          alpn: 'http/1.1',
          chain: [link, link],
          connectMs: 1.234,
          handshakeMs: 5.678,
        },
      ],
      dnsMs: 2.345,
    } satisfies Sight),
  ) as Sight
}

const answered = { status: 'ok', records: [], ttl: 60, ad: false, cname: [], error: null } as const
const link = { certificate: 'a5'.repeat(32), spki: 'c3'.repeat(32) }
