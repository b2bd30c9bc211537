import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { concat, textOf, utf8 } from '../../base/bytes.ts'
import { limits } from '../../base/limits.ts'
import { NetworkError, type Connection } from '../../runtime/runtime.ts'
import { exchangeHttp, type Request } from './http.ts'

const never = new AbortController().signal

/** A connection that gives `pieces` one after the other and then ends, and keeps what is written. */
function connectionOf(pieces: readonly Uint8Array[]) {
  const left = [...pieces]
  const written: Uint8Array[] = []
  const connection: Connection = {
    remote: { address: '2001:db8::1', port: 443 },
    read: async () => left.shift() ?? null,
    write: async (data) => void written.push(data),
    startTls: () => Promise.reject(new Error('not in this test')),
    close: () => {},
  }
  return { connection, written: () => textOf(concat(...written)) }
}

async function replyOf(pieces: readonly Uint8Array[], bytesMax = 1_000) {
  const { connection } = connectionOf(pieces)
  return exchangeHttp(connection, { method: 'GET', path: '/' }, { bytesMax, signal: never })
}

test('a request is written as it is asked for', async () => {
  const { connection, written } = connectionOf([utf8('HTTP/1.1 204 No Content\r\n\r\n')])
  const request: Request = {
    method: 'PURGE',
    path: '/x?y',
    contentType: 'text/plain',
    body: utf8('ü'),
    fields: [['x-a', 'b']],
  }
  const reply = await exchangeHttp(connection, request, { bytesMax: 10, signal: never })
  assert.equal(reply.status, 204)
  assert.equal(
    written(),
    'PURGE /x?y HTTP/1.1\r\nhost: [2001:db8::1]:443\r\ncontent-type: text/plain\r\ncontent-length: 2\r\nx-a: b\r\n\r\nü',
  )
})

const readable: readonly (readonly [string, string, string])[] = [
  ['of a length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', 'hello'],
  ['until the end', 'HTTP/1.1 200\r\nX: y\r\n\r\nhello', 'hello'],
  [
    'in chunks',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nTrailer: x\r\n\r\n',
    'hello',
  ],
  ['behind an interim one', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nhello', 'hello'],
  ['that has none', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello', ''],
]
for (const [what, words, body] of readable)
  test(`a body ${what} is read, however the bytes arrive`, () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: words.length })), async (cuts) => {
        const bytes = utf8(words)
        const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length]
        const pieces = places.slice(1).map((end, i) => bytes.subarray(places[i] ?? 0, end))
        const reply = await replyOf(pieces.filter((piece) => piece.length > 0))
        assert.equal(textOf(reply.body), body)
      }),
      { numRuns: 50 },
    ))

test('fields are found by their names in lower case, and repeated ones are one', async () => {
  const { fields } = await replyOf([
    utf8('HTTP/1.1 200 OK\r\nX-A:  b \r\nx-a: c\r\ncontent-length: 0\r\n\r\n'),
  ])
  assert.equal(fields.get('x-a'), 'b, c')
})

const refused: readonly (readonly [string, string, RegExp])[] = [
  ['nothing', '', /without a reply/],
  ['half a head', 'HTTP/1.1 200 OK\r\nX: ', /in the middle/],
  ['half a body', 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello', /in the middle/],
  ['another protocol', '220 smtp.example ESMTP\r\n\r\n', /HTTP\/1\.1/],
  ['an older version', 'HTTP/1.0 200 OK\r\n\r\n', /HTTP\/1\.1/],
  ['a line that is no field', 'HTTP/1.1 200 OK\r\nhello\r\n\r\n', /header line/],
  ['a length that is none', 'HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n', /no number/],
  ['a length beyond the bound', 'HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n', /larger/],
  ['a body beyond the bound', `HTTP/1.1 200 OK\r\n\r\n${'a'.repeat(1_001)}`, /larger/],
  [
    'chunks beyond the bound',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffff\r\n',
    /larger/,
  ],
  [
    'a chunk without a size',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nhello\r\n',
    /no size/,
  ],
  [
    'a chunk without an end',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhello\r\n',
    /no end/,
  ],
  ['an endless head', `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(limits.replyHeaderBytesMax)}`, /larger/],
]
for (const [what, words, why] of refused)
  test(`${what} is refused`, async () => {
    await assert.rejects(replyOf(words === '' ? [] : [utf8(words)]), (error) => {
      assert.ok(error instanceof NetworkError)
      assert.match(error.message, why)
      return true
    })
  })
