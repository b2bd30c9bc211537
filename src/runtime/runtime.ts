// The one seam to the world: what the rooms above may ask of time, chance, network, keys and files.

/** Time. The node implementation is real; the simulator's runs as fast as it can. */
export interface Clock {
  /** Wall time in milliseconds since 1970 UTC. Not monotonic: never for durations. */
  now(): number
  /** Monotonic milliseconds, with fractions, from an arbitrary start. Never for dates. */
  monotonic(): number
  /** Runs `run` once after `ms`; the result cancels it. */
  after(ms: number, run: () => void): () => void
}

/** Chance, unpredictable in production and seeded in tests. */
export interface Random {
  bytes(length: number): Uint8Array
}

export type DigestName = 'sha256' | 'sha512'
export type HmacName = 'sha256' | 'sha384' | 'sha512'
export type SignatureName = 'Ed25519' | 'ES256'

/** A public key as its DER SubjectPublicKeyInfo, and the one algorithm that it may be used with. */
export interface PublicKey {
  readonly algorithm: SignatureName
  readonly spki: Uint8Array
}

/** A private key that can sign and never leaves the seam. */
export interface SigningKey {
  readonly publicKey: PublicKey
  /** The signature over `data`: 64 bytes (Ed25519, or ES256 as r‖s per RFC 7518 §3.4). */
  sign(data: Uint8Array): Uint8Array
}

/** Name constraints of a CA certificate (RFC 5280 §4.2.1.10), only the forms that a server name can meet. */
export interface NameConstraints {
  readonly permittedDns: readonly string[]
  readonly excludedDns: readonly string[]
  /** Address and mask, 8 or 32 bytes each, as in the certificate. */
  readonly permittedIp: readonly Uint8Array[]
  readonly excludedIp: readonly Uint8Array[]
  /** True when it holds permitted or excluded subtrees of a form that we do not evaluate. */
  readonly hasOtherForms: boolean
}

/** What a certificate says (RFC 5280), read and bounded. Text forms are for people; compare bytes. */
export interface Certificate {
  readonly der: Uint8Array
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  /** Lower-case hexadecimal. */
  readonly serial: string
  readonly subject: string
  readonly issuer: string
  readonly subjectDer: Uint8Array
  readonly issuerDer: Uint8Array
  /** Milliseconds since 1970 UTC. */
  readonly notBefore: number
  readonly notAfter: number
  /** Subject alternative names of type dNSName as written, and iPAddress in canonical text. */
  readonly dnsNames: readonly string[]
  readonly ipAddresses: readonly string[]
  /** Values of the subject's common name, in order. */
  readonly commonNames: readonly string[]
  /** Basic constraints: null when the extension is absent. */
  readonly basicConstraints: { readonly ca: boolean; readonly pathLength: number | null } | null
  /** Names of RFC 5280 §4.2.1.3 such as `keyCertSign`; null when the extension is absent. */
  readonly keyUsage: readonly string[] | null
  /** Object identifiers; null when the extension is absent. */
  readonly extendedKeyUsage: readonly string[] | null
  readonly nameConstraints: NameConstraints | null
  readonly subjectKeyId: Uint8Array | null
  readonly authorityKeyId: Uint8Array | null
  /** Object identifiers of critical extensions that we do not evaluate. */
  readonly unknownCritical: readonly string[]
  /** X.509 version: 1 or 3. */
  readonly version: number
}

/** A key of AES-128-GCM with the one nonce that it is used with: 16 and 12 bytes. */
export interface SealKey {
  readonly key: Uint8Array
  readonly nonce: Uint8Array
}

/** Keys, digests and certificates. All calls are synchronous, so that a simulation stays deterministic. */
export interface Crypto {
  /** Of text, the digest of its UTF-8 bytes: a long text need not become bytes here first. */
  digest(name: DigestName, data: Uint8Array | string): Uint8Array
  /** The keyed hash of RFC 2104. */
  hmac(name: HmacName, key: Uint8Array, data: Uint8Array): Uint8Array
  /** False for a wrong signature and for a key that does not parse. */
  verify(key: PublicKey, data: Uint8Array, signature: Uint8Array): boolean
  generateKey(algorithm: SignatureName): { readonly key: SigningKey; readonly pem: string }
  /** Reads a PKCS#8 PEM key. @throws Failure key-malformed */
  loadKey(pem: string): SigningKey
  /**
   * X25519 (RFC 7748 §5): what `privateKey` makes of `publicKey`, 32 bytes each; any 32 random bytes are a private
   * key. Null for a public key with which all private keys make the same.
   */
  x25519(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | null
  /** AES-128-GCM (RFC 5116 §5.1) without associated data: the ciphertext, then the tag of 16 bytes. */
  seal(key: SealKey, plaintext: Uint8Array): Uint8Array
  /** The plaintext of what `seal` made under the same key; null for anything else. */
  unseal(key: SealKey, sealed: Uint8Array): Uint8Array | null
  /** Reads one DER certificate, every byte of it. @throws Failure certificate-malformed */
  readCertificate(der: Uint8Array): Certificate
  /** True when the signature of `certificate` verifies with the public key `spki` (DER). Names are not compared. */
  isSignedBy(certificate: Certificate, spki: Uint8Array): boolean
}

/** An IP address (never a name) and a port. */
export interface Endpoint {
  readonly address: string
  readonly port: number
}

/** How the network failed, as a closed set; `text` is for people. */
export type NetworkErrorCode =
  | 'refused'
  | 'unreachable'
  | 'timeout'
  | 'reset'
  | 'closed'
  | 'aborted'
  | 'too-large'
  | 'tls-alert'
  | 'tls-malformed'
  | 'tls-rejected'
  | 'other'

/** What a call of the Network seam throws: the world's doing, turned into data by the vantage. */
export class NetworkError extends Error {
  readonly code: NetworkErrorCode
  /**
   * Certificates that had arrived when TLS failed, as in `TlsFacts`. A handshake that did not complete has not
   * proved that the server holds their key.
   */
  readonly chain: readonly Uint8Array[]

  constructor(
    code: NetworkErrorCode,
    text: string,
    options?: { readonly cause?: unknown; readonly chain?: readonly Uint8Array[] },
  ) {
    super(text, options)
    this.name = 'NetworkError'
    this.code = code
    this.chain = options?.chain ?? []
  }
}

export interface UdpSocket {
  readonly local: Endpoint
  send(data: Uint8Array, to: Endpoint): void
  close(): void
}

/** What TLS settled, and the chain as the server sent it. */
export interface TlsFacts {
  /** Such as `TLSv1.3`. */
  readonly protocol: string
  readonly cipher: string
  /** Key exchange group such as `X25519MLKEM768`; null where the library does not tell. */
  readonly group: string | null
  readonly alpn: string | null
  /** DER certificates in the order sent, leaf first; never more than `limits.chainCertificatesMax`. */
  readonly chain: readonly Uint8Array[]
}

export interface TlsOptions {
  /** Server name indication; null sends none (RFC 6066 §3 forbids addresses). */
  readonly serverName: string | null
  readonly alpn: readonly string[]
  readonly signal: AbortSignal
}

/** A TCP connection that may be upgraded to TLS once (STARTTLS), without session resumption. */
export interface Connection {
  readonly remote: Endpoint
  /** The next bytes, or null when the peer has ended. */
  read(signal: AbortSignal): Promise<Uint8Array | null>
  write(data: Uint8Array): Promise<void>
  /**
   * Shakes hands without judging the certificate. Bytes received are bounded by `limits.handshakeBytesMax`.
   * @throws NetworkError
   */
  startTls(options: TlsOptions): Promise<TlsFacts>
  close(): void
}

/** Names the server that a pooled HTTPS connection is for; connections are never shared between two names. */
export interface HttpsPeer {
  readonly endpoint: Endpoint
  /** The mirror id, which is the pool's key together with the endpoint. */
  readonly id: string
  /** For a server known by name: sent as server name (RFC 6066 §3) and as Host. Mirrors are known by address alone. */
  readonly name?: string
}

export interface HttpsRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: Uint8Array
  readonly contentType?: string
  readonly bytesMax: number
  readonly signal: AbortSignal
}

export interface HttpsResponse {
  readonly status: number
  readonly contentType: string
  readonly body: Uint8Array
}

/** Keep-alive HTTPS to peers whose chain the pool's `accept` has passed before the first request byte leaves. */
export interface HttpsPool {
  /** @throws NetworkError */
  request(peer: HttpsPeer, request: HttpsRequest): Promise<HttpsResponse>
  /** Connects and checks without asking anything, so that a later request finds a warm connection. */
  warm(peer: HttpsPeer, signal: AbortSignal): Promise<void>
  close(): void
}

/** A request as plain values, so that a simulation can ask without sockets. */
export interface HttpQuestion {
  readonly method: string
  /** Path and query, as sent. */
  readonly path: string
  readonly contentType: string
  /** Null when it was larger than `bodyBytesMax`; the rest was not read. */
  readonly body: Uint8Array | null
  readonly peer: Endpoint
}

export interface HttpReply {
  readonly status: number
  readonly contentType: string
  readonly cacheControl: string
  readonly body: Uint8Array | string
  /** Methods that the path takes, where it does not take the one that was used. */
  readonly allow?: string
}

export interface HttpsServerOptions {
  /** Port 0 takes one that the system chooses. */
  readonly listen: Endpoint
  readonly bodyBytesMax: number
}

/** What answers the requests of a server. It must not reject: what escapes ends the connection alone. */
export type HttpsHandler = (question: HttpQuestion) => HttpReply | Promise<HttpReply>

/** A bound server, which answers nobody until it has a certificate and a handler. */
export interface HttpsServer {
  readonly local: Endpoint
  /** Shows this key and chain (PEM, leaf first, CA last) to new connections. */
  show(keyPem: string, chainPem: string): void
  answer(handler: HttpsHandler): void
  close(): Promise<void>
}

/** Sockets. Every call takes IP addresses; names are resolved by `vantage/dns` alone. */
export interface Network {
  /** An unconnected UDP socket on a port chosen by the system. */
  udp(family: 4 | 6, onMessage: (data: Uint8Array, from: Endpoint) => void): Promise<UdpSocket>
  /** @throws NetworkError */
  connect(to: Endpoint, signal: AbortSignal): Promise<Connection>
  httpsPool(options: {
    readonly accept: (peer: HttpsPeer, chain: readonly Uint8Array[]) => void
  }): HttpsPool
  /** @throws Failure listen-failed */
  serveHttps(options: HttpsServerOptions): Promise<HttpsServer>
}

/** Files, by path. Writing is atomic (temporary file, fsync, rename). */
export interface Files {
  /** @throws Failure file-missing, file-failed */
  read(path: string, what: string): Promise<Uint8Array>
  exists(path: string): Promise<boolean>
  /** Permission bits such as 0o600; null on systems that do not know them. @throws Failure file-missing, file-failed */
  mode(path: string, what: string): Promise<number | null>
  /** `mode` such as 0o600. `exclusive` refuses to replace. @throws Failure file-exists, file-failed */
  write(
    path: string,
    data: Uint8Array | string,
    options: { readonly mode: number; readonly exclusive: boolean },
  ): Promise<void>
  makeDirectory(path: string, mode: number): Promise<void>
}

/** What a column holds. Integers beyond 2^53 are refused, in both directions. */
export type SqlValue = string | number | Uint8Array | null

/** One row, by the names of its columns. */
export type SqlRow = Readonly<Record<string, SqlValue>>

/** An SQL database in one file, asked synchronously: what it is asked must be short. Every call throws store-failed or store-damaged. */
export interface Database {
  /** Where its file is, for messages. */
  readonly path: string
  /** Runs one statement; how many rows it changed. */
  run(sql: string, parameters?: readonly SqlValue[]): number
  /** Every row of one statement. */
  all(sql: string, parameters?: readonly SqlValue[]): readonly SqlRow[]
  /**
   * Runs `work` whole or not at all: what it throws is thrown on, with nothing changed. Once the outermost has
   * returned, its changes survive a crash of the process and of the machine. Inner ones may fail alone.
   */
  transaction<T>(work: () => T): T
  close(): void
}

/** SQL databases, by the path of their file. */
export interface Databases {
  /**
   * Opens a database, made on first use and readable by its owner alone. An `exclusive` one belongs to this process
   * until it is closed. @throws Failure store-busy, store-damaged, store-failed
   */
  open(path: string, options: { readonly exclusive: boolean }): Database
}

/** What long-running parts tell their operator; never keys, never whole requests of strangers. */
export interface Log {
  info(event: string, fields?: Readonly<Record<string, string | number | boolean | null>>): void
  warn(event: string, fields?: Readonly<Record<string, string | number | boolean | null>>): void
}

/** Everything of the world. A component asks for its part: `Pick<Runtime, 'clock' | 'network'>`. */
export interface Runtime {
  readonly clock: Clock
  readonly random: Random
  readonly crypto: Crypto
  readonly network: Network
  readonly files: Files
  readonly databases: Databases
  readonly log: Log
}
