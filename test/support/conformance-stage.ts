// A production mirror on loopback, whole or bent in one place, and the trial of it.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { base64url, fromBase64url, textOf } from '../../src/base/bytes.ts'
import { tryConformance, type Conformance } from '../../src/client/conformance/conformance.ts'
import type { Authority, Issued } from '../../src/identity/issue.ts'
import { createMirrorAuthority } from '../../src/mirror/identity.ts'
import { openLog } from '../../src/mirror/log.ts'
import type { Mirror } from '../../src/mirror/mirror.ts'
import { serveMirror } from '../../src/mirror/serve.ts'
import { signStatement, type StatementType } from '../../src/observation/jws.ts'
import type { DnsAnswer } from '../../src/observation/observation.ts'
import { parseTarget } from '../../src/observation/target.ts'
import { signDescriptor, type Descriptor } from '../../src/protocol/descriptor.ts'
import type { ListEntry } from '../../src/protocol/routes.ts'
import { nodeCrypto } from '../../src/runtime/node/crypto.ts'
import { nodeRuntime } from '../../src/runtime/node/runtime.ts'
import {
  NetworkError,
  type HttpQuestion,
  type HttpReply,
  type HttpsServer,
  type Runtime,
} from '../../src/runtime/runtime.ts'
import { openSqliteStore } from '../../src/store/sqlite/backend.ts'
import type { Resolver } from '../../src/vantage/dns/resolver.ts'
import { serveBent, type Bends } from './bendable-server.ts'
import { createLeapingClock } from './leaping-clock.ts'
import { derOfChain } from './pem.ts'

/** What a bend may use. */
export interface Bench {
  readonly runtime: Runtime
  /** The CA of the mirror. */
  readonly authority: Authority
  /** The mirror that is bent. */
  readonly mirror: () => Mirror
  /** The statement in `text` with its payload changed, signed by the mirror's answer key. */
  resign(text: string, change: (payload: Payload) => Payload): string
  /** The descriptor with its content changed, signed anew, by the mirror unless by `signer`; the same for the same. */
  redescribe(text: string, change: (content: Descriptor) => object, signer?: Issued): string
}

/** The content of a statement. */
export type Payload = Readonly<Record<string, unknown>>

/** One way to break a rule. */
export interface Bend {
  /** Stands between the server and the mirror. */
  readonly handle?: (
    question: HttpQuestion,
    mirror: (question: HttpQuestion) => Promise<HttpReply>,
    bench: Bench,
  ) => Promise<HttpReply>
  /** What is shown in the handshake instead of the key and the chain. */
  readonly show?: (
    shown: { readonly key: string; readonly chain: string },
    bench: Bench,
  ) => { readonly key: string; readonly chain: string }
  readonly transport?: Bends
  readonly withoutLog?: boolean
}

const siteTtlS = 20

/** Knows one site, at an address that is for documentation: nobody is ever connected to. */
const resolver: Resolver = {
  query: async (_name, type) => {
    const answer: DnsAnswer = {
      status: 'nodata',
      records: [],
      ttl: siteTtlS,
      ad: false,
      cname: [],
      error: null,
    }
    if (type === 'A') return { ...answer, status: 'ok', records: ['203.0.113.10'] }
    return answer
  },
}

/** Mirrors that the mirror lists. */
export const others: readonly ListEntry[] = Array.from({ length: 12 }, (_, i) => ({
  ip: `198.51.100.${i + 1}`,
  port: 443,
  id: base64url(nodeCrypto.digest('sha256', `mirror ${i}`)),
  region: i % 2 === 0 ? 'RIPE-DE' : 'ARIN-US',
}))

/** Serves a mirror, bent by `bend`, tries it, and stops it. */
export async function tryBent(
  bend: Bend = {},
  options: { readonly allowPrivate?: boolean } = {},
): Promise<Conformance> {
  const clock = createLeapingClock()
  const node = nodeRuntime()
  const made: { mirror: Mirror | null } = { mirror: null }
  const authority = createMirrorAuthority({ ...node, clock })
  const bench = createBench({ ...node, clock }, authority, () => {
    if (made.mirror === null) throw new Error('the mirror is not there yet')
    return made.mirror
  })
  const runtime: Runtime = {
    ...node,
    clock,
    network: {
      ...node.network,
      // What a mirror asks others is not tried here, and nobody is there to be asked.
      httpsPool: () => ({ request: refuse, warm: refuse, close: () => {} }),
      serveHttps: async (given) => {
        const server = await (bend.transport === undefined
          ? node.network.serveHttps(given)
          : serveBent(given, bend.transport))
        return bentServer(server, bend, bench)
      },
    },
  }
  const folder = await mkdtemp(join(tmpdir(), 'sightline-trial-'))
  const store = openSqliteStore(runtime, join(folder, 'mirror.db'))
  if (bend.withoutLog !== true) await beginLog(runtime, store)
  const served = await serveMirror(runtime, {
    authority,
    listen: { address: '127.0.0.1', port: 0 },
    addresses: ['127.0.0.1'],
    region: 'RIPE-DE',
    domain: null,
    contact: [],
    resolver,
    allowPrivate: false,
    known: others,
    ...(bend.withoutLog === true ? {} : { store }),
  })
  made.mirror = served.mirror
  try {
    return await tryConformance(
      { clock, random: node.random, crypto: node.crypto, network: node.network },
      {
        mirror: served.entry,
        target: parseTarget('www.example.test'),
        allowPrivate: options.allowPrivate ?? false,
        pause: (ms) => clock.leap(ms),
        signal: new AbortController().signal,
      },
    )
  } finally {
    await served.close()
    await store.close()
    await rm(folder, { recursive: true, force: true })
  }
}

function refuse(): Promise<never> {
  return Promise.reject(new NetworkError('refused', 'nobody is there'))
}

/** A log that holds something before the trial begins. */
async function beginLog(runtime: Runtime, store: ReturnType<typeof openSqliteStore>) {
  const log = await openLog(runtime, store)
  const dns: DnsAnswer = { ...(await resolver.query('', 'TLSA', new AbortController().signal)) }
  const authority = { ...dns, origin: 'service', owner: '', base: '' } as const
  for (let i = 0; i < 5; i++)
    log.record(`https://${i}.example.test`, {
      at: i,
      dns: { a: dns, aaaa: dns, authority },
      handshakes: [],
      dnsMs: 1,
    })
  await log.close()
}

function bentServer(server: HttpsServer, bend: Bend, bench: Bench): HttpsServer {
  const { handle, show } = bend
  return {
    ...server,
    show: (key, chain) => {
      const shown = show?.({ key, chain }, bench) ?? { key, chain }
      server.show(shown.key, shown.chain)
    },
    answer: (handler) =>
      server.answer(
        handle === undefined
          ? handler
          : (question) => handle(question, async (asked) => handler(asked), bench),
      ),
  }
}

function createBench(runtime: Runtime, authority: Authority, mirror: () => Mirror): Bench {
  const redescribed = new Map<string, string>()
  return {
    runtime,
    authority,
    mirror,
    resign: (text, change) => {
      const [header = '', payload = ''] = text.split('.')
      const { typ } = jsonIn(header) as { typ: StatementType }
      const { answerKey, answerKeyId } = mirror().identity()
      const changed = JSON.stringify(change(jsonIn(payload)))
      return signStatement(answerKey, { type: typ, keyId: answerKeyId }, changed)
    },
    redescribe: (text, change, signer) => {
      const known = redescribed.get(text)
      if (known !== undefined) return known
      const { keyPem, chainPem } = signer ?? mirror().identity()
      const content = jsonIn(text.split('.')[1] ?? '') as unknown as Descriptor
      const key = runtime.crypto.loadKey(keyPem)
      const made = signDescriptor(key, derOfChain(chainPem), change(content) as Descriptor)
      redescribed.set(text, made)
      return made
    },
  }
}

/** The JSON object in a part of a statement. */
export function jsonIn(part: string): Payload {
  return JSON.parse(textOf(fromBase64url(part) ?? new Uint8Array()) ?? 'null') as Payload
}
