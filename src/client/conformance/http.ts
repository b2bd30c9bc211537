// HTTP/1.1 by hand (RFC 9112), so that a mirror can be asked what no library would ask, and every word of its reply is seen.

import { concat, textOf, utf8 } from '../../base/bytes.ts'
import { limits } from '../../base/limits.ts'
import { formatEndpoint } from '../../runtime/endpoint.ts'
import { NetworkError, type Connection } from '../../runtime/runtime.ts'

/** A request as it is written; the method and the header fields may be any. */
export interface Request {
  readonly method: string
  readonly path: string
  readonly contentType?: string
  readonly body?: Uint8Array
  /** Further header fields. */
  readonly fields?: readonly (readonly [name: string, value: string])[]
}

/** A reply as it was read. */
export interface Reply {
  readonly status: number
  /** By name in lower case; of a name that is there twice, the values with a comma between them. */
  readonly fields: ReadonlyMap<string, string>
  readonly body: Uint8Array
}

/** How much of a reply is taken, and for how long it is waited. */
export interface ReadingBounds {
  readonly bytesMax: number
  readonly signal: AbortSignal
}

/** Sends `request` and reads the reply to its end. @throws NetworkError */
export async function exchangeHttp(
  connection: Connection,
  request: Request,
  bounds: ReadingBounds,
): Promise<Reply> {
  await connection.write(bytesOf(request, formatEndpoint(connection.remote)))
  return readReply(createSource(connection, bounds.signal), bounds.bytesMax)
}

function bytesOf({ method, path, contentType, body, fields = [] }: Request, host: string) {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `host: ${host}`,
    ...(contentType === undefined ? [] : [`content-type: ${contentType}`]),
    ...(body === undefined ? [] : [`content-length: ${body.length}`]),
    ...fields.map(([name, value]) => `${name}: ${value}`),
  ]
  return concat(utf8(`${lines.join('\r\n')}\r\n\r\n`), body ?? new Uint8Array())
}

async function readReply(source: Source, bytesMax: number): Promise<Reply> {
  for (;;) {
    const { status, fields } = readHead(await source.head())
    // RFC 9110 §15.2: interim replies come before the final one, and say nothing that is wanted here.
    if (status >= 100 && status < 200 && status !== 101) continue
    return { status, fields, body: await readBody(source, { status, fields }, bytesMax) }
  }
}

function readHead(head: string): Pick<Reply, 'status' | 'fields'> {
  const [first = '', ...lines] = head.split('\r\n')
  const status = Number(/^HTTP\/1\.1 ([1-9][0-9]{2})(?: .*)?$/.exec(first)?.[1])
  if (Number.isNaN(status)) throw malformed('its reply does not begin as one of HTTP/1.1')
  const fields = new Map<string, string>()
  for (const line of lines) {
    const field = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*$/.exec(line)
    if (field === null) throw malformed('its reply has a header line that is none')
    const [, name = '', value = ''] = field
    const key = name.toLowerCase()
    const before = fields.get(key)
    fields.set(key, before === undefined ? value : `${before}, ${value}`)
  }
  return { status, fields }
}

async function readBody(
  source: Source,
  { status, fields }: Pick<Reply, 'status' | 'fields'>,
  bytesMax: number,
): Promise<Uint8Array> {
  if (status === 204 || status === 304) return new Uint8Array()
  if (fields.get('transfer-encoding')?.toLowerCase() === 'chunked')
    return readChunks(source, bytesMax)
  const length = fields.get('content-length')
  if (length === undefined) return source.rest(bytesMax)
  const count = /^[0-9]{1,15}$/.test(length) ? Number(length) : Number.NaN
  if (Number.isNaN(count)) throw malformed('the length of its reply is no number')
  if (count > bytesMax) throw tooLarge(bytesMax)
  return source.bytes(count)
}

/** RFC 9112 §7.1; trailers are read over. */
async function readChunks(source: Source, bytesMax: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let total = 0
  for (;;) {
    const size = /^([0-9A-Fa-f]{1,8})(?:[ \t]*;.*)?$/.exec(await source.line())?.[1]
    if (size === undefined) throw malformed('a chunk of its reply has no size')
    const count = Number.parseInt(size, 16)
    if (count === 0) break
    total += count
    if (total > bytesMax) throw tooLarge(bytesMax)
    parts.push(await source.bytes(count))
    if ((await source.line()) !== '') throw malformed('a chunk of its reply has no end')
  }
  while ((await source.line()) !== '');
  return concat(...parts)
}

/** The bytes of a connection, in the portions that HTTP is made of. */
interface Source {
  /** Up to the empty line, without it. */
  head(): Promise<string>
  line(): Promise<string>
  bytes(count: number): Promise<Uint8Array>
  /** Until the peer ends. */
  rest(bytesMax: number): Promise<Uint8Array>
}

function createSource(connection: Connection, signal: AbortSignal): Source {
  let buffer: Uint8Array = new Uint8Array()
  /** Reads on until there are `count` bytes; false when the peer has ended before. */
  const fill = async (count: number): Promise<boolean> => {
    const parts = [buffer]
    let total = buffer.length
    let ended = false
    while (total < count && !ended) {
      const bytes = await connection.read(signal)
      if (bytes === null) ended = true
      else {
        parts.push(bytes)
        total += bytes.length
      }
    }
    buffer = parts.length === 1 ? buffer : concat(...parts)
    return !ended
  }
  const take = (count: number): Uint8Array => {
    const taken = buffer.subarray(0, count)
    buffer = buffer.subarray(count)
    return taken
  }
  const until = async (end: string): Promise<string> => {
    const mark = utf8(end)
    for (;;) {
      const at = indexOf(buffer, mark)
      if (at >= 0) {
        const text = textOf(take(at + mark.length))
        if (text === null) throw malformed('the head of its reply is no text')
        return text.slice(0, -end.length)
      }
      if (buffer.length > limits.replyHeaderBytesMax) throw tooLarge(limits.replyHeaderBytesMax)
      if (!(await fill(buffer.length + 1)))
        throw new NetworkError('closed', closedText(buffer.length))
    }
  }
  return {
    head: () => until('\r\n\r\n'),
    line: () => until('\r\n'),
    bytes: async (count) => {
      if (!(await fill(count))) throw new NetworkError('closed', closedText(buffer.length))
      return take(count)
    },
    rest: async (bytesMax) => {
      if (await fill(bytesMax + 1)) throw tooLarge(bytesMax)
      return take(buffer.length)
    },
  }
}

function closedText(received: number): string {
  return received === 0
    ? 'it closed the connection without a reply'
    : 'it closed the connection in the middle of its reply'
}

function indexOf(bytes: Uint8Array, mark: Uint8Array): number {
  for (let at = 0; at + mark.length <= bytes.length; at++)
    if (mark.every((byte, i) => bytes[at + i] === byte)) return at
  return -1
}

function malformed(text: string): NetworkError {
  return new NetworkError('other', text)
}

function tooLarge(bytesMax: number): NetworkError {
  return new NetworkError('too-large', `its reply is larger than ${bytesMax} bytes`)
}
