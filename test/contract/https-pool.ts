// What every HttpsPool promises; each implementation runs this suite against a mirror of its own world.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  NetworkError,
  type HttpsPeer,
  type HttpsPool,
  type HttpsRequest,
} from '../../src/runtime/runtime.ts'

/** A world with one mirror that answers, and one address where nobody does. */
export interface PoolUnderTest {
  /** A pool whose `accept` is the one given. */
  readonly pool: (accept: (peer: HttpsPeer, chain: readonly Uint8Array[]) => void) => HttpsPool
  readonly mirror: HttpsPeer
  readonly nobody: HttpsPeer
  pass<T>(promise: Promise<T>): Promise<T>
  stop(): Promise<void>
}

/** Registers the suite for the implementation called `name`. */
export function httpsPoolContract(name: string, make: () => Promise<PoolUnderTest>): void {
  const ping = {
    method: 'GET',
    path: '/.well-known/secure-mirror',
    bytesMax: 100_000,
    signal: new AbortController().signal,
  } as const satisfies HttpsRequest
  const check = (title: string, body: (under: PoolUnderTest) => Promise<void>): void => {
    test(`${name}: ${title}`, async () => {
      const under = await make()
      try {
        await body(under)
      } finally {
        await under.stop()
      }
    })
  }

  check('an accepted peer is asked and answers', async (under) => {
    const chains: (readonly Uint8Array[])[] = []
    const pool = under.pool((_peer, chain) => chains.push(chain))
    const response = await under.pass(pool.request(under.mirror, ping))
    assert.equal(response.status, 200)
    assert.match(response.contentType, /json/)
    assert.equal(chains[0]?.length, 2)
    pool.close()
  })

  check('what accept throws is what the request rejects with', async (under) => {
    const pool = under.pool(() => {
      throw new NetworkError('other', 'not this one')
    })
    await assert.rejects(under.pass(pool.request(under.mirror, ping)), /not this one/)
    await assert.rejects(under.pass(pool.warm(under.mirror, ping.signal)), /not this one/)
    pool.close()
  })

  check('an answer larger than asked for is refused', async (under) => {
    const pool = under.pool(() => {})
    await assert.rejects(
      under.pass(pool.request(under.mirror, { ...ping, bytesMax: 10 })),
      (error) => error instanceof NetworkError && error.code === 'too-large',
    )
    pool.close()
  })

  check('nobody there is `refused`', async (under) => {
    const pool = under.pool(() => {})
    await assert.rejects(
      under.pass(pool.request(under.nobody, ping)),
      (error) => error instanceof NetworkError && error.code === 'refused',
    )
    pool.close()
  })

  check('an aborted signal rejects with its reason', async (under) => {
    const pool = under.pool(() => {})
    const reason = new NetworkError('aborted', 'changed my mind')
    const request = pool.request(under.mirror, { ...ping, signal: AbortSignal.abort(reason) })
    await assert.rejects(under.pass(request), (error) => error === reason)
    pool.close()
  })
}
