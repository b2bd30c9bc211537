// Tells the operators of mirrors that were removed, or came back, who did so and why; and hears what others say of us (R129, R130; protocol §8).

import { z } from 'zod'
import { networkPaths } from '../../protocol/network.ts'
import { noticeSchema, verifyNotice, type Notice } from '../../protocol/removal.ts'
import type { HttpQuestion, HttpReply } from '../../runtime/runtime.ts'
import { shelfOf, type Shelf } from '../../store/shelves.ts'
import type { MirrorStore } from '../../store/store.ts'
import { json, problem } from '../replies.ts'
import type { PeerChange } from './book.ts'
import type { Letters } from './letters.ts'
import type { Mail, WaitingLetter, WrittenLetter } from './mail.ts'
import { inBackground, type Part } from './part.ts'
import { keep, openRows, type Rows } from './rows.ts'
import type { TrialCore } from './trial.ts'
import { callWebhook, type WebhookUrl } from './webhook.ts'

/** Brings notices to others, and takes those that are for us. */
export interface Notices extends Part {
  /** What others have told us, latest last. */
  readonly received: () => readonly Notice[]
}

/** What notices work with. */
export interface NoticeParts {
  readonly letters: Letters
  readonly mail: Mail
  /** Where our own operator wants to be told; null for the log alone. */
  readonly webhook: WebhookUrl | null
}

/** A notice to us. */
export interface Received {
  readonly notice: Notice
  readonly at: number
  /** Whether the operator's webhook has it. */
  readonly isTold: boolean
}

const noticeShelf: Shelf<Received> = shelfOf(
  'notices',
  z.object({ notice: noticeSchema, at: z.number().int(), isTold: z.boolean() }),
)

/** The notices that the store remembers. @throws Failure of the store */
export function openNotices(store: MirrorStore | null): Promise<Rows<Received>> {
  return openRows(store, noticeShelf)
}

/** Goes on with the notices in `rows`. */
export function createNotices(core: TrialCore, parts: NoticeParts, rows: Rows<Received>): Notices {
  const { peers, mail, clock, parameters, save } = { ...core, ...parts }
  const teller = createTeller(core, parts.webhook, rows)
  let end = (): void => {}
  const tell = async ({ id, before, after }: PeerChange): Promise<void> => {
    const state = after?.standing.state
    const was = before?.standing.state
    const isNews =
      (was === 'active' && state === 'inactive') || (was === 'inactive' && state === 'active')
    if (!isNews) return
    const until = clock.now() + parameters.notice.bringForMs
    await save([mail.put({ kind: 'notice', to: id, about: 'standing', until })])
    mail.send()
  }
  mail.writes('notice', (letter) => noticeOf(core, letter))
  return {
    received: () => [...rows.all()].map(([, { notice }]) => notice),
    handlers: { notice: (question) => take(core, { ...parts, rows, teller }, question) },
    start: () => {
      end = peers.onChange((change) => inBackground(core, 'telling of a standing', tell(change)))
      teller.start()
    },
    stop: () => {
      end()
      teller.stop()
    },
  }
}

/** What its operator should know about how `to` stands with us; null when it is neither active nor inactive. */
function noticeOf({ peers }: TrialCore, { to }: WaitingLetter): WrittenLetter | null {
  const record = peers.record(to)
  const state = record?.standing.state
  if (record === null || (state !== 'active' && state !== 'inactive')) return null
  const content = {
    subject: to,
    state,
    reason: record.reason ?? '',
    retestAt: record.standing.testAt,
    advice:
      state === 'active'
        ? 'nothing is to be done'
        : 'find what is slow or wrong, mend it, and ask to join again: three clean tests bring it back, with or without asking',
  }
  return { path: networkPaths.notices, type: 'smn-notice+jws', content }
}

interface Taking extends NoticeParts {
  readonly rows: Rows<Received>
  readonly teller: Teller
}

function take(
  core: TrialCore,
  { letters, rows, teller }: Taking,
  question: HttpQuestion,
): HttpReply | Promise<HttpReply> {
  const { peers, self, counts, clock, parameters, log, save } = core
  const refused = (reply: HttpReply): HttpReply => {
    counts.add('noticesRefused')
    return reply
  }
  const opened = letters.open(question, {
    refuse: (author) =>
      peers.find(author) === null
        ? problem('sender-unknown', 'only mirrors that were met here are listened to')
        : null,
    verify: verifyNotice,
  })
  if ('refusal' in opened) return refused(opened.refusal)
  const notice = opened.content
  if (notice.subject !== self.id)
    return refused(problem('subject-unknown', 'a notice goes to the mirror that it is about'))
  const now = clock.now()
  const latest = rows.get(notice.iss)
  const isRepeated =
    latest?.notice.state === notice.state && now - latest.at < parameters.notice.oncePerMs
  if (isRepeated) return refused(problem('request-repeated', 'one notice is enough for an hour'))
  counts.add('notices')
  const { iss: by, state, reason, advice } = notice
  log.warn('standing told', { by, state, reason, advice })
  return keep(save, rows, { key: by, value: { notice, at: now, isTold: false } }).then(() => {
    teller.wake()
    return json(202, '{"taken":true}', 'no-store')
  })
}

type Teller = ReturnType<typeof createTeller>

/** Brings to the operator's webhook what it has not heard yet: at once, and then every hour. */
function createTeller(core: TrialCore, webhook: WebhookUrl | null, rows: Rows<Received>) {
  const { clock, log, self, parameters, save } = core
  let isOpen = false
  let calledAt = -Infinity
  let cancel: (() => void) | null = null
  const call = async (url: WebhookUrl): Promise<void> => {
    calledAt = clock.monotonic()
    const untold = [...rows.all()].filter(([, { isTold }]) => !isTold).slice(0, toldAtOnce)
    if (untold.length === 0) return
    const notices = untold.map(([, { notice, at }]) => ({ ...notice, at }))
    const fault = await callWebhook(core, url, { event: 'standing', mirror: self.id, notices })
    // What was said anew meanwhile has not been told.
    const told = untold.filter(([by, one]) => rows.get(by) === one)
    if (fault === null) await save(told.map(([by, one]) => rows.put(by, { ...one, isTold: true })))
    else log.warn('webhook failed', { host: url.target.host, why: fault })
    wake()
  }
  const wake = (): void => {
    if (webhook === null || !isOpen || cancel !== null) return
    if (![...rows.all()].some(([, { isTold }]) => !isTold)) return
    const wait = Math.max(0, calledAt + parameters.notice.webhookEveryMs - clock.monotonic())
    cancel = clock.after(wait, () => {
      cancel = null
      inBackground(core, 'calling the webhook', call(webhook))
    })
  }
  return {
    wake,
    start: (): void => {
      isOpen = true
      wake()
    },
    stop: (): void => {
      isOpen = false
      cancel?.()
      cancel = null
    },
  }
}

/** Notices in one call: some 50 kB. */
const toldAtOnce = 64
