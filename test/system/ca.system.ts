// The organisation's own CA against the tools of others: OpenSSL checks what it issues, BIND takes what it publishes.

import assert from 'node:assert/strict'
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createBench, type Bench } from '../cli/run.ts'
import { ensurePackages } from '../support/packages.ts'
import { runProgram, tryProgram } from '../support/program.ts'
import { acceptsTcp, freePort, startService, type Service } from '../support/service.ts'

let bench: Bench
before(async () => {
  await ensurePackages('openssl', 'bind9', 'bind9-utils', 'bind9-dnsutils', 'faketime')
  bench = await createBench()
})
after(() => bench[Symbol.asyncDispose]())

/** Runs one line of sh, which must succeed, and gives what it printed. */
async function run(line: string): Promise<string> {
  const { stdout, stderr, code } = await bench.run(line)
  assert.equal(code, 0, `${line}\n${stderr}`)
  return stdout
}

/** Runs one line of sh, which must fail with `code`, and gives what it complained. */
async function fails(line: string, code: number): Promise<string> {
  const seen = await bench.run(line)
  assert.equal(seen.code, code, `${line}\n${seen.stdout}${seen.stderr}`)
  assert.equal(seen.stdout, '')
  return seen.stderr
}

const verify = (ca: string, chain: string, ...options: readonly string[]) =>
  tryProgram(
    [
      'openssl',
      'verify',
      '-x509_strict',
      '-purpose',
      'sslserver',
      ...options,
      '-CAfile',
      ca,
      chain,
    ],
    { cwd: bench.folder },
  )

test('what is issued verifies with OpenSSL, for its names and no others', async () => {
  await run('sightline ca init "Example Corp" --ca one')
  await run('sightline ca issue a.test "*.b.test" 192.0.2.1 2001:db8::1 --ca one --out tls')
  const ok = async (...options: readonly string[]) =>
    (await verify('one/ca.crt', 'tls/a.test.crt', ...options)).code === 0
  assert.ok(await ok())
  for (const name of ['a.test', 'x.b.test']) assert.ok(await ok('-verify_hostname', name), name)
  for (const name of ['b.test', 'x.y.b.test', 'c.test'])
    assert.ok(!(await ok('-verify_hostname', name)), name)
  for (const address of ['192.0.2.1', '2001:db8::1']) assert.ok(await ok('-verify_ip', address))
  assert.ok(!(await ok('-verify_ip', '192.0.2.2')))
  assert.ok(!(await ok('-purpose', 'sslclient')))
  await run('sightline ca init Other --ca other')
  assert.notEqual((await verify('other/ca.crt', 'tls/a.test.crt')).code, 0)
})

test('key and certificate belong together, and are for their owner alone', async () => {
  await run('sightline ca init --ca modes && sightline ca issue m.test --ca modes --out modes-tls')
  const shell = (line: string) => runProgram(['sh', '-c', line], { cwd: bench.folder })
  assert.equal(
    await shell('openssl pkey -in modes-tls/m.test.key -pubout'),
    await shell('openssl x509 -in modes-tls/m.test.crt -noout -pubkey'),
  )
  const modes = await Promise.all(
    ['modes', 'modes/ca.key', 'modes-tls/m.test.key'].map(async (path) =>
      ((await stat(join(bench.folder, path))).mode & 0o777).toString(8),
    ),
  )
  assert.deepEqual(modes, ['700', '600', '600'])
  const text = await shell('openssl x509 -in modes/ca.crt -noout -text')
  for (const expected of [
    /Basic Constraints: critical\s+CA:TRUE, pathlen:0/,
    /Key Usage: critical\s+Certificate Sign, CRL Sign/,
    /Public-Key: \(256 bit\)/,
  ])
    assert.match(text, expected)
})

test('a CA that is held to names cannot speak for others: OpenSSL refuses what its key signs', async () => {
  await run('sightline ca init --ca held --names a.test,10.0.0.0/8')
  await run('sightline ca issue www.a.test 10.1.2.3 --ca held --out held-tls')
  assert.equal((await verify('held/ca.crt', 'held-tls/www.a.test.crt')).code, 0)
  assert.match(await fails('sightline ca issue b.test --ca held', 2), /"b\.test" is not permitted/)
  assert.match(await fails('sightline ca issue 192.0.2.1 --ca held', 2), /not permitted/)
  // A thief of the key does not ask our program for permission.
  for (const [i, name] of ['DNS:b.test', 'DNS:xa.test', 'IP:192.0.2.1', 'IP:::1'].entries()) {
    await sign({ ca: 'held', name, out: `stolen${i}.crt` })
    const { code, stderr } = await verify('held/ca.crt', `stolen${i}.crt`)
    assert.notEqual(code, 0, name)
    assert.match(stderr, /permitted subtree violation|excluded subtree violation/)
  }
  await sign({ ca: 'held', name: 'DNS:x.a.test', out: 'fine.crt' })
  assert.equal((await verify('held/ca.crt', 'fine.crt')).code, 0)
})

test('permitted names alone exclude all addresses, and the other way round', async () => {
  await run(
    'sightline ca init --ca dns --names a.test && sightline ca init --ca ip --names 10.0.0.0/8',
  )
  for (const [ca, name] of [
    ['dns', 'IP:10.0.0.1'],
    ['dns', 'IP:2001:db8::1'],
    ['ip', 'DNS:a.test'],
  ] as const) {
    await sign({ ca, name, out: `${ca}.crt` })
    const { code, stderr } = await verify(`${ca}/ca.crt`, `${ca}.crt`)
    assert.notEqual(code, 0, `${ca} ${name}`)
    assert.match(stderr, /excluded subtree violation/)
  }
})

/** Signs a certificate for `name` with the key of a CA, by OpenSSL. */
async function sign(order: { ca: string; name: string; out: string }): Promise<void> {
  const { ca, name, out } = order
  await runProgram(
    [
      'openssl',
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      `${out}.key`,
      '-out',
      out,
      '-subj',
      '/CN=thief',
      '-days',
      '1',
      '-CA',
      `${ca}/ca.crt`,
      '-CAkey',
      `${ca}/ca.key`,
      '-addext',
      `subjectAltName=${name}`,
      '-addext',
      'basicConstraints=critical,CA:FALSE',
    ],
    { cwd: bench.folder },
  )
}

/** A TLS server on loopback, by OpenSSL: it sends the first certificate of `cert`, then all of `above`. */
function serve(of: { port: number; cert: string; above?: string; key: string }): Promise<Service> {
  const above = of.above === undefined ? '' : ` -cert_chain ${of.above}`
  const command = `openssl s_server -accept 127.0.0.1:${of.port} -quiet -cert ${of.cert} -key ${of.key}${above}`
  return startService({
    command: command.split(' '),
    cwd: bench.folder,
    ready: () => acceptsTcp(of.port),
  })
}

test('a client that knows nothing but the printed record accepts the server, and no other', async () => {
  await run('sightline ca init --ca dane && sightline ca issue a.test --ca dane --out dane-tls')
  const port = await freePort()
  const line = await run(`sightline ca tlsa https://a.test:${port} --ca dane`)
  const [owner, ttl, ...record] = line.trim().split(' ')
  assert.deepEqual([owner, ttl], [`_${port}._tcp.a.test.`, '300'])
  assert.deepEqual(record.slice(0, 5), ['IN', 'TLSA', '2', '1', '1'])
  const server = await serve({
    port,
    cert: 'dane-tls/a.test.crt',
    above: 'dane/ca.crt',
    key: 'dane-tls/a.test.key',
  })
  try {
    const client = (name: string, rdata: string) =>
      tryProgram([
        'openssl',
        's_client',
        '-connect',
        `127.0.0.1:${port}`,
        '-verify_return_error',
        '-dane_tlsa_domain',
        name,
        '-dane_tlsa_rrdata',
        rdata,
      ])
    const accepted = await client('a.test', record.slice(2).join(' '))
    assert.equal(accepted.code, 0, accepted.stderr)
    assert.match(accepted.stdout, /Verification: OK/)
    assert.match(accepted.stdout, /DANE TLSA 2 1 1 \S+ matched TA certificate at depth 1/)
    assert.notEqual((await client('b.test', record.slice(2).join(' '))).code, 0)
    assert.notEqual((await client('a.test', `2 1 1 ${'00'.repeat(32)}`)).code, 0)
    const leaf = await run(`sightline ca tlsa a.test --leaf dane-tls/a.test.crt`)
    const [, , , , ...rdata] = leaf.trim().split(' ')
    assert.equal((await client('a.test', rdata.join(' '))).code, 0)
  } finally {
    await server.stop()
  }
})

/** A real BIND with the zone a.test, which two keys may update, and b.test, which nobody may. */
async function startBind(): Promise<Service & { readonly port: number }> {
  const folder = join(bench.folder, 'bind')
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder)
  for (const [file, algorithm, name] of [
    ['right', 'hmac-sha256', 'right'],
    ['strong', 'hmac-sha512', 'strong'],
    ['unknown', 'hmac-sha256', 'unknown'],
    ['wrong-secret', 'hmac-sha256', 'right'],
  ] as const)
    await writeFile(
      join(folder, `${file}.key`),
      await runProgram(['tsig-keygen', '-a', algorithm, name]),
    )
  for (const zone of ['a', 'b'])
    await writeFile(
      join(folder, `${zone}.zone`),
      `$TTL 300
@ IN SOA ns h 1 60 60 600 60
@ IN NS ns
@ IN A 127.0.0.1
ns IN A 127.0.0.1
_444._tcp IN CNAME elsewhere
both IN A 127.0.0.1
both IN AAAA ::1
`,
    )
  const [port, control] = [await freePort(), join(folder, 'session.key')]
  await writeFile(
    join(folder, 'named.conf'),
    `include "${folder}/right.key"; include "${folder}/strong.key";
options { directory "${folder}"; listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; };
  recursion no; pid-file "${folder}/pid"; session-keyfile "${control}"; dnssec-validation no; };
controls { };
zone "a.test" { type primary; file "a.zone";
  update-policy { grant right zonesub TLSA; grant strong zonesub TLSA; }; };
zone "b.test" { type primary; file "b.zone"; };
`,
  )
  const service = await startService({
    command: ['named', '-g', '-c', join(folder, 'named.conf')],
    ready: async () => (await dig(port, 'SOA', 'a.test')).startsWith('ns.a.test.'),
  })
  return { ...service, port }
}

async function dig(port: number, type: string, name: string): Promise<string> {
  return await runProgram(['dig', '+short', '+tcp', '-p', String(port), '@127.0.0.1', type, name])
}

/** The TLSA records that dig sees, as we write them. */
async function records(port: number, name: string): Promise<readonly string[]> {
  const lines = (await dig(port, 'TLSA', name)).trim().split('\n')
  return lines
    .map((line) => line.split(' '))
    .map(
      ([usage, selector, matching, ...hex]) =>
        `${usage} ${selector} ${matching} ${hex.join('').toLowerCase()}`,
    )
    .toSorted()
}

test('a record is published at BIND by a signed update, replaced, and announced beside the old', async () => {
  const bind = await startBind()
  const at = `--update 127.0.0.1:${bind.port}`
  try {
    await run('sightline ca init Old --ca old && sightline ca init New --ca new')
    const association = async (ca: string) => {
      const { line } = JSON.parse(await run(`sightline ca tlsa a.test --ca ${ca} --json`)) as {
        line: string
      }
      return line.split(' TLSA ')[1] ?? ''
    }
    const [old, next] = [await association('old'), await association('new')]
    await run(`sightline ca tlsa a.test --ca old ${at} --tsig bind/right.key`)
    assert.deepEqual(await records(bind.port, '_443._tcp.a.test'), [old])
    assert.match(await dig(bind.port, 'SOA', 'a.test'), / 2 60 60 600 60$/m)

    const told = await run(
      `sightline ca tlsa a.test --ca new --add --json ${at} --tsig bind/strong.key`,
    )
    const { zone, associations } = JSON.parse(told) as { zone: string; associations: string[] }
    assert.equal(zone, 'a.test.')
    assert.deepEqual(associations.toSorted(), [old, next].toSorted())
    assert.deepEqual(await records(bind.port, '_443._tcp.a.test'), [old, next].toSorted())

    await run(`sightline ca tlsa a.test --ca new --ttl 60 --quiet ${at} --tsig bind/right.key`)
    assert.deepEqual(await records(bind.port, '_443._tcp.a.test'), [next])

    const update = (target: string, key: string) =>
      `sightline ca tlsa ${target} --ca old ${at} --tsig ${key}`
    for (const [line, complaint] of [
      [
        update('a.test', 'bind/unknown.key'),
        /does not know the key unknown\. for hmac-sha256 \(BADKEY\)\nhint: compare/,
      ],
      [
        update('a.test', 'bind/wrong-secret.key'),
        /signature with the key right\. wrong \(BADSIG\)\nhint: the secret/,
      ],
      [
        update('b.test', 'bind/right.key'),
        /did not update the zone b\.test\. \(REFUSED\)\nhint: allow the key/,
      ],
      [
        update('c.test', 'bind/right.key'),
        /serves no zone above _443\._tcp\.c\.test\.[^\n]*\nhint: name the primary/,
      ],
      [update('a.test:444', 'bind/right.key'), /_444\._tcp\.a\.test\. is an alias \(CNAME\)/],
      [
        `faketime -f +1h ${update('a.test', 'bind/right.key')}`,
        /\(BADTIME\): it is 20[^\n]*\nhint: set both clocks/,
      ],
    ] as const)
      assert.match(await fails(line, 5), complaint)
    assert.deepEqual(await records(bind.port, '_443._tcp.a.test'), [next])
    await bind.stop()
    assert.match(
      await fails(update('a.test', 'bind/right.key'), 5),
      /ECONNREFUSED[^\n]*\nhint: is it a name server/,
    )
  } finally {
    await bind.stop()
  }
})

interface Linted {
  readonly ok: boolean
  readonly findings: readonly { readonly id: string; readonly address: string | null }[]
}

test('lint finds what keeps clients away from a real server, and nothing once it is served well', async () => {
  const bind = await startBind()
  const [whole, leafAlone, twice] = [await freePort(), await freePort(), await freePort()]
  await run(
    'sightline ca init --ca lint && sightline ca issue a.test both.a.test --ca lint --out lint-tls',
  )
  const own = { cert: 'lint-tls/a.test.crt', key: 'lint-tls/a.test.key' }
  const services = [
    bind,
    await serve({ port: whole, ...own, above: 'lint/ca.crt' }),
    await serve({ port: leafAlone, ...own }),
    await serve({ port: twice, ...own, above: own.cert }),
  ]
  const publish = (target: string, more = '') =>
    run(
      `sightline ca tlsa ${target} --ca lint --update 127.0.0.1:${bind.port} --tsig bind/right.key ${more}`,
    )
  const lint = async (target: string) => {
    const { stdout, code } = await bench.run(
      `sightline ca lint ${target} --json --resolver 127.0.0.1:${bind.port}`,
    )
    const { ok, findings } = JSON.parse(stdout) as Linted
    assert.equal(code, ok ? 0 : 1)
    return findings.map(({ id, address }) => (address === null ? id : `${id} ${address}`))
  }
  try {
    assert.deepEqual(await lint(`a.test:${whole}`), ['record-missing'])
    await publish(`a.test:${whole}`, '--ttl 3600')
    assert.deepEqual(await lint(`a.test:${whole}`), ['ttl-long'])
    await publish(`a.test:${whole}`)
    assert.deepEqual(await lint(`a.test:${whole}`), [])
    await publish(`a.test:${leafAlone}`)
    assert.deepEqual(await lint(`a.test:${leafAlone}`), ['ca-not-sent 127.0.0.1'])
    await publish(`a.test:${twice}`)
    assert.deepEqual(await lint(`a.test:${twice}`), ['chain-disordered 127.0.0.1'])
    await publish(`both.a.test:${whole}`)
    assert.deepEqual(await lint(`both.a.test:${whole}`), ['no-handshake ::1'])
    const { stdout } = await bench.run(
      `sightline ca lint a.test:${leafAlone} --resolver 127.0.0.1:${bind.port}`,
    )
    assert.match(
      stdout,
      /^✘ https:\/\/a\.test:[0-9]+ {2}1 fault, 0 warnings\n\nfault ca-not-sent at 127\.0\.0\.1\n/,
    )
  } finally {
    for (const service of services) await service.stop()
  }
})

test('what is there is not overwritten, and what is wrong is told in one line', async () => {
  await run('sightline ca init --ca kept && sightline ca issue a.test --ca kept --out kept-tls')
  const before = await readFile(join(bench.folder, 'kept', 'ca.key'), 'utf8')
  assert.match(
    await fails('sightline ca init --ca kept', 2),
    /exists already\nhint: nothing was overwritten/,
  )
  assert.match(
    await fails('sightline ca issue a.test --ca kept --out kept-tls', 2),
    /exists already/,
  )
  assert.equal(await readFile(join(bench.folder, 'kept', 'ca.key'), 'utf8'), before)
  await runProgram(['chmod', '644', 'kept/ca.key'], { cwd: bench.folder })
  assert.match(
    await fails('sightline ca issue b.test --ca kept', 2),
    /644, are open to other users\nhint: close it with: chmod 600/,
  )
  await runProgram(['chmod', '600', 'kept/ca.key'], { cwd: bench.folder })
  await rm(join(bench.folder, 'kept', 'ca.crt'))
  assert.match(
    await fails('sightline ca tlsa b.test --ca kept', 2),
    /CA certificate .*no such file/,
  )
  assert.match(
    await fails('sightline ca tlsa b.test --ca nowhere', 2),
    /there is none\nhint: make one with `sightline ca init`/,
  )
})
