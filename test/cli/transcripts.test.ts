// Plays every transcript of test/cli/transcripts against the real program. A transcript reads as a terminal does:
// `$` a line of sh, `|` a line of standard output, `!` one of standard error, `=` the exit status; `…` stands for anything.

import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { test } from 'node:test'
import { createBench, type Transcript } from './run.ts'

interface Scene {
  readonly title: string
  readonly command: string
  readonly expected: readonly string[]
}

const folder = new URL('transcripts/', import.meta.url)

for (const file of readdirSync(folder)
  .filter((name) => name.endsWith('.txt'))
  .toSorted()) {
  const scenes = scenesOf(readFileSync(new URL(file, folder), 'utf8'))
  test(file, { concurrency: 2 }, async (t) => {
    await using bench = await createBench()
    await Promise.all(
      scenes.map(({ title, command, expected }) =>
        t.test(title, async () => {
          const seen = linesOf(await bench.run(command))
          assert.ok(matches(seen, expected), differences({ command, seen, expected }))
        }),
      ),
    )
  })
}

function scenesOf(script: string): readonly Scene[] {
  return script
    .split(/\n\n+/)
    .map((block) => block.split('\n').filter((line) => line !== ''))
    .filter((lines) => lines.some((line) => line.startsWith('$ ')))
    .map((lines) => ({
      title: lines.find((line) => line.startsWith('# '))?.slice(2) ?? lines[0] ?? '',
      command: lines.find((line) => line.startsWith('$ '))?.slice(2) ?? '',
      expected: lines.filter((line) => /^[|!=]/.test(line)),
    }))
}

function linesOf({ stdout, stderr, code }: Transcript): readonly string[] {
  const marked = (stream: string, mark: string): readonly string[] =>
    stream === ''
      ? []
      : stream
          .replace(/\n$/, '')
          .split('\n')
          .map((line) => `${mark} ${line}`.trimEnd())
  return [...marked(stdout, '|'), ...marked(stderr, '!'), `= ${code}`]
}

/** A line `| …` or `! …` alone stands for any number of lines, `…` within a line for any characters. */
function matches(seen: readonly string[], expected: readonly string[]): boolean {
  const pattern = expected
    .map((line) =>
      /^[|!] …$/.test(line)
        ? `(?:\\${line[0]}[^\\n]*\\n)*?`
        : `${line.trimEnd().split('…').map(literally).join('[^\\n]*')}\\n`,
    )
    .join('')
  return new RegExp(`^${pattern}$`).test(seen.map((line) => `${line}\n`).join(''))
}

/** A pattern for exactly `words`. */
function literally(words: string): string {
  return words.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}

function differences(of: {
  readonly command: string
  readonly seen: readonly string[]
  readonly expected: readonly string[]
}): string {
  return ['', `$ ${of.command}`, ...of.seen, '', 'was expected to be', ...of.expected].join('\n')
}
