// A world in virtual time: production mirrors and clients, scripted sights instead of sockets, latency by the clock.

import {
  createClient,
  type Client,
  type ClientOptions,
  type Report,
} from '../../src/client/client.ts'
import {
  createAuthority,
  issueServer,
  type Authority,
  type Issued,
} from '../../src/identity/issue.ts'
import { createMirrorAuthority } from '../../src/mirror/identity.ts'
import { createMirror, type Mirror } from '../../src/mirror/mirror.ts'
import { createRelay, type RelayCounts } from '../../src/mirror/relay.ts'
import { certificateHash, mirrorIdOf, spkiHash } from '../../src/observation/fingerprint.ts'
import type {
  Authority as OwnerAuthority,
  DnsAnswer,
  Handshake,
  Sight,
} from '../../src/observation/observation.ts'
import type { Target } from '../../src/observation/target.ts'
import type { KnownMirror } from '../../src/protocol/lists.ts'
import type { ListEntry } from '../../src/protocol/routes.ts'
import { orAborted, sleep } from '../../src/runtime/deadline.ts'
import { nodeCrypto } from '../../src/runtime/node/crypto.ts'
import { silentLog } from '../../src/runtime/node/log.ts'
import {
  NetworkError,
  type Certificate,
  type Endpoint,
  type HttpQuestion,
  type HttpReply,
  type HttpsPool,
  type Runtime,
} from '../../src/runtime/runtime.ts'
import type { Look, Probe } from '../../src/vantage/probe.ts'
import { derOfChain, readCertificates } from './pem.ts'
import { createSeededRandom } from './seeded-random.ts'
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts'

/** What a place in the network is shown: addresses, the owner's records, and the certificate at each address. */
export interface Scene {
  readonly addresses: readonly string[]
  readonly tlsa: readonly string[]
  /** The chain that a server shows at an address; missing: it refuses connections. */
  readonly servers: Readonly<Record<string, Issued>>
  readonly tlsaStatus?: DnsAnswer['status']
}

/** A mirror of the world, whose behaviour a test may change. */
export interface WorldMirror {
  readonly entry: ListEntry
  readonly authority: Authority
  mirror: Mirror
  scene: Scene
  /** Milliseconds until an answer arrives; null never answers, and `dead` refuses connections. */
  latencyMs: number | 'never' | 'dead'
  /** Replaces the reply, to play a broken or lying mirror. */
  tamper: ((reply: HttpReply, question: HttpQuestion) => HttpReply) | null
  /** Questions that reached it. */
  asked: number
  /** The other mirrors that it lists: at first all of the world, as active. */
  known: readonly KnownMirror[]
  /** How far its clock is ahead. */
  clockAheadMs: number
  /** What it carried for others. */
  relayed(): RelayCounts
  /** Begins anew with its CA, and without anything else that it had in memory. */
  restart(): void
}

export interface World {
  readonly clock: VirtualClock
  readonly runtime: Pick<Runtime, 'clock' | 'random' | 'crypto' | 'network' | 'log'>
  readonly mirrors: readonly WorldMirror[]
  client(own: Scene, options?: Partial<ClientOptions>): Client
  /** The verdict of one verification, in virtual time. */
  verify(
    own: Scene,
    options?: Partial<ClientOptions> & { readonly target?: string },
  ): Promise<Report>
}

const placesOfTheWorld = [
  'ARIN-US',
  'RIPE-DE',
  'APNIC-JP',
  'LACNIC-BR',
  'AFRINIC-ZA',
  'RIPE-FR',
  'ARIN-CA',
  'APNIC-AU',
  'LACNIC-CL',
  'AFRINIC-KE',
]

/** Where the world's client asks from. */
export const clientAddress = '198.19.0.1'

/** A world of `count` mirrors, all shown `scene`, each at a place of its own. */
export function createWorld(options: {
  readonly count: number
  readonly scene: Scene
  readonly seed?: number
  readonly regions?: readonly string[]
}): World {
  const clock = createVirtualClock()
  const random = createSeededRandom(options.seed ?? 1)
  const places = new Map<string, WorldMirror>()
  const networkAt = (address: string): Runtime['network'] => ({
    udp: unexpected,
    connect: unexpected,
    serveHttps: unexpected,
    httpsPool: ({ accept }) => poolOf({ clock, places, accept, from: { address, port: 50_000 } }),
  })
  const runtime = {
    clock,
    random,
    crypto: nodeCrypto,
    network: networkAt(clientAddress),
    log: silentLog,
  }
  const regions = options.regions ?? placesOfTheWorld
  const mirrors = Array.from({ length: options.count }, (_, i) => {
    const region = regions[i % regions.length] ?? null
    const address = `198.18.${i}.1`
    const network = networkAt(address)
    const place = { scene: options.scene, region, address }
    const made = createWorldMirror({ ...runtime, network }, place)
    places.set(address, made)
    return made
  })
  for (const one of mirrors)
    one.known = mirrors
      .filter((other) => other !== one)
      .map((other) => ({ ...other.entry, since: clock.now(), status: 'active' }))
  const client: World['client'] = (own, given = {}) =>
    createClient(runtime, {
      mirrors: mirrors.map((mirror) => mirror.entry),
      probe: scriptedProbe(clock, () => own),
      ...given,
    })
  return {
    clock,
    runtime,
    mirrors,
    client,
    verify: async (own, given = {}) => {
      const one = client(own, given)
      return clock
        .runUntil(one.verify(given.target ?? 'www.example.test'))
        .finally(() => one.close())
    },
  }
}

function unexpected(): never {
  throw new Error('the virtual world has no such socket')
}

function createWorldMirror(
  world: Pick<Runtime, 'clock' | 'random' | 'crypto' | 'network' | 'log'>,
  options: { readonly scene: Scene; readonly region: string | null; readonly address: string },
): WorldMirror {
  const made: { self: WorldMirror | null } = { self: null }
  const { clock } = world
  const now = (): number => clock.now() + (made.self?.clockAheadMs ?? 0)
  const runtime = { ...world, clock: { ...clock, now } }
  const authority = createMirrorAuthority(runtime)
  const relay = createRelay(runtime, {
    self: mirrorIdOf(nodeCrypto, authority.certificate.spki),
    find: (id) => made.self?.known.find((one) => one.id === id) ?? null,
  })
  const begin = (): Mirror =>
    createMirror(runtime, {
      authority,
      relay,
      description: {
        addresses: [{ address: options.address, port: 443 }],
        domain: null,
        region: options.region,
        contact: [],
      },
      probe: scriptedProbe(runtime.clock, () => made.self?.scene ?? options.scene),
      allowPrivate: true,
      known: () => made.self?.known ?? [],
    })
  const mirror = begin()
  const self: WorldMirror = {
    entry: { ip: options.address, port: 443, id: mirror.id, region: options.region },
    authority,
    mirror,
    scene: options.scene,
    latencyMs: 20,
    tamper: null,
    asked: 0,
    known: [],
    clockAheadMs: 0,
    relayed: () => relay.counts(),
    restart: () => {
      self.mirror = begin()
    },
  }
  made.self = self
  return self
}

interface PoolParts {
  readonly clock: VirtualClock
  readonly places: ReadonlyMap<string, WorldMirror>
  readonly accept: Parameters<Runtime['network']['httpsPool']>[0]['accept']
  readonly from: Endpoint
}

function poolOf({ clock, places, accept, from }: PoolParts): HttpsPool {
  const request: HttpsPool['request'] = async (peer, asked) => {
    const place = places.get(peer.endpoint.address)
    if (place === undefined || place.latencyMs === 'dead')
      throw new NetworkError('refused', `connect ECONNREFUSED ${peer.endpoint.address}`)
    if (place.latencyMs === 'never') return orAborted(new Promise<never>(() => {}), asked.signal)
    await sleep(clock, place.latencyMs, asked.signal)
    accept(peer, derOfChain(place.mirror.identity().chainPem))
    place.asked += 1
    const question: HttpQuestion = {
      method: asked.method,
      path: asked.path,
      contentType: asked.contentType ?? 'application/json',
      body: asked.body ?? new Uint8Array(),
      peer: from,
    }
    const reply = await orAborted(Promise.resolve(place.mirror.handle(question)), asked.signal)
    const { status, contentType, body } = place.tamper?.(reply, question) ?? reply
    const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
    if (bytes.length > asked.bytesMax)
      throw new NetworkError('too-large', `the answer is larger than ${asked.bytesMax} bytes`)
    return { status, contentType, body: bytes }
  }
  return {
    request,
    warm: async (peer, signal) => {
      await request(peer, { method: 'GET', path: '/v1/ping', bytesMax: 1024, signal })
    },
    close: () => {},
  }
}

/** A probe that sees `scene()` after 10 ms of DNS and 20 ms of handshake. */
export function scriptedProbe(clock: Runtime['clock'], scene: () => Scene): Probe {
  const shake: Probe['shake'] = async (target, addresses, signal) => {
    await sleep(clock, 20, signal)
    const chains = new Map<string, readonly Certificate[]>()
    const handshakes = addresses.map(({ address, origin }) => {
      const server = scene().servers[address]
      if (server !== undefined) chains.set(address, readCertificates(server.chainPem))
      return handshakeOf({ target, address, origin, server })
    })
    return { handshakes, chains }
  }
  const resolve: Probe['resolve'] = async (target, signal) => {
    await sleep(clock, 10, signal)
    return { dns: dnsOf(scene(), target), at: clock.now(), dnsMs: 10 }
  }
  const look: Probe['look'] = async (request, signal): Promise<Look> => {
    const { dns, at, dnsMs } = await resolve(request.target, signal)
    const own = request.connect === undefined ? dns.a.records : [request.connect.address]
    const asked = (request.asked ?? []).filter((address) => !own.includes(address))
    const wanted = [
      ...own.map((address) => ({ address, origin: 'own' as const })),
      ...asked.map((address) => ({ address, origin: 'asked' as const })),
    ]
    const { handshakes, chains } = await shake(request.target, wanted, signal)
    return {
      sight: { target: request.target.text, at, dns, handshakes, dnsMs } satisfies Sight,
      chains,
    }
  }
  return { look, resolve, shake }
}

function handshakeOf(parts: {
  readonly target: Target
  readonly address: string
  readonly origin: Handshake['origin']
  readonly server: Issued | undefined
}): Handshake {
  const { server, address, origin, target } = parts
  const completed = server !== undefined
  return {
    address,
    port: target.port,
    origin,
    outcome: completed ? 'completed' : 'failed',
    error: completed ? null : { code: 'refused', text: `connect ECONNREFUSED ${address}` },
    protocol: completed ? 'TLSv1.3' : null,
    cipher: completed ? 'TLS_AES_128_GCM_SHA256' : null,
    group: null,
    alpn: null,
    chain: completed
      ? readCertificates(server.chainPem).map((one) => ({
          certificate: certificateHash(nodeCrypto, one),
          spki: spkiHash(nodeCrypto, one),
        }))
      : [],
    connectMs: completed ? 1 : null,
    handshakeMs: completed ? 19 : null,
  }
}

function dnsOf(scene: Scene, target: Target): Sight['dns'] {
  const answer = (records: readonly string[], status?: DnsAnswer['status']): DnsAnswer => ({
    status: status ?? (records.length > 0 ? 'ok' : 'nodata'),
    records,
    ttl: 60,
    ad: false,
    cname: [],
    error: null,
  })
  const authority: OwnerAuthority = {
    ...answer(scene.tlsa, scene.tlsaStatus),
    origin: 'service',
    owner: `_${target.port}._tcp.${target.host}`,
    base: target.host,
  }
  return { a: answer(scene.addresses), aaaa: answer([]), authority }
}

/** An organisation of the world: its CA, and servers under it. */
export interface Organisation {
  readonly authority: Authority
  /** `2 1 1` of its CA. */
  readonly tlsa: string
  server(...names: string[]): Issued
}

/** A new organisation whose certificates are valid in the world's time. */
export function createOrganisation(clock: Runtime['clock'], seed: number): Organisation {
  const needs = { clock, random: createSeededRandom(seed), crypto: nodeCrypto }
  const authority = createAuthority(needs, { name: `Organisation ${seed}` })
  return {
    authority,
    tlsa: `2 1 1 ${spkiHash(nodeCrypto, authority.certificate)}`,
    server: (...names) =>
      issueServer(needs, authority, { names: names.length > 0 ? names : ['www.example.test'] }),
  }
}
