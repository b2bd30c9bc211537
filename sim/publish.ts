// Makes docs/network.md: the figures of the network, each from a scenario with a seed that is written down.

import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { nodeClock } from '../src/runtime/node/clock.ts'
import { valueText, type Figure } from './figures.ts'
import { reproduction, runScenario, type RunResult } from './run.ts'
import type { Size } from './scenario.ts'
import { scenarioNamed } from './scenarios/index.ts'

/** One chapter of the document: the story behind it, and how large its run is. */
interface Chapter {
  readonly title: string
  readonly scenario: string
  readonly size: Size
  /** What a reader should know before the figures. */
  readonly words: string
}

const seed = 7

/** Verdicts first; figures of membership are chapters after these. */
const chapters: readonly Chapter[] = [
  {
    title: 'Mirrors that lie together',
    scenario: 'liars',
    size: { mirrors: 300, days: 5 },
    words:
      'A false accept is an attacker’s key taken for the owner’s, given that the attacker already controls the victim’s DNS. A false alarm is a genuine site that is not corroborated.',
  },
  {
    title: 'Liars of few registries',
    scenario: 'registry-liars',
    size: { mirrors: 150, days: 2 },
    words:
      'All mirrors of a registry’s region belong to the attacker. Where nobody is late, each seat of a round is decided by its draw, and the figure is compared with arithmetic. At real distances, seats of mirrors that are far get substitutes, and whoever is near wins more of them.',
  },
  {
    title: 'A new client whose list is flooded',
    scenario: 'eclipse',
    size: { mirrors: 150, days: 2 },
    words: 'Draws go by registry, region and network, so that numbers alone win nothing.',
  },
  {
    title: 'Nobody lies',
    scenario: 'honest',
    size: { mirrors: 300, days: 2 },
    words:
      'Connections are cold: the client looks every seven minutes, and each time at another site. So the times are those of a first visit.',
  },
  {
    title: 'Keys that change',
    scenario: 'propagation',
    size: { mirrors: 150, days: 1 },
    words: 'Records have a TTL of 60 s and reach all of the owner’s name servers within 30 s.',
  },
  {
    title: 'Content networks',
    scenario: 'content-network',
    size: { mirrors: 150, days: 1 },
    words: 'Each registry’s region is given another address, and each server has a key of its own.',
  },
  {
    title: 'Clocks that are wrong',
    scenario: 'clock-skew',
    size: { mirrors: 150, days: 0.5 },
    words: 'Two minutes are borne.',
  },
]

/** The document, with what it cost to make. */
export async function networkDocument(
  onChapter: (title: string) => void = () => {},
): Promise<{ readonly text: string; readonly faults: readonly string[] }> {
  const parts: string[] = []
  const faults: string[] = []
  let events = 0
  const started = nodeClock.monotonic()
  for (const chapter of chapters) {
    onChapter(chapter.title)
    const result = await runScenario(scenarioNamed(chapter.scenario), { seed, ...chapter.size })
    parts.push(chapterText(chapter, result))
    faults.push(...result.faults)
    events += result.events
  }
  const seconds = (nodeClock.monotonic() - started) / 1000
  return { text: [head, ...parts, costText(seconds, events)].join('\n\n'), faults }
}

const head = `# The network in figures

<!-- Made by \`npm run network-figures\`. -->

Each figure comes from the production code of mirrors and clients in virtual time, from the command that stands above its table. Shares are counted: the interval holds the true one with a confidence of 99.9 % (Clopper and Pearson). The expected value is arithmetic, computed in [sim/closed-forms.ts](../sim/closed-forms.ts) from the policies as they are in the code. An empty cell says that nothing is claimed.

In production every round asks mirrors that were not asked before, and counts their answers alone.`

function chapterText({ title, words }: Chapter, result: RunResult): string {
  const rows = result.figures.map((figure) => `| ${figure.name} | ${cellsOf(figure).join(' | ')} |`)
  return [
    `## ${title}`,
    words,
    `\`${reproduction(result)}\`, trace \`${result.trace}\``,
    ['| figure | measured | interval | expected |', '|---|---|---|---|', ...rows].join('\n'),
  ].join('\n\n')
}

function cellsOf({ unit, measured, trials, interval, expected, fits }: Figure): readonly string[] {
  const words = (value: number): string => valueText(value, unit)
  return [
    trials === 0 ? 'not tried' : `${words(measured)}${trials === null ? '' : ` of ${trials}`}`,
    interval === null ? '' : `${words(interval.low)} to ${words(interval.high)}`,
    `${expected === null ? '' : words(expected)}${fits ? '' : ' (missed)'}`,
  ]
}

function costText(seconds: number, events: number): string {
  return [
    '## What these figures cost',
    `${events} events in ${Math.round(seconds)} s of one processor: ${Math.round(events / seconds)} events per second. This part alone differs from machine to machine. See [sim/README.md](../sim/README.md) for what an event costs beside an empty loop.`,
  ].join('\n\n')
}

if (import.meta.main) {
  const { text, faults } = await networkDocument((title) => process.stderr.write(`${title}\n`))
  await writeFile(fileURLToPath(new URL('../docs/network.md', import.meta.url)), `${text}\n`)
  for (const fault of faults) process.stderr.write(`${fault}\n`)
  if (faults.length > 0) process.exitCode = 1
}
