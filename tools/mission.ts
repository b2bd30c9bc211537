// Checks docs/mission.md: every row of the mission is there, with a state, and what works names what shows it.

import { findAll, type Finding, type SourceFile } from './sources.ts'

/** How many rows each letter has: P1 to P52, and so on. */
export const missionRows: Readonly<Record<string, number>> = {
  P: 52,
  R: 152,
  T: 5,
  J: 34,
  Q: 24,
  F: 18,
  B: 26,
}

/** `works`: a test or bench that can fail shows it. `differs`: something else is done, and the last column says why. */
const states = ['works', 'differs', 'not yet']

/** What is missing or untrue in the mission's document. `exists` tells whether the project has a file. */
export function checkMission(
  document: SourceFile,
  exists: (path: string) => boolean,
): readonly Finding[] {
  const rows = [...document.text.matchAll(/^\| ([A-Z]\d+) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$/gm)]
  const names = rows.map(([, name = '']) => name)
  const expected = Object.entries(missionRows).flatMap(([letter, count]) =>
    Array.from({ length: count }, (_, i) => `${letter}${i + 1}`),
  )
  const missing = expected
    .filter((name) => !names.includes(name))
    .map((name) => ({ path: document.path, line: 1, what: `has no row ${name}` }))
  const wrong = findAll(document, /^\| ([A-Z]\d+) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$/gm, {
    code: document.text,
    say: ([, name = '', state = '', what = '', shownBy = '']) => {
      if (!expected.includes(name)) return `has a row ${name}, which the mission does not have`
      if (names.indexOf(name) !== names.lastIndexOf(name)) return `has ${name} twice`
      if (what.trim() === '') return `says nothing about ${name}`
      return objectionTo({ name, state, shownBy }, exists)
    },
  })
  return [...missing, ...wrong]
}

function objectionTo(
  row: { readonly name: string; readonly state: string; readonly shownBy: string },
  exists: (path: string) => boolean,
): string | null {
  const { name, state, shownBy } = row
  if (!states.includes(state)) return `${name} is "${state}", not one of ${states.join(', ')}`
  if (state === 'not yet')
    return shownBy.trim() === '' ? null : `${name} is not yet there, but something shows it`
  if (state === 'differs')
    return shownBy.trim().length > 20 ? null : `${name} differs, and does not say why`
  const shown = [...shownBy.matchAll(/`([^`]+)`/g)].map(([, path = '']) => path)
  if (shown.length === 0) return `${name} works, but nothing shows it`
  const absent = shown.find((path) => !exists(path))
  if (absent !== undefined) return `${name} is shown by ${absent}, which is not there`
  return shown.every((path) =>
    /\.(test|system|bench)\.ts$|\.txt$|^(bench|test|demo|sim)\//.test(path),
  )
    ? null
    : `${name} is shown by what is no test and no bench`
}
