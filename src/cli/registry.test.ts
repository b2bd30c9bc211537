import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { chapters, find, type Entry } from './registry.ts'

const all = chapters.flatMap((chapter) => chapter.entries)

suite('every command', () => {
  for (const entry of all)
    test(entry.name, async () => {
      assert.match(entry.name, /^[a-z-]+( [a-z-]+)?$/)
      assert.match(
        entry.summary,
        /^[^A-Z].{0,77}[^.]$/,
        'a summary is one line without a full stop',
      )
      const command = await entry.load()
      assert.ok(command.description.length > 0 && command.examples.length > 0)
      for (const paragraph of command.description) assert.match(paragraph, /^[A-Z].*\.$/s)
      for (const { term, description } of command.page().sections.flatMap((part) => part.entries))
        assert.ok(description !== undefined, `${JSON.stringify(term)} is not described`)
      for (const { run } of command.examples) {
        const words = wordsOf(run, entry.name)
        if (words !== null) assert.ok('run' in command.read(words), `it cannot be run so: ${run}`)
      }
    })
})

/** The words of an example after the command's name; null where a shell would do more than split them. */
function wordsOf(line: string, name: string): readonly string[] | null {
  const prefix = `sightline ${name}`
  assert.ok(line.includes(prefix), `the example is of another command: ${line}`)
  if (/[$|&;<>`*]/.test(line)) return null
  const words = line.slice(line.indexOf(prefix) + prefix.length).match(/'[^']*'|"[^"]*"|\S+/g) ?? []
  return words.map((word) => word.replace(/^(['"])(.*)\1$/, '$2'))
}

test('find() takes the longest name that the words begin with', () => {
  const among = ['shield', 'shield status', 'ca init'].map((name): Entry => ({
    name,
    summary: '',
    load: () => assert.fail('nothing is loaded to find'),
  }))
  const found = (...words: readonly string[]): string => {
    const result = find(words, among)
    if (result.kind === 'command') return `${result.entry.name} +${result.rest.length}`
    return result.kind === 'group' ? `${result.name}: ${result.members.length}` : result.kind
  }
  assert.equal(found('shield', 'status', '--json'), 'shield status +1')
  assert.equal(found('shield', '--json'), 'shield +1')
  assert.equal(found('shield'), 'shield +0')
  assert.equal(found('ca', 'init'), 'ca init +0')
  assert.equal(found('ca'), 'ca: 1')
  assert.equal(found('ca', 'nonsense'), 'ca: 1')
  assert.equal(found('nonsense'), 'unknown')
  assert.equal(found(), 'unknown')
})
