// The demonstration as a person runs it: every act with its verdicts, by hand afterwards, and nothing left behind.

import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { tryProgram } from '../support/program.ts'

const root = join(import.meta.dirname, '..', '..')
const demo = [process.execPath, join(root, 'demo', 'main.ts')] as const

interface Verdict {
  readonly target: string
  readonly outcome: string
  readonly quorum: Readonly<Record<string, number>>
  readonly reasons: readonly { readonly code: string; readonly vantage: string | null }[]
  readonly views: Readonly<Record<string, number>>
  readonly address: string
  readonly observations: readonly string[]
  readonly vantages: readonly { readonly region: string; readonly said: string }[]
}

/** For each act its verdicts: the outcome, and reasons that must be given. */
const script: readonly (readonly [act: string, ...verdicts: (readonly string[])[]])[] = [
  ['honest-site', ['corroborated', 'ca-authorised']],
  ['poisoned-dns', ['contradicted', 'not-authorised', 'dns-hijack-suspected']],
  ['interception-unknown-ca', ['contradicted', 'not-authorised', 'interception-suspected']],
  [
    'interception-public-ca',
    ['contradicted', 'not-authorised', 'interception-suspected'],
    ['contradicted', 'other-key'],
  ],
  ['one-liar', ['corroborated', 'ca-authorised', 'vantage-dissents']],
  ['lying-majority', ['contradicted', 'vantages-disagree'], ['contradicted', 'vantages-disagree']],
  ['cdn', ['corroborated', 'ca-authorised', 'addresses-vary']],
  [
    'rollover',
    ['corroborated', 'ca-authorised'],
    ['corroborated', 'next-key-announced'],
    ['corroborated', 'next-key-announced'],
    ['corroborated', 'ca-authorised'],
  ],
  [
    'breached-ca',
    ['corroborated', 'ca-authorised'],
    ['contradicted', 'not-authorised'],
    ['corroborated', 'ca-authorised'],
  ],
  ['dead-mirrors', ['inconclusive', 'too-few-vantages'], ['corroborated', 'vantage-abstains']],
  ['in-front-of-all', ['contradicted', 'server-side-suspected'], ['corroborated', 'ca-authorised']],
]

/** A folder for temporary files, which must be empty when the demonstration has ended. */
async function emptyFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'demo-test-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

// Each run takes a quarter of a minute, most of it waiting for caches: they run side by side.
suite('the demonstration', { concurrency: true }, () => {
  test('--json tells every act with the verdicts that it must come to', async () => {
    const { code, stdout, stderr } = await tryProgram([...demo, '--json'])
    assert.equal(stderr, '')
    assert.equal(code, 0)
    const acts = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly act: string; readonly verdicts: Verdict[] })
    assert.deepEqual(
      acts.map(({ act, verdicts }) => [act, ...verdicts.map(({ outcome }) => outcome)]),
      script.map(([act, ...verdicts]) => [act, ...verdicts.map(([outcome]) => outcome)]),
    )
    script.forEach(([act, ...expected], i) => {
      expected.forEach(([, ...codes], j) => {
        const verdict = acts[i]?.verdicts[j]
        const given = verdict?.reasons.map((reason) => reason.code) ?? []
        for (const wanted of codes)
          assert.ok(given.includes(wanted), `${act} ${j + 1}: ${given.join()} lacks ${wanted}`)
      })
    })
    checkDetails(new Map(acts.map(({ act, verdicts }) => [act, verdicts])))
  })

  test('--keep leaves it running for commands by hand, and nothing behind', async (t) => {
    const folder = await emptyFolder(t)
    // Of two that contradict each other NO_COLOR wins, and Node itself warns of that.
    const colours = { NO_COLOR: '1', FORCE_COLOR: '1', NODE_NO_WARNINGS: '1' }
    const child = start(t, ['--keep'], { ...colours, TMPDIR: folder })
    const printed = await child.until('Running until')
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    assert.doesNotMatch(printed, /\u001b/)
    for (const [act] of script) assert.match(printed, new RegExp(` ${act}$`, 'm'))
    const commands = printed.match(/(?<=npx )sightline verify .*/g) ?? []
    const codes = await Promise.all(
      commands.map(async (command) => {
        const words = [join(root, 'bin', 'sightline.cjs'), ...command.split(' ').slice(1)]
        return (await tryProgram([process.execPath, ...words])).code
      }),
    )
    assert.deepEqual(codes, [0, 1, 1])
    const [, address = '', port = ''] = /-connect ([\d.]+):(\d+)/.exec(printed) ?? []
    assert.equal(await answers(address, Number(port)), true)
    assert.equal((await readdir(folder)).length, 1)
    child.process.kill('SIGTERM')
    assert.equal(await child.ended, 0)
    assert.deepEqual(await readdir(folder), [])
    assert.equal(await answers(address, Number(port)), false)
  })

  test('an interrupt in the middle of an act ends it at once', async (t) => {
    const folder = await emptyFolder(t)
    const child = start(t, ['--keep'], { TMPDIR: folder })
    await child.until('interception-public-ca')
    child.process.kill('SIGINT')
    assert.equal(await child.ended, 130)
    assert.deepEqual(await readdir(folder), [])
  })
})

/** What single acts are about, beyond outcomes and reasons. */
function checkDetails(acts: ReadonlyMap<string, readonly Verdict[]>): void {
  const verdictsOf = (act: string): readonly Verdict[] => acts.get(act) ?? []
  for (const [act, verdicts] of acts)
    for (const verdict of verdicts) {
      const { agreeing = 0, dissenting = 0, asked = 0 } = verdict.quorum
      assert.match(verdict.target, /^https:\/\/www\.[a-z]+\.test:\d+$/, act)
      assert.equal(verdict.observations.length, agreeing + dissenting, act)
      assert.ok(agreeing + dissenting <= asked, act)
    }
  const [liar] = verdictsOf('one-liar')
  assert.deepEqual(
    liar?.vantages.filter(({ said }) => said === 'dissents').map(({ region }) => region),
    ['APNIC-JP'],
  )
  for (const { views } of verdictsOf('lying-majority'))
    assert.deepEqual(
      Object.values(views).toSorted((a, b) => a - b),
      [2, 3],
    )
  assert.equal(verdictsOf('cdn')[0]?.address, 'proved')
  const [lonely, replaced] = verdictsOf('dead-mirrors')
  assert.deepEqual(
    [lonely?.quorum['agreeing'], lonely?.quorum['dissenting'], lonely?.quorum['abstaining']],
    [1, 0, 2],
  )
  assert.deepEqual([replaced?.quorum['agreeing'], replaced?.quorum['dissenting']], [3, 0])
  assert.equal(verdictsOf('in-front-of-all')[0]?.quorum['agreeing'], 0)
}

interface Running {
  readonly process: ChildProcess
  /** The exit status. */
  readonly ended: Promise<number | null>
  /** All that was printed when `text` first was in it. */
  until(text: string): Promise<string>
}

function start(
  t: TestContext,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Running {
  const [node, main] = demo
  const child = spawn(node, [main, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  let printed = ''
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (printed += chunk))
  return {
    process: child,
    ended,
    until: async (text) => {
      while (!printed.includes(text)) {
        const next = await Promise.race([once(child.stdout, 'data'), ended])
        if (!Array.isArray(next)) throw new Error(`it ended with ${next}:\n${printed}`)
      }
      return printed
    },
  }
}

function answers(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, address)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
