// A round's end, and what becomes of the questions that are still under way then.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ListEntry } from '../protocol/routes.ts'
import { limits } from '../base/limits.ts'
import { createVirtualClock } from '../../test/support/virtual-clock.ts'
import { startRound } from './round.ts'

const mirror: ListEntry = { ip: '192.0.2.1', port: 443, id: 'm'.repeat(43), region: 'RIPE-DE' }

test('a round that is over leaves its questions their time, so that connections stay warm', async () => {
  const clock = createVirtualClock()
  const asked: AbortSignal[] = []
  let changes = 0
  const places: ListEntry[] = [mirror]
  const round = startRound({
    desk: {
      ask: (_mirror, _question, signal) => {
        asked.push(signal)
        return new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error)),
        )
      },
      warm: () => Promise.resolve(true),
      close: () => {},
    },
    draw: { next: () => places.pop() ?? null },
    clock,
    question: { target: 'https://example.com', fresh: false, asked: [], handshakes: true },
    ask: 1,
    signal: new AbortController().signal,
    onChange: () => changes++,
    onFault: () => changes++,
  })
  round.stop()
  assert.equal(asked[0]?.aborted, false)
  await clock.advance(limits.mirrorTimeoutMs)
  assert.equal(asked[0]?.aborted, true, 'no question is waited for without end')
  assert.equal(clock.armed, 0)
  assert.equal(changes, 0, 'what comes after the end is nobody’s')
})
