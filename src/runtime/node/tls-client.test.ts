import assert from 'node:assert/strict'
import { connect as netConnect, type Socket } from 'node:net'
import test from 'node:test'
import { createSecureContext, type SecureVersion, type TlsOptions as Serving } from 'node:tls'
import {
  makeChain,
  makeCertificate,
  makeLeaf,
  makeRoot,
  type TestCertificate,
} from '../../../test/support/certificates.ts'
import { listenTcp, listenTls, type Listener } from '../../../test/support/listeners.ts'
import { createVirtualClock } from '../../../test/support/virtual-clock.ts'
import { concat, textOf, utf8 } from '../../base/bytes.ts'
import { limits } from '../../base/limits.ts'
import { deadline } from '../deadline.ts'
import { NetworkError, type Endpoint, type NetworkErrorCode, type TlsFacts } from '../runtime.ts'
import { connect } from './connection.ts'

const patient = new AbortController().signal
const versions: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3']
const only = (version: SecureVersion): Serving => ({ minVersion: version, maxVersion: version })

interface Ask {
  readonly serverName?: string
  readonly alpn?: readonly string[]
  readonly signal?: AbortSignal
}

async function look(endpoint: Endpoint, ask: Ask = {}): Promise<TlsFacts> {
  const connection = await connect(endpoint, patient)
  const { serverName = 'example.test', alpn = [], signal = patient } = ask
  const facts = await connection.startTls({ serverName, alpn, signal })
  connection.close()
  return facts
}

/** The error of a look that fails with `code`, which has closed its connection. */
async function failure(
  server: Listener,
  code: NetworkErrorCode,
  ask: Ask = {},
): Promise<NetworkError> {
  const error: unknown = await look(server.endpoint, ask).then(
    () => 'the handshake was completed',
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof NetworkError, String(error))
  assert.equal(error.code, code, error.message)
  await server.allClosed()
  return error
}

/** Hands bytes on between a client and `server`, as they are or changed in place: somebody on the path. */
function listenBetween(
  server: Listener,
  hear: { readonly near?: (bytes: Buffer) => void; readonly far?: (bytes: Buffer) => void },
): Promise<Listener> {
  return listenTcp((near) => {
    const far = netConnect({ host: server.endpoint.address, port: server.endpoint.port })
    far.on('error', () => near.destroy())
    const relay = (
      from: Socket,
      to: Socket,
      heard: ((bytes: Buffer) => void) | undefined,
    ): void => {
      from.on('data', (bytes) => {
        heard?.(bytes)
        to.write(bytes)
      })
      from.on('end', () => to.end())
      from.once('close', () => to.destroySoon())
    }
    relay(near, far, hear.near)
    relay(far, near, hear.far)
  })
}

const { chain, leaf, root } = makeChain({ intermediates: 1 })
const [, intermediate = root] = chain
const stranger = makeRoot({ subject: ['Stranger'] })

const shapes: Readonly<Record<string, readonly TestCertificate[]>> = {
  'leaf, intermediate and root': chain,
  'the leaf alone': [leaf],
  'one self-signed certificate': [makeCertificate({ subject: ['Self'] })],
  'an unordered chain': [leaf, root, intermediate],
  'strangers between': [leaf, stranger, intermediate, stranger, root],
  'duplicates, also of the leaf': [leaf, leaf, intermediate, intermediate, root, root, leaf],
}

for (const version of versions)
  for (const [name, sent] of Object.entries(shapes))
    test(`${version}: the chain is given as sent: ${name}`, async () => {
      await using server = await listenTls(sent, only(version))
      const facts = await look(server.endpoint)
      assert.equal(facts.protocol, version)
      assert.deepEqual(
        facts.chain,
        sent.map(({ der }) => der),
      )
    })

test('a second look is no resumed session, and sees the chain again', async () => {
  for (const version of versions) {
    await using server = await listenTls(chain, only(version))
    for (let i = 0; i < 3; i++)
      assert.equal((await look(server.endpoint)).chain.length, chain.length)
  }
})

test('what was settled is told', async () => {
  await using modern = await listenTls(chain, { ALPNProtocols: ['h2'] })
  const facts = await look(modern.endpoint, { alpn: ['h2', 'http/1.1'] })
  assert.deepEqual(
    { ...facts, chain: null },
    {
      protocol: 'TLSv1.3',
      cipher: 'TLS_AES_256_GCM_SHA384',
      group: 'X25519MLKEM768',
      alpn: 'h2',
      chain: null,
    },
  )
  await using older = await listenTls(chain, {
    ...only('TLSv1.2'),
    ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384',
    ecdhCurve: 'P-256',
  })
  const old = await look(older.endpoint)
  assert.equal(old.cipher, 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384')
  assert.equal(old.group, 'secp256r1')
  assert.equal(old.alpn, null)
})

test('key exchange without a group is told as null', async () => {
  const rsa = makeChain({ kind: 'RSA-2048' }).chain
  await using server = await listenTls(rsa, { ...only('TLSv1.2'), ciphers: 'AES128-SHA' })
  const facts = await look(server.endpoint)
  assert.equal(facts.cipher, 'TLS_RSA_WITH_AES_128_CBC_SHA')
  assert.equal(facts.group, null)
})

for (const version of ['TLSv1', 'TLSv1.1'] as const)
  test(`a server that still has ${version} is seen`, async () => {
    await using server = await listenTls(chain, {
      ...only(version),
      ciphers: 'ALL:@SECLEVEL=0',
    })
    assert.equal((await look(server.endpoint)).protocol, version)
  })

test('the server name decides which certificate is shown; without one there is the default', async () => {
  const other = makeLeaf(root, { dnsNames: ['other.test'] })
  const seen: string[] = []
  await using server = await listenTls(chain, {
    SNICallback: (name, done) => {
      seen.push(name)
      done(null, createSecureContext({ key: other.keyPem, cert: other.pem }))
    },
  })
  assert.deepEqual((await look(server.endpoint, { serverName: 'other.test' })).chain, [other.der])
  const connection = await connect(server.endpoint, patient)
  const facts = await connection.startTls({ serverName: null, alpn: [], signal: patient })
  connection.close()
  assert.deepEqual(facts.chain[0], leaf.der)
  assert.deepEqual(seen, ['other.test'])
})

test('after the upgrade reads and writes go through TLS, and closing says so (close_notify)', async () => {
  const said: Buffer[] = []
  await using server = await listenTls(chain, only('TLSv1.2'), (socket) => socket.pipe(socket))
  await using between = await listenBetween(server, { near: (bytes) => void said.push(bytes) })
  const connection = await connect(between.endpoint, patient)
  await connection.startTls({ serverName: null, alpn: [], signal: patient })
  await connection.write(utf8('secret'))
  assert.equal(textOf((await connection.read(patient)) ?? utf8('nothing')), 'secret')
  connection.close()
  await between.allClosed()
  assert.equal(Buffer.concat(said).includes('secret'), false)
  const [handshake, application, alert] = [22, 23, 21]
  const types = recordTypes(Buffer.concat(said)).filter((type, i, all) => type !== all[i - 1])
  assert.deepEqual(types, [handshake, 20, handshake, application, alert])
})

/** The content types of TLS records (RFC 5246 §6.2.1). */
function recordTypes(bytes: Buffer): number[] {
  const types: number[] = []
  for (let at = 0; at < bytes.length; at += 5 + bytes.readUInt16BE(at + 3))
    types.push(bytes.readUInt8(at))
  return types
}

test('bytes are bounded during the handshake only', async () => {
  const sent = 4 * limits.handshakeBytesMax
  await using server = await listenTls(chain, {}, (socket) => socket.end(Buffer.alloc(sent)))
  const connection = await connect(server.endpoint, patient)
  await connection.startTls({ serverName: null, alpn: [], signal: patient })
  let received = 0
  for (;;) {
    const part = await connection.read(patient)
    if (part === null) break
    received += part.length
  }
  assert.equal(received, sent)
  connection.close()
})

test('TLS 1.3: a server that demands a client certificate has completed, and says so afterwards', async () => {
  await using server = await listenTls(chain, {
    ...only('TLSv1.3'),
    requestCert: true,
    rejectUnauthorized: true,
  })
  const connection = await connect(server.endpoint, patient)
  const facts = await connection.startTls({ serverName: null, alpn: [], signal: patient })
  assert.equal(facts.chain.length, chain.length)
  await assert.rejects(connection.read(patient), /certificate_required \(116\)/)
})

test('TLS 1.2: a server that demands a client certificate has shown its own', async () => {
  await using server = await listenTls(chain, {
    ...only('TLSv1.2'),
    requestCert: true,
    rejectUnauthorized: true,
  })
  const error = await failure(server, 'tls-alert')
  assert.match(error.message, /handshake_failure \(40\)/)
  assert.deepEqual(
    error.chain,
    chain.map(({ der }) => der),
  )
})

test('an alert is told by its name', async () => {
  for (const version of versions) {
    await using server = await listenTls(chain, { ...only(version), ALPNProtocols: ['h2'] })
    const error = await failure(server, 'tls-alert', { alpn: ['imap'] })
    assert.match(error.message, /alert no_application_protocol \(120\)/)
    assert.deepEqual(error.chain, [])
  }
})

test('a chain of a megabyte, or of too many certificates, is refused', async () => {
  for (const version of versions) {
    const copies = Math.ceil(1_048_576 / leaf.der.length)
    await using huge = await listenTls(Array<TestCertificate>(copies).fill(leaf), only(version))
    await failure(huge, 'too-large')
    const one = limits.chainCertificatesMax + 1
    await using long = await listenTls(Array<TestCertificate>(one).fill(leaf), only(version))
    assert.deepEqual((await failure(long, 'too-large')).chain, [])
  }
})

/** A ServerHello for TLS 1.2 with ECDHE_RSA_WITH_AES_128_GCM_SHA256, in a record of its own. */
const serverHello = (() => {
  const body = concat(
    new Uint8Array([3, 3]),
    new Uint8Array(32),
    new Uint8Array([0, 0xc0, 0x2f, 0]),
  )
  const message = concat(new Uint8Array([2, 0, 0, body.length]), body)
  return concat(new Uint8Array([22, 3, 3, 0, message.length]), message)
})()

test('a server that floods the handshake is cut off', async () => {
  // HelloRequest may come at any time and is ignored (RFC 5246 §7.4.1.1): OpenSSL would take them for ever.
  const helloRequests = new Uint8Array(9 * 4096)
  for (let i = 0; i < helloRequests.length; i += 9) helloRequests.set([22, 3, 3, 0, 4], i)
  await using server = await listenTcp((socket) => {
    socket.resume()
    socket.once('data', () => {
      socket.write(serverHello)
      const flood = (): void => {
        if (socket.writable) socket.write(helloRequests, flood)
      }
      flood()
    })
  })
  assert.match((await failure(server, 'too-large')).message, /larger than 131072 bytes/)
})

test('a server that speaks something else is not sound TLS', async () => {
  for (const words of [
    'HTTP/1.1 400 Bad Request\r\n\r\n',
    'SSH-2.0-OpenSSH\r\n',
    '\0'.repeat(64),
  ]) {
    await using server = await listenTcp((socket) => {
      socket.resume()
      socket.write(words)
      socket.on('end', () => socket.end())
    })
    assert.match((await failure(server, 'tls-malformed')).message, /not sound TLS: /)
  }
})

test('a server that closes is told apart: at once, in mid-record, by reset', async () => {
  const closing = (how: (socket: Socket) => void): Promise<Listener> =>
    listenTcp((socket) => socket.once('data', () => how(socket)))
  await using atOnce = await closing((socket) => socket.end())
  assert.match((await failure(atOnce, 'closed')).message, /without a word/)
  await using midRecord = await closing((socket) => socket.end(serverHello.subarray(0, 20)))
  assert.match((await failure(midRecord, 'closed')).message, /after 20 bytes/)
  await using reset = await closing((socket) => socket.resetAndDestroy())
  await failure(reset, 'reset')
})

test('a server that says nothing, or one byte a second, is given up at the deadline', async () => {
  const clock = createVirtualClock()
  await using silent = await listenTcp((socket) => {
    socket.resume()
    socket.on('end', () => socket.end())
  })
  await using slow = await listenTcp((socket) => {
    socket.resume()
    socket.on('end', () => socket.end())
    let sent = 0
    const drip = (): void => {
      socket.write(serverHello.subarray(sent, ++sent))
      clock.after(1_000, drip)
    }
    drip()
  })
  for (const server of [silent, slow]) {
    const { signal } = deadline(clock, 3_000)
    const failed = failure(server, 'timeout', { signal })
    await clock.advance(2_999)
    assert.equal(signal.aborted, false)
    await clock.advance(1)
    await failed
  }
})

test('a look given up before it begins, or on the way, closes its connection', async () => {
  await using server = await listenTcp((socket) => {
    socket.resume()
    socket.on('end', () => socket.end())
  })
  await failure(server, 'aborted', { signal: AbortSignal.abort() })
  const controller = new AbortController()
  const failed = failure(server, 'aborted', { signal: controller.signal })
  queueMicrotask(() => controller.abort())
  await failed
})

test('closing in the middle of a handshake breaks off', async () => {
  await using server = await listenTcp((socket) => {
    socket.resume()
    socket.on('end', () => socket.end())
  })
  const connection = await connect(server.endpoint, patient)
  const upgrading = connection.startTls({ serverName: null, alpn: [], signal: patient })
  connection.close()
  await assert.rejects(
    upgrading,
    (error) => error instanceof NetworkError && error.code === 'closed',
  )
  await server.allClosed()
})

test('a certificate that does not parse is not sound TLS', async () => {
  await using server = await listenTls([leaf], only('TLSv1.2'))
  await using between = await listenBetween(server, {
    far: (bytes) => {
      const at = bytes.indexOf(leaf.der)
      // The length of the outermost SEQUENCE, so that the message's own lengths still hold.
      if (at >= 0) bytes[at + 3] = (bytes[at + 3] ?? 0) ^ 1
    },
  })
  const error = await failure(between, 'tls-malformed')
  assert.deepEqual(error.chain, [])
})

test('a changed signature over the key exchange fails after the certificate has been shown', async () => {
  await using server = await listenTls(chain, only('TLSv1.2'))
  await using between = await listenBetween(server, {
    far: (bytes) => {
      const at = bytes.indexOf(root.der)
      // Within the signature of ServerKeyExchange, which follows the Certificate message.
      if (at >= 0) bytes[bytes.length - 12] = (bytes[bytes.length - 12] ?? 0) ^ 1
    },
  })
  const error = await failure(between, 'tls-malformed')
  assert.deepEqual(
    error.chain,
    chain.map(({ der }) => der),
  )
})
