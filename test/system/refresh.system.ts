// Three mirrors in processes of their own that know each other, a client that comes to its list by what they say, and a
// verdict with nothing but that list.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createBench, type Bench } from '../cli/run.ts'
import { ensurePackages } from '../support/packages.ts'
import { acceptsTcp, freePort, startService, type Service } from '../support/service.ts'

const regions = ['ARIN-US', 'RIPE-DE', 'APNIC-JP'] as const

let bench: Bench
const services = new Set<Service>()
before(async () => {
  await ensurePackages('openssl')
  bench = await createBench()
})
after(async () => {
  for (const service of services) await service.stop()
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
  services.add(service)
  return service
}

interface Running {
  readonly service: Service
  readonly url: string
}

/** The mirror of the home folder `m${i}`, which keeps its id and its port from one start to the next. */
async function startMirror(i: number, port: number, joins: readonly string[]): Promise<Running> {
  const flags = [
    `--listen 127.0.0.1:${port} --home m${i} --region ${regions[i]}`,
    '--allow-private --resolver 127.0.0.1:9',
    ...joins.map((url) => `--join ${url}`),
  ]
  const command = [join(bench.folder, '.bin/sightline'), 'mirror', ...flags.join(' ').split(' ')]
  const service = await start(command, async (output) =>
    /^ready https:\/\/\S+#\S{43}$/m.test(output),
  )
  return { service, url: /^ready (\S+)$/m.exec(service.output())?.[1] ?? '' }
}

/** Three mirrors that all know the two others: who was there before a newcomer learns of it when it starts again. */
async function startMirrors(): Promise<readonly Running[]> {
  const ports = await Promise.all(regions.map(() => freePort()))
  const running: Running[] = []
  for (const [i, port] of ports.entries())
    running.push(
      await startMirror(
        i,
        port,
        running.map(({ url }) => url),
      ),
    )
  for (const [i, port] of ports.slice(0, -1).entries()) {
    await running[i]?.service.stop()
    const others = running.filter((_one, n) => n !== i).map(({ url }) => url)
    running[i] = await startMirror(i, port, others)
  }
  return running
}

interface Refreshed {
  readonly mirrors: number
  readonly asked: number
  readonly lists: number
  readonly silent: readonly unknown[]
}

test('a list by consensus from a file with three mirrors, and a verdict with nothing but the list', async (t) => {
  const mirrors = await startMirrors()
  await run('sightline ca init "A Site" && sightline ca issue 127.0.0.1 --out tls')
  const port = await freePort()
  const files = ['-key', 'tls/127.0.0.1.key', '-cert', 'tls/127.0.0.1.crt']
  await start(['openssl', 's_server', '-accept', `127.0.0.1:${port}`, '-quiet', ...files], () =>
    acceptsTcp(port),
  )
  const target = `https://127.0.0.1:${port}`
  const flags = mirrors.map(({ url }, i) => `--mirror "${url}=${regions[i]}"`)
  await run(`sightline mirrors bootstrap ${flags.join(' ')} --out boot.json`)
  const small = '--lists-min 3 --regions-min 3 --allow-private --json'

  await t.test('three mirrors are too few, unless it is said that three are enough', async () => {
    const { code, stderr } = await bench.run(
      'sightline mirrors refresh --bootstrap boot.json --allow-private',
    )
    assert.equal(code, 5)
    assert.match(stderr, /3 of 3 mirrors gave one, and 15 must/)
  })

  await t.test('all three are in the list', async () => {
    const text = await run(`sightline mirrors refresh --bootstrap boot.json ${small}`)
    const refreshed = JSON.parse(text) as Refreshed
    assert.deepEqual([refreshed.mirrors, refreshed.asked, refreshed.lists], [3, 3, 3])
    assert.deepEqual(refreshed.silent, [])
  })

  await t.test('verify asks the mirrors of the list', async () => {
    const text = await run(
      `sightline verify ${target} --resolver 127.0.0.1:9 --allow-private --json`,
    )
    const verdict = JSON.parse(text) as {
      readonly outcome: string
      readonly quorum: { readonly agreeing: number; readonly asked: number }
      readonly regions: readonly string[]
    }
    assert.equal(verdict.outcome, 'corroborated')
    assert.deepEqual([verdict.quorum.agreeing, verdict.quorum.asked], [3, 3])
    assert.deepEqual(verdict.regions.toSorted(), ['APNIC', 'ARIN', 'RIPE'])
  })

  await t.test('a mirror that was killed is still named by the two others', async () => {
    await mirrors[0]?.service.kill()
    const two = small.replace('--lists-min 3 --regions-min 3', '--lists-min 2 --regions-min 2')
    const refreshed = JSON.parse(await run(`sightline mirrors refresh ${two}`)) as Refreshed
    assert.deepEqual([refreshed.mirrors, refreshed.asked, refreshed.lists], [3, 3, 2])
    assert.equal(refreshed.silent.length, 1)
  })

  await t.test('with two of three dead there is no list, and the old one stays', async () => {
    await mirrors[1]?.service.kill()
    const one = small.replace('--lists-min 3 --regions-min 3', '--lists-min 1 --regions-min 1')
    const { code, stderr } = await bench.run(`sightline mirrors refresh ${one}`)
    assert.equal(code, 5)
    assert.match(stderr, /no mirror is named by more than half of the 3 that were asked/)
    const list = JSON.parse(await run('sightline mirrors list --json')) as {
      readonly mirrors: readonly unknown[]
    }
    assert.equal(list.mirrors.length, 3)
  })
})
