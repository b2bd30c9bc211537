import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import test from 'node:test'
import {
  makeCertificate,
  makeChain,
  makeLeaf,
  makeRoot,
} from '../../../test/support/certificates.ts'
import { listenTcp, listenTls, type Listener } from '../../../test/support/listeners.ts'
import { freePort } from '../../../test/support/service.ts'
import { createVirtualClock } from '../../../test/support/virtual-clock.ts'
import { parseTarget } from '../../observation/target.ts'
import { deadline } from '../../runtime/deadline.ts'
import { connect } from '../../runtime/node/connection.ts'
import { nodeCrypto } from '../../runtime/node/crypto.ts'
import type { Endpoint } from '../../runtime/runtime.ts'
import { addressRefusal } from '../address.ts'
import { notShaken, shakeHands, type HandshakeRequest } from './handshake.ts'

const patient = new AbortController().signal
const target = parseTarget('https://example.test')
const { chain, leaf, root } = makeChain({ intermediates: 1 })
const needs = { clock: createVirtualClock(), crypto: nodeCrypto, network: { connect } }
const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')
const linksOf = (certificates: typeof chain) =>
  certificates.map(({ der, spki }) => ({ certificate: sha256(der), spki: sha256(spki) }))

const requestTo = (endpoint: Endpoint): HandshakeRequest => ({
  ...endpoint,
  target,
  origin: 'own',
  serverName: target.host,
  refusal: () => null,
})

test('a completed handshake tells what was settled and the chain as sent', async () => {
  const received: string[] = []
  await using server = await listenTls(chain, { ALPNProtocols: ['http/1.1'] }, (socket) => {
    socket.on('data', (data) => received.push(String(data)))
    socket.on('end', () => received.push('end'))
  })
  const clock = createVirtualClock()
  const slow: typeof connect = async (to, signal) => {
    await clock.advance(12.34)
    const connection = await connect(to, signal)
    return {
      ...connection,
      startTls: (options) => clock.advance(20.06).then(() => connection.startTls(options)),
    }
  }
  const shaken = await shakeHands(
    { ...needs, clock, network: { connect: slow } },
    requestTo(server.endpoint),
    patient,
  )
  assert.deepEqual(shaken.handshake, {
    address: '127.0.0.1',
    port: server.endpoint.port,
    origin: 'own',
    outcome: 'completed',
    error: null,
    protocol: 'TLSv1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    group: 'X25519MLKEM768',
    alpn: 'http/1.1',
    chain: linksOf(chain),
    connectMs: 12.3,
    handshakeMs: 20.1,
  })
  assert.deepEqual(
    shaken.chain.map(({ der }) => der),
    chain.map(({ der }) => der),
  )
  await server.allClosed()
  assert.deepEqual(received, ['end'], 'nothing is asked of the service, and the end is orderly')
})

test('an address that is refused gets no packet', async () => {
  await using server = await listenTls(chain)
  const request = { ...requestTo(server.endpoint), refusal: addressRefusal }
  const { handshake, chain: seen } = await shakeHands(needs, request, patient)
  assert.equal(handshake.outcome, 'refused-address')
  assert.deepEqual(handshake.error, {
    code: 'refused-address',
    text: 'loopback (RFC 1122 §3.2.1.3)',
  })
  assert.deepEqual(seen, [])
  assert.equal(server.accepted, 0)
})

test('the address really connected is judged as well, before anything is said', async () => {
  let heard = 0
  await using server = await listenTcp((socket) => {
    socket.on('data', (data) => (heard += data.length))
    socket.on('end', () => socket.end())
  })
  const led: typeof connect = (_to, signal) => connect(server.endpoint, signal)
  const { handshake } = await shakeHands(
    { ...needs, network: { connect: led } },
    { ...requestTo(server.endpoint), address: '8.8.8.8', refusal: addressRefusal },
    patient,
  )
  assert.equal(handshake.address, '8.8.8.8')
  assert.equal(handshake.outcome, 'refused-address')
  await server.allClosed()
  assert.equal(server.accepted, 1)
  assert.equal(heard, 0)
})

test('an address as target is asked for without a server name', async () => {
  const names: string[] = []
  await using server = await listenTls(chain, {
    SNICallback: (name, done) => {
      names.push(name)
      done(null)
    },
  })
  const named = requestTo(server.endpoint)
  await shakeHands(needs, { ...named, serverName: null }, patient)
  assert.deepEqual(names, [])
  await shakeHands(needs, named, patient)
  assert.deepEqual(names, ['example.test'])
})

test('a certificate that cannot be read makes the handshake a failed one, and ends its chain', async () => {
  const unreadable = makeCertificate({
    subject: ['Unreadable'],
    extensions: [{ oid: '2.5.29.17', critical: false, value: new Uint8Array([1, 2, 3]) }],
  })
  await using server = await listenTls([leaf, unreadable, root])
  const { handshake, chain: read } = await shakeHands(needs, requestTo(server.endpoint), patient)
  assert.equal(handshake.outcome, 'failed')
  assert.equal(handshake.error?.code, 'certificate-malformed')
  assert.deepEqual(handshake.chain, linksOf([leaf]))
  assert.equal(read.length, 1)
})

test('a server that demands a client certificate with TLS 1.2 has failed, but shown its chain', async () => {
  await using server = await listenTls(chain, {
    maxVersion: 'TLSv1.2',
    requestCert: true,
    rejectUnauthorized: true,
  })
  const { handshake, chain: read } = await shakeHands(needs, requestTo(server.endpoint), patient)
  assert.equal(handshake.outcome, 'failed')
  assert.equal(handshake.error?.code, 'tls-alert')
  assert.deepEqual(handshake.chain, linksOf(chain))
  assert.equal(read.length, chain.length)
  assert.equal(typeof handshake.connectMs, 'number')
  assert.equal(handshake.handshakeMs, null)
})

const quiet = (): Promise<Listener> =>
  listenTcp((socket) => {
    socket.resume()
    socket.on('end', () => socket.end())
  })

const hostile: Readonly<Record<string, readonly [string, () => Promise<Listener>]>> = {
  'HTTP instead of TLS': [
    'tls-malformed',
    () => listenTcp((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n').resume()),
  ],
  'the end at once': ['closed', () => listenTcp((socket) => socket.end().resume())],
  'a reset': [
    'reset',
    () => listenTcp((socket) => socket.once('data', () => socket.resetAndDestroy())),
  ],
  'a megabyte of certificates': [
    'too-large',
    () => listenTls(Array<typeof leaf>(3_000).fill(makeLeaf(makeRoot()))),
  ],
  'another application protocol': [
    'tls-alert',
    () => listenTls(chain, { ALPNProtocols: ['imap'] }),
  ],
}

for (const [name, [code, serve]] of Object.entries(hostile))
  test(`${name} is told as ${code}`, async () => {
    await using server = await serve()
    const { handshake } = await shakeHands(needs, requestTo(server.endpoint), patient)
    assert.equal(handshake.outcome, 'failed')
    assert.equal(handshake.error?.code, code, handshake.error?.text)
    assert.deepEqual(handshake.chain, [])
    await server.allClosed()
  })

test('nobody there is told as refused', async () => {
  const endpoint = { address: '127.0.0.1', port: await freePort() }
  const { handshake } = await shakeHands(needs, requestTo(endpoint), patient)
  assert.equal(handshake.error?.code, 'refused')
  assert.equal(handshake.connectMs, null)
})

test('silence until the deadline is told as timeout, and an abort of any kind as aborted', async () => {
  await using server = await quiet()
  const clock = createVirtualClock()
  const { signal } = deadline(clock, 3_000)
  const shaking = shakeHands({ ...needs, clock }, requestTo(server.endpoint), signal)
  await clock.advance(3_000)
  assert.equal((await shaking).handshake.error?.code, 'timeout')
  for (const reason of [undefined, 'no error at all', new Error('shutting down')]) {
    const { handshake } = await shakeHands(
      needs,
      requestTo(server.endpoint),
      AbortSignal.abort(reason),
    )
    assert.equal(handshake.error?.code, 'aborted')
  }
  await server.allClosed()
})

test('a mistake of ours is thrown, and no part of a look', async () => {
  const broken = (): Promise<never> => Promise.reject(new TypeError('a bug'))
  await assert.rejects(
    shakeHands(
      { ...needs, network: { connect: broken } },
      requestTo({ address: '127.0.0.1', port: 1 }),
      patient,
    ),
    /a bug/,
  )
})

test('what was not tried says why', () => {
  const place = { address: '192.0.2.1', port: 25, origin: 'asked' } as const
  const { handshake } = notShaken(place, 'unsupported', 'not yet')
  assert.deepEqual(
    { ...handshake, chain: 0 },
    {
      ...place,
      outcome: 'unsupported',
      error: { code: 'unsupported', text: 'not yet' },
      protocol: null,
      cipher: null,
      group: null,
      alpn: null,
      chain: 0,
      connectMs: null,
      handshakeMs: null,
    },
  )
})
