// One handshake with one address, as data (RFC 8446): what was settled, the chain as sent, how long it took. Only for
// services that speak TLS from the first byte; nothing is asked of the service behind it.

import { Failure } from '../../base/failure.ts'
import { certificateHash, spkiHash } from '../../observation/fingerprint.ts'
import type { ChainLink, Handshake } from '../../observation/observation.ts'
import { schemes, type Target } from '../../observation/target.ts'
import {
  NetworkError,
  type Certificate,
  type Network,
  type Runtime,
  type TlsFacts,
} from '../../runtime/runtime.ts'

/** What a handshake needs of the world. */
export type HandshakeNeeds = Pick<Runtime, 'clock' | 'crypto'> & {
  readonly network: Pick<Network, 'connect'>
}

/** With whom to shake hands. */
export interface HandshakeRequest {
  readonly target: Target
  readonly address: string
  readonly port: number
  readonly origin: Handshake['origin']
  /** The name to ask for (SNI); null asks for none. */
  readonly serverName: string | null
  /** Why not to connect to an address, or null. Asked before the first packet, and of the address really connected. */
  readonly refusal: (address: string) => string | null
}

/** A handshake, and the certificates behind its chain: as many as could be read, in the order sent. */
export interface Shaken {
  readonly handshake: Handshake
  readonly chain: readonly Certificate[]
}

/**
 * Connects and shakes hands. Whatever the world does, and an abort of `signal`, is in the result; it never rejects
 * for that.
 */
export async function shakeHands(
  needs: HandshakeNeeds,
  request: HandshakeRequest,
  signal: AbortSignal,
): Promise<Shaken> {
  const refused = request.refusal(request.address)
  if (refused !== null) return notShaken(request, 'refused-address', refused)
  const { clock } = needs
  const started = clock.monotonic()
  const failure = failureUnder(signal)
  const connection = await needs.network
    .connect({ address: request.address, port: request.port }, signal)
    .catch(failure)
  if (connection instanceof NetworkError)
    return { handshake: failed(request, connection), chain: [] }
  try {
    const elsewhere = request.refusal(connection.remote.address)
    if (elsewhere !== null) return notShaken(request, 'refused-address', elsewhere)
    const connected = clock.monotonic()
    const connectMs = tenths(connected - started)
    const { serverName, target } = request
    const facts = await connection
      .startTls({ serverName, alpn: schemes[target.scheme].alpn, signal })
      .catch(failure)
    if (facts instanceof NetworkError)
      return withChain(needs, { ...failed(request, facts), connectMs }, facts.chain)
    const handshakeMs = tenths(clock.monotonic() - connected)
    return withChain(needs, { ...completed(request, facts), connectMs, handshakeMs }, facts.chain)
  } finally {
    connection.close()
  }
}

/** What is said of an address with which no handshake was tried. */
export function notShaken(
  request: Pick<HandshakeRequest, 'address' | 'port' | 'origin'>,
  outcome: 'refused-address' | 'unsupported',
  text: string,
): Shaken {
  return {
    handshake: { ...silence(request), outcome, error: { code: outcome, text } },
    chain: [],
  }
}

/** Turns the world's doing, and the abort of `signal`, into a value; anything else is our mistake, and thrown. */
function failureUnder(signal: AbortSignal): (error: unknown) => NetworkError {
  return (error) => {
    if (error instanceof NetworkError) return error
    if (signal.aborted) return new NetworkError('aborted', 'given up by the caller')
    throw error
  }
}

function completed(request: HandshakeRequest, facts: TlsFacts): Handshake {
  const { protocol, cipher, group, alpn } = facts
  return { ...silence(request), outcome: 'completed', protocol, cipher, group, alpn }
}

function failed(request: HandshakeRequest, { code, message }: NetworkError): Handshake {
  return { ...silence(request), outcome: 'failed', error: { code, text: message } }
}

function silence({
  address,
  port,
  origin,
}: Pick<HandshakeRequest, 'address' | 'port' | 'origin'>): Omit<Handshake, 'outcome'> {
  return {
    address,
    port,
    origin,
    error: null,
    protocol: null,
    cipher: null,
    group: null,
    alpn: null,
    chain: [],
    connectMs: null,
    handshakeMs: null,
  }
}

/**
 * `handshake` with what `ders` hold. A certificate that cannot be read ends the chain, because it has no key to
 * name, and makes a completed handshake a failed one: nobody can say what such a chain means.
 */
function withChain(
  { crypto }: HandshakeNeeds,
  handshake: Handshake,
  ders: readonly Uint8Array[],
): Shaken {
  const chain: Certificate[] = []
  const links = (): ChainLink[] =>
    chain.map((one) => ({ certificate: certificateHash(crypto, one), spki: spkiHash(crypto, one) }))
  for (const der of ders) {
    try {
      chain.push(crypto.readCertificate(der))
    } catch (error) {
      if (!Failure.is(error)) throw error
      const told = handshake.error ?? { code: 'certificate-malformed', text: error.message }
      return { handshake: { ...handshake, outcome: 'failed', error: told, chain: links() }, chain }
    }
  }
  return { handshake: { ...handshake, chain: links() }, chain }
}

/** Milliseconds to a tenth: finer ones tell more of the vantage than of the target. */
function tenths(ms: number): number {
  return Math.round(ms * 10) / 10
}
