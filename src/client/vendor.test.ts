import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpsServer } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { freePort } from '../../test/support/service.ts'
import { createAuthority, issueServer, type Issued } from '../identity/issue.ts'
import { hex } from '../base/bytes.ts'
import { Failure } from '../base/failure.ts'
import { limits } from '../base/limits.ts'
import type { DnsAnswer } from '../observation/observation.ts'
import { nodeRuntime } from '../runtime/node/runtime.ts'
import type { HttpsHandler } from '../runtime/runtime.ts'
import type { Resolver } from '../vantage/dns/resolver.ts'
import { fetchBootstrap, parseVendorUrl } from './vendor.ts'

const runtime = nodeRuntime()
const { signal } = new AbortController()
const host = 'updates.vendor.test'
const vendor = createAuthority(runtime, { name: 'Vendor' })
const stranger = createAuthority(runtime, { name: 'Stranger' })
const pins = [hex(vendor.spkiHash)]
const genuine = issueServer(runtime, vendor, { names: [host, '127.0.0.1'] })

const file: HttpsHandler = ({ path }) => ({
  status: path === '/b?v=1' ? 200 : 404,
  contentType: 'application/jose',
  cacheControl: 'no-store',
  body: 'the file',
})

/** A server at `address` that shows `given`; all servers of a test share one port, as DNS knows no ports. */
async function serve(
  t: TestContext,
  given: Issued,
  at: { readonly address?: string; readonly port?: number; readonly handler?: HttpsHandler } = {},
): Promise<number> {
  const server = await runtime.network.serveHttps({
    listen: { address: at.address ?? '127.0.0.1', port: at.port ?? 0 },
    bodyBytesMax: 100,
  })
  server.show(given.keyPem, given.chainPem)
  server.answer(at.handler ?? file)
  t.after(() => server.close())
  return server.local.port
}

/** A local DNS that says whatever it likes. */
function dns(...addresses: readonly string[]): Resolver & { readonly asked: string[] } {
  const asked: string[] = []
  const answer = (records: readonly string[]): DnsAnswer => ({
    status: records.length > 0 ? 'ok' : 'nxdomain',
    records,
    ttl: 60,
    ad: false,
    cname: [],
    error: null,
  })
  return {
    asked,
    query: async (name, type) => {
      asked.push(`${name} ${type}`)
      return answer(type === 'A' ? addresses : [])
    },
  }
}

const fetchFrom = (url: string, resolver: Resolver, vendors = pins) =>
  fetchBootstrap(runtime, { url: parseVendorUrl(url), vendors, resolver, signal })

const refusal = (why: RegExp) => (error: unknown) =>
  Failure.is(error) && error.code === 'vendor-unreached' && why.test(error.message)

test('the file comes from the server under the pinned CA, whose address the local DNS gave', async (t) => {
  const port = await serve(t, genuine)
  const resolver = dns('127.0.0.1')
  const { source, bytes } = await fetchFrom(`https://${host}:${port}/b?v=1`, resolver)
  assert.equal(source, `https://${host}:${port}/b?v=1`)
  assert.equal(new TextDecoder().decode(bytes), 'the file')
  assert.deepEqual(resolver.asked, [`${host} A`, `${host} AAAA`])
})

test('a server at an address of its own is not looked up', async (t) => {
  const port = await serve(t, genuine)
  const resolver = dns()
  await fetchFrom(`https://127.0.0.1:${port}/b?v=1`, resolver)
  assert.deepEqual(resolver.asked, [])
})

test('a poisoned address costs nothing but a try', async (t) => {
  const port = await serve(t, issueServer(runtime, stranger, { names: [host] }), {
    address: '127.0.0.2',
  })
  await serve(t, genuine, { port })
  const { bytes } = await fetchFrom(`https://${host}:${port}/b?v=1`, dns('127.0.0.2', '127.0.0.1'))
  assert.equal(bytes.length, 8)
})

const past = {
  ...runtime,
  clock: { ...runtime.clock, now: () => runtime.clock.now() - 400 * 86_400_000 },
}
const longAgo = createAuthority(past, { name: 'Vendor of long ago' })
const foreign = issueServer(runtime, stranger, { names: [host] })
const foreignLeaf = foreign.chainPem.slice(0, foreign.chainPem.indexOf('-----BEGIN', 1))
const impostors: readonly (readonly [string, Issued, RegExp])[] = [
  ['another CA', foreign, /not under the CA of a vendor/],
  [
    "another CA that has the vendor's name",
    issueServer(runtime, createAuthority(runtime, { name: 'Vendor' }), { names: [host] }),
    /not under the CA of a vendor/,
  ],
  [
    "the vendor's CA, for another name",
    issueServer(runtime, vendor, { names: ['www.vendor.test'] }),
    /not for updates\.vendor\.test/,
  ],
  [
    "the vendor's CA, with a certificate that has ended",
    issueServer(past, longAgo, { names: [host], days: 1 }),
    /expired|ended/,
  ],
  [
    "another CA, with the vendor's beside",
    { ...foreign, chainPem: foreignLeaf + vendor.certificatePem },
    /leads from|no signature/,
  ],
  ['no CA at all', { ...foreign, chainPem: foreignLeaf }, /not under the CA of a vendor/],
]
for (const [what, shown, why] of impostors) {
  test(`a server under ${what} is refused before it is asked`, async (t) => {
    let asked = 0
    const port = await serve(t, shown, {
      handler: (question) => {
        asked += 1
        return file(question)
      },
    })
    const pinned = [...pins, hex(longAgo.spkiHash)]
    await assert.rejects(
      fetchFrom(`https://${host}:${port}/b?v=1`, dns('127.0.0.1'), pinned),
      refusal(why),
    )
    assert.equal(asked, 0)
  })
}

test('the wrong place, too much, and nobody are told as they are', async (t) => {
  const port = await serve(t, genuine, {
    handler: ({ path }) => ({
      status: path === '/moved' ? 302 : 200,
      contentType: 'text/plain',
      cacheControl: 'no-store',
      body: path === '/moved' ? '' : new Uint8Array(limits.bootstrapBytesMax + 1),
    }),
  })
  const at = (path: string) => fetchFrom(`https://${host}:${port}${path}`, dns('127.0.0.1'))
  await assert.rejects(at('/moved'), refusal(/status 302/))
  await assert.rejects(at('/large'), refusal(/larger than/))
  await assert.rejects(
    fetchFrom(`https://${host}:${port}/`, dns()),
    refusal(/DNS has no address of "updates\.vendor\.test": nxdomain/),
  )
  await assert.rejects(
    fetchFrom(`https://${host}:${await freePort()}/`, dns('127.0.0.1')),
    refusal(/ECONNREFUSED/),
  )
})

test('the name is sent as server name and as host', async (t) => {
  const server = createHttpsServer({ key: genuine.keyPem, cert: genuine.chainPem })
  const seen: unknown[] = []
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    seen.push((request.socket as TLSSocket).servername, request.headers.host)
    response.end('the file')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  await fetchFrom(`https://${host}:${port}/`, dns('127.0.0.1'))
  assert.deepEqual(seen, [host, `${host}:${port}`])
})

for (const text of [
  'http://vendor.test/b',
  'vendor.test',
  'https://',
  'https://user:secret@vendor.test/b',
  'https://vendor.test/b#part',
])
  test(`${text} is no vendor URL`, () => {
    assert.throws(() => parseVendorUrl(text), /not of the form https:/)
  })

test('a vendor URL is read in its canonical form', () => {
  assert.deepEqual(parseVendorUrl('https://Bücher.test:443/a?b=c'), {
    text: 'https://xn--bcher-kva.test/a?b=c',
    host: 'xn--bcher-kva.test',
    port: 443,
    path: '/a?b=c',
  })
  assert.equal(parseVendorUrl('https://[2001:db8::1]:8443').host, '2001:db8::1')
})
