// The eyes of a mirror that lies outright: it looks at nothing and reports a world in which the attacker is the owner.

import { hex } from '../src/base/bytes.ts'
import type { Authority, Issued } from '../src/identity/issue.ts'
import type { DnsAnswer, Handshake, Resolution } from '../src/observation/observation.ts'
import type { Target } from '../src/observation/target.ts'
import type { Probe } from '../src/vantage/probe.ts'
import { world } from './world.ts'

/** What the liar pretends: that the service shows `forged`, signed by `authority`, and that the owner named that. */
export interface Invention {
  readonly forged: Issued
  readonly authority: Authority
}

const inventedAddress = '127.66.66.66'

/** A probe that invents its answers at once. */
export function inventingProbe(invention: Invention): Probe {
  const shake = (target: Target, address: string, origin: 'own' | 'asked'): Handshake => ({
    address,
    port: target.port,
    origin,
    outcome: 'completed',
    error: null,
    protocol: 'TLSv1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    group: 'X25519',
    alpn: null,
    chain: [invention.forged.certificate, invention.authority.certificate].map((certificate) => ({
      certificate: hex(world.crypto.digest('sha256', certificate.der)),
      spki: hex(world.crypto.digest('sha256', certificate.spki)),
    })),
    connectMs: 1,
    handshakeMs: 1,
  })
  const resolution = (target: Target): Resolution => ({
    a: said([inventedAddress]),
    aaaa: said([]),
    authority: {
      ...said([`2 1 1 ${hex(invention.authority.spkiHash)}`]),
      origin: 'service',
      owner: `_${target.port}._tcp.${target.host}`,
      base: target.host,
    },
  })
  return {
    resolve: async (target) => ({ dns: resolution(target), at: world.clock.now(), dnsMs: 1 }),
    look: async ({ target }) => ({
      sight: {
        target: target.text,
        at: world.clock.now(),
        dns: resolution(target),
        handshakes: [shake(target, inventedAddress, 'own')],
        dnsMs: 1,
      },
      chains: new Map(),
    }),
    shake: async (target, addresses) => ({
      handshakes: addresses.map(({ address, origin }) => shake(target, address, origin)),
      chains: new Map(),
    }),
  }
}

function said(records: readonly string[]): DnsAnswer {
  const status = records.length > 0 ? 'ok' : 'nodata'
  return { status, records, ttl: 60, ad: false, cname: [], error: null }
}
