// The HTTPS server and the pinned pool against each other and against hostile ends, on real sockets.

import assert from 'node:assert/strict'
import { connect as tcpConnect, createServer as createTcpServer, type Socket } from 'node:net'
import { createServer as createHttpsServer } from 'node:https'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { createMirrorAuthority } from '../../mirror/identity.ts'
import { issueServer } from '../../identity/issue.ts'
import { mirrorIdOf } from '../../observation/fingerprint.ts'
import { mirrorPool, peerOf } from '../../protocol/peers.ts'
import { Failure } from '../../base/failure.ts'
import { deadline } from '../deadline.ts'
import { NetworkError, type HttpQuestion, type HttpsHandler } from '../runtime.ts'
import { nodeRuntime } from './runtime.ts'

const runtime = nodeRuntime()
const { signal: never } = new AbortController()

function identity(names: readonly string[] = ['127.0.0.1']) {
  const authority = createMirrorAuthority(runtime)
  const server = issueServer(runtime, authority, { names })
  return { ...server, id: mirrorIdOf(runtime.crypto, authority.certificate.spki) }
}

async function serve(t: TestContext, handler: HttpsHandler, given = identity()) {
  const server = await runtime.network.serveHttps({
    listen: { address: '127.0.0.1', port: 0 },
    bodyBytesMax: 1_000,
  })
  server.show(given.keyPem, given.chainPem)
  server.answer(handler)
  t.after(() => server.close())
  return {
    ...given,
    server,
    peer: peerOf({ ip: '127.0.0.1', port: server.local.port, id: given.id }),
  }
}

function pool(t: TestContext) {
  const made = mirrorPool(runtime)
  t.after(() => made.close())
  return made
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const echo: HttpsHandler = ({ method, path, body }) => ({
  status: 200,
  contentType: 'text/plain',
  cacheControl: 'no-store',
  body: `${method} ${path} ${body === null ? 'too large' : text(body)}`,
})
const get = { method: 'GET', path: '/x?y=1', bytesMax: 1_000, signal: never } as const

test('questions and answers pass as they are, over one connection', async (t) => {
  const peers = new Set<number>()
  const { peer } = await serve(t, (question: HttpQuestion) => {
    peers.add(question.peer.port)
    return echo(question)
  })
  const mirrors = pool(t)
  assert.equal(text((await mirrors.request(peer, get)).body), 'GET /x?y=1 ')
  const posted = { ...get, method: 'POST' as const, body: new TextEncoder().encode('{"ü":1}') }
  assert.equal(text((await mirrors.request(peer, posted)).body), 'POST /x?y=1 {"ü":1}')
  assert.equal(peers.size, 1)
})

test('a warm connection is the one that the first question uses', async (t) => {
  const peers = new Set<number>()
  const { peer } = await serve(t, (question) => {
    peers.add(question.peer.port)
    return echo(question)
  })
  const mirrors = pool(t)
  await mirrors.warm(peer, never)
  await mirrors.request(peer, get)
  assert.equal(peers.size, 1)
})

test('a server under another CA gets no request, and a connection is never shared between ids', async (t) => {
  let asked = 0
  const { peer } = await serve(t, (question) => {
    asked += 1
    return echo(question)
  })
  const mirrors = pool(t)
  await mirrors.request(peer, get)
  const impostor = { ...peer, id: identity().id }
  await assert.rejects(
    mirrors.request(impostor, get),
    (error) => Failure.is(error) && error.code === 'mirror-rejected',
  )
  assert.equal(asked, 1)
})

test('a certificate for another address is refused', async (t) => {
  const { peer } = await serve(t, echo, identity(['192.0.2.1']))
  await assert.rejects(pool(t).request(peer, get), /not for 127\.0\.0\.1/)
})

test('a body over the bound reaches the handler as null, and the connection ends', async (t) => {
  const { peer } = await serve(t, (question) => ({
    status: question.body === null ? 413 : 200,
    contentType: 'text/plain',
    cacheControl: 'no-store',
    body: '',
  }))
  const large = { ...get, method: 'POST' as const, body: new Uint8Array(200_000) }
  assert.equal((await pool(t).request(peer, large)).status, 413)
})

for (const method of ['POST', 'DELETE'])
  test(`a ${method} without a body, and without a word of one, is answered`, async (t) => {
    const { server } = await serve(t, echo)
    const { signal, done } = deadline(runtime.clock, 5_000)
    const connection = await runtime.network.connect(server.local, signal)
    await connection.startTls({ serverName: null, alpn: ['http/1.1'], signal })
    await connection.write(new TextEncoder().encode(`${method} /x HTTP/1.1\r\nhost: a\r\n\r\n`))
    const answer = await connection.read(signal)
    assert.match(text(answer ?? new Uint8Array()), /^HTTP\/1\.1 200 /)
    connection.close()
    done()
  })

test('a handler that breaks ends that connection and no other', async (t) => {
  const { peer } = await serve(t, (question) =>
    question.path === '/broken' ? Promise.reject(new Error('a fault')) : echo(question),
  )
  const mirrors = pool(t)
  await assert.rejects(mirrors.request(peer, { ...get, path: '/broken' }), NetworkError)
  assert.equal((await mirrors.request(peer, get)).status, 200)
})

test('a renewed certificate is shown to new connections, and old ones go on', async (t) => {
  const { server, peer } = await serve(t, echo)
  const first = pool(t)
  await first.request(peer, get)
  const other = identity()
  server.show(other.keyPem, other.chainPem)
  assert.equal((await first.request(peer, get)).status, 200)
  await assert.rejects(pool(t).request(peer, get), /another one/)
  assert.equal((await pool(t).request({ ...peer, id: other.id }, get)).status, 200)
})

test('an answer beyond its bound is cut off', async (t) => {
  const { peer } = await serve(t, () => ({
    status: 200,
    contentType: 'text/plain',
    cacheControl: 'no-store',
    body: new Uint8Array(100_000),
  }))
  await assert.rejects(
    pool(t).request(peer, get),
    (error) => error instanceof NetworkError && error.code === 'too-large',
  )
})

test('an endless answer is cut off without being kept', async (t) => {
  const given = identity()
  const server = createHttpsServer(
    { key: given.keyPem, cert: given.chainPem },
    (_request, response) => {
      response.writeHead(200)
      const pour = (): void => {
        while (!response.destroyed && response.write(new Uint8Array(65_536)));
      }
      response.on('drain', pour)
      pour()
    },
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as { port: number }
  const peer = peerOf({ ip: '127.0.0.1', port, id: given.id })
  await assert.rejects(pool(t).request(peer, { ...get, bytesMax: 1_000_000 }), /larger than/)
})

test('a peer that hangs is left when the signal says so', async (t) => {
  const { peer } = await serve(t, () => new Promise<never>(() => {}))
  const { signal, done } = deadline(runtime.clock, 50)
  t.after(done)
  await assert.rejects(
    pool(t).request(peer, { ...get, signal }),
    (error) => error instanceof NetworkError && error.code === 'timeout',
  )
})

test('a peer that accepts and never shakes hands is left, too', async (t) => {
  const sockets: Socket[] = []
  const server = createTcpServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as { port: number }
  const { signal, done } = deadline(runtime.clock, 50)
  t.after(done)
  const peer = peerOf({ ip: '127.0.0.1', port, id: 'x'.repeat(43) })
  await assert.rejects(pool(t).request(peer, { ...get, signal }), NetworkError)
})

test('nobody at the address is said so', async (t) => {
  const { server, peer } = await serve(t, echo)
  await server.close()
  await assert.rejects(
    pool(t).request(peer, get),
    (error) => error instanceof NetworkError && error.code === 'refused',
  )
})

test('a client that speaks no TLS, or garbage, does not disturb the server', async (t) => {
  const { server, peer } = await serve(t, echo)
  for (const garbage of ['GET / HTTP/1.1\r\n\r\n', '\u0016\u0003\u0001\u00ff\u00ff', '']) {
    const socket = tcpConnect(server.local.port, '127.0.0.1')
    await once(socket, 'connect')
    socket.end(garbage)
    socket.resume()
    await once(socket, 'close')
  }
  assert.equal((await pool(t).request(peer, get)).status, 200)
})

test('a port that is taken is a failure with its name', async (t) => {
  const { server } = await serve(t, echo)
  await assert.rejects(
    runtime.network.serveHttps({ listen: server.local, bodyBytesMax: 1 }),
    (error) =>
      Failure.is(error) && error.code === 'listen-failed' && /EADDRINUSE/.test(error.message),
  )
})
