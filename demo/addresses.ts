// The address plan of the small Internet. All of it is 127.0.0.0/8 (RFC 1122 §3.2.1.3), which Linux answers for without any set-up.

/** Where the one authoritative DNS server stands. */
export const authorityAddress = '127.0.53.1'

/** Hands out the addresses, each once. */
export interface AddressPlan {
  /** Of the DNS resolver of a home connection. */
  home(): string
  /** Of a mirror and of its resolver, in a /16 of their own: mirrors of one network are drawn from different ones. */
  mirror(): { readonly address: string; readonly resolver: string }
  /** Of a service, with as many addresses as asked for. */
  service(count: number): readonly string[]
  attacker(): string
}

/** A plan from which nothing has been handed out. */
export function createAddressPlan(): AddressPlan {
  const counters = { home: 0, mirror: 0, service: 0, attacker: 0 }
  const next = (kind: keyof typeof counters): number => {
    counters[kind] += 1
    if (counters[kind] > 45) throw new Error(`the address plan has no room for another ${kind}`)
    return counters[kind]
  }
  return {
    home: () => `127.1.${next('home')}.53`,
    mirror: () => {
      const network = 16 + next('mirror')
      return { address: `127.${network}.0.1`, resolver: `127.${network}.0.53` }
    },
    service: (count) => {
      const network = next('service')
      return Array.from({ length: count }, (_, i) => `127.100.${network}.${i + 1}`)
    },
    attacker: () => `127.66.${next('attacker')}.1`,
  }
}
