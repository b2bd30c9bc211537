// The launcher: with a Node that is good, with one that is too old, and with no better one beside it.

import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { transcriptOf } from './run.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

suite('bin/sightline.cjs', { concurrency: 2 }, () => {
  let folder: string
  let aged: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sightline-launcher-'))
    aged = join(folder, 'aged.cjs')
    await writeFile(
      aged,
      "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.0' } })",
    )
  })
  after(() => rm(folder, { recursive: true, force: true }))

  const launch = (
    place: string,
    words: readonly string[],
    node: 'good' | 'too old',
  ): ChildProcess =>
    spawn(
      process.execPath,
      [
        ...(node === 'good' ? [] : ['--require', aged]),
        join(place, 'bin', 'sightline.cjs'),
        ...words,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    )

  test('runs the real program', async () => {
    const { stderr, code } = await transcriptOf(launch(root, ['nonsense'], 'good'))
    assert.equal(code, 2)
    assert.match(stderr, /^sightline: unknown command: "nonsense"\n/)
  })

  for (const node of ['good', 'too old'] as const) {
    test(`with a Node that is ${node}, words, streams and status are kept`, async () => {
      const place = await placeWith(
        'console.log(process.versions.node, ...process.argv.slice(2)); console.error("e"); process.exit(3)',
        { pinned: true },
      )
      assert.deepEqual(await transcriptOf(launch(place, ['a b', '--c'], node)), {
        stdout: `${process.versions.node} a b --c\n`,
        stderr: 'e\n',
        code: 3,
      })
    })

    test(`with a Node that is ${node}, a signal reaches the program once`, async () => {
      const place = await placeWith(
        'let signals = 0\n' +
          'process.on("SIGTERM", () => { signals++; setTimeout(() => process.exit(10 + signals), 50) })\n' +
          'setInterval(() => {}, 1e6)\n' +
          'console.log("up")',
        { pinned: true },
      )
      const child = launch(place, [], node)
      const ended = transcriptOf(child)
      await once(child.stdout ?? child, 'data')
      child.kill('SIGTERM')
      assert.deepEqual(await ended, { stdout: 'up\n', stderr: '', code: 11 })
    })
  }

  test('ends by the signal that ended the program', async () => {
    const place = await placeWith('process.kill(process.pid, "SIGKILL")', { pinned: true })
    const child = launch(place, [], 'too old')
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
    assert.deepEqual({ code, signal }, { code: null, signal: 'SIGKILL' })
  })

  test('says in one line that no good Node is there', async () => {
    const place = await placeWith('', { pinned: false })
    const { stdout, stderr, code } = await transcriptOf(launch(place, [], 'too old'))
    assert.deepEqual({ stdout, code }, { stdout: '', code: 5 })
    assert.match(
      stderr,
      /^sightline: run with Node 18\.20\.0: Node 24\.16 or newer is needed\nhint: install it, or [^\n]*\n$/,
    )
  })

  /** A place with the launcher, a program of our own, and perhaps a pinned Node that is good. */
  async function placeWith(
    program: string,
    options: { readonly pinned: boolean },
  ): Promise<string> {
    const place = await mkdtemp(join(folder, 'place-'))
    await mkdir(join(place, 'bin'))
    await mkdir(join(place, 'src', 'cli'), { recursive: true })
    await cp(join(root, 'bin', 'sightline.cjs'), join(place, 'bin', 'sightline.cjs'))
    await writeFile(join(place, 'src', 'cli', 'main.ts'), program)
    if (options.pinned) {
      const binding = join(place, 'node_modules', `node-${process.platform}-${process.arch}`)
      await mkdir(join(binding, 'bin'), { recursive: true })
      await writeFile(join(binding, 'package.json'), '{}')
      await symlink(process.execPath, join(binding, 'bin', 'node'))
    }
    return place
  }
})
