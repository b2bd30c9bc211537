import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import test from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { listenTcp } from '../../../test/support/listeners.ts'
import { freePort } from '../../../test/support/service.ts'
import { createVirtualClock } from '../../../test/support/virtual-clock.ts'
import { textOf, utf8 } from '../../base/bytes.ts'
import { deadline } from '../deadline.ts'
import { NetworkError, type Connection, type NetworkErrorCode } from '../runtime.ts'
import { connect } from './connection.ts'

const patient = new AbortController().signal

async function fails(promise: Promise<unknown>, code: NetworkErrorCode): Promise<void> {
  await assert.rejects(promise, (error) => error instanceof NetworkError && error.code === code)
}

/** Says nothing, and closes when the peer does. */
function listen(socket: Socket): void {
  socket.on('end', () => socket.end())
  socket.resume()
}

async function readAll(connection: Connection): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for (;;) {
    const part = await connection.read(patient)
    if (part === null) return Buffer.concat(parts)
    parts.push(part)
  }
}

test('what is written arrives, what comes back is read, and the end is null', async () => {
  await using server = await listenTcp((socket) => socket.pipe(socket))
  const connection = await connect(server.endpoint, patient)
  assert.deepEqual(connection.remote, server.endpoint)
  await connection.write(utf8('hello'))
  assert.equal(textOf((await connection.read(patient)) ?? utf8('nothing')), 'hello')
  connection.close()
  await server.allClosed()
})

test('the end of the peer is null, again and again', async () => {
  await using server = await listenTcp((socket) => socket.end('bye'))
  const connection = await connect(server.endpoint, patient)
  assert.equal(textOf(await readAll(connection)), 'bye')
  assert.equal(await connection.read(patient), null)
  connection.close()
})

test('IPv6', async () => {
  await using server = await listenTcp((socket) => socket.end('six'), '::1')
  const connection = await connect(server.endpoint, patient)
  assert.deepEqual(connection.remote, server.endpoint)
  assert.equal(textOf(await readAll(connection)), 'six')
  connection.close()
})

test('a port where nobody listens is refused', async () => {
  await fails(connect({ address: '127.0.0.1', port: await freePort() }, patient), 'refused')
})

test('a name is a mistake of ours, and is not looked up', async () => {
  await assert.rejects(connect({ address: 'localhost', port: 1 }, patient), /Broken invariant/)
})

test('a reset is told', async () => {
  await using server = await listenTcp((socket) =>
    socket.once('data', () => socket.resetAndDestroy()),
  )
  const connection = await connect(server.endpoint, patient)
  await connection.write(utf8('x'))
  await fails(connection.read(patient), 'reset')
  await fails(connection.read(patient), 'reset')
})

test('an attempt that is aborted leaves no connection behind', async () => {
  await using server = await listenTcp(listen)
  const controller = new AbortController()
  const attempt = connect(server.endpoint, controller.signal)
  controller.abort()
  await fails(attempt, 'aborted')
  await fails(connect(server.endpoint, controller.signal), 'aborted')
  // A connection of ours behind it shows that the aborted ones have had their turn.
  const later = await connect(server.endpoint, patient)
  later.close()
  await server.allClosed()
  assert.equal(server.open, 0)
})

test('a read past its deadline says timeout and closes the connection', async () => {
  const clock = createVirtualClock()
  await using server = await listenTcp(listen)
  const connection = await connect(server.endpoint, patient)
  const { signal } = deadline(clock, 1_000)
  const reading = connection.read(signal)
  const failed = fails(reading, 'timeout')
  await clock.advance(1_000)
  await failed
  await server.allClosed()
  await fails(connection.read(patient), 'closed')
  await fails(connection.write(utf8('x')), 'closed')
})

test('closing ends a read that waits', async () => {
  await using server = await listenTcp(listen)
  const connection = await connect(server.endpoint, patient)
  const failed = fails(connection.read(patient), 'closed')
  connection.close()
  connection.close()
  await failed
  await server.allClosed()
})

test('closing is orderly for a peer that has more to say', async () => {
  const endings: string[] = []
  await using server = await listenTcp((socket) => {
    socket.on('error', () => endings.push('error'))
    socket.on('end', () => {
      endings.push('end')
      socket.end('one more thing')
    })
    socket.write('unread')
    socket.resume()
  })
  const connection = await connect(server.endpoint, patient)
  connection.close()
  await server.allClosed()
  assert.deepEqual(endings, ['end'])
})

test('closing does not wait for a peer that goes on talking, fast or slowly', async () => {
  await using fast = await listenTcp((socket) => {
    const talk = (): void => {
      if (socket.writable) socket.write(Buffer.alloc(65_536), talk)
    }
    talk()
  })
  await using slow = await listenTcp((socket) => {
    const dripping = setInterval(() => socket.write('.'), 20)
    socket.once('close', () => clearInterval(dripping))
  })
  for (const server of [fast, slow]) {
    const connection = await connect(server.endpoint, patient)
    await connection.read(patient)
    connection.close()
    // Only a reset, which comes when ours is gone for good, closes these servers' sockets.
    await server.allClosed()
  }
})

test('what is not read stays with the peer', async () => {
  const sent = 16 * 1_048_576
  await using server = await listenTcp((socket) => socket.end(Buffer.alloc(sent)))
  const connection = await connect(server.endpoint, patient)
  for (let i = 0; i < 500; i++) await turn()
  const first = await connection.read(patient)
  assert.ok(first !== null && first.length <= 262_144, `${first?.length} bytes had piled up`)
  assert.equal(first.length + (await readAll(connection)).length, sent)
  connection.close()
})

test('two readers at a time are a mistake of ours', async () => {
  await using server = await listenTcp(listen)
  const connection = await connect(server.endpoint, patient)
  const failed = fails(connection.read(patient), 'closed')
  await assert.rejects(connection.read(patient), /one reader/)
  connection.close()
  await failed
})
