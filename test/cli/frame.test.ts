// How the program ends, what goes to which stream, and what untrusted text can do: on the fixture's commands.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { createBench, transcriptOf, type Bench } from './run.ts'

const escaped = String.raw`a\u001b[31mb\u009b2Jc\u202ed\nsightline: forged`

suite('the frame of the command line', { concurrency: 2 }, () => {
  let bench: Bench
  before(async () => {
    bench = await createBench('test/cli/fixture/main.ts')
  })
  after(() => bench[Symbol.asyncDispose]())

  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    test(`a service stops cleanly on ${signal}`, async () => {
      const child = bench.start('exec sightline serve')
      const ended = transcriptOf(child)
      await once(child.stdout ?? child, 'data')
      child.kill(signal)
      assert.deepEqual(await ended, {
        stdout: 'ready https://127.0.0.1:1\n',
        stderr: 'stopped\n',
        code: 0,
      })
    })

  test('a second signal ends the program without waiting', async () => {
    const child = bench.start('exec sightline serve --stubborn')
    const ended = transcriptOf(child)
    await once(child.stdout ?? child, 'data')
    child.kill('SIGTERM')
    child.kill('SIGINT')
    assert.ok([130, 143].includes((await ended).code ?? 0))
  })

  test('a question that is interrupted has no answer: 130 and no complaint', async () => {
    const child = bench.start('exec sightline ask')
    const ended = transcriptOf(child)
    await once(child.stderr ?? child, 'data')
    child.kill('SIGINT')
    assert.deepEqual(await ended, { stdout: '', stderr: 'asking\n', code: 130 })
  })

  test('a failure that the caller can mend is status 2, and its values cannot forge a line', async () => {
    const { stdout, stderr, code } = await bench.run('sightline fail')
    assert.deepEqual({ stdout, code }, { stdout: '', code: 2 })
    assert.match(stderr, /^sightline: read policy "[^\n]*": there is no such file\n$/)
    assert.ok(!stderr.includes('\u001b'))
  })

  test('a failure of our own is status 5', async () => {
    assert.deepEqual(await bench.run('sightline fail --how own'), {
      stdout: '',
      stderr: 'sightline: listen on "127.0.0.1:1": it is taken\n',
      code: 5,
    })
  })

  test('a defect is one line and a hint how to report it', async () => {
    assert.deepEqual(await bench.run('sightline fail --how defect'), {
      stdout: '',
      stderr:
        'sightline: fail: a defect of sightline: Broken invariant: two is three\n' +
        'hint: please report it with what SIGHTLINE_DEBUG=1 prints, and the command that you typed\n',
      code: 5,
    })
  })

  test('SIGHTLINE_DEBUG adds the place in the code, and the causes', async () => {
    const { stderr } = await bench.run('SIGHTLINE_DEBUG=1 sightline fail --how defect')
    assert.match(stderr, /fixture.main\.ts:\d+/)
    assert.match(stderr, /TypeError: deeper/)
  })

  test('an outcome is the exit status', async () => {
    assert.deepEqual(await bench.run('sightline judge'), { stdout: '', stderr: '', code: 3 })
  })

  test('untrusted text is shown, not obeyed', async () => {
    assert.deepEqual(await bench.run('sightline print'), {
      stdout: `saw ${escaped}\n`,
      stderr: `${escaped}\nwarning: this stays\n`,
      code: 0,
    })
  })

  test('JSON is one line that parses back, and holds no raw control character', async () => {
    const { stdout } = await bench.run('sightline print --json')
    assert.equal(stdout.split('\n').length, 2)
    assert.deepEqual(JSON.parse(stdout), {
      hostile: 'a\u001b[31mb\u009b2Jc\u202ed\nsightline: forged',
      line: 0,
    })
    assert.match(stdout, /^[\u0020-\u007e]*\n$/)
  })

  test('--quiet silences notes, not results and warnings', async () => {
    assert.deepEqual(await bench.run('sightline print --quiet'), {
      stdout: `saw ${escaped}\n`,
      stderr: 'warning: this stays\n',
      code: 0,
    })
  })

  test('colours come with FORCE_COLOR', async () => {
    const { stdout } = await bench.run('FORCE_COLOR=1 sightline print')
    assert.ok(stdout.startsWith('\u001b[32msaw\u001b[39m a\\u001b'))
  })

  test('a reader that goes away is no error', async () => {
    assert.deepEqual(await bench.run('sightline print --lines 20000 --quiet 2>&1 | head -n 1'), {
      stdout: `saw ${escaped}\n`,
      stderr: '',
      code: 0,
    })
  })

  test('a slow reader gets all of a long result', async () => {
    const { stdout } = await bench.run('sightline print --lines 20000 --quiet | (sleep 0.2; wc -l)')
    assert.equal(stdout.trim(), '20000')
  })

  test('a full disk is a failure of our own', async () => {
    const { code, stderr } = await bench.run(
      '[ -e /dev/full ] || exit 5; sightline print --quiet > /dev/full',
    )
    assert.equal(code, 5, stderr)
  })

  test('values are read in their own kinds', async () => {
    const { stdout } = await bench.run(
      'sightline take --every 1.5s --listen [2001:db8:0::1] --force',
    )
    assert.deepEqual(JSON.parse(stdout), {
      every: 1_500,
      listen: { address: '2001:db8::1', port: 443 },
      force: true,
      home: join(bench.folder, '.local/share/sightline'),
    })
  })

  test('a value of the wrong kind is one line', async () => {
    assert.deepEqual(await bench.run('sightline take --every soon'), {
      stdout: '',
      stderr:
        'sightline: take: --every: expected a duration such as "5s", "250ms" or "1h", not "soon"\n' +
        'hint: it is used as "sightline take"; sightline take --help tells more\n',
      code: 2,
    })
  })

  test('an endpoint that is none says why', async () => {
    const { stderr, code } = await bench.run('sightline take --listen localhost')
    assert.equal(code, 2)
    assert.match(
      stderr,
      /^sightline: take: --listen: read address "localhost": it is not an IP address\nhint: /,
    )
  })

  for (const [env, home] of [
    ['SIGHTLINE_HOME=/a XDG_DATA_HOME=/b', '/a'],
    ['XDG_DATA_HOME=/b', '/b/sightline'],
    ['XDG_DATA_HOME=relative', null],
    ['SIGHTLINE_HOME=', null],
  ] as const)
    test(`with ${env} the home is ${home ?? 'the usual one'}`, async () => {
      const { stdout } = await bench.run(`${env} sightline environment`)
      assert.equal(stdout.trimEnd(), home ?? join(bench.folder, '.local/share/sightline'))
    })
})
