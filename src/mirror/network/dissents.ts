// Agreements and dissents that reports show: compared, looked at again, admitted, and noted in our own book alone (R77, R78, R111 to R113; protocol §7).

import { z } from 'zod'
import { limits } from '../../base/limits.ts'
import { agree, claimOf, type Claim } from '../../membership/claim.ts'
import type { Replayable } from '../../membership/corpus.ts'
import {
  admitComparison,
  compareAnswers,
  recheck,
  recheckAt,
  type Admission,
  type Comparing,
  type Comparison,
  type Remembered,
} from '../../membership/dissent.ts'
import { noteComparison, withdrawDissent } from '../../membership/reputation.ts'
import type { Observation, Verified } from '../../observation/observation.ts'
import { contradictionSchema, type ContradictionEvidence } from '../../protocol/removal.ts'
import { shelfOf, type Shelf } from '../../store/shelves.ts'
import type { Change, MirrorStore } from '../../store/store.ts'
import type { Corpus } from './corpus.ts'
import { inBackground, repeat, type Part } from './part.ts'
import { keep, openRows, type Rows } from './rows.ts'
import { look } from './series.ts'
import type { TrialCore } from './trial.ts'

/** One answer of a report, verified. */
export interface ReportedObservation {
  readonly observation: Verified<Observation>
  readonly statement: string
  readonly descriptor: string
}

/** A report whose every signature has been verified. */
export interface VerifiedReport {
  readonly target: string
  /** The nonce of our own answer, which names the report. */
  readonly nonce: string
  readonly answers: readonly ReportedObservation[]
}

/** Signed answers of a mirror that contradict what a quorum said at that time, and that stood. */
export interface Contradiction extends Replayable {
  readonly subject: string
  readonly at: number
  readonly evidence: ContradictionEvidence
}

/** Keeps the book of agreements and dissents. */
export interface Dissents extends Part {
  /** Takes a report in; resolves when what it says is durable. */
  take(report: VerifiedReport): Promise<void>
  /** Contradictions of `subject` that can be shown to others, latest last. */
  of(subject: string): readonly Contradiction[]
  /** Calls `listener` with each mirror that a dissent was noted of; the result ends it. */
  onDissent(listener: (subject: string) => void): () => void
}

/** A dissent that is to be looked at again, of one report. */
export interface Waiting extends Replayable {
  readonly at: number
  readonly checkAt: number
  readonly subjects: readonly {
    readonly subject: string
    readonly claim: Claim
    readonly shared: Claim
    /** Null when too few agreed to show it to others. */
    readonly evidence: ContradictionEvidence | null
  }[]
}

const place = {
  target: z.string().max(limits.targetCharsMax),
  domain: z.string().max(limits.nameOctetsMax),
  nsSet: z.string().max(64),
  at: z.number().int(),
}
const claim = z.array(z.string()).max(limits.dnsRecordsMax)
const waitingShelf: Shelf<Waiting> = shelfOf(
  'waiting',
  z.object({
    ...place,
    checkAt: z.number().int(),
    subjects: z
      .array(
        z.object({
          subject: z.string().length(43),
          claim,
          shared: claim,
          evidence: contradictionSchema.nullable(),
        }),
      )
      .max(limits.reportObservationsMax),
  }),
)
const stoodShelf: Shelf<Contradiction> = shelfOf(
  'dissents',
  z.object({ ...place, subject: z.string().length(43), evidence: contradictionSchema }),
)
const pastShelf: Shelf<readonly Remembered[]> = shelfOf(
  'comparisons',
  z
    .array(
      z.object({
        subject: z.string().length(43),
        outcome: z.enum(['agreement', 'dissent']),
        at: z.number().int(),
        domain: z.string().max(limits.nameOctetsMax),
        nsSet: z.string().max(64),
        counted: z.boolean(),
      }),
    )
    .max(256),
)

/** What is remembered of comparisons. */
export interface DissentBooks {
  readonly waiting: Rows<Waiting>
  readonly stood: Rows<Contradiction>
  readonly past: Rows<readonly Remembered[]>
}

/** The comparisons that the store remembers. @throws Failure of the store */
export async function openDissents(store: MirrorStore | null): Promise<DissentBooks> {
  return {
    waiting: await openRows(store, waitingShelf),
    stood: await openRows(store, stoodShelf),
    past: await openRows(store, pastShelf),
  }
}

/** Keeps `books`. */
export function createDissents(core: TrialCore, corpus: Corpus, books: DissentBooks): Dissents {
  const { clock, counts, save, parameters } = core
  const { waiting } = books
  const listeners = new Set<(subject: string) => void>()
  const admitting = createAdmitting(core, books.past)
  const contradictions = createContradictions(core, books.stood)
  const check = createCheck(core, books, { admitting, contradictions })
  const timers = createTimers(core, async (key: string, one: Waiting) => {
    for (const subject of await check(key, one)) for (const listener of listeners) listener(subject)
  })
  const sweep = repeat(core, 'saving of comparisons', {
    everyMs: parameters.peers.saveMs,
    run: () => save([...admitting.changes(), ...admitting.sweep(), ...contradictions.sweep()]),
  })
  const wait = async (name: Replayable, report: VerifiedReport, subjects: Waiting['subjects']) => {
    if (waiting.size >= limits.dissentsWaitingMax) return counts.add('dissentsDropped')
    counts.add('dissentsReported')
    const at = clock.now()
    const one: Waiting = { ...nameOf(name), at, checkAt: recheckAt(at, parameters), subjects }
    await keep(save, waiting, { key: report.nonce, value: one })
    timers.arm(report.nonce, one)
  }
  return {
    of: contradictions.of,
    onDissent: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    take: async (report) => {
      const name = corpus.find(report.target)
      const comparisons = compare(core, report)
      if (name === null) {
        // Few ask for it, or it changes: whoever owns it could show each mirror something else.
        if (comparisons.length > 0) counts.add('comparisonsOutside')
        return
      }
      const at = clock.now()
      for (const { subject, outcome } of comparisons)
        if (outcome === 'agreement')
          admitting.admit({ ...originOf(name), subject, outcome, at, inCorpus: true })
      const dissents = comparisons.filter(({ outcome }) => outcome === 'dissent')
      if (dissents.length > 0) await wait(name, report, subjectsOf(report, dissents))
    },
    start: () => {
      timers.start(waiting.all())
      sweep.start()
    },
    stop: () => {
      timers.stop()
      sweep.stop()
    },
    close: () => save(admitting.changes()),
  }
}

/** Looks again at dissents that waited. @returns of whom one was noted */
function createCheck(
  core: TrialCore,
  { waiting }: DissentBooks,
  parts: {
    readonly admitting: ReturnType<typeof createAdmitting>
    readonly contradictions: ReturnType<typeof createContradictions>
  },
) {
  const { admitting, contradictions } = parts
  return async (key: string, one: Waiting): Promise<readonly string[]> => {
    const fresh = await look(core, one.target)
    const stood = one.subjects.filter((subject) => {
      const stands = recheck(subject, fresh) === 'stands'
      core.counts.add(stands ? 'dissentsStood' : 'dissentsDropped')
      return stands
    })
    const { at } = one
    const verdicts = stood.map(({ subject }) =>
      admitting.admit({ ...originOf(one), subject, outcome: 'dissent', at, inCorpus: true }),
    )
    const isUnstable = verdicts.includes('unstable')
    const counted = isUnstable ? [] : stood.filter((_, i) => verdicts[i] === 'counts')
    const kept = counted.flatMap(({ subject, evidence }) =>
      evidence === null
        ? []
        : contradictions.keep(`${subject}/${key}`, { ...nameOf(one), subject, at, evidence }),
    )
    const dropped = isUnstable ? contradictions.drop(one.domain) : []
    for (const { subject } of counted)
      core.log.info('dissent', { id: subject, target: one.target, at })
    // Until it is in the reputation, it waits: a crash may count it twice, but never not at all.
    await core.peers.saved()
    await core.save([...admitting.changes(), ...kept, ...dropped, waiting.remove(key)])
    return counted.map(({ subject }) => subject)
  }
}

/** One timer for each dissent that waits. */
function createTimers(core: TrialCore, run: (key: string, one: Waiting) => Promise<void>) {
  const cancels = new Map<string, () => void>()
  let isOpen = false
  const arm = (key: string, one: Waiting): void => {
    if (!isOpen || cancels.has(key)) return
    const cancel = core.clock.after(Math.max(0, one.checkAt - core.clock.now()), () => {
      cancels.delete(key)
      inBackground(core, 'looking at a dissent again', run(key, one))
    })
    cancels.set(key, cancel)
  }
  return {
    arm,
    start: (waiting: Iterable<[string, Waiting]>): void => {
      isOpen = true
      for (const [key, one] of waiting) arm(key, one)
    },
    stop: (): void => {
      isOpen = false
      for (const cancel of cancels.values()) cancel()
      cancels.clear()
    },
  }
}

function originOf({ domain, nsSet }: Replayable) {
  return { domain, nsSet }
}

function nameOf({ target, domain, nsSet }: Replayable): Replayable {
  return { target, domain, nsSet }
}

/** How the mirrors of a report that we know compare with each other; ourselves we do not judge. */
function compare(
  { self, peers, parameters, profile }: TrialCore,
  { answers }: VerifiedReport,
): readonly Comparison[] {
  const reported = answers.map(({ observation: { iss, sight, sent } }) => ({
    by: iss,
    at: sight?.at ?? sent,
    claim: sight === null ? null : claimOf(sight.dns.authority),
    addresses: sight === null ? [] : [...sight.dns.a.records, ...sight.dns.aaaa.records],
  }))
  return compareAnswers(reported, profile, parameters).filter(
    ({ subject }) => subject !== self.id && peers.find(subject) !== null,
  )
}

function subjectsOf(report: VerifiedReport, dissents: readonly Comparison[]): Waiting['subjects'] {
  let room = limits.contradictionCharsMax
  return dissents.map((comparison) => {
    const { subject, claim: said, shared } = comparison
    const evidence = evidenceOf(report, comparison)
    const size = evidence === null ? 0 : JSON.stringify(evidence).length
    const fits = size <= room
    if (fits) room -= size
    return { subject, claim: said, shared, evidence: fits ? evidence : null }
  })
}

/** Of five answers four must agree for a contradiction that others are shown (protocol §7). */
const quorumShare = 4 / 5

/** What shows others that `subject` contradicts the rest of a report; null when the rest is no quorum. */
function evidenceOf(
  { answers }: VerifiedReport,
  { subject, shared }: Comparison,
): ContradictionEvidence | null {
  const own = answers.find(({ observation }) => observation.iss === subject)
  const witnesses = answers.filter(({ observation: { iss, sight } }) => {
    const said = sight === null ? null : claimOf(sight.dns.authority)
    return iss !== subject && said !== null && agree(said, shared)
  })
  if (own === undefined || witnesses.length < quorumShare * answers.length) return null
  const shown = [own, ...witnesses.slice(0, limits.contradictionWitnessesMax)]
  return {
    observations: shown.map(({ statement }) => statement),
    descriptors: shown.map(({ descriptor }) => descriptor),
  }
}

/** Admits comparisons, and notes those that count. */
function createAdmitting(
  { peers, clock, parameters, counts }: TrialCore,
  past: Rows<readonly Remembered[]>,
) {
  const dirty = new Map<string, Change>()
  const read = (key: string): readonly Remembered[] => past.get(key) ?? []
  return {
    admit: (comparing: Comparing): Admission['verdict'] => {
      const { subject, domain, outcome } = comparing
      const [ofSubject, onDomain] = [`subject/${subject}`, `domain/${domain}`] as const
      const before = { ofSubject: read(ofSubject), onDomain: read(onDomain) }
      const { verdict, withdrawn, past: after } = admitComparison(comparing, before, parameters)
      for (const one of withdrawn)
        peers.noteReputation(one.subject, (reputation, now) =>
          withdrawDissent(reputation, one.at, now),
        )
      if (verdict === 'counts') {
        peers.noteReputation(subject, (reputation, now) => noteComparison(reputation, outcome, now))
        counts.add(outcome === 'agreement' ? 'agreementsNoted' : 'dissentsNoted')
      }
      if (verdict === 'unstable') counts.add('dissentsUnstable')
      if (verdict === 'counts') dirty.set(ofSubject, past.put(ofSubject, after.ofSubject))
      if (outcome === 'dissent') dirty.set(onDomain, past.put(onDomain, after.onDomain))
      return verdict
    },
    /** What changed since the last call, to be committed. */
    changes: (): readonly Change[] => {
      const changes = [...dirty.values()]
      dirty.clear()
      return changes
    },
    /** Forgets what is too old to matter. */
    sweep: (): readonly Change[] => {
      const oldest = clock.now() - parameters.dissent.oncePerMs
      const old = [...past.all()].filter(([, all]) => all.every(({ at }) => at < oldest))
      return old.map(([key]) => past.remove(key))
    },
  }
}

/** Keeps what can be shown to others. */
function createContradictions({ clock, parameters }: TrialCore, stood: Rows<Contradiction>) {
  const isOld = ({ at }: Contradiction): boolean => clock.now() - at >= parameters.dissent.oncePerMs
  const of = (subject: string): readonly Contradiction[] =>
    [...stood.all()].flatMap(([, one]) => (one.subject === subject && !isOld(one) ? [one] : []))
  return {
    of,
    keep: (key: string, one: Contradiction): readonly Change[] => {
      const changes = [stood.put(key, one)]
      const rows = [...stood.all()]
      const ofSubject = rows.filter(([, { subject }]) => subject === one.subject)
      const subjects = new Set(rows.map(([, { subject }]) => subject))
      const [first] = subjects
      const surplus =
        subjects.size > limits.contradictedMirrorsMax
          ? rows.filter(([, { subject }]) => subject === first)
          : ofSubject.slice(0, -limits.contradictionsKeptMax)
      return [...changes, ...surplus.map(([old]) => stood.remove(old))]
    },
    /** A domain that says different things to many mirrors shows nothing about any of them. */
    drop: (domain: string): readonly Change[] =>
      [...stood.all()].flatMap(([key, one]) => (one.domain === domain ? [stood.remove(key)] : [])),
    sweep: (): readonly Change[] =>
      [...stood.all()].filter(([, one]) => isOld(one)).map(([key]) => stood.remove(key)),
  }
}
