// Three mirrors on real sockets, a real site and real DNS: what relay and gateway could see of a question.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { base64url, fromHex, hex, utf8 } from '../src/base/bytes.ts'
import { createClient } from '../src/client/client.ts'
import { createAuthority, issueServer } from '../src/identity/issue.ts'
import { createMirrorAuthority } from '../src/mirror/identity.ts'
import { serveMirror, type ServedMirror } from '../src/mirror/serve.ts'
import { mirrorIdOf, spkiHash } from '../src/observation/fingerprint.ts'
import { paths, type ListEntry } from '../src/protocol/routes.ts'
import { nodeRuntime } from '../src/runtime/node/runtime.ts'
import type {
  Endpoint,
  HttpQuestion,
  HttpReply,
  HttpsHandler,
  Network,
} from '../src/runtime/runtime.ts'
import { createResolver } from '../src/vantage/dns/resolver.ts'
import { createProbe } from '../src/vantage/probe.ts'
import { message, name, question, record, types } from './support/dns-bytes.ts'
import { startHostileDnsServer } from './support/dns-server.ts'
import { listenTls } from './support/listeners.ts'
import { freePort } from './support/service.ts'

const runtime = nodeRuntime()
const host = 'a-secret-name.example.test'
const loopback = '127.0.0.1'

interface Heard {
  readonly by: string
  readonly question: HttpQuestion
  readonly reply: HttpReply
}

/** The real network, whose servers note what their handlers were given, and what they said. */
function listening(heard: Heard[], by: string): Network {
  const noting =
    (handler: HttpsHandler): HttpsHandler =>
    async (asked) => {
      const reply = await handler(asked)
      // Mirrors look after each other meanwhile: that is not about anybody's question.
      if (asked.path === paths.ping) return reply
      heard.push({ by, question: asked, reply })
      return reply
    }
  return {
    ...runtime.network,
    serveHttps: async (options) => {
      const server = await runtime.network.serveHttps(options)
      return { ...server, answer: (handler) => server.answer(noting(handler)) }
    },
  }
}

/** A site with an authority that DNS names, and the resolver's endpoint. */
async function serveSite(t: TestContext): Promise<{ port: number; dns: Endpoint }> {
  const authority = createAuthority(runtime, { name: 'Owner' })
  const { keyPem, chainPem } = issueServer(runtime, authority, { names: [host] })
  const site = await listenTls([], { key: keyPem, cert: chainPem })
  t.after(() => site[Symbol.asyncDispose]())
  const association = fromHex(`020101${spkiHash(runtime.crypto, authority.certificate)}`)
  assert.ok(association !== null)
  const known = new Map([
    [`${host} ${types.A}`, Uint8Array.of(127, 0, 0, 1)],
    [`_${site.endpoint.port}._tcp.${host} ${types.TLSA}`, association],
  ])
  const dns = await startHostileDnsServer((query) => {
    const data = known.get(`${query.name.toLowerCase()} ${query.type}`)
    const answers = data === undefined ? [] : [record(name(query.name), query.type, { data })]
    const questions = [question(query.name, query.type)]
    query.reply(message({ id: query.id, questions, answers }))
  })
  t.after(() => dns.close())
  return { port: site.endpoint.port, dns: dns.endpoint }
}

/** Three mirrors of three regions, each of which lists the other two. */
async function serveMirrors(t: TestContext, dns: Endpoint) {
  const heard: Heard[] = []
  const made = await Promise.all(
    ['ARIN-US', 'RIPE-DE', 'APNIC-JP'].map(async (region) => {
      const authority = createMirrorAuthority(runtime)
      const id = mirrorIdOf(runtime.crypto, authority.certificate.spki)
      return { authority, entry: { ip: loopback, port: await freePort(), id, region } }
    }),
  )
  const entries: readonly ListEntry[] = made.map((one) => one.entry)
  const mirrors: ServedMirror[] = []
  for (const { authority, entry } of made) {
    const network = listening(heard, entry.id)
    const served = await serveMirror(
      { ...runtime, network },
      {
        authority,
        listen: { address: loopback, port: entry.port },
        addresses: [loopback],
        region: entry.region,
        domain: null,
        contact: [],
        resolver: createResolver(runtime, { servers: [dns] }),
        allowPrivate: true,
        known: entries.filter((other) => other.id !== entry.id),
      },
    )
    t.after(() => served.close())
    mirrors.push(served)
  }
  return { mirrors, entries, heard }
}

const bytesOf = (body: Uint8Array | string | null): Uint8Array =>
  typeof body === 'string' ? utf8(body) : (body ?? new Uint8Array())

/** True when `bytes` hold `text` as it is, or in base64url at any of the three places that it can have there. */
function holds(bytes: Uint8Array, text: string): boolean {
  const written = [0, 1, 2].map((shift) =>
    base64url(utf8(' '.repeat(shift) + text)).slice(shift === 0 ? 0 : 4, -4),
  )
  return [text, ...written].some((one) => hex(bytes).includes(hex(utf8(one))))
}

test('relays never see the name, and gateways never the client', async (t) => {
  const { port, dns } = await serveSite(t)
  const { mirrors, entries, heard } = await serveMirrors(t, dns)
  const resolver = createResolver(runtime, { servers: [dns] })
  const probe = createProbe(runtime, { resolver, allowPrivate: true })
  const client = createClient(runtime, { mirrors: entries, probe, oblivious: true })
  t.after(() => client.close())
  const report = await client.verify(`https://${host}:${port}`)
  assert.equal(report.outcome, 'corroborated', JSON.stringify(report.reasons))
  assert.equal(report.quorum.agreeing, 3)

  const toRelays = heard.filter(({ question: { path } }) => path.startsWith('/v1/relay/'))
  const toGateways = heard.filter(({ question: { path } }) => !path.startsWith('/v1/relay/'))
  const clientPorts = new Set(toRelays.map((one) => one.question.peer.port))
  assert.equal(toRelays.filter((one) => one.question.method === 'POST').length, 3)
  for (const { by, question: asked, reply } of toRelays) {
    assert.ok(!asked.path.endsWith(by), 'nobody relays to itself')
    for (const text of [host, 'secret-name']) {
      assert.ok(!holds(bytesOf(asked.body), text), `a relay was asked with ${text}`)
      if (asked.method === 'POST')
        assert.ok(!holds(bytesOf(reply.body), text), `a relay answered with ${text}`)
    }
  }
  for (const { question: asked } of toGateways) {
    assert.ok(['/v1/ohttp', '/.well-known/secure-mirror'].includes(asked.path), asked.path)
    assert.ok(!clientPorts.has(asked.peer.port), 'a gateway was asked from a port of the client')
    const digits = hex(bytesOf(asked.body))
    for (const clientPort of clientPorts)
      assert.ok(!digits.includes(hex(utf8(`${clientPort}`))), 'a gateway was told a client port')
  }
  // The gateways did look at it, and the relays count what they carried.
  assert.deepEqual(
    mirrors.map((one) => one.mirror.cached()),
    [1, 1, 1],
  )
  const relayed = mirrors.map((one) => one.relayed())
  assert.equal(
    relayed.reduce((sum, one) => sum + one.relayed, 0),
    toRelays.length,
  )
  assert.ok(relayed.every((one) => one.failed === 0 && one.refused === 0))
})

test('the same check finds the name in what mirrors are asked without relays', async (t) => {
  const { port, dns } = await serveSite(t)
  const { entries, heard } = await serveMirrors(t, dns)
  const resolver = createResolver(runtime, { servers: [dns] })
  const probe = createProbe(runtime, { resolver, allowPrivate: true })
  const client = createClient(runtime, { mirrors: entries, probe })
  t.after(() => client.close())
  await client.verify(`https://${host}:${port}`)
  const looks = heard.filter(({ question: { path } }) => path === paths.observe)
  assert.equal(looks.length, 3)
  for (const { question: asked, reply } of looks) {
    assert.ok(holds(bytesOf(asked.body), host))
    assert.ok(holds(bytesOf(reply.body), host))
  }
})
