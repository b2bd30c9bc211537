// The whole way of a newcomer, by hand: a CA, a record in BIND, three mirrors with resolvers of their own, and verify against openssl.

import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createBench, type Bench } from '../cli/run.ts'
import { ensurePackages } from '../support/packages.ts'
import { runProgram } from '../support/program.ts'
import { acceptsTcp, freePort, startService, type Service } from '../support/service.ts'

const regions = ['ARIN-US', 'RIPE-DE', 'APNIC-JP'] as const

let bench: Bench
const services: Service[] = []
before(async () => {
  await ensurePackages('openssl', 'bind9', 'bind9-utils', 'bind9-dnsutils', 'unbound')
  bench = await createBench()
})
after(async () => {
  for (const service of services.toReversed()) await service.stop()
  await bench[Symbol.asyncDispose]()
})

async function run(line: string): Promise<string> {
  const { stdout, stderr, code } = await bench.run(line)
  assert.equal(code, 0, `${line}\n${stdout}${stderr}`)
  return stdout
}

async function start(
  command: readonly string[],
  ready: (output: string) => Promise<boolean>,
): Promise<Service> {
  const service = await startService({ command, cwd: bench.folder, ready })
  services.push(service)
  return service
}

/** BIND with the zone a.test: an address for every name, and TLSA records that the owner's key may change. */
async function startBind(): Promise<number> {
  const folder = join(bench.folder, 'bind')
  await mkdir(folder)
  await writeFile(join(folder, 'owner.key'), await runProgram(['tsig-keygen', 'owner']))
  await writeFile(
    join(folder, 'a.zone'),
    `$TTL 1
@ IN SOA ns h 1 60 60 600 1
@ IN NS ns
ns IN A 127.0.0.1
@ IN A 127.0.0.1
www IN A 127.0.0.1
`,
  )
  const port = await freePort()
  await writeFile(
    join(folder, 'named.conf'),
    `include "${folder}/owner.key";
options { directory "${folder}"; listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; };
  recursion no; pid-file "${folder}/pid"; session-keyfile "${folder}/session.key"; dnssec-validation no; };
controls { };
zone "a.test" { type primary; file "a.zone"; update-policy { grant owner zonesub TLSA; }; };
`,
  )
  await start(
    ['named', '-g', '-c', join(folder, 'named.conf')],
    async () => (await dig(port)) !== '',
  )
  return port
}

async function dig(port: number): Promise<string> {
  return runProgram([
    'dig',
    '+short',
    '+tries=1',
    '+time=1',
    '-p',
    String(port),
    '@127.0.0.1',
    'SOA',
    'a.test',
  ])
}

/** A recursive resolver of one mirror's own, as the documents advise. */
async function startUnbound(name: string, bind: number): Promise<number> {
  const port = await freePort()
  const file = join(bench.folder, `${name}.conf`)
  await writeFile(
    file,
    `server:
  interface: 127.0.0.1
  port: ${port}
  username: ""
  chroot: ""
  directory: "${bench.folder}"
  pidfile: ""
  use-syslog: no
  do-not-query-localhost: no
  cache-max-ttl: 60
  cache-max-negative-ttl: 1
  module-config: "iterator"
  local-zone: "test." nodefault
remote-control:
  control-enable: no
stub-zone:
  name: "a.test."
  stub-addr: 127.0.0.1@${bind}
`,
  )
  await start(['unbound', '-d', '-c', file], async () => (await dig(port)) !== '')
  return port
}

/** `openssl s_server` with the files that `ca issue` wrote. */
async function startSite(name: string): Promise<number> {
  const port = await freePort()
  const files = ['-key', `${name}.key`, '-cert', `${name}.crt`, '-cert_chain', `${name}.crt`]
  await start(['openssl', 's_server', '-accept', `127.0.0.1:${port}`, '-quiet', ...files], () =>
    acceptsTcp(port),
  )
  return port
}

interface Verdict {
  readonly outcome: string
  readonly mode: string
  readonly quorum: { readonly agreeing: number; readonly asked: number; readonly needed: number }
  readonly regions: readonly string[]
  readonly views: Readonly<Record<string, number>>
  readonly reasons: readonly { readonly code: string }[]
  readonly own: { readonly tlsa: readonly string[] }
}

async function verify(line: string): Promise<{ code: number | null; verdict: Verdict }> {
  const { stdout, stderr, code } = await bench.run(
    `sightline verify --json --allow-private ${line}`,
  )
  assert.notEqual(stdout, '', stderr)
  return { code, verdict: JSON.parse(stdout) as Verdict }
}

test('a CA, a record, three mirrors and a verdict', async (t) => {
  const bind = await startBind()
  await run('sightline ca init "A Test"')
  await run('sightline ca issue a.test www.a.test --out tls')
  await run(
    'sightline ca init Thief --ca thief && sightline ca issue a.test www.a.test --ca thief --out stolen',
  )
  const site = await startSite('tls/a.test')
  const impostor = await startSite('stolen/a.test')
  const target = `https://www.a.test:${site}`
  await run(`sightline ca tlsa ${target} --ttl 1 --update 127.0.0.1:${bind} --tsig bind/owner.key`)

  const mirrors: Service[] = []
  const pairs: string[] = []
  for (const [i, region] of regions.entries()) {
    const resolver = await startUnbound(`unbound${i}`, bind)
    const mirror = await start(
      [
        join(bench.folder, '.bin/sightline'),
        'mirror',
        '--listen',
        '127.0.0.1:0',
        '--home',
        `m${i}`,
        '--region',
        region,
        '--allow-private',
        '--resolver',
        `127.0.0.1:${resolver}`,
      ],
      async (output) => /^ready https:\/\/\S+#\S{43}$/m.test(output),
    )
    mirrors.push(mirror)
    pairs.push(`--mirror "${/^ready (\S+)$/m.exec(mirror.output())?.[1]}=${region}"`)
  }
  await run(`sightline mirrors bootstrap ${pairs.join(' ')} --out boot.json`)
  const list = await run(
    'sightline mirrors list --bootstrap boot.json --allow-private --check --json',
  )
  assert.ok(
    (JSON.parse(list) as { mirrors: { answers: boolean }[] }).mirrors.every((one) => one.answers),
  )
  const local = await startUnbound('own', bind)
  const common = `--bootstrap boot.json --resolver 127.0.0.1:${local}`

  await t.test('the right certificate is corroborated, with status 0', async () => {
    const { code, verdict } = await verify(`${target} ${common}`)
    assert.equal(code, 0)
    assert.equal(verdict.outcome, 'corroborated')
    assert.equal(verdict.mode, 'authority')
    assert.deepEqual(
      [verdict.quorum.agreeing, verdict.quorum.asked, verdict.quorum.needed],
      [3, 3, 3],
    )
    assert.deepEqual(verdict.regions.toSorted(), ['APNIC', 'ARIN', 'RIPE'])
    assert.equal(Object.values(verdict.views)[0], 3)
    assert.equal(verdict.own.tlsa.length, 1)
  })

  await t.test('the example program says the same', async () => {
    const text = await runProgram(
      [
        'node',
        fileURLToPath(new URL('../../examples/verify.ts', import.meta.url)),
        target,
        'boot.json',
        `127.0.0.1:${local}`,
      ],
      { cwd: bench.folder },
    )
    assert.match(text, /^trusted: true$/m)
  })

  await t.test('another certificate at the same name is contradicted, with status 1', async () => {
    const { code, verdict } = await verify(`${target} ${common} --connect 127.0.0.1:${impostor}`)
    assert.equal(code, 1)
    assert.ok(verdict.reasons.some((reason) => reason.code === 'not-authorised'))
  })

  await t.test('each policy has its say', async () => {
    for (const [policy, status] of [
      ['literal', 0],
      ['default', 0],
      ['high', 3],
      ['mpic', 3],
    ] as const)
      assert.equal((await verify(`${target} ${common} --policy ${policy}`)).code, status, policy)
    const own = { name: 'two', stages: [{ ask: 2, need: 2 }], vantagesMin: 2, registriesMin: 2 }
    await writeFile(join(bench.folder, 'policy.json'), JSON.stringify(own))
    const { code, verdict } = await verify(`${target} ${common} --policy policy.json`)
    assert.equal(code, 0)
    assert.equal(verdict.quorum.asked, 2)
  })

  await t.test(
    'a breached CA is out as soon as one record changes, and the new one is in',
    async () => {
      await run(
        `sightline ca tlsa ${target} --ca thief --ttl 1 --update 127.0.0.1:${bind} --tsig bind/owner.key`,
      )
      // Mirrors hold a record for five seconds at least, and until all three have let go of it they disagree.
      let seen = await verify(`${target} ${common}`)
      const isRefused = (): boolean =>
        seen.verdict.reasons.some((reason) => reason.code === 'not-authorised')
      for (let tries = 0; tries < 40 && !isRefused(); tries++)
        seen = await verify(`${target} ${common}`)
      assert.ok(isRefused())
      assert.equal(seen.code, 1)
      assert.equal((await verify(`${target} ${common} --connect 127.0.0.1:${impostor}`)).code, 0)
    },
  )

  await t.test('evidence is written once, and explains itself without a network', async () => {
    const line = `sightline verify ${target} --allow-private ${common} --evidence e.json`
    const first = await bench.run(line)
    const again = await bench.run(line)
    assert.equal(again.code, 2)
    assert.match(again.stderr, /the file exists already/)
    const told = await bench.run('sightline explain e.json')
    assert.equal(told.code, first.code)
    assert.match(told.stdout, /the evidence holds: the same verdict follows from it/)
    const changed = await bench.run(
      'sed -i \'s/"outcome": "contradicted"/"outcome": "inconclusive"/\' e.json && sightline explain e.json',
    )
    assert.equal(changed.code, 1)
    assert.match(changed.stdout, /the evidence does not hold/)
  })

  await t.test('with all mirrors stopped nothing is decided, with status 3', async () => {
    for (const mirror of mirrors) await mirror.stop()
    const { code, verdict } = await verify(`${target} ${common}`)
    assert.equal(code, 3)
    assert.equal(verdict.outcome, 'inconclusive')
  })
})
