// Letters to other mirrors, brought until they are taken: what one is obliged to say survives a crash, and the other side's absence (R121, R123, R129; protocol §8).

import { z } from 'zod'
import { limits } from '../../base/limits.ts'
import { signStatement, type StatementType } from '../../observation/jws.ts'
import { letterTakenSchema, type Letter } from '../../protocol/removal.ts'
import { shelfOf, type Shelf } from '../../store/shelves.ts'
import type { Change, MirrorStore } from '../../store/store.ts'
import type { Asked } from './asking.ts'
import { inBackground, type Part } from './part.ts'
import type { PeerEntry } from './record.ts'
import { openRows, type Rows } from './rows.ts'
import type { TrialCore } from './trial.ts'

/** Kinds of letters; each has a part that writes it. */
const letterKinds = ['request', 'inform', 'vote', 'notice'] as const

type LetterKind = (typeof letterKinds)[number]

/** A letter as it waits: whom it is for, and what it is about. It is written when it is sent. */
export interface WaitingLetter {
  readonly kind: LetterKind
  /** Id of the mirror that it is for. */
  readonly to: string
  /** What it is about: the id of a request, or of a mirror. */
  readonly about: string
  /** It is of no use after this, ms since 1970 UTC. */
  readonly until: number
}

const letterShelf: Shelf<WaitingLetter> = shelfOf(
  'letters',
  z.object({
    kind: z.enum(letterKinds),
    to: z.string().length(43),
    about: z.string().max(64),
    until: z.number().int(),
  }),
)

/** A letter as it is to be signed now. */
export interface WrittenLetter {
  readonly path: string
  readonly type: StatementType
  /** Author and time are added. */
  readonly content: object
}

/** Writes a letter; null when there is nothing to say any more. */
export type Writer = (letter: WaitingLetter) => WrittenLetter | null

/** Brings letters. */
export interface Mail extends Part {
  /** Names the writer of one kind of letters. */
  writes(kind: LetterKind, writer: Writer): void
  /** Takes a letter in, as a change to be committed with what it follows from; `send` begins to bring it. */
  put(letter: WaitingLetter): Change
  /** Brings what is due. */
  send(): void
  /** Letters that wait. */
  readonly waiting: () => number
}

/** The letters that the store remembers. @throws Failure of the store */
export function openLetters(store: MirrorStore | null): Promise<Rows<WaitingLetter>> {
  return openRows(store, letterShelf)
}

interface Attempts {
  readonly tries: number
  readonly dueAt: number
}

const noAttempts: Attempts = { tries: 0, dueAt: 0 }

/** Brings the letters in `rows`. */
export function createMail(core: TrialCore, rows: Rows<WaitingLetter>): Mail {
  const { clock, counts, save } = core
  const writers = new Map<LetterKind, Writer>()
  const attempts = new Map<string, Attempts>()
  const onTheWay = new Set<string>()
  let isOpen = false
  let armedFor = Infinity
  let cancel = (): void => {}

  const forget = async (key: string): Promise<void> => {
    attempts.delete(key)
    await save([rows.remove(key)])
  }
  const bring = async (key: string, letter: WaitingLetter): Promise<void> => {
    const to = core.peers.find(letter.to)
    const written = to === null ? null : (writers.get(letter.kind)?.(letter) ?? null)
    if (to === null || written === null) return forget(key)
    const outcome = outcomeOf(await deliver(core, to, written))
    counts.add(outcome === 'again' ? 'lettersFailed' : 'lettersBrought')
    if (outcome === 'done') return forget(key)
    const { tries } = attempts.get(key) ?? noAttempts
    const dueAt = clock.now() + core.parameters.panel.resendMs * 2 ** tries
    if (dueAt > letter.until) return forget(key)
    attempts.set(key, { tries: tries + 1, dueAt })
    arm(dueAt)
  }
  const arm = (at: number): void => {
    if (!isOpen || at >= armedFor) return
    cancel()
    armedFor = at
    cancel = clock.after(at - clock.now(), send)
  }
  const send = (): void => {
    cancel()
    armedFor = Infinity
    if (!isOpen) return
    const now = clock.now()
    for (const [key, letter] of rows.all()) {
      const dueAt = attempts.get(key)?.dueAt ?? 0
      if (onTheWay.has(key)) continue
      if (dueAt > now) {
        arm(dueAt)
        continue
      }
      onTheWay.add(key)
      const brought = bring(key, letter).finally(() => onTheWay.delete(key))
      inBackground(core, 'bringing a letter', brought)
    }
  }
  return {
    waiting: () => rows.size,
    writes: (kind, writer) => {
      writers.set(kind, writer)
    },
    put: (letter) => rows.put(`${letter.kind}/${letter.about}/${letter.to}`, letter),
    send,
    start: () => {
      isOpen = true
      send()
    },
    stop: () => {
      isOpen = false
      cancel()
    },
  }
}

function deliver(
  { identity, self, clock, correspondence }: TrialCore,
  to: PeerEntry,
  { path, type, content }: WrittenLetter,
): Promise<Asked<unknown>> {
  const { answerKey, answerKeyId: keyId, descriptor } = identity()
  const text = JSON.stringify({ v: 1, iss: self.id, iat: clock.now(), ...content })
  const body: Letter = { statement: signStatement(answerKey, { type, keyId }, text), descriptor }
  return correspondence.ask(to, {
    path,
    body,
    bytesMax: limits.requestBytesMax,
    schema: letterTakenSchema,
  })
}

/** Whether a letter has had its effect, or never will; else it is brought again. */
function outcomeOf(asked: Asked<unknown>): 'done' | 'again' {
  if (asked.kind === 'answered') return 'done'
  if (asked.kind !== 'problem') return 'again'
  // These pass; whoever refuses for another reason has read the letter, and will not take it later either.
  const passing = ['requests-busy', 'internal-error', 'subject-unknown', 'sender-unknown', null]
  return passing.includes(asked.code) ? 'again' : 'done'
}
