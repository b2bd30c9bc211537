// What one vantage saw of one target at one time: the one data shape that is signed, sent, compared and kept.

/** One TLSA record in its canonical text: `usage selector matching-type lower-case-hex` (RFC 6698 §2.2). */
export type AssociationText = string

/** How a DNS question ended. `ok` has records; `nodata` and `nxdomain` are answers; the rest are non-answers. */
export type DnsStatus =
  | 'ok'
  | 'nodata'
  | 'nxdomain'
  | 'servfail'
  | 'refused'
  | 'timeout'
  | 'malformed'
  | 'unreachable'

/** What DNS said to one question. */
export interface DnsAnswer {
  readonly status: DnsStatus
  /** Addresses in canonical text, or associations; in the order received. */
  readonly records: readonly string[]
  /** The smallest TTL on the way to the records, in seconds; null without an answer. */
  readonly ttl: number | null
  /** The resolver's claim that it validated DNSSEC: information, never needed and never enough. */
  readonly ad: boolean
  /** Names that the question's name leads to, in order, without itself. */
  readonly cname: readonly string[]
  /** For people, when there is no answer. */
  readonly error: string | null
}

/** Where the owner's statement about its keys was found (protocol §1). */
export type AuthorityOrigin =
  /** `_port._tcp.name` */
  | 'service'
  /** `_port._tcp.` of the name that the host is an alias of */
  | 'expanded'
  /** `_ca.` of the name or of an ancestor */
  | 'inherited'

/** The TLSA records that speak for the target, after aliases and climbing. */
export interface Authority extends DnsAnswer {
  readonly origin: AuthorityOrigin
  /** The name that was asked, before its own aliases. */
  readonly owner: string
  /** RFC 7671 §7: the base domain of the records; a certificate may be for this name or the target's. */
  readonly base: string
}

export interface Resolution {
  readonly a: DnsAnswer
  readonly aaaa: DnsAnswer
  readonly authority: Authority
}

export type HandshakeOutcome =
  /** TLS was settled and the chain received. */
  | 'completed'
  /** The network or TLS failed; `error` says how. */
  | 'failed'
  /** This vantage does not connect to such an address (RFC 6890). */
  | 'refused-address'
  /** This vantage does not know the way to TLS behind this scheme. */
  | 'unsupported'

/** SHA-256 in lower-case hexadecimal of one certificate as sent. */
export interface ChainLink {
  readonly certificate: string
  readonly spki: string
}

/** One handshake with one address. */
export interface Handshake {
  readonly address: string
  readonly port: number
  /** `own`: this vantage's own resolution named the address. `asked`: the asker did. */
  readonly origin: 'own' | 'asked'
  readonly outcome: HandshakeOutcome
  readonly error: { readonly code: string; readonly text: string } | null
  readonly protocol: string | null
  readonly cipher: string | null
  readonly group: string | null
  readonly alpn: string | null
  /** As sent, leaf first. */
  readonly chain: readonly ChainLink[]
  readonly connectMs: number | null
  readonly handshakeMs: number | null
}

/** What one vantage saw: before it is signed, or as the client's own look. */
export interface Sight {
  /** Canonical text of the target. */
  readonly target: string
  /** When the DNS data was obtained, ms since 1970 UTC. */
  readonly at: number
  readonly dns: Resolution
  readonly handshakes: readonly Handshake[]
  readonly dnsMs: number
}

/** `answered`: a sight follows. `busy`: no place in time. `refused`: this vantage does not look at such targets. */
export type ObservationStatus = 'answered' | 'busy' | 'refused'

/** The signed statement of a vantage (typ `smn-obs+jws`, protocol §5). */
export interface Observation {
  readonly v: 1
  /** Id of the vantage: base64url SHA-256 of its CA's SPKI. */
  readonly iss: string
  readonly target: string
  /** The asker's 16 random bytes in base64url, or null in the shared, cacheable variant. */
  readonly nonce: string | null
  /** When the statement was made, ms since 1970 UTC. */
  readonly sent: number
  /** Until when it may be used. */
  readonly exp: number
  readonly status: ObservationStatus
  /** Why not, and when to ask again, unless answered. */
  readonly excuse: {
    readonly code: string
    readonly text: string
    readonly retryAfterMs: number | null
  } | null
  readonly source: 'fresh' | 'cache'
  /**
   * 16 random bytes in base64url that hide the sight among the leaves of the vantage's log (`leafOf`); absent where
   * it keeps none.
   */
  readonly salt?: string
  /** Null unless answered. */
  readonly sight: Omit<Sight, 'target'> | null
}

declare const verified: unique symbol
/** A statement whose signature, binding and freshness have been checked; made by the `verify…` functions alone. */
export type Verified<T> = T & { readonly [verified]: true }
