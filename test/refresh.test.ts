// `mirrors refresh` as a person runs it, with mirrors, a vendor and a DNS server on loopback.

import assert from 'node:assert/strict'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createMirrorAuthority } from '../src/mirror/identity.ts'
import { serveMirror, type ServedMirror, type ServeOptions } from '../src/mirror/serve.ts'
import { mirrorIdOf } from '../src/observation/fingerprint.ts'
import type { ListEntry } from '../src/protocol/routes.ts'
import { formatEndpoint } from '../src/runtime/endpoint.ts'
import { nodeRuntime } from '../src/runtime/node/runtime.ts'
import { createResolver } from '../src/vantage/dns/resolver.ts'
import { createBench, type Bench, type Transcript } from './cli/run.ts'
import { message, pointer, question, questionAt, record, types } from './support/dns-bytes.ts'
import { startHostileDnsServer } from './support/dns-server.ts'
import { freePort } from './support/service.ts'

const runtime = nodeRuntime()
const regions = ['ARIN-US', 'RIPE-DE', 'APNIC-JP', 'LACNIC-BR', 'AFRINIC-ZA']

/** Five mirrors on loopback that list each other. */
async function startMirrors(
  t: TestContext,
  options: Partial<ServeOptions> = {},
): Promise<readonly ServedMirror[]> {
  const planned = await Promise.all(
    regions.map(async (region) => {
      const authority = createMirrorAuthority(runtime)
      const id = mirrorIdOf(runtime.crypto, authority.certificate.spki)
      return { authority, entry: { ip: '127.0.0.1', port: await freePort(), id, region } }
    }),
  )
  return Promise.all(
    planned.map(async ({ authority, entry }) => {
      const served = await serveMirror(runtime, {
        authority,
        listen: { address: entry.ip, port: entry.port },
        addresses: [entry.ip],
        region: entry.region,
        domain: null,
        contact: [],
        resolver: createResolver(runtime, { servers: [{ address: '127.0.0.1', port: 9 }] }),
        allowPrivate: true,
        known: planned.map((other) => other.entry).filter(({ id }) => id !== entry.id),
        ...options,
      })
      t.after(() => served.close())
      return served
    }),
  )
}

const mirrorFlags = (mirrors: readonly { readonly url: string; readonly entry: ListEntry }[]) =>
  mirrors.map(({ url, entry }) => `--mirror "${url}=${entry.region}"`).join(' ')

const small = '--lists-min 3 --regions-min 3 --allow-private'

interface Refreshed {
  readonly mirrors: number
  readonly asked: number
  readonly lists: number
  readonly regions: Readonly<Record<string, number>>
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly silent: readonly { readonly mirror: string; readonly why: string }[]
  readonly left: readonly string[]
  readonly contested: readonly string[]
  readonly bootstrap: readonly {
    readonly sha256: string
    readonly vendor: string | null
    readonly before: string | null
    readonly removed: readonly string[]
    readonly told: number
    readonly seen: number
    readonly newer: number
  }[]
}

interface Scene {
  readonly bench: Bench
  readonly run: (line: string) => Promise<Transcript>
  readonly refresh: (flags: string) => Promise<{ result: Refreshed; stderr: string }>
  /** The path of something in the client's home. */
  readonly home: (name: string) => string
}

async function stage(t: TestContext): Promise<Scene> {
  const bench = await createBench()
  t.after(() => bench[Symbol.asyncDispose]())
  const run = async (line: string): Promise<Transcript> => {
    const transcript = await bench.run(line)
    assert.equal(transcript.code, 0, `${line}\n${transcript.stdout}${transcript.stderr}`)
    return transcript
  }
  return {
    bench,
    run,
    refresh: async (flags) => {
      const { stdout, stderr } = await run(`sightline mirrors refresh --json ${small} ${flags}`)
      return { result: JSON.parse(stdout) as Refreshed, stderr }
    },
    home: (name) => join(bench.folder, '.local/share/sightline', name),
  }
}

/** Makes a CA for a vendor; the hash of its key. */
async function makeVendor({ run }: Scene, name: string): Promise<string> {
  const { stdout } = await run(`sightline ca init ${name} --ca ${name} --json`)
  return (JSON.parse(stdout) as { caSpki: string }).caSpki
}

test('a new client comes to its list from a signed file, and later from nothing but what it kept', async (t) => {
  const scene = await stage(t)
  const { bench, run, refresh, home } = scene
  const mirrors = await startMirrors(t)
  const vendor = await makeVendor(scene, 'vendor')
  await run(
    `sightline mirrors bootstrap ${mirrorFlags(mirrors.slice(0, 4))} --sign vendor --out b.jws`,
  )

  const refused = await bench.run('sightline mirrors refresh --bootstrap b.jws --allow-private')
  assert.equal(refused.code, 5)
  assert.match(refused.stderr, /4 of 4 mirrors gave one, and 15 must\nhint: --lists-min N/)

  const { result } = await refresh(`--bootstrap b.jws --vendor ${vendor}`)
  assert.deepEqual([result.mirrors, result.asked, result.lists], [5, 4, 4])
  assert.deepEqual(result.regions, { AFRINIC: 1, APNIC: 1, ARIN: 1, LACNIC: 1, RIPE: 1 })
  assert.equal(result.added.length, 5)
  assert.equal(result.bootstrap[0]?.vendor, vendor)
  for (const name of ['mirrors.json', 'bootstraps.json'])
    assert.equal((await stat(home(name))).mode & 0o777, 0o600)

  const again = await refresh('')
  assert.deepEqual([again.result.mirrors, again.result.asked], [5, 5])
  assert.deepEqual([again.result.added, again.result.removed], [[], []])
  assert.equal(again.stderr, '')

  const list = JSON.parse((await run('sightline mirrors list --check --json')).stdout) as {
    readonly agreed: number
    readonly lists: number
    readonly mirrors: readonly { readonly answers: boolean; readonly region: string }[]
  }
  assert.equal(list.lists, 5)
  assert.ok(list.mirrors.length === 5 && list.mirrors.every((one) => one.answers))

  await t.test('for people it is told in numbers', async () => {
    const { stdout } = await run(`sightline mirrors refresh ${small}`)
    assert.match(
      stdout,
      /^5 mirrors in 5 regions, by the lists of 5 of 5 mirrors asked\n {2}AFRINIC {2}1\n/,
    )
    assert.match(stdout, /nothing added, nothing removed\nbegan with b\.jws: 4 mirrors, made 20/)
  })

  await t.test('a list that is a week old is said to be', async () => {
    const kept = JSON.parse(await readFile(home('mirrors.json'), 'utf8')) as object
    const agreed = Date.now() - 9 * 86_400_000
    await writeFile(home('mirrors.json'), JSON.stringify({ ...kept, agreed }))
    const { stdout, stderr } = await run('sightline mirrors list')
    assert.match(stdout, /^agreed on 9 days ago, by the lists of 5 of 5 mirrors asked\n/)
    assert.match(stderr, /is 9 days old: renew it with sightline mirrors refresh/)
    const verified = await bench.run('sightline verify https://127.0.0.1:9 --resolver 127.0.0.1:9')
    assert.match(verified.stderr, /is 9 days old/)
  })

  await t.test('a mirror that is down is told, and stays in the list of the others', async () => {
    await mirrors[4]?.close()
    const down = await refresh('')
    assert.equal(down.result.mirrors, 5)
    assert.equal(down.result.silent[0]?.mirror, mirrors[4]?.url)
    assert.match(down.result.silent[0]?.why ?? '', /ECONNREFUSED/)
  })

  await t.test('a list that is damaged is not overwritten by accident', async () => {
    await writeFile(home('mirrors.json'), '{"v":1,"agreed":')
    const { code, stderr } = await bench.run('sightline mirrors list')
    assert.equal(code, 2)
    assert.match(stderr, /mirrors\.json/)
  })
})

test('what a newer file leaves out is shown, and several signers are weighed', async (t) => {
  const scene = await stage(t)
  const { bench, run, refresh } = scene
  const mirrors = await startMirrors(t)
  const [one, two] = [await makeVendor(scene, 'one'), await makeVendor(scene, 'two')]
  const sign = (vendor: string, from: number, out: string) =>
    run(
      `sightline mirrors bootstrap ${mirrorFlags(mirrors.slice(from, from + 4))} --sign ${vendor} --out ${out}`,
    )
  await sign('one', 0, 'one.jws')
  await sign('two', 1, 'two.jws')
  await run(
    `sightline mirrors bootstrap ${mirrorFlags(mirrors.slice(0, 3))} --sign one --out less.jws`,
  )

  const both = await refresh('--bootstrap one.jws --bootstrap two.jws')
  assert.equal(both.result.asked, 5)
  const strict = await refresh('--bootstrap one.jws --bootstrap two.jws --threshold 2')
  assert.deepEqual(new Set(strict.result.left), new Set([mirrors[0]?.url, mirrors[4]?.url]))
  const tooFew = await bench.run(
    `sightline mirrors refresh ${small} --bootstrap one.jws --threshold 2`,
  )
  assert.equal(tooFew.code, 2)
  assert.match(tooFew.stderr, /2 signers are wanted, and the files are signed by 1/)
  const unvouched = await bench.run(
    `sightline mirrors refresh ${small} --bootstrap two.jws --vendor ${one}`,
  )
  assert.match(unvouched.stderr, /only the vendors named are believed/)
  const kept = await bench.run(`sightline mirrors refresh ${small} --vendor ${two}`)
  assert.match(kept.stderr, /"one\.jws".*only the vendors named are believed/)

  const less = await refresh('--bootstrap less.jws --threshold 0')
  assert.deepEqual(less.result.bootstrap[0]?.removed, [mirrors[3]?.url])
  assert.equal(less.result.bootstrap[0]?.before, both.result.bootstrap[0]?.sha256)
  assert.match(
    less.stderr,
    /^warning: less\.jws leaves out 1 mirror that the one of 20.* had: https:/,
  )
  // The list itself does not depend on the file any more.
  assert.equal(less.result.mirrors, 5)
})

test('a file that no mirror has seen may have been made for one client', async (t) => {
  const scene = await stage(t)
  const { run, refresh } = scene
  const vendor = await makeVendor(scene, 'vendor')
  const files = [{ sha256: 'a'.repeat(64), vendor: vendor.slice(7), made: 1, pairs: 4 }]
  const mirrors = await startMirrors(t, { bootstraps: files })
  await run(`sightline mirrors bootstrap ${mirrorFlags(mirrors)} --sign vendor --out b.jws`)
  const { result, stderr } = await refresh('--bootstrap b.jws')
  const { told, seen, newer } = result.bootstrap[0] ?? {}
  assert.deepEqual([told, seen, newer], [5, 0, 0])
  const { stderr: warned } = await run(`sightline mirrors refresh ${small}`)
  assert.match(warned, /no mirror has seen b\.jws, but others of this vendor have been seen by 5/)
  assert.equal(stderr, '')
})

test('the file comes from the vendor, wherever DNS says that the vendor is', async (t) => {
  const scene = await stage(t)
  const { bench, run, refresh } = scene
  const mirrors = await startMirrors(t)
  const vendor = await makeVendor(scene, 'vendor')
  await makeVendor(scene, 'thief')
  const host = 'updates.vendor.test'
  await run(`sightline mirrors bootstrap ${mirrorFlags(mirrors)} --sign vendor --out b.jws`)
  const bytes = await readFile(join(bench.folder, 'b.jws'))
  const serve = async (ca: string): Promise<number> => {
    await run(`sightline ca issue ${host} --ca ${ca} --out ${ca}-tls`)
    const server = await runtime.network.serveHttps({
      listen: { address: '127.0.0.1', port: 0 },
      bodyBytesMax: 100,
    })
    const read = (end: string) => readFile(join(bench.folder, `${ca}-tls/${host}.${end}`), 'utf8')
    server.show(await read('key'), await read('crt'))
    server.answer(() => ({
      status: 200,
      contentType: 'application/jose',
      cacheControl: 'no-store',
      body: new Uint8Array(bytes),
    }))
    t.after(() => server.close())
    return server.local.port
  }
  const [genuine, stolen] = [await serve('vendor'), await serve('thief')]
  const dns = await startHostileDnsServer((query) => {
    const address = record(pointer(questionAt), types.A, { data: Uint8Array.of(127, 0, 0, 1) })
    query.reply(
      message({
        id: query.id,
        questions: [question(query.name, query.type)],
        answers: query.type === types.A ? [address] : [],
      }),
    )
  })
  t.after(() => dns.close())
  const at = (port: number) =>
    `--vendor-url https://${host}:${port}/b.jws --resolver ${formatEndpoint(dns.endpoint)}`

  const { result } = await refresh(`${at(genuine)} --vendor ${vendor}`)
  assert.equal(result.mirrors, 5)
  assert.equal(result.bootstrap[0]?.vendor, vendor)
  const stranger = await bench.run(
    `sightline mirrors refresh ${small} ${at(stolen)} --vendor ${vendor}`,
  )
  assert.equal(stranger.code, 5)
  assert.match(stranger.stderr, /it is not under the CA of a vendor that is named\nhint:/)
  const nameless = await bench.run(`sightline mirrors refresh ${small} ${at(genuine)}`)
  assert.equal(nameless.code, 2)
  assert.match(
    nameless.stderr,
    /a vendor is known by its CA alone\nhint: name the CA with --vendor/,
  )
})
