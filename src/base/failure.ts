// The closed catalogue of what we refuse or cannot do. What the world does is data, not a Failure.

/** Every failure code with the values that its message quotes. Codes are API: they are never reworded. */
export interface FailureDetails {
  /** The person asked for something that makes no sense. */
  usage: { action: string; what: string; hint?: string }
  'target-malformed': { target: string; why: string }
  'target-unsupported': { target: string; scheme: string }
  'address-malformed': { text: string; why: string }
  'association-malformed': { text: string; why: string }
  'certificate-malformed': { why: string }
  'certificate-unusable': { why: string }
  'key-malformed': { why: string }
  'file-exists': { path: string }
  'file-missing': { path: string; what: string }
  'file-malformed': { path: string; why: string }
  'file-failed': { path: string; action: string; why: string }
  'file-exposed': { path: string; mode: number; needed: number }
  'authority-missing': { directory: string }
  'policy-malformed': { path: string; why: string }
  'bootstrap-malformed': { source: string; why: string }
  'bootstrap-private': { source: string; ip: string }
  'bootstrap-unvouched': { source: string; vendor: string | null }
  'vendor-unreached': { url: string; why: string }
  'list-undecided': { why: string }
  'store-malformed': { url: string; why: string }
  'store-busy': { path: string }
  'store-damaged': { path: string; where: string; why: string }
  'store-newer': { path: string; schema: number; ours: number }
  'store-foreign': { path: string; owner: string; self: string }
  'store-refused': { shelf: string; key: string; why: string }
  'store-failed': { path: string; action: string; why: string }
  'listen-failed': { endpoint: string; why: string }
  'resolver-missing': { why: string }
  'statement-rejected': { kind: string; why: string }
  'mirror-rejected': { mirror: string; why: string }
  'relay-failed': { mirror: string; relay: string | null; why: string }
  'dns-update-failed': { server: string; why: string; advice: string | null }
  'name-malformed': { name: string; why: string }
  'name-refused': { name: string; why: string }
  'program-failed': { action: string; why: string }
}

/** A stable name of one kind of failure. */
export type FailureCode = keyof FailureDetails

type Entry<C extends FailureCode> = {
  /** `usage`: the caller must change the call. `own`: our disk, network or set-up failed. */
  readonly blame: 'usage' | 'own'
  readonly message: (details: FailureDetails[C]) => string
  readonly hint?: (details: FailureDetails[C]) => string | undefined
}

const catalogue: { readonly [C in FailureCode]: Entry<C> } = {
  usage: { blame: 'usage', message: (d) => `${d.action}: ${d.what}`, hint: (d) => d.hint },
  'target-malformed': {
    blame: 'usage',
    message: (d) => `read target ${quote(d.target)}: ${d.why}`,
    hint: () => 'write a target as host, host:port, https://host[:port] or tls://host:port',
  },
  'target-unsupported': {
    blame: 'usage',
    message: (d) =>
      `look at ${quote(d.target)}: the handshake behind ${quote(d.scheme)} is not supported yet`,
    hint: () => 'use https:// or tls://host:port for services that speak TLS from the first byte',
  },
  'address-malformed': {
    blame: 'usage',
    message: (d) => `read address ${quote(d.text)}: ${d.why}`,
  },
  'association-malformed': {
    blame: 'usage',
    message: (d) => `read TLSA record ${quote(d.text)}: ${d.why}`,
    hint: () => 'a TLSA record is written as usage selector matching-type hex, such as 2 1 1 6b86…',
  },
  'certificate-malformed': { blame: 'usage', message: (d) => `read certificate: ${d.why}` },
  'certificate-unusable': { blame: 'usage', message: (d) => `use certificate: ${d.why}` },
  'key-malformed': { blame: 'usage', message: (d) => `read key: ${d.why}` },
  'file-exists': {
    blame: 'usage',
    message: (d) => `write ${quote(d.path)}: the file exists already`,
    hint: () => 'nothing was overwritten; move the old file away or choose another place',
  },
  'file-missing': {
    blame: 'usage',
    message: (d) => `read ${d.what} ${quote(d.path)}: there is no such file`,
  },
  'file-malformed': { blame: 'usage', message: (d) => `read ${quote(d.path)}: ${d.why}` },
  'file-failed': { blame: 'own', message: (d) => `${d.action} ${quote(d.path)}: ${d.why}` },
  'file-exposed': {
    blame: 'usage',
    message: (d) =>
      `use ${quote(d.path)}: its permissions, ${d.mode.toString(8)}, are open to other users`,
    hint: (d) => `close it with: chmod ${d.needed.toString(8)} ${d.path}`,
  },
  'authority-missing': {
    blame: 'usage',
    message: (d) => `use the CA in ${quote(d.directory)}: there is none`,
    hint: () => 'make one with `sightline ca init`, or name its folder with --ca DIR',
  },
  'policy-malformed': { blame: 'usage', message: (d) => `read policy ${quote(d.path)}: ${d.why}` },
  'bootstrap-malformed': {
    blame: 'usage',
    message: (d) => `read bootstrap ${quote(d.source)}: ${d.why}`,
  },
  'bootstrap-unvouched': {
    blame: 'usage',
    message: (d) =>
      `believe bootstrap ${quote(d.source)}: it is ${d.vendor === null ? 'not signed' : `signed under the CA sha256:${d.vendor}`}, and only the vendors named are believed`,
    hint: () => 'get the file from a vendor that you named with --vendor, or name its CA',
  },
  'bootstrap-private': {
    blame: 'usage',
    message: (d) => `read bootstrap ${quote(d.source)}: ${d.ip} is not a public address`,
    hint: () => '--allow-private takes such mirrors, for test networks',
  },
  'vendor-unreached': {
    blame: 'own',
    message: (d) => `fetch bootstrap ${quote(d.url)}: ${d.why}`,
    hint: () => 'a bootstrap file from elsewhere serves as well: give it with --bootstrap FILE',
  },
  'store-malformed': {
    blame: 'usage',
    message: (d) => `read store ${quote(d.url)}: ${d.why}`,
    hint: () => 'write sqlite:PATH, or memory: to keep nothing',
  },
  'store-busy': {
    blame: 'usage',
    message: (d) => `open store ${quote(d.path)}: another process has it open`,
    hint: () => 'stop the other process, or give this one a store of its own',
  },
  'store-damaged': {
    blame: 'own',
    message: (d) => `read store ${quote(d.path)}: ${d.where} is damaged: ${d.why}`,
  },
  'store-newer': {
    blame: 'usage',
    message: (d) =>
      `open store ${quote(d.path)}: its schema is number ${d.schema}, this version knows up to ${d.ours}`,
    hint: () => 'use the version that wrote it, or a newer one',
  },
  'store-foreign': {
    blame: 'usage',
    message: (d) =>
      `open store ${quote(d.path)}: it is the memory of mirror ${d.owner}, and this is ${d.self}`,
    hint: () => 'give each mirror a store of its own, kept beside its CA',
  },
  'store-refused': {
    blame: 'own',
    message: (d) => `keep ${quote(d.key)} in ${d.shelf}: ${d.why}`,
  },
  'store-failed': {
    blame: 'own',
    message: (d) => `${d.action} store ${quote(d.path)}: ${d.why}`,
  },
  'list-undecided': {
    blame: 'own',
    message: (d) => `agree on a list of mirrors: ${d.why}`,
    hint: () => '--lists-min N and --regions-min N lower what is needed, for small networks',
  },
  'listen-failed': { blame: 'own', message: (d) => `listen on ${quote(d.endpoint)}: ${d.why}` },
  'resolver-missing': {
    blame: 'own',
    message: (d) => `find a DNS resolver: ${d.why}`,
    hint: () => 'name one with --resolver IP[:PORT]',
  },
  'statement-rejected': { blame: 'own', message: (d) => `verify ${d.kind}: ${d.why}` },
  'mirror-rejected': { blame: 'own', message: (d) => `accept mirror ${quote(d.mirror)}: ${d.why}` },
  'relay-failed': {
    blame: 'own',
    message: (d) =>
      `ask mirror ${quote(d.mirror)} through ${d.relay === null ? 'a relay' : `relay ${d.relay}`}: ${d.why}`,
  },
  'dns-update-failed': {
    blame: 'own',
    message: (d) => `update DNS at ${quote(d.server)}: ${d.why}`,
    hint: (d) => d.advice ?? undefined,
  },
  'name-malformed': { blame: 'usage', message: (d) => `read name ${quote(d.name)}: ${d.why}` },
  'name-refused': { blame: 'usage', message: (d) => `issue for ${quote(d.name)}: ${d.why}` },
  'program-failed': { blame: 'own', message: (d) => `${d.action}: ${d.why}` },
}

const brand = Symbol.for('sightline.failure')

/**
 * A request that we cannot honour. Match on `code`; `details` holds the values, `hint` says what to do
 * where we know it. Works across two copies of the package (`Failure.is`).
 */
export class Failure<C extends FailureCode = FailureCode> extends Error {
  readonly code: C
  readonly details: FailureDetails[C]
  readonly hint: string | null
  readonly blame: 'usage' | 'own'

  constructor(code: C, details: FailureDetails[C], options?: { readonly cause?: unknown }) {
    const entry: Entry<C> = catalogue[code]
    super(entry.message(details), options)
    this.name = 'Failure'
    this.code = code
    this.details = details
    this.hint = entry.hint?.(details) ?? null
    this.blame = entry.blame
    Object.defineProperty(this, brand, { value: true })
  }

  /** True when `value` is a Failure, of any copy of the package. */
  static is(value: unknown): value is Failure {
    return typeof value === 'object' && value !== null && brand in value
  }
}

/** All failure codes, for documents and tests. */
export const failureCodes = Object.keys(catalogue) as readonly FailureCode[]

/** `text` in quotes, control characters escaped and the length bounded, so that hostile values stay one short line. */
export function quote(text: string): string {
  const short = text.length > 120 ? `${text.slice(0, 117)}...` : text
  return JSON.stringify(short)
}
