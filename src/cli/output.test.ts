import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createOutput, hasColours, type OutputStream } from './output.ts'
import { widthOfTerminal } from './progress.ts'
import { bold, green, text } from './text.ts'

/** A stream that keeps what is written to it. */
function recorder(isTTY: boolean): OutputStream & { written: string } {
  return {
    written: '',
    isTTY,
    columns: 20,
    write(chunk) {
      this.written += chunk
      return true
    },
    on: () => undefined,
  }
}

function outputOn(terminal: boolean, env: Record<string, string> = {}) {
  const stdout = recorder(terminal)
  const stderr = recorder(terminal)
  const out = createOutput({
    stdout,
    stderr,
    env,
    json: false,
    quiet: false,
    onBroken: () => assert.fail('nothing breaks here'),
  })
  return { out, stdout, stderr }
}

suite('hasColours()', () => {
  for (const [isTTY, env, expected] of [
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: '1' }, false],
    [true, { NO_COLOR: '' }, true],
    [false, { FORCE_COLOR: '1' }, true],
    [false, { FORCE_COLOR: '' }, true],
    [true, { FORCE_COLOR: '0' }, false],
    [true, { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
    [true, { TERM: 'dumb' }, false],
  ] as const)
    test(`${isTTY ? 'a terminal' : 'a pipe'} with ${JSON.stringify(env)}: ${expected}`, () => {
      assert.equal(hasColours({ isTTY }, env), expected)
    })
})

test('table() aligns by what is seen, not by what is written', () => {
  const { out, stdout } = outputOn(true)
  out.table([
    [green('日本'), 'x'],
    ['abcdef', bold('y')],
  ])
  assert.equal(stdout.written, '\u001b[32m日本\u001b[39m    x\nabcdef  \u001b[1my\u001b[22m\n')
})

test('table() prints its head in bold above the rows', () => {
  const { out, stdout } = outputOn(false)
  out.table([['1', '2']], ['first', 'second'])
  assert.equal(stdout.written, 'first  second\n1      2\n')
})

test('the progress line stays one line, and goes when something real is printed', () => {
  const { out, stdout, stderr } = outputOn(true)
  out.progress.show('looking from many places at once')
  assert.equal(stderr.written, '\r\u001b[2Klooking from many …')
  out.line(text`done`)
  assert.equal(stderr.written, '\r\u001b[2Klooking from many …\r\u001b[2K')
  assert.equal(stdout.written, 'done\n')
})

test('progress is for terminals', () => {
  const { out, stderr } = outputOn(false)
  out.progress.show('looking')
  out.progress.clear()
  assert.equal(stderr.written, '')
})

test('an error is one line and a hint, whatever it quotes', () => {
  const { out, stderr } = outputOn(false)
  out.error('read "a\nb": no', 'try\u001b[2J again')
  assert.equal(stderr.written, 'sightline: read "a\\nb": no\nhint: try\\u001b[2J again\n')
})

test('a terminal that says 0 columns is taken to have 80', () => {
  assert.equal(widthOfTerminal({ columns: 0 }), 80)
  assert.equal(widthOfTerminal({ columns: 132 }), 132)
  assert.equal(widthOfTerminal({}), 80)
})
