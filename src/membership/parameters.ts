// Every default of the network's rules in one table, each with its reason (protocol §3, §7, §8, §9).

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

/**
 * The defaults. Probabilities in the reasons are binomial: `liars` is the share of mirrors that lie together, `e` the
 * chance that an honest mirror is found to err on one name. `list.test.ts`, `panel.test.ts` and `quiz.test.ts` compute
 * them again, and compare them with what the rules do.
 */
export const parameters = {
  /** A client's list by consensus (R34). */
  list: {
    /** Mirrors asked. A wrong majority among 100 has a chance of 9.0e-6 at 30 % liars; below 1e-15 at 10 %. */
    askedMax: 100,
    /** Fewer lists are not taken: a wrong majority of 15 has a chance of 3.4e-5 at 10 % liars, of 5.0 % at 30 %. */
    listsMin: 15,
    /** Lists must come from as many registry regions: whoever owns all mirrors of one has no majority (R150). */
    registriesMin: 3,
    /** Lists fetched whole before digests are compared: most mirrors then differ in few buckets. */
    wholeLists: 3,
    /** A list older than this is made anew (R36). */
    refreshMs: 7 * day,
    /** Mirrors of the old list asked at a refresh, beside the bootstrap pairs: 1.6e-7 at 10 % liars by themselves. */
    refreshMirrors: 25,
  },

  /** Several bootstrap files (T1, T4). */
  bootstrap: {
    /** Signers that must name a pair, as far as so many are known. 0 takes every pair: a deletion by one signer has no effect. */
    vouchersMin: 0,
  },

  /** Limits on what is measured (R72, R73). None of them is a period. */
  speed: {
    /** Round trip to the nearest mirror: within one country it is below 50 ms, across a region below 100 ms. */
    pingMs: 100,
    /** Half of the answers, without the way to the mirror and back: names that are asked for often, or a quick resolver. */
    responseP50Ms: 150,
    /** All but a few answers, whole: a client waits 2 s at most. */
    responseP95Ms: 1_500,
    /** An answer that took longer is none: the client has given up by then. */
    tooSlowMs: 2_000,
  },

  /** What an observer keeps of another mirror (R116 to R120). Never sent. */
  reputation: {
    /** Weight of the newest ping in the average (R118): 20 pings make up nine tenths of it. */
    pingWeight: 0.1,
    /** Pings before the average counts: a day of them, at one an hour. */
    pingsMin: 24,
    /** Response times are kept for this long, and at most twice as long (R119). */
    responseWindowMs: day,
    /** Response times before their quantiles count: ten of them lie above p95. */
    responsesMin: 200,
    /** Agreements and dissents count half after this (R120): a mirror that was repaired is soon judged by what it is. */
    halfLifeMs: 7 * day,
    /** Width of the Wilson interval: an honest mirror's bound passes its true rate once in a hundred times. */
    confidence: 2.33,
    /** Dissents per comparison that are too many. Five times an honest mirror's 0.3 % is still below. */
    dissentShareMax: 0.02,
    /** Comparisons, as far as not decayed, before the share counts. */
    comparisonsMin: 12,
  },

  /** What counts as dissent in a report (R77, R78, §7). */
  dissent: {
    /** Answers that were obtained further apart than this say nothing about each other. Not a period. */
    apartMs: 30 * second,
    /** Others that must share a claim. */
    othersMin: 2,
    /** Share of all answers of the report that must share it. */
    othersShareMin: 2 / 3,
    /** A dissent is looked at again after this: by then every cache has let go of an old record (60 s, and 30 s more). */
    recheckMs: 90 * second,
    /** One subject counts once per domain and per set of name servers within this: whoever owns a domain gets one shot. */
    oncePerMs: 7 * day,
    /** A domain that makes this many mirrors dissent … */
    unstableMirrors: 3,
    /** … within this time is not evidence against any of them. */
    unstableWithinMs: day,
    /** Comparisons remembered of one subject, and of one domain; the oldest are forgotten. */
    rememberedMax: 64,
    /** Signed contradictions, of independent domains, that make a removal request (for liars about few names). */
    contradictionsMin: 2,
  },

  /** Names that tests may ask for again (R103, R135). */
  corpus: {
    /** Distinct client prefixes that asked: nobody can be told by it, and nobody seeds the tests alone. */
    askersMin: 5,
    /** … within this time. */
    askedWithinMs: day,
    /** The owner's claim must have been the same for this long: a name in change is no test. */
    stableMs: day,
    /** A name is asked again after a random time of at least this, so that a question cannot be told from its replay, … */
    delayMinMs: minute,
    /** … and of at most this, so that it is still a question of today. */
    delayMaxMs: hour,
    /** Names remembered, 10 MB; the ones that fewest asked for are forgotten. */
    namesMax: 20_000,
  },

  /** A series of replays (R100, R103 to R105). */
  quiz: {
    /** Share of a series that must have been comparable: the tester's own look-ups fail now and then. */
    completeShareMin: 0.8,
  },

  /** Joining (R97 to R106). */
  join: {
    /** Mirrors that a newcomer is passed on to: with 8, 99.9 % of 10,000 mirrors hear of it though a tenth keep silent. */
    fanOut: 8,
    /** Time of testing by the mirror that took the request (R101). */
    firstHopMs: 3 * day,
    /** Time of testing by those who heard from another mirror. */
    laterHopMs: day,
    /** Replays before a newcomer is active. */
    replaysMin: 200,
    /** Failures among them. Honest mirrors have 0.3 %. */
    failureShareMax: 0.01,
  },

  /** Tests of active mirrors at random (R137): detection does not depend on reports, nor on the size of the network. */
  audit: {
    /** Audits that a mirror makes. Time to the removal of a 20 %-liar at 95 % of 10,000 mirrors: two days. */
    perDay: 8,
    /** What a day is. */
    dayMs: day,
    replays: 100,
  },

  /** The vote on a removal (R121 to R125). */
  panel: {
    /** Mirrors asked. A lying majority has a chance of 0.09 % at 10 % liars, of 2.0 % at 20 %. */
    size: 9,
    /** Votes received before they are counted. */
    votesMin: 6,
    replays: 100,
    /** Replays are spread over this, so that they look like clients. */
    seriesMs: 6 * hour,
    /** Failures, of independent domains, that make a vote for removal: 1.4e-5 at e = 0.3 %, 97.6 % for a 10 %-liar. */
    failuresMin: 5,
    /** The result of a series serves all votes for this long: otherwise the votes were a flood upon the subject. */
    resultValidMs: day,
    /** Between two requests of one initiator about one subject; longer with each removal so far. */
    coolDownMs: 3 * day,
    /** Mirrors told of a removal, which test for themselves (R125). */
    fanOut: 6,
    /** Panels asked about one suspicion, each of others, as long as too few answer. */
    panelsMax: 3,
    /** A letter that nobody took is sent again after this, then after twice as long, as long as it may still be of use. */
    resendMs: 10 * minute,
  },

  /** What the operator of a removed mirror hears (R129). */
  notice: {
    /** A notice is tried to be brought for this long: whoever is down hears of it when it is back. */
    bringForMs: 7 * day,
    /** One mirror's notices beyond one in this time are not passed on. */
    oncePerMs: hour,
    /** Calls of the operator's webhook; what comes between is told together. */
    webhookEveryMs: hour,
  },

  /** The way back (R126, R127). */
  retest: {
    /** Between two series, doubled with each further removal: who flaps costs little. */
    everyMs: day,
    /** … but never longer than this: everybody can return. */
    everyMaxMs: 30 * day,
    /** Clean series in a row. */
    seriesMin: 3,
    /** Failures in a clean series: the way back is as steep as the way in. */
    failureShareMax: 0.01,
  },

  /** Failure detection (SWIM). */
  ping: {
    /** One ping to one mirror: 3,600 mirrors are each pinged hourly. */
    everyMs: second,
    /** Mirrors asked to ping one that did not answer. */
    helpers: 3,
    /** Helpers that must have answered before it counts as down. */
    helperAnswersMin: 2,
    /** Of so many latest own pings … */
    ownPings: 10,
    /** … this many failed: then the fault is more likely here. */
    ownFailuresMin: 6,
  },

  /** 99.9 % (R74). */
  uptime: {
    /** One sample each. */
    sampleMs: hour,
    /** Samples looked back upon: 30 days. */
    samples: 720,
    /** Misses that are too many: 0.63 % for a true 99.9 %, 93 % for a true 99 %. */
    missesMin: 4,
  },

  /** True removal (R128). */
  gone: {
    /** Unreachable for this long, for us and for those whom we asked. */
    unreachableMs: 30 * day,
    /** The id alone is remembered for this long, so that rumours do not bring back the dead. */
    tombstoneMs: 90 * day,
  },

  /** Who talks to whom. */
  gossip: {
    connections: 8,
    /** Connections that we chose: nobody can surround us (eclipse). */
    outboundMin: 4,
    /** One of them is exchanged this often: nobody stays beside us by patience. */
    swapMs: 10 * minute,
    /** List digests are compared with one random mirror this often: knowledge does not depend on fan-out. */
    antiEntropyMs: hour,
  },

  /** Mirrors heard of and not yet tested. */
  candidates: {
    buckets: 1_024,
    perBucket: 64,
    /** Buckets that one source network can reach: a sixteenth. */
    bucketsPerSource: 64,
    /** Addresses that are remembered of one id: a wrong one that somebody claims must not push out the right one. */
    claimsPerMirror: 4,
    /** An address that did not check is tried again after this, then after twice as long, … */
    retryMs: 10 * minute,
    /** … and at least this often: what was mended is found without a new request. */
    retryMaxMs: day,
    /** Between two looks at one address, whatever is claimed of it: nobody is to be flooded through us. */
    perAddressMs: minute,
  },

  /** Other mirrors, beyond candidates. */
  peers: {
    /** What pings and answers say is written down this often; standings are written at once. */
    saveMs: minute,
  },

  /** One entity, one mirror, as far as that can be seen (R80, R82). */
  sybil: {
    /** Leading bits of an address that one entity has: the smallest network that is routed. */
    prefixBitsV4: 24,
    prefixBitsV6: 48,
    /** Leading bits of an address that draws treat as one place: what one owner usually has in one piece. */
    networkBitsV4: 16,
    networkBitsV6: 32,
  },
} as const

/** Another choice of the same values: a test network shortens its periods with one. */
export type Parameters = Widened<typeof parameters>

type Widened<T> = { readonly [K in keyof T]: T[K] extends number ? number : Widened<T[K]> }

/** Ends in `Ms`, and yet is a limit on something measured: a network with shorter periods is not a faster one. */
const notPeriods: ReadonlySet<string> = new Set([
  'speed.pingMs',
  'speed.responseP50Ms',
  'speed.responseP95Ms',
  'speed.tooSlowMs',
  'dissent.apartMs',
])

/** `given` with every period multiplied by `factor`, for networks that live for minutes; never shorter than 1 ms. */
export function scalePeriods(given: Parameters, factor: number): Parameters {
  const sections = Object.entries(given).map(([section, values]) => [
    section,
    Object.fromEntries(
      Object.entries(values).map(([name, value]: [string, number]) => [
        name,
        name.endsWith('Ms') && !notPeriods.has(`${section}.${name}`)
          ? Math.max(1, Math.round(value * factor))
          : value,
      ]),
    ),
  ])
  return Object.fromEntries(sections) as Parameters
}
