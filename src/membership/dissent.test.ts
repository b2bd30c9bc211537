import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  admitComparison,
  compareAnswers,
  recheck,
  recheckAt,
  type Admission,
  type Comparing,
  type DissentProfile,
  type Past,
  type Remembered,
  type ReportedAnswer,
} from './dissent.ts'
import { parameters } from './parameters.ts'

const start = Date.UTC(2026, 0, 1)
const [hour, day] = [3_600_000, 86_400_000]

/** An answer as short text: `old,new` names two keys, `-` none, `?` is no answer; `@40` is 40 s later; `#x` an address. */
function answers(...texts: readonly string[]): readonly ReportedAnswer[] {
  return texts.map((text, i) => {
    const [, claim = '', later = '0', address = 'a'] =
      /^([^@#]*)(?:@(-?\d+))?(?:#(\w+))?$/.exec(text) ?? []
    return {
      by: `m${i}`,
      at: start + 1_000 * Number(later),
      claim: claim === '?' ? null : claim === '-' ? [] : claim.split(','),
      addresses: [address],
    }
  })
}

/** The outcomes by mirror: `+` agreement, `!` dissent, `.` nothing. */
function outcomes(texts: readonly string[], profile: DissentProfile = 'default'): string {
  const found = new Map(
    compareAnswers(answers(...texts), profile, parameters).map((one) => [one.subject, one.outcome]),
  )
  return texts
    .map((_, i) => ({ agreement: '+', dissent: '!', none: '.' })[found.get(`m${i}`) ?? 'none'])
    .join('')
}

for (const [what, texts, expected] of [
  ['all the same', ['k', 'k', 'k'], '+++'],
  ['one of three', ['k', 'k', 'evil'], '..!'],
  ['one of five', ['k', 'k', 'evil', 'k', 'k'], '..!..'],
  ['two of five: no four others share', ['k', 'k', 'k', 'evil', 'evil'], '.....'],
  ['three of ten', ['k', 'k', 'k', 'k', 'k', 'k', 'k', 'x', 'y', 'z'], '.......!!!'],
  ['two of ten', ['k', 'k', 'k', 'k', 'k', 'k', 'k', 'k', 'x', 'x'], '++++++++!!'],
  ['who is behind in a roll-over', ['old,new', 'old,new', 'old'], '+++'],
  ['who is ahead of a roll-over', ['old', 'old', 'old,new'], '+++'],
  ['who strips the protection', ['k', 'k', 'k', 'k', '-'], '....!'],
  ['who invents a protection', ['-', '-', '-', '-', 'evil'], '....!'],
  ['nobody names a key', ['-', '-', '-'], '+++'],
  ['a smuggled second key is no dissent', ['k', 'k', 'k,evil'], '+++'],
  ['no answer is no dissent', ['k', 'k', '?', 'k', 'k'], '.....'],
  ['silence of others takes their voice away', ['k', '?', 'evil'], '...'],
  ['two answers are too few', ['k', 'evil'], '..'],
  ['one answer', ['k'], '.'],
  ['obtained 30 s apart', ['k', 'k', 'evil@30'], '..!'],
  ['obtained 31 s apart', ['k', 'k', 'evil@31'], '...'],
  ['obtained 31 s before', ['k', 'k', 'evil@-31'], '...'],
  ['other addresses are no dissent', ['k#a', 'k#b', 'k#c'], '+++'],
] as const)
  test(`default profile: ${what}`, () => {
    assert.equal(outcomes(texts), expected)
  })

for (const [what, texts, expected] of [
  ['all the same', ['k', 'k', 'k'], '+++'],
  ['one of three', ['k', 'k', 'evil'], '..!'],
  ['another address', ['k#a', 'k#a', 'k#b'], '..!'],
  ['who is behind in a roll-over', ['old,new', 'old,new', 'old'], '..!'],
  ['all three differ', ['k#a', 'k#b', 'k#c'], '...'],
  ['obtained far apart', ['k', 'k', 'evil@600'], '..!'],
  ['no answer', ['k', 'k', '?'], '...'],
] as const)
  test(`literal profile: ${what}`, () => {
    assert.equal(outcomes(texts, 'literal'), expected)
  })

test('agreements in a report with a dissenter count where enough others share', () => {
  // Of ten, each of the nine has eight others that share, and seven are needed.
  assert.equal(outcomes([...Array.from({ length: 9 }, () => 'k'), 'evil']), '+++++++++!')
})

test('a mirror has one answer in a report', () => {
  const [a, b, c] = answers('k', 'k', 'evil')
  assert.ok(a && b && c)
  const stuffed = [a, { ...a }, { ...a, claim: ['evil'] }, c]
  assert.deepEqual(compareAnswers(stuffed, 'default', parameters), [])
})

test('no order of answers matters', () => {
  const claim = fc.constantFrom('k', 'k', 'k', 'evil', 'k,new', '-', '?', 'k@40')
  fc.assert(
    fc.property(
      fc.array(claim, { maxLength: 20 }),
      fc.constantFrom('default' as const, 'literal' as const),
      (texts, profile) => {
        const list = answers(...texts)
        const sorted = (order: readonly ReportedAnswer[]): readonly unknown[] =>
          compareAnswers(order, profile, parameters)
            .map(({ subject, outcome }) => `${subject} ${outcome}`)
            .toSorted()
        assert.deepEqual(sorted(list.toReversed()), sorted(list))
      },
    ),
  )
})

test('fewer than a third of liars make no honest mirror dissent', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 3, max: 20 }),
      fc.array(fc.constantFrom('evil', 'k', '-', '?', 'evil,k', 'other')),
      (honest, lies) => {
        const texts = [
          ...Array.from({ length: honest }, () => 'k'),
          ...lies.slice(0, Math.floor((honest - 1) / 2)),
        ]
        assert.ok(!outcomes(texts).slice(0, honest).includes('!'))
      },
    ),
  )
})

for (const [what, fresh, outcome] of [
  ['the others were right', ['old'], 'stands'],
  ['the others were right, and more is announced', ['old', 'next'], 'stands'],
  ['the mirror was ahead', ['new'], 'propagation'],
  ['both are there now', ['old', 'new'], 'propagation'],
  ['a third thing is there', ['other'], 'unclear'],
  ['nothing is there', [], 'unclear'],
  ['our own look failed', null, 'unclear'],
] as const)
  test(`a second look: ${what}`, () => {
    assert.equal(recheck({ claim: ['new'], shared: ['old'] }, fresh), outcome)
  })

test('the second look is after 90 s', () => {
  assert.equal(recheckAt(start, parameters), start + 90_000)
})

/** An observer that keeps the past by subject and by domain, as `admitComparison` wants it. */
function observer() {
  const bySubject = new Map<string, readonly Remembered[]>()
  const byDomain = new Map<string, readonly Remembered[]>()
  const admit = (text: string, change: Partial<Comparing> = {}): Admission => {
    const [subject = '', domain = '', nsSet = `ns of ${domain}`] = text.split(' ')
    const comparing: Comparing = {
      subject,
      domain,
      nsSet,
      outcome: 'dissent',
      at: start,
      inCorpus: true,
      ...change,
    }
    const past: Past = {
      ofSubject: bySubject.get(subject) ?? [],
      onDomain: byDomain.get(domain) ?? [],
    }
    const admission = admitComparison(comparing, past, parameters)
    bySubject.set(subject, admission.past.ofSubject)
    byDomain.set(domain, admission.past.onDomain)
    return admission
  }
  return { admit, bySubject, byDomain }
}

test('one subject counts once for a domain, and once for its name servers, in seven days', () => {
  const { admit } = observer()
  assert.equal(admit('x a.test').verdict, 'counts')
  assert.equal(admit('x a.test other-ns').verdict, 'repeated')
  assert.equal(admit('x b.test ns_of_b').verdict, 'counts')
  assert.equal(admit('x c.test ns_of_b').verdict, 'repeated')
  assert.equal(admit('x d.test').verdict, 'counts')
  assert.equal(admit('x a.test', { at: start + 7 * day - 1 }).verdict, 'repeated')
  assert.equal(admit('x a.test', { at: start + 7 * day }).verdict, 'counts')
})

test('agreements are held to the same rule, and do not stand in the way of a dissent', () => {
  const { admit } = observer()
  assert.equal(admit('x a.test', { outcome: 'agreement' }).verdict, 'counts')
  assert.equal(admit('x a.test', { outcome: 'agreement' }).verdict, 'repeated')
  assert.equal(admit('x a.test').verdict, 'counts')
})

test('a name outside of the corpus is no evidence', () => {
  const { admit } = observer()
  assert.equal(admit('x a.test', { inCorpus: false }).verdict, 'outside-corpus')
  assert.equal(admit('x a.test').verdict, 'counts')
})

test('a domain that makes three mirrors dissent in a day is none, and what it did is undone', () => {
  const { admit } = observer()
  assert.equal(admit('x evil.test').verdict, 'counts')
  assert.equal(admit('y evil.test', { at: start + 1 }).verdict, 'counts')
  const third = admit('z evil.test', { at: start + day - 1 })
  assert.equal(third.verdict, 'unstable')
  assert.deepEqual(
    third.withdrawn.map(({ subject, at }) => [subject, at]),
    [
      ['x', start],
      ['y', start + 1],
    ],
  )
  // Once: a fourth has nothing left to undo.
  const fourth = admit('w evil.test', { at: start + day })
  assert.equal(fourth.verdict, 'unstable')
  assert.deepEqual(fourth.withdrawn, [])
  assert.equal(admit('w other.test').verdict, 'counts')
})

test('three mirrors over a longer time are no split view', () => {
  const { admit } = observer()
  assert.equal(admit('x a.test').verdict, 'counts')
  assert.equal(admit('y a.test', { at: start + day }).verdict, 'counts')
  assert.equal(admit('z a.test', { at: start + 2 * day }).verdict, 'counts')
})

test('dissents that do not count make a domain unstable all the same', () => {
  const { admit } = observer()
  admit('x evil.test', { inCorpus: false })
  admit('y evil.test', { inCorpus: false })
  assert.equal(admit('z evil.test').verdict, 'unstable')
})

test('the owner of a domain frames each mirror once at most, and two mirrors at most in a day', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({ subject: fc.constantFrom('u', 'v', 'w', 'x', 'y'), wait: fc.nat(hour) }),
        { maxLength: 60 },
      ),
      (attempts) => {
        const { admit } = observer()
        let now = start
        const standing = new Map<string, number>()
        for (const { subject, wait } of attempts) {
          now = Math.min(now + wait, start + day - 1)
          const { verdict, withdrawn } = admit(`${subject} evil.test`, { at: now })
          if (verdict === 'counts') standing.set(subject, (standing.get(subject) ?? 0) + 1)
          for (const one of withdrawn)
            standing.set(one.subject, (standing.get(one.subject) ?? 0) - 1)
        }
        const framed = [...standing.values()]
        assert.ok(framed.every((n) => n === 0 || n === 1))
        assert.ok(framed.filter((n) => n === 1).length <= 2)
        if (new Set(attempts.map(({ subject }) => subject)).size >= 3)
          assert.ok(framed.every((n) => n === 0))
      },
    ),
  )
})

test('what is remembered is bounded, and a flood of agreements does not hide a dissent', () => {
  const { admit, bySubject, byDomain } = observer()
  admit('x a.test')
  for (let i = 0; i < 500; i++) admit(`x flood${i}.test`, { outcome: 'agreement' })
  for (let i = 0; i < 500; i++) admit(`y${i} a.test`, { inCorpus: false })
  assert.equal(admit('x a.test', { outcome: 'dissent' }).verdict, 'unstable')
  assert.ok((bySubject.get('x') ?? []).some(({ outcome }) => outcome === 'dissent'))
  for (const list of [...bySubject.values(), ...byDomain.values()])
    assert.ok(list.length <= 2 * parameters.dissent.rememberedMax)
})
