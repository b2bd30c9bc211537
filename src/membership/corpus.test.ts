import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createSeededRandom } from '../../test/support/seeded-random.ts'
import {
  drawReplays,
  isInCorpus,
  noteAsked,
  siftCorpus,
  type Asked,
  type CorpusName,
  type Replayable,
} from './corpus.ts'
import { parameters } from './parameters.ts'

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000]
const start = Date.UTC(2026, 0, 1)

function question(change: Partial<Asked> = {}): Asked {
  return {
    target: 'https://a.test',
    domain: 'a.test',
    nsSet: 'ns a',
    asker: 'p1',
    claim: ['k'],
    at: start,
    ...change,
  }
}

function asked(questions: readonly Partial<Asked>[]): CorpusName {
  const [first, ...rest] = questions.map(question)
  assert.ok(first)
  return rest.reduce(
    (known, one) => noteAsked(known, one, parameters),
    noteAsked(undefined, first, parameters),
  )
}
/** Asked by `askers` prefixes at `at`, after a first question a day before. */
const popular = (askers: number, at: number, change: Partial<Asked> = {}): CorpusName =>
  asked([
    { at: at - day, asker: 'first', ...change },
    ...Array.from({ length: askers }, (_, i) => ({ at, asker: `p${i}`, ...change })),
  ])
const isIn = (name: CorpusName, now: number): boolean => isInCorpus(name, now, parameters)

test('a name is in the corpus when five prefixes asked for it in a day', () => {
  assert.equal(isIn(popular(4, start), start), false)
  assert.equal(isIn(popular(5, start), start), true)
  assert.equal(isIn(popular(5, start), start + day - 1), true)
  assert.equal(isIn(popular(5, start), start + day), false)
})

test('one prefix that asks often is one', () => {
  const name = asked([{ at: start - day }, ...Array.from({ length: 50 }, () => ({ asker: 'p1' }))])
  assert.equal(isIn(name, start), false)
  assert.equal(name.askers.length, 1)
})

test('only the latest askers are kept, and they are enough to tell', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          asker: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
          wait: fc.nat(12 * hour),
        }),
        {
          minLength: 1,
        },
      ),
      (steps) => {
        let now = start
        const questions = steps.map(({ asker, wait }) => ({ asker, at: (now += wait) }))
        const name = asked([{ at: start - 2 * day, asker: 'early' }, ...questions])
        assert.ok(name.askers.length <= 5)
        const recent = new Set(
          questions.filter(({ at }) => now - at < day).map(({ asker }) => asker),
        )
        assert.equal(isIn(name, now), recent.size >= 5)
      },
    ),
  )
})

test('a name whose claim has changed in the last day is no test', () => {
  const changed = noteAsked(
    popular(5, start),
    question({ claim: ['new'], at: start + 1 }),
    parameters,
  )
  assert.equal(changed.since, start + 1)
  assert.equal(isIn(changed, start + hour), false)
  const reordered = noteAsked(
    popular(5, start, { claim: ['k', 'l'] }),
    question({ claim: ['l', 'k'], at: start + 1 }),
    parameters,
  )
  assert.equal(isIn(reordered, start + hour), true)
})

const name = (i: number, change: Partial<Asked> = {}): CorpusName =>
  popular(5, start, {
    target: `https://www.d${i}.test`,
    domain: `d${i}.test`,
    nsSet: `ns ${i}`,
    ...change,
  })
const names = (count: number): readonly CorpusName[] =>
  Array.from({ length: count }, (_, i) => name(i))
const fill = (i: number): Replayable => ({
  target: `https://f${i}.test`,
  domain: `f${i}.test`,
  nsSet: `fill ${i}`,
})
const moment = (seed: number) => ({ random: createSeededRandom(seed), now: start, parameters })

test('replays are distinct, of different domains and name servers while there are any, and within the hour', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(12), fc.nat(12)), { maxLength: 40 }),
      fc.record({ fillers: fc.nat(15), count: fc.nat(20) }),
      fc.integer(),
      (rows, { fillers, count }, seed) => {
        const corpus = rows.map(([domain, ns], i) =>
          name(i, {
            target: `https://h${i}.d${domain}.test`,
            domain: `d${domain}.test`,
            nsSet: `${ns}`,
          }),
        )
        const filler = Array.from({ length: fillers }, (_, i) => fill(i))
        const drawn = drawReplays({ names: corpus, filler, count }, moment(seed))
        const targets = new Set(drawn.map((one) => one.name.target))
        assert.equal(targets.size, drawn.length)
        assert.equal(drawn.length, Math.min(count, corpus.length + fillers))
        for (const { at } of drawn) assert.ok(at >= start + minute && at <= start + hour)
        // A second of one domain or set comes only when the fillers are used up.
        const domains = new Set(drawn.map((one) => one.name.domain))
        if (domains.size < drawn.length)
          for (const one of filler) assert.ok(targets.has(one.target))
      },
    ),
  )
})

test('own names come before fillers, and names that are not in the corpus never', () => {
  const drawn = drawReplays(
    {
      names: [...names(3), popular(4, start, { target: 'https://rare.test', domain: 'rare.test' })],
      filler: [fill(1), fill(2)],
      count: 4,
    },
    moment(1),
  )
  const targets = drawn.map((one) => one.name.target)
  assert.equal(targets.filter((target) => target.includes('www.d')).length, 3)
  assert.ok(!targets.includes('https://rare.test'))
})

test('a series for a panel is spread over its six hours', () => {
  const withinMs = parameters.panel.seriesMs
  const drawn = drawReplays({ names: names(200), filler: [], count: 100, withinMs }, moment(4))
  const times = drawn.map(({ at }) => at - start)
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  )
  assert.ok((times[0] ?? 0) >= minute && (times[99] ?? 0) <= withinMs)
  assert.ok((times[50] ?? 0) > 2 * hour && (times[50] ?? 0) < 4 * hour)
})

test('a corpus that is too large loses what fewest asked for', () => {
  const tight = { ...parameters, corpus: { ...parameters.corpus, namesMax: 80 } }
  const known = names(40)
  const flood = Array.from({ length: 100 }, (_, i) =>
    asked([{ at: start, target: `https://flood${i}.test`, asker: `p${i}` }]),
  )
  const kept = siftCorpus([...flood, ...known], { ...moment(2), parameters: tight })
  assert.equal(kept.length, 70)
  for (const one of known) assert.ok(kept.includes(one))
  assert.equal(siftCorpus(flood, moment(2)), flood)
})
