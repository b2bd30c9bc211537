// The closed list of what `ca lint` can find: how bad it is, why it matters, and what to do.

/** A fault keeps clients away or unprotected; a warning does not yet. */
export type Severity = 'fault' | 'warning'

interface FindingKind {
  readonly severity: Severity
  /** One sentence. */
  readonly why: string
  readonly remedy: string
}

/** Every finding by its id. Ids are API: they are never reworded. */
export const findingKinds = {
  // Addresses
  'no-address': {
    severity: 'fault',
    why: 'Nobody finds the server.',
    remedy: 'publish an A or AAAA record for the host',
  },
  'address-unanswered': {
    severity: 'fault',
    why: 'Clients wait for this answer, or give up.',
    remedy: 'repair the name servers of the zone',
  },
  'address-not-looked-at': {
    severity: 'warning',
    why: 'Only some addresses are looked at in one run, and each may serve something else.',
    remedy: 'run ca lint with --connect for each of these addresses',
  },

  // Records
  'record-missing': {
    severity: 'fault',
    why: 'Without a record nobody can tell your CA from that of an attacker.',
    remedy: 'publish what `sightline ca tlsa` prints',
  },
  'record-unanswered': {
    severity: 'fault',
    why: 'Clients must take silence for an attack, since an attacker would suppress the record.',
    remedy: 'repair the name servers of the zone; some old firewalls drop TLSA questions',
  },
  'record-malformed': {
    severity: 'fault',
    why: 'A record that breaks its own form authenticates nothing.',
    remedy: 'replace it by what `sightline ca tlsa` prints',
  },
  'record-unusable': {
    severity: 'fault',
    why: 'A site without one usable record is as one without any.',
    remedy: 'publish what `sightline ca tlsa` prints',
  },
  'record-public-ca': {
    severity: 'warning',
    why: 'Usages 0 and 1 ask for the word of a public CA as well, which Sightline and most others do not take.',
    remedy: 'publish usage 2 instead of 0, and 3 instead of 1',
  },
  'record-full': {
    severity: 'warning',
    why: 'Long answers are cut off by UDP, and many clients take none.',
    remedy: 'publish the SHA-256 (matching type 1) instead of the whole key or certificate',
  },
  'record-unmatched': {
    severity: 'warning',
    why: 'Whoever holds that key can speak for the site; that is right only while a new key is announced.',
    remedy: 'remove the record when the roll-over is over, or when the key is no longer yours',
  },
  'ttl-long': {
    severity: 'warning',
    why: 'After a theft of keys the old record is believed for this long.',
    remedy: 'choose a TTL from 60 to 300 seconds',
  },

  // What the server shows
  'no-handshake': {
    severity: 'fault',
    why: 'Clients that are given this address do not reach the site.',
    remedy: 'let the server answer TLS at this address, or take the address out of DNS',
  },
  'old-protocol': {
    severity: 'warning',
    why: 'This version of TLS is broken and withdrawn (RFC 8996).',
    remedy: 'allow TLS 1.2 and 1.3 alone',
  },
  'ca-not-sent': {
    severity: 'fault',
    why: 'A record holds only the hash of the CA, so clients have no other way to its key (RFC 7671 §5.2.2).',
    remedy:
      'serve the whole chain file of `sightline ca issue`: the certificate first, the CA last',
  },
  'chain-not-authorised': {
    severity: 'fault',
    why: 'To clients this looks like an attack, and they close the connection.',
    remedy: 'serve a certificate of the CA that the record names, or publish a record for this one',
  },
  'usage-confused': {
    severity: 'fault',
    why: 'Usage 2 names a CA above the server; clients find none.',
    remedy: 'publish usage 3 for the key of a single server, or issue from a CA',
  },
  'wrong-name': {
    severity: 'fault',
    why: 'Under a CA the certificate must be for the name that clients ask for (RFC 9525).',
    remedy: 'issue a certificate with this name: `sightline ca issue NAME`',
  },
  'name-unchecked': {
    severity: 'warning',
    why: 'With usage 3 the key alone counts, but browsers and others refuse a certificate for another name.',
    remedy: 'issue a certificate with this name',
  },
  'out-of-date': {
    severity: 'fault',
    why: 'Clients refuse certificates outside of their dates.',
    remedy:
      'issue a new one with `sightline ca issue`, and check the clock of whoever issued this one',
  },
  'dates-unchecked': {
    severity: 'warning',
    why: 'With usage 3 the key alone counts, but browsers and others refuse a certificate outside of its dates.',
    remedy: 'issue a new certificate for the same key',
  },
  'expires-soon': {
    severity: 'warning',
    why: 'Two weeks are the last good time for a renewal that may go wrong at first.',
    remedy: 'issue a new one with `sightline ca issue`',
  },
  'weak-key': {
    severity: 'fault',
    why: 'Such keys can be computed by others.',
    remedy: 'make a new key: `sightline ca issue` makes P-256 ones',
  },
  'chain-disordered': {
    severity: 'warning',
    why: 'TLS 1.2 wants each certificate to be signed by the next (RFC 5246 §7.4.2), and some clients insist.',
    remedy: 'send the certificate of the server first, and then each CA above it, once',
  },
  'authorities-differ': {
    severity: 'warning',
    why: 'A record that fits one address may not fit the other.',
    remedy: 'serve all addresses under one CA, or publish records for both',
  },
} as const satisfies Readonly<Record<string, FindingKind>>

/** A stable name of one kind of finding. */
export type FindingId = keyof typeof findingKinds
