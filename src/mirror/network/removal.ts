// Asks for the removal of a mirror that was found slow or wrong, counts the votes, and is bound by them (R121 to R126; protocol §8).

import { z } from 'zod'
import { base64url } from '../../base/bytes.ts'
import { limits } from '../../base/limits.ts'
import {
  choosePanel,
  coolDownMs,
  chooseInformed,
  mayRequestRemoval,
  tally,
  voteDeadline,
  type Tally,
  type Vote,
} from '../../membership/panel.ts'
import { indexByNetwork, type PeerIndex } from '../../membership/peers.ts'
import { triggersRemoval } from '../../membership/reputation.ts'
import { networkPaths } from '../../protocol/network.ts'
import {
  contradictionSchema,
  removalReasons,
  seriesFiguresSchema,
  verifyVote,
  type RemoveRequest,
} from '../../protocol/removal.ts'
import type { HttpQuestion, HttpReply } from '../../runtime/runtime.ts'
import { shelfOf, type Shelf } from '../../store/shelves.ts'
import type { MirrorStore } from '../../store/store.ts'
import { json, problem } from '../replies.ts'
import type { Dissents } from './dissents.ts'
import type { Letters } from './letters.ts'
import type { Mail, WaitingLetter, WrittenLetter } from './mail.ts'
import { inBackground, repeat, type Part } from './part.ts'
import type { Quizmaster } from './quizmaster.ts'
import type { ActivePeer } from './record.ts'
import type { Results } from './results.ts'
import { keep, openRows, type Rows } from './rows.ts'
import type { TrialCore } from './trial.ts'

/** Asks for removals, and counts votes. */
export interface Removal extends Part {
  /** Looks whether there is reason to ask for the removal of `subject`, and asks. */
  consider(subject: string): void
  /** Votes under way that we asked for. */
  readonly underWay: () => number
}

/** What a removal works with. */
export interface RemovalParts {
  readonly results: Results
  readonly quizmaster: Quizmaster
  readonly dissents: Dissents
  readonly letters: Letters
  readonly mail: Mail
}

/** A vote that we asked for. */
export interface Procedure extends Pick<
  RemoveRequest,
  'subject' | 'reasons' | 'evidence' | 'deadline'
> {
  readonly panel: readonly string[]
  /** Panellists of earlier attempts, of whom too few answered. */
  readonly earlier: readonly string[]
  readonly askedAt: number
  /** Null as long as the vote is open. */
  readonly outcome: Exclude<Tally['outcome'], 'open'> | null
}

const id = z.string().length(43)
const ids = z.array(id).max(256)
const procedureShelf: Shelf<Procedure> = shelfOf(
  'requests',
  z.object({
    subject: id,
    reasons: z.array(z.enum(removalReasons)),
    evidence: z.object({
      series: seriesFiguresSchema.nullable(),
      contradictions: z.array(contradictionSchema),
    }),
    deadline: z.number().int(),
    panel: ids,
    earlier: ids,
    askedAt: z.number().int(),
    outcome: z.enum(['remove', 'keep', 'retry']).nullable(),
  }),
)
const voteShelf: Shelf<Vote> = shelfOf(
  'votes',
  z.object({ from: id, opinion: z.enum(['remove', 'keep']), at: z.number().int() }),
)

/** What is remembered of votes that we asked for. */
export interface RemovalBooks {
  readonly procedures: Rows<Procedure>
  /** By request and voter. */
  readonly votes: Rows<Vote>
}

/** The votes under way that the store remembers. @throws Failure of the store */
export async function openRemoval(store: MirrorStore | null): Promise<RemovalBooks> {
  return {
    procedures: await openRows(store, procedureShelf),
    votes: await openRows(store, voteShelf),
  }
}

/** Goes on with the votes in `books`. */
export function createRemoval(core: TrialCore, parts: RemovalParts, books: RemovalBooks): Removal {
  const { peers, parameters } = core
  const { quizmaster, dissents, mail } = parts
  const poll = createPoll(core, parts, books)
  const consider = createConsidering(core, parts, { ...books, begin: poll.begin })
  const ends: (() => void)[] = []
  const looking = repeat(core, 'looking for mirrors to remove', {
    everyMs: parameters.uptime.sampleMs,
    run: async () => {
      for (const subject of peers.active()) consider(subject)
      await core.save(forgotten(core, books))
    },
  })
  mail.writes('request', (letter) => requestOf(books, letter, 'vote'))
  mail.writes('inform', (letter) => requestOf(books, letter, 'test'))
  return {
    consider,
    underWay: () =>
      [...books.procedures.all()].filter(([, { outcome }]) => outcome === null).length,
    handlers: { vote: createVoteTaking(core, parts, { ...books, count: poll.count }) },
    start: () => {
      ends.push(quizmaster.onResult(({ subject }) => consider(subject)))
      ends.push(dissents.onDissent(consider))
      poll.start()
      looking.start()
    },
    stop: () => {
      for (const end of ends.splice(0)) end()
      poll.stop()
      looking.stop()
    },
  }
}

/** Whether, and with what evidence, others are asked about a mirror. */
function createConsidering(
  core: TrialCore,
  { results, quizmaster, dissents }: RemovalParts,
  { procedures, begin }: RemovalBooks & { readonly begin: (wanted: Wanted) => void },
): (subject: string) => void {
  const { peers, clock, parameters, region } = core
  const latestOf = (subject: string): Procedure | null =>
    [...procedures.all()]
      .map(([, one]) => one)
      .filter((one) => one.subject === subject)
      .reduce<Procedure | null>((a, b) => (a === null || b.askedAt > a.askedAt ? b : a), null)
  return (subject) => {
    const record = peers.record(subject)
    if (record?.standing.state !== 'active') return
    const result = results.valid(subject)
    const contradictions = dissents.of(subject)
    const suspicion = {
      reputation: record.reputation,
      auditFailed: result?.opinion === 'remove',
      contradictions,
      isNeighbour: region !== null && record.entry.region === region,
    }
    const now = clock.now()
    const reasons = triggersRemoval(suspicion, { now, parameters }).map(({ kind }) => kind)
    if (reasons.length === 0) return
    const latest = latestOf(subject)
    const { strikes } = record.standing
    if (latest !== null && latest.outcome === null) return
    const lastRequestAt = latest?.askedAt ?? null
    if (!mayRequestRemoval({ lastRequestAt, strikes }, now, parameters)) return
    if (result?.opinion !== 'remove' && contradictions.length === 0) {
      // What we only remember of it is no evidence: first we test it ourselves.
      if (result === null) quizmaster.want({ subject, purpose: 'audit', by: null, extra: [] })
      return
    }
    const series = result?.figures ?? null
    const shown = fitting(contradictions.map(({ evidence }) => evidence).toReversed())
    begin({ subject, reasons, evidence: { series, contradictions: shown }, earlier: [] })
  }
}

/** The first of `packs` that fit into one request. */
function fitting(packs: RemoveRequest['evidence']['contradictions']): typeof packs {
  let room = limits.contradictionsCharsMax
  return packs.slice(0, limits.contradictionsSentMax).filter((pack) => {
    const size = JSON.stringify(pack).length
    if (size > room) return false
    room -= size
    return true
  })
}

type Wanted = Pick<Procedure, 'subject' | 'reasons' | 'evidence' | 'earlier'>

/** Holds votes: asks a panel, and does as its majority says. */
function createPoll(core: TrialCore, { mail }: Pick<RemovalParts, 'mail'>, books: RemovalBooks) {
  const { clock, parameters, random, self, counts, save, log } = core
  const { procedures, votes } = books
  const concluding = new Set<string>()
  const timers = createDeadlines(core, (req) => count(req))
  const begin = (wanted: Wanted): void => {
    const { subject, earlier, reasons } = wanted
    const options = { random, initiator: self.id, subject, parameters }
    const drawn = choosePanel(judges(core, wanted), { ...options, earlier: new Set(earlier) })
    if (drawn.length < parameters.panel.votesMin) {
      counts.add('panelsTooSmall')
      return
    }
    const now = clock.now()
    const req = base64url(random.bytes(limits.nonceBytes))
    const deadline = voteDeadline(now, parameters)
    const panel = drawn.map((peer) => peer.id)
    const one: Procedure = { ...wanted, deadline, panel, askedAt: now, outcome: null }
    counts.add('removalsAsked')
    log.info('removal asked for', { id: subject, reasons: reasons.join(' '), panel: panel.length })
    const letters = panel.map((to) =>
      mail.put({ kind: 'request', to, about: req, until: deadline }),
    )
    const saved = save([procedures.put(req, one), ...letters]).then(() => {
      timers.arm(req, one)
      mail.send()
    })
    inBackground(core, 'asking for a removal', saved)
  }
  const count = async (req: string): Promise<void> => {
    const one = procedures.get(req)
    if (one === undefined || one.outcome !== null || concluding.has(req)) return
    const { panel, deadline } = one
    const given = panel.flatMap((voter) => votes.get(voteKey(req, voter)) ?? [])
    const counted = tally({ panel, deadline, votes: given }, clock.now(), parameters)
    const { outcome } = counted
    if (outcome === 'open') return
    timers.disarm(req)
    concluding.add(req)
    try {
      await conclude(core, { procedures, mail }, { req, one, counted: { ...counted, outcome } })
    } finally {
      concluding.delete(req)
    }
    const earlier = [...one.earlier, ...one.panel]
    if (outcome === 'retry' && earlier.length < parameters.panel.panelsMax * parameters.panel.size)
      begin({ ...one, earlier })
  }
  return {
    begin,
    count,
    start: (): void => {
      timers.open()
      for (const [req, one] of procedures.all()) {
        if (one.outcome !== null) continue
        timers.arm(req, one)
        inBackground(core, 'counting votes', count(req))
      }
    },
    stop: timers.close,
  }
}

/** Counts at the end of each vote, whoever has not voted by then. */
function createDeadlines(core: TrialCore, count: (req: string) => Promise<void>) {
  const timers = new Map<string, () => void>()
  let isOpen = false
  const disarm = (req: string): void => {
    timers.get(req)?.()
    timers.delete(req)
  }
  return {
    disarm,
    arm: (req: string, { deadline }: Procedure): void => {
      if (!isOpen || timers.has(req)) return
      const cancel = core.clock.after(Math.max(0, deadline + 1 - core.clock.now()), () => {
        timers.delete(req)
        inBackground(core, 'counting votes', count(req))
      })
      timers.set(req, cancel)
    },
    open: (): void => {
      isOpen = true
    },
    close: (): void => {
      isOpen = false
      for (const req of timers.keys()) disarm(req)
    },
  }
}

/** Does as the majority says (R124), and tells others (R125). */
async function conclude(
  core: TrialCore,
  { procedures, mail }: Pick<RemovalBooks, 'procedures'> & Pick<RemovalParts, 'mail'>,
  { req, one, counted }: { req: string; one: Procedure; counted: Concluded },
): Promise<void> {
  const { peers, log, counts, parameters, clock } = core
  const { subject, reasons } = one
  const { outcome, remove, keep } = counted
  log.info('removal voted on', { id: subject, outcome, remove, keep })
  counts.add(outcome === 'remove' ? 'removals' : 'removalsRefused')
  if (outcome === 'remove') {
    const why = `${remove} of ${remove + keep} mirrors that we asked voted for removal: ${reasons.join(', ')}`
    peers.apply(subject, 'voted-out', why.slice(0, limits.reasonCharsMax))
    // The vote stays open in the store until its effect is there: after a crash between, it is counted again.
    await peers.saved()
  }
  const informed = outcome === 'remove' ? told(core, one) : []
  const until = clock.now() + parameters.panel.coolDownMs
  await core.save([
    procedures.put(req, { ...one, outcome }),
    ...informed.map((to) => mail.put({ kind: 'inform', to, about: req, until })),
  ])
  mail.send()
}

/** Takes votes in, each once, of those that were asked, in time. */
function createVoteTaking(
  core: TrialCore,
  { letters }: Pick<RemovalParts, 'letters'>,
  { procedures, votes, count }: RemovalBooks & { readonly count: (req: string) => Promise<void> },
) {
  const { counts, clock, save } = core
  const refused = (reply: HttpReply): HttpReply => {
    counts.add('votesRefused')
    return reply
  }
  return (question: HttpQuestion): HttpReply | Promise<HttpReply> => {
    const opened = letters.open(question, {
      refuse: (author) => {
        const isAsked = [...procedures.all()].some(([, { panel }]) => panel.includes(author))
        return isAsked ? null : unasked()
      },
      verify: verifyVote,
    })
    if ('refusal' in opened) return refused(opened.refusal)
    const { req, subject, iss: from, agree } = opened.content
    const isGiven = votes.get(voteKey(req, from)) !== undefined
    const fault = voteFault(core, procedures.get(req), { subject, from, isGiven })
    if (fault !== null) return refused(fault)
    counts.add('votes')
    const vote: Vote = { from, opinion: agree ? 'remove' : 'keep', at: clock.now() }
    return keep(save, votes, { key: voteKey(req, from), value: vote }).then(() => {
      inBackground(core, 'counting votes', count(req))
      return json(202, '{"taken":true}', 'no-store')
    })
  }
}

function unasked(): HttpReply {
  return problem('vote-unasked', 'only those that were asked vote, on what they were asked about')
}

type Concluded = Tally & { readonly outcome: Exclude<Tally['outcome'], 'open'> }

function voteKey(req: string, voter: string): string {
  return `${req}/${voter}`
}

/** Why a vote is not taken; null when it is. */
function voteFault(
  { clock }: TrialCore,
  one: Procedure | undefined,
  vote: { readonly subject: string; readonly from: string; readonly isGiven: boolean },
): HttpReply | null {
  if (one === undefined || one.subject !== vote.subject || !one.panel.includes(vote.from))
    return unasked()
  if (vote.isGiven) return problem('vote-repeated', 'the first one counts')
  if (one.outcome !== null || clock.now() > one.deadline)
    return problem('vote-late', 'the votes have been counted')
  return null
}

/** Those who may judge: all active ones; where the ping is the only reason, those of the subject's region alone. */
function judges(
  { peers }: TrialCore,
  { subject, reasons }: Pick<Wanted, 'subject' | 'reasons'>,
): PeerIndex<ActivePeer> {
  const index = peers.index()
  if (reasons.some((reason) => reason !== 'slow-ping')) return index
  const region = peers.record(subject)?.entry.region ?? null
  return indexByNetwork(index.networks.flat().filter(({ entry }) => entry.region === region))
}

/** Mirrors that are told of a removal (R125). */
function told(core: TrialCore, { subject, panel, earlier }: Procedure): readonly string[] {
  const { peers, random, self, parameters } = core
  const except = new Set([...panel, ...earlier])
  const options = { random, initiator: self.id, subject, earlier: except, parameters }
  return chooseInformed(peers.index(), options).map((peer) => peer.id)
}

/** The request as a panellist reads it, or one who is told of a removal; null when it is over. */
function requestOf(
  { procedures }: RemovalBooks,
  { about: req, until }: WaitingLetter,
  wants: RemoveRequest['wants'],
): WrittenLetter | null {
  const one = procedures.get(req)
  if (one === undefined || (wants === 'vote' && one.outcome !== null)) return null
  const { subject, reasons, evidence } = one
  const content = { req, subject, wants, reasons, evidence, deadline: until }
  return { path: networkPaths.removeRequests, type: 'smn-remove+jws', content }
}

/** What is remembered of votes long after they are over is of no use. */
function forgotten({ clock, parameters, peers }: TrialCore, { procedures, votes }: RemovalBooks) {
  const isOver = ({ outcome, askedAt, subject }: Procedure): boolean => {
    const strikes = peers.record(subject)?.standing.strikes ?? 0
    return outcome !== null && clock.now() - askedAt > 2 * coolDownMs(strikes, parameters)
  }
  const over = [...procedures.all()].filter(([, one]) => isOver(one))
  return over.flatMap(([req, { panel }]) => [
    procedures.remove(req),
    ...panel.flatMap((voter) =>
      votes.get(voteKey(req, voter)) === undefined ? [] : [votes.remove(voteKey(req, voter))],
    ),
  ])
}
