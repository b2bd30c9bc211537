// How a mirror is reached: TLS, its chain, HTTP and its bounds (TLS, ID, HTTP, PING).

import { limits } from '../../../base/limits.ts'
import { mirrorIdOf } from '../../../observation/fingerprint.ts'
import { textOf, utf8 } from '../../../base/bytes.ts'
import { problemCodeOf } from '../../../protocol/problems.ts'
import { paths } from '../../../protocol/routes.ts'
import { deadline } from '../../../runtime/deadline.ts'
import { NetworkError, type Certificate } from '../../../runtime/runtime.ts'
import { firstFault, unless, type Check } from '../check.ts'
import { answersOldHello, oldClientHello } from '../hello.ts'
import { exchangeHttp, type Reply, type Request } from '../http.ts'
import { openSecured } from '../line.ts'
import { newNonce, postOf, Untried, type Session } from '../session.ts'

const ping: Request = { method: 'GET', path: paths.ping }

/** Without TLS nothing else can be asked. */
export const tlsCheck: Check = {
  clause: 'TLS-1',
  demand: 'TLS 1.3 is spoken, and nothing older',
  run: async ({ session }) => {
    if (await takesOldTls(session)) return 'it takes up a greeting in TLS 1.2'
    const { protocol } = await session.line.facts()
    return unless(protocol === 'TLSv1.3', `it speaks ${protocol}`)
  },
}

/** Without HTTP neither. */
export const httpCheck: Check = {
  clause: 'HTTP-1',
  demand: 'HTTP/1.1 is spoken',
  run: async ({ session }) => {
    await session.line.ask(ping)
    return null
  },
}

/** True when the server goes on with a client that knows TLS 1.2 alone. @throws NetworkError when nobody is there */
async function takesOldTls({ needs, mirror, signal }: Session): Promise<boolean> {
  const { signal: inTime, done } = deadline(needs.clock, limits.handshakeTimeoutMs, signal)
  const connection = await needs.network.connect({ address: mirror.ip, port: mirror.port }, inTime)
  try {
    await connection.write(oldClientHello(needs.random))
    const answer = await connection.read(inTime)
    return answer !== null && answersOldHello(answer)
  } catch (error) {
    if (!(error instanceof NetworkError) || signal.aborted) throw error
    return false
  } finally {
    done()
    connection.close()
  }
}

/** The chain of the handshake. */
export const identityChecks: readonly Check[] = [
  {
    clause: 'ID-2',
    demand: 'the chain begins with a server certificate and a CA certificate',
    run: async ({ session }) => {
      const [server, authority] = await session.chain()
      if (server === undefined) return 'it shows no certificate'
      if (server === null) return 'its server certificate cannot be read'
      return unless(
        authority !== undefined && authority !== null,
        'no readable certificate follows that of the server',
      )
    },
  },
  {
    clause: 'ID-3',
    demand: 'the CA is the one that the id names',
    run: async ({ session }) => {
      const { authority } = await pairOf(session)
      const id = mirrorIdOf(session.needs.crypto, authority.spki)
      return unless(id === session.mirror.id, `its CA has the id ${id}`)
    },
  },
  {
    clause: 'ID-4',
    demand: 'the CA certificate is one of a CA',
    run: async ({ session }) => {
      const { authority } = await pairOf(session)
      return unless(authority.basicConstraints?.ca === true, 'its basic constraints say no')
    },
  },
  {
    clause: 'ID-5',
    demand: 'the server certificate is signed with the CA key',
    run: async ({ session }) => {
      const { server, authority } = await pairOf(session)
      const isSigned = session.needs.crypto.isSignedBy(server, authority.spki)
      return unless(isSigned, 'the signature does not verify')
    },
  },
  {
    clause: 'ID-6',
    demand: 'the server certificate is for the address',
    run: async ({ session }) => {
      const { server } = await pairOf(session)
      const { ip } = session.mirror
      const named = server.ipAddresses.join(', ') || 'no address'
      return unless(server.ipAddresses.includes(ip), `it is for ${named}, not for ${ip}`)
    },
  },
  {
    clause: 'ID-7',
    demand: 'both certificates are within their dates',
    run: async ({ session }) => {
      const { server, authority } = await pairOf(session)
      return firstFault([server, authority], (one) => dateFault(one, session.needs.clock.now()))
    },
  },
]

async function pairOf({
  chain,
}: Session): Promise<{ server: Certificate; authority: Certificate }> {
  const [server, authority] = await chain()
  if (server && authority) return { server, authority }
  throw new Untried('the chain is not that of a mirror')
}

/** Why a certificate of a mirror is not valid at `now`; null when it is. */
export function dateFault({ notBefore, notAfter }: Certificate, now: number): string | null {
  if (notBefore > now + limits.clockSkewMs) return 'a certificate is not valid yet'
  return unless(notAfter >= now, 'a certificate has expired')
}

/** HTTP, before anything of the protocol is asked. */
export const httpChecks: readonly Check[] = [
  {
    clause: 'HTTP-2',
    demand: 'a connection stays open after a reply',
    run: ({ session }) => keptOpenFault(session),
  },
  {
    clause: 'PING-1',
    demand: 'a ping is answered with 204 and nothing else',
    run: async ({ session }) => {
      const { status, body } = await session.line.ask(ping)
      return unless(
        status === 204 && body.length === 0,
        `it answered ${status} and ${body.length} bytes`,
      )
    },
  },
  {
    clause: 'HTTP-5',
    demand: 'header sections of 4,096 bytes are taken',
    run: async ({ session }) => {
      const { status } = await aside(session, withHeaderOf(3_900))
      return unless(status === 204 || status === 200, `it answered ${status}`)
    },
  },
  {
    clause: 'HTTP-6',
    demand: 'header sections of more than 16,384 bytes are refused',
    run: async ({ session }) => {
      try {
        const { status } = await aside(session, withHeaderOf(17_000))
        return unless(status >= 400 && status < 500, `it answered ${status}`)
      } catch (error) {
        if (error instanceof NetworkError && ['closed', 'reset'].includes(error.code)) return null
        throw error
      }
    },
  },
  {
    clause: 'HTTP-7',
    demand: 'a path that there is not is answered with 404',
    run: ({ session }) => session.refused({ method: 'GET', path: '/v1/no-such-path' }, 'not-found'),
  },
  {
    clause: 'HTTP-8',
    demand: 'a method that a path does not take is answered with 405',
    run: ({ session }) => session.refused(wrongMethod, 'method-not-allowed'),
  },
  {
    clause: 'HTTP-9',
    demand: 'a reply with 405 names the methods that are taken',
    run: async ({ session }) => {
      const { status, fields } = await session.line.ask(wrongMethod)
      if (status !== 405) throw new Untried(`it answered ${status}`)
      const allowed = (fields.get('allow') ?? '').split(',').map((one) => one.trim())
      return unless(
        allowed.includes('GET') && allowed.includes('POST'),
        `for ${paths.observe} it allows ${allowed.join(', ') || 'nothing'}`,
      )
    },
  },
  {
    clause: 'HTTP-10',
    demand: 'a body that is too large is answered with 413',
    run: ({ session }) =>
      session.refused(
        { ...question(session), body: new Uint8Array(limits.requestBytesMax + 1).fill(32) },
        'question-too-large',
      ),
  },
  {
    clause: 'HTTP-11',
    demand: 'a body of another media type is answered with 415',
    run: ({ session }) =>
      session.refused(
        { ...question(session), contentType: 'text/plain' },
        'media-type-unsupported',
      ),
  },
  {
    clause: 'HTTP-12',
    demand: 'a body that is no JSON is answered with 400',
    run: ({ session }) =>
      session.refused({ ...question(session), body: utf8('{"target":') }, 'question-malformed'),
  },
]

const wrongMethod: Request = { method: 'DELETE', path: paths.observe }

function question(session: Session): Request {
  return postOf(paths.observe, { target: session.target.text, nonce: newNonce(session.needs) })
}

function withHeaderOf(bytes: number): Request {
  return { ...ping, fields: [['x-trial', 'a'.repeat(bytes)]] }
}

/** Over a connection of its own, and not among what was heard: what is asked so may be no whole request. */
async function aside({ needs, mirror, signal }: Session, request: Request): Promise<Reply> {
  const bounds = deadline(needs.clock, limits.trialRequestMs, signal)
  const endpoint = { address: mirror.ip, port: mirror.port }
  try {
    const { connection } = await openSecured(needs, endpoint, bounds.signal)
    return await exchangeHttp(connection, request, {
      bytesMax: limits.mirrorAnswerBytesMax,
      signal: bounds.signal,
    }).finally(() => connection.close())
  } finally {
    bounds.done()
  }
}

async function keptOpenFault({ needs, mirror, signal }: Session): Promise<string | null> {
  const bounds = deadline(needs.clock, limits.trialRequestMs, signal)
  const endpoint = { address: mirror.ip, port: mirror.port }
  const { connection } = await openSecured(needs, endpoint, bounds.signal)
  const ask = (): Promise<Reply> =>
    exchangeHttp(connection, ping, { bytesMax: limits.mirrorAnswerBytesMax, signal: bounds.signal })
  try {
    await ask()
    await ask()
    return null
  } catch (error) {
    if (error instanceof NetworkError && ['closed', 'reset'].includes(error.code))
      return 'the second request on a connection had no reply'
    throw error
  } finally {
    bounds.done()
    connection.close()
  }
}

/** What holds for every reply that the trial has heard; last. */
export const everyReplyChecks: readonly Check[] = [
  {
    clause: 'HTTP-3',
    demand: 'nothing is a redirection',
    run: async ({ session }) => {
      await session.line.ask({ method: 'GET', path: '/' })
      return everyReply(session, ({ status }) =>
        status < 300 || status > 399 ? null : `${status}`,
      )
    },
  },
  {
    clause: 'HTTP-4',
    demand: 'nobody is turned away',
    run: async ({ session }) => {
      for (let i = 0; i < 20; i++) await session.line.ask(ping)
      return everyReply(session, ({ status, body }) => {
        // Between mirrors, those that are not known are not heard.
        if (status === 403 && problemCodeOf(textOf(body)) === 'sender-unknown') return null
        return [401, 403, 407, 429, 451].includes(status) ? `${status}` : null
      })
    },
  },
  {
    clause: 'HTTP-13',
    demand: 'no cookie is set',
    run: async ({ session }) =>
      everyReply(session, ({ fields }) => (fields.has('set-cookie') ? 'a cookie' : null)),
  },
]

/** The first reply that has something that no reply may have, and what it is. */
function everyReply({ heard }: Session, badIn: (reply: Reply) => string | null): string | null {
  return firstFault(heard, ({ request, reply }) => {
    const bad = badIn(reply)
    const { method, path } = request
    return bad === null ? null : `${method} ${path.slice(0, 100)} was answered with ${bad}`
  })
}
