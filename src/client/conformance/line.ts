// Connections to the mirror under trial: kept alive as long as it lets them, opened anew when it does not, each reply written down.

import { deadline } from '../../runtime/deadline.ts'
import { limits } from '../../base/limits.ts'
import {
  NetworkError,
  type Connection,
  type Endpoint,
  type Runtime,
  type TlsFacts,
} from '../../runtime/runtime.ts'
import { exchangeHttp, type Reply, type Request } from './http.ts'

/** What a line needs of the world. */
export type LineNeeds = Pick<Runtime, 'clock'> & {
  readonly network: Pick<Runtime['network'], 'connect'>
}

/** A TLS connection, and what TLS settled. */
export interface Secured {
  readonly connection: Connection
  readonly facts: TlsFacts
}

/** One conversation with a mirror. */
export interface Line {
  /** What TLS settled, at first. @throws NetworkError */
  facts(): Promise<TlsFacts>
  /** @throws NetworkError */
  ask(request: Request, bytesMax?: number): Promise<Reply>
  close(): void
}

/** Connects and settles TLS, whatever the certificates are. @throws NetworkError */
export async function openSecured(
  { network }: LineNeeds,
  endpoint: Endpoint,
  signal: AbortSignal,
): Promise<Secured> {
  const connection = await network.connect(endpoint, signal)
  try {
    // RFC 6066 §3: an address is no server name.
    const facts = await connection.startTls({ serverName: null, alpn: ['http/1.1'], signal })
    return { connection, facts }
  } catch (error) {
    connection.close()
    throw error
  }
}

/** A line that is not open yet; `signal` ends all that it does. */
export function createLine(
  needs: LineNeeds,
  options: {
    readonly endpoint: Endpoint
    readonly signal: AbortSignal
    readonly heard: (request: Request, reply: Reply) => void
  },
): Line {
  const { endpoint, heard } = options
  let open: Secured | null = null
  let first: TlsFacts | null = null
  const inTime = async <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const { signal, done } = deadline(needs.clock, limits.trialRequestMs, options.signal)
    return work(signal).finally(done)
  }
  const hangUp = (): void => {
    open?.connection.close()
    open = null
  }
  const pickUp = async (): Promise<Secured> => {
    open ??= await inTime((signal) => openSecured(needs, endpoint, signal))
    first ??= open.facts
    return open
  }
  const askOnce = async (request: Request, bytesMax: number): Promise<Reply> => {
    const { connection } = await pickUp()
    try {
      const reply = await inTime((signal) =>
        exchangeHttp(connection, request, { bytesMax, signal }),
      )
      if (!isKept(reply)) hangUp()
      return reply
    } catch (error) {
      hangUp()
      throw error
    }
  }
  return {
    facts: async () => first ?? (await pickUp()).facts,
    ask: async (request, bytesMax = limits.mirrorAnswerBytesMax) => {
      const wasOpen = open !== null
      const reply = await askOnce(request, bytesMax).catch((error: unknown) => {
        // RFC 9112 §9.3.1: a connection may have ended since; nothing that is asked here changes by being asked twice.
        if (wasOpen && isEnd(error)) return askOnce(request, bytesMax)
        throw error
      })
      heard(request, reply)
      return reply
    },
    close: hangUp,
  }
}

function isKept({ fields }: Reply): boolean {
  return fields.get('connection')?.toLowerCase() !== 'close'
}

function isEnd(error: unknown): boolean {
  return error instanceof NetworkError && ['closed', 'reset'].includes(error.code)
}
