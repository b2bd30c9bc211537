// Puts together what tests other mirrors, hears what clients report, and holds votes (protocol §7, §8).

import type { DissentProfile } from '../../membership/dissent.ts'
import type { Notice } from '../../protocol/removal.ts'
import type { Network, Random } from '../../runtime/runtime.ts'
import type { MirrorStore } from '../../store/store.ts'
import type { MirrorIdentity } from '../identity.ts'
import { createBlindAsking } from './blind.ts'
import { createCorpus, openCorpus, type AnsweredQuestion, type CorpusMemory } from './corpus.ts'
import { createDissents, openDissents, type DissentBooks } from './dissents.ts'
import { createLetters } from './letters.ts'
import { createMail, openLetters, type WaitingLetter } from './mail.ts'
import { createNotices, openNotices, type Received } from './notices.ts'
import type { NameServers } from './origins.ts'
import { createPanel, openSummons, type Summons } from './panel.ts'
import type { Core, Part } from './part.ts'
import { createQuizmaster } from './quizmaster.ts'
import { createRemoval, openRemoval, type RemovalBooks } from './removal.ts'
import { createReports } from './reports.ts'
import { createResults, openResults, type TestResult } from './results.ts'
import { saveTo, type Rows } from './rows.ts'
import type { TrialCore } from './trial.ts'
import type { WebhookUrl } from './webhook.ts'

/** Everything that tests and votes must not forget. */
export interface TrialMemory {
  readonly store: MirrorStore | null
  readonly corpus: CorpusMemory
  readonly letters: Rows<WaitingLetter>
  readonly results: Rows<TestResult>
  readonly dissents: DissentBooks
  readonly removal: RemovalBooks
  readonly summons: Rows<Summons>
  readonly notices: Rows<Received>
}

/** What the store remembers; null keeps nothing beyond the process. @throws Failure of the store */
export async function openTrialMemory(
  random: Random,
  store: MirrorStore | null,
): Promise<TrialMemory> {
  return {
    store,
    corpus: await openCorpus(random, store),
    letters: await openLetters(store),
    results: await openResults(store),
    dissents: await openDissents(store),
    removal: await openRemoval(store),
    summons: await openSummons(store),
    notices: await openNotices(store),
  }
}

/** What must be given so that a mirror tests, is reported to, and votes. */
export interface TrialOptions {
  readonly memory: TrialMemory
  /** Our own registry region, if it is known. */
  readonly region: string | null
  /** What we sign with now. */
  readonly identity: () => MirrorIdentity
  readonly nameServers: NameServers
  /** Public names that everybody asks for, as targets: for mirrors with few clients. None unless given. */
  readonly filler?: readonly string[]
  /** `default` unless given. */
  readonly profile?: DissentProfile
  /** Where our own operator wants to be told of our standing. */
  readonly webhook?: WebhookUrl | null
}

/** An answer that a client was given. */
export interface GivenAnswer extends AnsweredQuestion {
  readonly nonce: string
  /** Whether a relay brought the question: then nobody knows who asked. */
  readonly isRelayed: boolean
}

/** The behaviours that test and judge. */
export interface Trials {
  readonly parts: readonly Part[]
  /** Notes an answer that was given: it may be reported, and its name asked for in tests. */
  readonly answered: (answer: GivenAnswer) => void
  /** What others have told us of our standing. */
  readonly notices: () => readonly Notice[]
}

/** The behaviours over `core`; `wake` has newly heard mirrors looked at. */
export function createTrials(
  core: Core & { readonly network: Network },
  { memory, webhook = null, filler = [], profile = 'default', ...options }: TrialOptions,
  wake: () => void,
): Trials {
  const { store } = memory
  const trial: TrialCore = { ...core, ...options, profile, store, save: saveTo(store) }
  const corpus = createCorpus(trial, {
    store,
    memory: memory.corpus,
    filler,
    nameServers: options.nameServers,
  })
  const results = createResults(trial, memory.results)
  const letters = createLetters(trial)
  const mail = createMail(trial, memory.letters)
  const blind = createBlindAsking(trial, core)
  const quizmaster = createQuizmaster(trial, { corpus, blind, results })
  const dissents = createDissents(trial, corpus, memory.dissents)
  const reports = createReports(trial, { dissents, wake })
  const shared = { letters, mail, results, quizmaster }
  const removal = createRemoval(trial, { ...shared, dissents }, memory.removal)
  const panel = createPanel(trial, { ...shared, corpus }, memory.summons)
  const notices = createNotices(trial, { letters, mail, webhook }, memory.notices)
  return {
    parts: [corpus, quizmaster, dissents, reports, removal, panel, notices, mail],
    answered: (answer) => {
      reports.given(answer.nonce)
      if (!answer.isRelayed) corpus.note(answer)
    },
    notices: notices.received,
  }
}
