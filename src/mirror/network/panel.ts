// Sits on panels: tests the mirrors that others ask to remove, and votes as its own tests say (R122, R123, R125, R134; protocol §8).

import { z } from 'zod'
import { limits } from '../../base/limits.ts'
import { coolDownMs } from '../../membership/panel.ts'
import { networkPaths } from '../../protocol/network.ts'
import {
  seriesFiguresSchema,
  verifyRemoveRequest,
  type RemoveRequest,
} from '../../protocol/removal.ts'
import type { HttpQuestion, HttpReply } from '../../runtime/runtime.ts'
import { shelfOf, type Shelf } from '../../store/shelves.ts'
import type { MirrorStore } from '../../store/store.ts'
import { json, problem } from '../replies.ts'
import type { Corpus } from './corpus.ts'
import { targetsOf } from './evidence.ts'
import type { Letters } from './letters.ts'
import type { Mail, WaitingLetter, WrittenLetter } from './mail.ts'
import { inBackground, repeat, type Part } from './part.ts'
import type { Quizmaster } from './quizmaster.ts'
import type { Results, TestResult } from './results.ts'
import { keep, openRows, type Rows } from './rows.ts'
import type { TrialCore } from './trial.ts'

/** What a panellist works with. */
export interface PanelParts {
  readonly corpus: Corpus
  readonly results: Results
  readonly quizmaster: Quizmaster
  readonly letters: Letters
  readonly mail: Mail
}

/** A vote that somebody asked us for. */
export interface Summons extends Pick<RemoveRequest, 'subject' | 'wants' | 'deadline'> {
  readonly req: string
  readonly from: string
  readonly askedAt: number
  /** Targets that the evidence is about, and that we may ask for in tests. */
  readonly targets: readonly string[]
  /** What we found; null as long as we have not. */
  readonly vote: (z.infer<typeof seriesFiguresSchema> & { readonly agree: boolean }) | null
}

const summonsShelf: Shelf<Summons> = shelfOf(
  'summons',
  z.object({
    req: z.string().length(22),
    from: z.string().length(43),
    subject: z.string().length(43),
    wants: z.enum(['vote', 'test']),
    askedAt: z.number().int(),
    deadline: z.number().int(),
    targets: z.array(z.string().max(limits.targetCharsMax)).max(limits.contradictionsSentMax),
    vote: seriesFiguresSchema.extend({ agree: z.boolean() }).nullable(),
  }),
)

/** The votes that we owe, as the store remembers them. @throws Failure of the store */
export function openSummons(store: MirrorStore | null): Promise<Rows<Summons>> {
  return openRows(store, summonsShelf)
}

/** Attends to the summons in `rows`. */
export function createPanel(core: TrialCore, parts: PanelParts, rows: Rows<Summons>): Part {
  const { clock, counts, save } = core
  const { quizmaster, results, letters, mail } = parts
  let end = (): void => {}

  const isOpen = ({ vote, deadline }: Summons): boolean => vote === null && deadline > clock.now()
  const vote = async (result: TestResult): Promise<void> => {
    const { opinion, figures } = result
    if (opinion === null) return
    const changes = [...rows.all()].flatMap(([key, one]) => {
      if (one.subject !== result.subject || !isOpen(one)) return []
      counts.add('votesGiven')
      const { req: about, from: to, deadline: until } = one
      const found = { ...figures, agree: opinion === 'remove' }
      const posted = one.wants === 'vote' ? [mail.put({ kind: 'vote', to, about, until })] : []
      return [rows.put(key, { ...one, vote: found }), ...posted]
    })
    await save(changes)
    mail.send()
  }
  /** Votes by what we know already, or sees that we shall know in time. */
  const attend = async (one: Summons): Promise<void> => {
    const { subject, deadline: by, targets } = one
    const known = results.valid(subject)
    if (known !== null) return vote(known)
    const extra = targets.flatMap((target) => parts.corpus.find(target) ?? [])
    quizmaster.want({ subject, purpose: 'panel', by, extra })
  }
  const attending = repeat(core, 'looking for votes that are owed', {
    everyMs: core.parameters.peers.saveMs,
    run: async () => {
      for (const [, one] of rows.all()) if (isOpen(one)) await attend(one)
      await save(forgotten(core, rows))
    },
  })
  const take = (question: HttpQuestion): HttpReply | Promise<HttpReply> => {
    const opened = letters.open(question, {
      refuse: (author) => senderFault(core, author),
      verify: verifyRemoveRequest,
    })
    if ('refusal' in opened) return opened.refusal
    const request = opened.content
    const key = `${request.req}/${request.iss}`
    // It was taken, and the answer was lost: the first one counts.
    const fault = rows.get(key) === undefined ? requestFault(core, rows, request) : null
    if (fault !== null) {
      counts.add('summonsRefused')
      return fault
    }
    if (rows.get(key) !== undefined) return taken()
    counts.add('summons')
    const one = summonsOf(core, parts.corpus, request)
    return keep(save, rows, { key, value: one }).then(() => {
      inBackground(core, 'testing for a vote', attend(one))
      return taken()
    })
  }
  mail.writes('vote', (letter) => voteOf(rows, letter))
  return {
    handlers: { removeRequest: take },
    start: () => {
      end = quizmaster.onResult((result) => inBackground(core, 'voting', vote(result)))
      for (const [, one] of rows.all())
        if (isOpen(one)) inBackground(core, 'testing for a vote', attend(one))
      attending.start()
    },
    stop: () => {
      end()
      attending.stop()
    },
  }
}

function taken(): HttpReply {
  return json(202, '{"taken":true}', 'no-store')
}

/** Only mirrors in good standing ask; others could make us test whomever they like. */
function senderFault({ peers, self }: TrialCore, author: string): HttpReply | null {
  return author !== self.id && peers.active().has(author)
    ? null
    : problem('sender-unknown', 'join the network, and pass its tests, first')
}

/** Why a request is not taken; null when it is. */
function requestFault(
  core: TrialCore,
  rows: Rows<Summons>,
  request: RemoveRequest,
): HttpReply | null {
  const { peers, self, clock, parameters } = core
  const { subject, iss, evidence, deadline } = request
  if (subject === self.id) return problem('subject-own', 'ask others about this mirror')
  if (subject === iss) return problem('subject-own', 'who wants to leave need not ask')
  const record = peers.record(subject)
  if (record === null || peers.find(subject) === null)
    return problem('subject-unknown', 'only mirrors that were met here can be tested')
  if (evidence.series === null && evidence.contradictions.length === 0)
    return problem('evidence-missing', 'send what your own tests found, or signed contradictions')
  const now = clock.now()
  if (deadline <= now || deadline > now + 2 * parameters.panel.coolDownMs)
    return problem('statement-rejected', 'at deadline: it is past, or too far away')
  const ofAuthor = [...rows.all()].flatMap(([, one]) => (one.from === iss ? [one] : []))
  const wait = coolDownMs(record.standing.strikes, parameters)
  const isRepeated = ofAuthor.some(
    (one) => one.subject === subject && one.wants === request.wants && now - one.askedAt < wait / 2,
  )
  if (isRepeated)
    return problem('request-repeated', 'one request about a mirror is enough for days')
  const open = ofAuthor.filter((one) => one.vote === null && one.deadline > now)
  return open.length < limits.requestsPerMirrorMax
    ? null
    : problem('requests-busy', 'wait until votes that you asked for are given')
}

function summonsOf(core: TrialCore, corpus: Corpus, request: RemoveRequest): Summons {
  const { req, iss: from, subject, wants, evidence } = request
  // Names that few ask for may be those of somebody who shows each mirror something else.
  const targets = targetsOf(core, subject, evidence.contradictions).filter(
    (target) => corpus.find(target) !== null,
  )
  const { deadline } = request
  return { req, from, subject, wants, deadline, targets, askedAt: core.clock.now(), vote: null }
}

/** Our vote on what `letter` is about; null when it is none any more. */
function voteOf(rows: Rows<Summons>, { about: req, to }: WaitingLetter): WrittenLetter | null {
  const one = rows.get(`${req}/${to}`)
  if (one === undefined || one.vote === null) return null
  const content = { req, subject: one.subject, ...one.vote }
  return { path: networkPaths.votes, type: 'smn-vote+jws', content }
}

/** Requests are remembered for as long as the same mirror may not ask again. */
function forgotten({ clock, parameters, peers }: TrialCore, rows: Rows<Summons>) {
  const isOver = ({ deadline, askedAt, subject }: Summons): boolean => {
    const strikes = peers.record(subject)?.standing.strikes ?? 0
    const now = clock.now()
    return deadline < now && now - askedAt > coolDownMs(strikes, parameters)
  }
  return [...rows.all()].flatMap(([key, one]) => (isOver(one) ? [rows.remove(key)] : []))
}
