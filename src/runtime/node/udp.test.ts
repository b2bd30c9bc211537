import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import test from 'node:test'
import { textOf, utf8 } from '../../base/bytes.ts'
import type { Endpoint } from '../runtime.ts'
import { openUdp } from './udp.ts'

const ignore = (): void => {}

const hasIpv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === '::1'),
)
const families: readonly (readonly [family: 4 | 6, loopback: string])[] = hasIpv6
  ? [
      [4, '127.0.0.1'],
      [6, '::1'],
    ]
  : [[4, '127.0.0.1']]

for (const [family, loopback] of families) {
  test(`datagrams go both ways over IPv${family}, each with its true source`, async () => {
    const heard = Promise.withResolvers<{ text: string | null; from: Endpoint }>()
    const receiver = await openUdp(family, (data, from) =>
      heard.resolve({ text: textOf(data), from }),
    )
    const sender = await openUdp(family, ignore)
    sender.send(utf8('hello'), { address: loopback, port: receiver.local.port })
    const { text, from } = await heard.promise
    assert.equal(text, 'hello')
    assert.deepEqual(from, { address: loopback, port: sender.local.port })
    receiver.close()
    sender.close()
  })
}

test('what cannot be sent is lost without a crash: refused ports, other families, too long', async () => {
  const closed = await openUdp(4, ignore)
  const { port } = closed.local
  closed.close()
  const heard = Promise.withResolvers<void>()
  const receiver = await openUdp(4, () => heard.resolve())
  const sender = await openUdp(4, ignore)
  for (let i = 0; i < 3; i++) sender.send(utf8('anyone?'), { address: '127.0.0.1', port })
  sender.send(utf8('anyone?'), { address: '::1', port })
  sender.send(new Uint8Array(70_000), { address: '127.0.0.1', port })
  sender.send(utf8('still there'), { address: '127.0.0.1', port: receiver.local.port })
  await heard.promise
  receiver.close()
  sender.close()
})

test('a closed socket neither sends nor hears, and closing twice is nothing', async () => {
  let heard = 0
  const first = await openUdp(4, () => heard++)
  const done = Promise.withResolvers<void>()
  const second = await openUdp(4, () => done.resolve())
  const sender = await openUdp(4, ignore)
  sender.send(utf8('early'), { address: '127.0.0.1', port: first.local.port })
  first.close()
  first.close()
  first.send(utf8('late'), { address: '127.0.0.1', port: second.local.port })
  sender.send(utf8('end'), { address: '127.0.0.1', port: second.local.port })
  await done.promise
  assert.equal(heard, 0)
  second.close()
  sender.close()
})

test('ports are chosen anew for each socket', async () => {
  const sockets = await Promise.all(Array.from({ length: 8 }, () => openUdp(4, ignore)))
  assert.equal(new Set(sockets.map((socket) => socket.local.port)).size, 8)
  for (const socket of sockets) socket.close()
})
