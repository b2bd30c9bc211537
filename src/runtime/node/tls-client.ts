// The client's TLS handshake (RFC 8446, RFC 5246) on node:tls over a socket that is connected already: what the
// server shows is recorded, never judged, so that a look can tell of bad servers too.

import { constants, type X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import {
  connect as tlsConnect,
  createSecureContext,
  type SecureContext,
  type TLSSocket,
} from 'node:tls'
import { limits } from '../../base/limits.ts'
import { NetworkError, type TlsFacts, type TlsOptions } from '../runtime.ts'
import { abortionOf, networkErrorOf } from './network-error.ts'

/**
 * Shakes hands over `socket`, and closes it when that fails. Certificates that had arrived by then are in the
 * error's `chain`: a server that goes on to demand a client certificate has shown its own.
 * @throws NetworkError
 */
export function handshake(
  socket: Socket,
  options: TlsOptions,
): Promise<{ readonly secure: TLSSocket; readonly facts: TlsFacts }> {
  const { signal } = options
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      socket.destroy()
      reject(abortionOf(signal))
      return
    }
    const wire = wireOver(socket, () => fail(tooLarge()))
    const secure = connectOver(wire.stream, options)
    let over = false
    const fail = (error: unknown): void => {
      if (over) return
      over = true
      signal.removeEventListener('abort', onAbort)
      const told = networkErrorOf(error)
      const failure = told.code === 'reset' && wire.ended() ? closedAfter(wire.received()) : told
      reject(withArrived(failure, secure))
      secure.destroy()
      socket.destroy()
    }
    const onAbort = (): void => fail(abortionOf(signal))
    signal.addEventListener('abort', onAbort, { once: true })
    secure.on('error', fail)
    secure.once('close', () => fail(closedAfter(wire.received())))
    secure.once('secureConnect', () => {
      try {
        const facts = factsOf(secure)
        over = true
        signal.removeEventListener('abort', onAbort)
        wire.unbind()
        resolve({ secure, facts })
      } catch (error) {
        fail(error)
      }
    })
  })
}

/**
 * The certificates that the server sent: all of them, in its order, with duplicates, strangers and self-signed
 * ones, as DER. `getPeerX509Certificate` hands out OpenSSL's list, linking each to the next as `issuerCertificate`
 * whether it issued it or not; `getPeerCertificate` would re-order and drop. Reading empties the list: once a socket.
 * OpenSSL encodes anew what it has read: an outer length that was sent in BER form comes out as DER.
 * @throws NetworkError too-large
 */
export function chainOf(socket: TLSSocket): readonly Uint8Array[] {
  const chain: Uint8Array[] = []
  let next: X509Certificate | undefined = socket.getPeerX509Certificate()
  for (; next !== undefined; next = next.issuerCertificate) {
    if (
      chain.length === limits.chainCertificatesMax ||
      next.raw.length > limits.certificateBytesMax
    )
      throw tooLarge()
    chain.push(new Uint8Array(next.raw))
  }
  return chain
}

function factsOf(secure: TLSSocket): TlsFacts {
  return {
    protocol: secure.getProtocol() ?? '',
    cipher: secure.getCipher().standardName,
    group: groupOf(secure),
    alpn: secure.alpnProtocol === false ? null : secure.alpnProtocol,
    chain: chainOf(secure),
  }
}

/** By its IANA name. Finite-field groups have none here, nor has the RSA key exchange. */
function groupOf(secure: TLSSocket): string | null {
  const key: object | { readonly name?: string } | null = secure.getEphemeralKeyInfo()
  const name = key !== null && 'name' in key && key.name !== undefined ? key.name : null
  return name === 'prime256v1' ? 'secp256r1' : name
}

function connectOver(stream: Duplex, options: TlsOptions): TLSSocket {
  return tlsConnect({
    socket: stream,
    secureContext: lenientContext(),
    rejectUnauthorized: false,
    minDHSize: 1,
    ...(options.serverName === null ? {} : { servername: options.serverName }),
    ...(options.alpn.length === 0 ? {} : { ALPNProtocols: [...options.alpn] }),
  })
}

/** `failure` with the certificates that had arrived, where the TLS library still has them. */
function withArrived(failure: NetworkError, secure: TLSSocket): NetworkError {
  try {
    const chain = chainOf(secure)
    return chain.length === 0
      ? failure
      : new NetworkError(failure.code, failure.message, { cause: failure.cause, chain })
  } catch {
    // The chain is larger than we take: the failure itself is told without it.
    return failure
  }
}

function closedAfter(bytes: number): NetworkError {
  const when =
    bytes === 0 ? 'without a word' : `in the middle of the handshake, after ${bytes} bytes`
  return new NetworkError('closed', `the server closed the connection ${when}`)
}

function tooLarge(): NetworkError {
  return new NetworkError(
    'too-large',
    `the handshake is larger than ${limits.handshakeBytesMax} bytes, or its chain longer than ` +
      `${limits.chainCertificatesMax} certificates`,
  )
}

interface Wire {
  /** The socket's bytes both ways. */
  readonly stream: Duplex
  readonly received: () => number
  /** True when the server has ended its side. */
  readonly ended: () => boolean
  /** Lifts the bound on the bytes received. */
  readonly unbind: () => void
}

/** `socket` as a stream that counts: given the socket itself, node:tls reads it natively, past any counting. */
function wireOver(socket: Socket, onExcess: () => void): Wire {
  let received = 0
  let bound: number = limits.handshakeBytesMax
  let ended = false
  let wanted = false
  const deliver = (): void => {
    if (!wanted) return
    const bytes = socket.read() as Uint8Array | null
    if (bytes === null) return
    wanted = false
    received += bytes.length
    if (received > bound) onExcess()
    else stream.push(bytes)
  }
  const stream = new Duplex({
    read: () => {
      wanted = true
      deliver()
    },
    write: (bytes: Uint8Array, _encoding, done) => void socket.write(bytes, done),
    final: (done) => void socket.end(done),
    destroy: (error, done) => {
      socket.destroy()
      done(error)
    },
  })
  socket.on('readable', deliver)
  socket.once('end', () => {
    ended = true
    stream.push(null)
  })
  socket.once('error', (error) => stream.destroy(error))
  socket.once('close', () => stream.destroy())
  return {
    stream,
    received: () => received,
    ended: () => ended,
    unbind: () => (bound = Number.POSITIVE_INFINITY),
  }
}

let lenient: SecureContext | undefined

/**
 * Takes what servers really have, down to TLS 1.0 with SHA-1 and without RFC 5746, because a look that cannot see
 * a bad server cannot tell of it. Only anonymous and unencrypted suites are left out: they show no certificate.
 * Trusts nobody (so Node loads no roots), and is shared: without a session given, none is resumed.
 */
function lenientContext(): SecureContext {
  lenient ??= createSecureContext({
    ca: [],
    minVersion: 'TLSv1',
    ciphers: lenientCiphers,
    ecdhCurve: groups,
    secureOptions: constants.SSL_OP_LEGACY_SERVER_CONNECT,
  })
  return lenient
}

const lenientCiphers = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_128_CCM_SHA256',
  'TLS_AES_128_CCM_8_SHA256',
  'HIGH:MEDIUM:LOW:!aNULL:!eNULL:!PSK:!SRP:@SECLEVEL=0',
].join(':')

/** A key share goes with each starred group, so that a server without the post-quantum one needs no second round. */
const groups = [
  '*X25519MLKEM768',
  '*X25519',
  'P-256',
  'X448',
  'P-384',
  'P-521',
  'SecP256r1MLKEM768',
  'SecP384r1MLKEM1024',
  'ffdhe2048',
  'ffdhe3072',
].join(':')
