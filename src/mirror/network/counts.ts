// How often what happened in the network, for its operator (protocol §11).

/** Everything that is counted, by what it counts. */
export const countNames = [
  'joins',
  'announces',
  'forwardings',
  'announced',
  'refusedRequests',
  'checksPassed',
  'checksFailed',
  'pings',
  'pingsFailed',
  'pingRequests',
  'digestsCompared',
  'bucketsFetched',
  'mirrorsHeardOf',
  'seriesBegun',
  'seriesEnded',
  'lettersBrought',
  'lettersFailed',
  'reports',
  'reportsRefused',
  'reportsDropped',
  'comparisonsOutside',
  'agreementsNoted',
  'dissentsReported',
  'dissentsDropped',
  'dissentsStood',
  'dissentsNoted',
  'dissentsUnstable',
  'removalsAsked',
  'removals',
  'removalsRefused',
  'panelsTooSmall',
  'votes',
  'votesRefused',
  'votesGiven',
  'summons',
  'summonsRefused',
  'notices',
  'noticesRefused',
] as const

export type CountName = (typeof countNames)[number]

/** Counters that only grow. */
export interface Counts {
  readonly add: (name: CountName) => void
  /** All of them now; those that nothing happened to are 0. */
  readonly all: () => Readonly<Record<CountName, number>>
}

/** Counters at 0. */
export function createCounts(): Counts {
  const counts = Object.fromEntries(countNames.map((name) => [name, 0])) as Record<
    CountName,
    number
  >
  return {
    add: (name) => {
      counts[name] += 1
    },
    all: () => ({ ...counts }),
  }
}
