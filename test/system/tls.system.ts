// The look against real TLS servers, old and new: OpenSSL's s_server with s_client as oracle, and nginx.

import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Handshake } from '../../src/observation/observation.ts'
import { parseTarget } from '../../src/observation/target.ts'
import { nodeClock } from '../../src/runtime/node/clock.ts'
import { connect } from '../../src/runtime/node/connection.ts'
import { nodeCrypto } from '../../src/runtime/node/crypto.ts'
import { shakeHands } from '../../src/vantage/tls/handshake.ts'
import { makeChain, makeRoot, type KeyKind, type TestCertificate } from '../support/certificates.ts'
import { ensurePackages } from '../support/packages.ts'
import { runProgram, tryProgram } from '../support/program.ts'
import { acceptsTcp, freePort, startService, type Service } from '../support/service.ts'

const patient = new AbortController().signal
const needs = { clock: nodeClock, crypto: nodeCrypto, network: { connect } }
const { chain, root } = makeChain({ names: ['a.test'], intermediates: 1 })
const stranger = makeRoot({ subject: ['Stranger'] })

let folder: string

before(async () => {
  await ensurePackages('openssl', 'nginx')
  folder = await mkdtemp(join(tmpdir(), 'sightline-tls-'))
})
after(() => rm(folder, { recursive: true }))

async function look(port: number, name: string | null = 'a.test'): Promise<Handshake> {
  const { handshake } = await shakeHands(
    needs,
    {
      target: parseTarget(`https://${name ?? '127.0.0.1'}:${port}`),
      address: '127.0.0.1',
      port,
      origin: 'own',
      serverName: name,
      refusal: () => null,
    },
    patient,
  )
  return handshake
}

const linksOf = (ders: readonly Uint8Array[]): Handshake['chain'] =>
  ders.map((der) => ({ certificate: sha256(der), spki: sha256(spkiOf(der)) }))
const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')
const spkiOf = (der: Uint8Array): Uint8Array =>
  new X509Certificate(der).publicKey.export({ type: 'spki', format: 'der' })

/** What `openssl s_client -showcerts` is shown by the server on `port`. */
async function shownToOpenssl(port: number, ...flags: readonly string[]): Promise<Uint8Array[]> {
  const { stdout } = await tryProgram([
    ...`openssl s_client -connect 127.0.0.1:${port} -servername a.test -showcerts`.split(' '),
    '-cipher',
    'ALL:@SECLEVEL=0',
    ...flags,
  ])
  const blocks = stdout.matchAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)
  return [...blocks].map(([pem]) => new Uint8Array(new X509Certificate(pem).raw))
}

/** Runs `openssl s_server` with `sent` and `flags` while `use` looks at it. */
async function withOpenssl(
  sent: readonly TestCertificate[],
  flags: readonly string[],
  use: (port: number) => Promise<void>,
): Promise<void> {
  const port = await freePort()
  const place = await mkdtemp(join(folder, 'server-'))
  const [leaf, ...others] = sent
  const files = {
    key: join(place, 'key'),
    leaf: join(place, 'leaf'),
    others: join(place, 'others'),
  }
  await writeFile(files.key, leaf?.keyPem ?? '')
  await writeFile(files.leaf, leaf?.pem ?? '')
  await writeFile(files.others, others.map(({ pem }) => pem).join(''))
  const server = await startService({
    command: [
      ...`openssl s_server -accept 127.0.0.1:${port} -www -cipher ALL:@SECLEVEL=0`.split(' '),
      '-cert',
      files.leaf,
      '-key',
      files.key,
      ...(others.length > 0 ? ['-cert_chain', files.others] : []),
      ...flags,
    ],
    ready: () => acceptsTcp(port),
  })
  try {
    await use(port)
  } finally {
    await server.stop()
  }
}

const versions = {
  TLSv1: '-tls1',
  'TLSv1.1': '-tls1_1',
  'TLSv1.2': '-tls1_2',
  'TLSv1.3': '-tls1_3',
}

for (const [version, flag] of Object.entries(versions))
  for (const kind of ['P-256', 'RSA-2048', 'Ed25519'] as const satisfies readonly KeyKind[]) {
    // RFC 8422 §5.10: Ed25519 came with TLS 1.2.
    if (kind === 'Ed25519' && (version === 'TLSv1' || version === 'TLSv1.1')) continue
    test(`${version} with ${kind}: the chain is what openssl s_client is shown`, async () => {
      const made = makeChain({ names: ['a.test'], intermediates: 2, kind })
      await withOpenssl(made.chain, [flag], async (port) => {
        const handshake = await look(port)
        assert.equal(handshake.outcome, 'completed', handshake.error?.text)
        assert.equal(handshake.protocol, version)
        assert.deepEqual(handshake.chain, linksOf(await shownToOpenssl(port, flag)))
        assert.deepEqual(handshake.chain, linksOf(made.chain.map(({ der }) => der)))
      })
    })
  }

test('strangers, duplicates and disorder are seen as openssl sees them', async () => {
  const [leaf, intermediate] = chain
  assert.ok(leaf !== undefined && intermediate !== undefined)
  for (const sent of [
    [leaf],
    [leaf, root, intermediate],
    [leaf, stranger, intermediate, stranger, root],
    [leaf, intermediate, intermediate, root, leaf],
  ])
    await withOpenssl(sent, [], async (port) => {
      const handshake = await look(port)
      assert.deepEqual(handshake.chain, linksOf(await shownToOpenssl(port)))
      assert.deepEqual(handshake.chain, linksOf(sent.map(({ der }) => der)))
    })
})

for (const [group, told] of [
  ['X25519', 'X25519'],
  ['P-256', 'secp256r1'],
  ['P-384', 'secp384r1'],
  ['P-521', 'secp521r1'],
  ['X448', 'X448'],
  ['ffdhe2048', null],
] as const)
  test(`a server that has the group ${group} alone is seen, by ${told ?? 'no'} name`, async () => {
    await withOpenssl(chain, ['-groups', group, '-tls1_3'], async (port) => {
      const handshake = await look(port)
      assert.equal(handshake.outcome, 'completed', handshake.error?.text)
      assert.equal(handshake.group, told)
    })
  })

test('what nobody should serve any more is seen: RSA of 1024 bits, SHA-1, a short DH group', async () => {
  const key = join(folder, 'weak.key')
  const certificate = join(folder, 'weak.crt')
  const group = join(folder, 'dh.pem')
  await runProgram(
    `openssl req -x509 -newkey rsa:1024 -sha1 -nodes -keyout ${key} -out ${certificate} -subj /CN=a.test -days 2`.split(
      ' ',
    ),
  )
  await runProgram(`openssl dhparam -dsaparam -out ${group} 1024`.split(' '))
  const port = await freePort()
  const server = await startService({
    command: [
      ...`openssl s_server -accept 127.0.0.1:${port} -www -tls1_2 -dhparam ${group}`.split(' '),
      ...`-cert ${certificate} -key ${key} -cipher DHE-RSA-AES128-SHA:@SECLEVEL=0`.split(' '),
    ],
    ready: () => acceptsTcp(port),
  })
  try {
    const handshake = await look(port)
    assert.equal(handshake.outcome, 'completed', handshake.error?.text)
    assert.equal(handshake.cipher, 'TLS_DHE_RSA_WITH_AES_128_CBC_SHA')
    const weak = new X509Certificate(await readFile(certificate))
    assert.deepEqual(handshake.chain, linksOf([new Uint8Array(weak.raw)]))
  } finally {
    await server.stop()
  }
})

test('a demand for a client certificate hides no chain', async () => {
  for (const [flag, outcome] of [
    ['-tls1_2', 'failed'],
    ['-tls1_3', 'completed'],
  ] as const)
    await withOpenssl(chain, [flag, '-Verify', '1', '-verify_return_error'], async (port) => {
      const handshake = await look(port)
      assert.equal(handshake.outcome, outcome, handshake.error?.text)
      assert.deepEqual(handshake.chain, linksOf(chain.map(({ der }) => der)))
    })
})

test('nginx: by server name, by HTTP/2, and without a request', async () => {
  const other = makeChain({ names: ['b.test'] }).chain
  const port = await freePort()
  const files = async (name: string, made: readonly TestCertificate[]): Promise<string> => {
    await writeFile(join(folder, `${name}.crt`), made.map(({ pem }) => pem).join(''))
    await writeFile(join(folder, `${name}.key`), made[0]?.keyPem ?? '')
    return `ssl_certificate ${name}.crt; ssl_certificate_key ${name}.key;`
  }
  const config = join(folder, 'nginx.conf')
  await writeFile(
    config,
    `daemon off; pid nginx.pid; user root; error_log error.log info;
     events {}
     http {
       access_log access.log;
       server { listen 127.0.0.1:${port} ssl http2 default_server; server_name a.test; ${await files('a', chain)} }
       server { listen 127.0.0.1:${port} ssl http2; server_name b.test; ${await files('b', other)} }
     }`,
  )
  const server: Service = await startService({
    command: ['nginx', '-p', folder, '-c', config, '-e', join(folder, 'error.log')],
    ready: () => acceptsTcp(port),
  })
  try {
    for (const [name, made] of [
      ['a.test', chain],
      ['b.test', other],
      [null, chain],
    ] as const) {
      const handshake = await look(port, name)
      assert.equal(handshake.outcome, 'completed', handshake.error?.text)
      assert.equal(handshake.alpn, 'h2')
      assert.deepEqual(handshake.chain, linksOf(made.map(({ der }) => der)))
    }
  } finally {
    await server.stop()
  }
  assert.equal(await readFile(join(folder, 'access.log'), 'utf8'), '')
})
