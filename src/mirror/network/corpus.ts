// Names that clients really ask for, kept so that nobody can be told by them, and nobody can plant them (R103, R135; protocol §7).

import { z } from 'zod'
import { base64url, fromBase64url, utf8 } from '../../base/bytes.ts'
import { limits } from '../../base/limits.ts'
import { isSameClaim, type Claim } from '../../membership/claim.ts'
import {
  drawReplays,
  isInCorpus,
  noteAsked,
  siftCorpus,
  type CorpusMoment,
  type CorpusName,
  type Replay,
  type Replayable,
  type ReplaySource,
} from '../../membership/corpus.ts'
import type { Origin } from '../../membership/independent.ts'
import { parseTarget, type Target } from '../../observation/target.ts'
import type { Random } from '../../runtime/runtime.ts'
import { shelfOf, type Shelf } from '../../store/shelves.ts'
import { put, remove, type MirrorStore } from '../../store/store.ts'
import { networkOf } from '../admission.ts'
import { createOrigins, type NameServers, type Origins } from './origins.ts'
import { repeat, type Core, type Part } from './part.ts'

/** A question that was answered. Of its asker no more than a keyed hash of the network is kept. */
export interface AnsweredQuestion {
  readonly target: Target
  /** Where the question came from. */
  readonly from: string
  /** What our own DNS says of the owner; null when it failed. */
  readonly claim: Claim | null
}

/** What a series of replays is to be. */
export interface DrawPlan {
  readonly count: number
  /** They are spread over this time; at least over `parameters.corpus.delayMaxMs`. */
  readonly withinMs: number
  /** Names that are to be among them. */
  readonly extra?: readonly Replayable[]
}

/** The names that tests ask for. */
export interface Corpus extends Part {
  /** Takes in a question that came without a detour. Those that a relay brings have no asker that could be counted. */
  note(asked: AnsweredQuestion): void
  /** The name, when tests may ask for it and dissents about it count; otherwise null. */
  find(target: string): Replayable | null
  /** Replays by time. Where there are few names, they come more than once; where there is none, none. */
  draw(plan: DrawPlan): readonly Replay[]
  /** Names that are noted, eligible or not. */
  readonly size: () => number
}

/** What a corpus is kept with. */
export interface CorpusOptions {
  readonly memory: CorpusMemory
  readonly store: MirrorStore | null
  readonly nameServers: NameServers
  /** Public names that everybody asks for, as targets: they fill up series of mirrors with few clients. */
  readonly filler: readonly string[]
}

const corpusShelf: Shelf<CorpusName> = shelfOf(
  'corpus',
  z.object({
    target: z.string().max(limits.targetCharsMax),
    domain: z.string().max(limits.nameOctetsMax),
    nsSet: z.string().max(64),
    askers: z
      .array(z.object({ asker: z.string().max(32), at: z.number().int() }))
      .max(limits.storedCorpusCharsMax),
    claim: z.array(z.string()).max(limits.dnsRecordsMax),
    since: z.number().int(),
  }),
)
const secretShelf = shelfOf('settings', z.string().length(43))
const secretKey = 'corpus-secret'

/** What is remembered of asked names. */
export interface CorpusMemory {
  readonly names: Map<string, CorpusName>
  /** Keys the hashes of askers; under another one they would be others, and one client could count as two. */
  readonly secret: Uint8Array
}

/** What the store remembers of asked names. @throws Failure of the store */
export async function openCorpus(random: Random, store: MirrorStore | null): Promise<CorpusMemory> {
  const kept = (await store?.get(secretShelf, secretKey)) ?? null
  const secret = kept ?? base64url(random.bytes(32))
  if (kept === null) await store?.commit([put(secretShelf, { key: secretKey, value: secret })])
  const names = new Map(store === null ? [] : await store.load(corpusShelf))
  return { names, secret: fromBase64url(secret) ?? utf8(secret) }
}

/** The corpus that `memory` holds. */
export function createCorpus(core: Core, options: CorpusOptions): Corpus {
  const { clock, random, parameters } = core
  const { names, secret } = options.memory
  const origins = createOrigins(core, {
    nameServers: options.nameServers,
    rememberMs: parameters.corpus.askedWithinMs,
  })
  const filler = createFiller(core, origins, options.filler)
  const askers = createAskers(core, secret)
  const keeper = createCorpusKeeper(options)
  const moment = () => ({ random, now: clock.now(), parameters })
  const take = (target: string, after: CorpusName): void => {
    if (JSON.stringify(after).length > limits.storedCorpusCharsMax) return
    names.set(target, after)
    keeper.changed(target)
    if (names.size <= parameters.corpus.namesMax) return
    const staying = new Set(siftCorpus([...names.values()], moment()))
    for (const [key, name] of names) {
      if (staying.has(name)) continue
      names.delete(key)
      keeper.changed(key)
    }
  }
  const rhythm = repeat(core, 'saving of asked names', {
    everyMs: parameters.peers.saveMs,
    run: async () => {
      askers.refresh()
      await keeper.save()
    },
  })
  return {
    size: () => names.size,
    note: ({ target, from, claim }) => {
      const now = clock.now()
      if (claim === null || target.isAddress || !/^[\x21-\x7e]+$/.test(target.text)) return
      const known = names.get(target.text)
      if (known !== undefined && hasNoNeed(known, claim, core)) return
      const asker = askers.of(from)
      if (asker === null) return
      const asked = { target: target.text, asker, claim, at: now }
      const origin = known ?? origins.known(target.host)
      if (origin !== null)
        take(target.text, noteAsked(known, { ...asked, ...originOf(origin) }, parameters))
      else
        void origins.of(target.host)?.then((found) => {
          take(target.text, noteAsked(names.get(target.text), { ...asked, ...found }, parameters))
        })
    },
    find: (target) => {
      const name = names.get(target)
      return name !== undefined && isInCorpus(name, clock.now(), parameters)
        ? name
        : filler.find(target)
    },
    draw: (plan) =>
      drawEnough(plan, { names: [...names.values()], filler: filler.all() }, moment()),
    start: () => {
      rhythm.start()
      filler.start()
      askers.refresh()
    },
    stop: () => {
      rhythm.stop()
      filler.stop()
    },
    close: keeper.save,
  }
}

/** The names of `extra`, and then as many of the others as are needed, again and again. */
function drawEnough(
  { count, withinMs, extra = [] }: DrawPlan,
  source: Pick<ReplaySource, 'names' | 'filler'>,
  moment: CorpusMoment,
): readonly Replay[] {
  const replays = [...drawReplays({ names: [], filler: extra, count, withinMs }, moment)]
  while (replays.length < count) {
    const left = count - replays.length
    const more = drawReplays({ ...source, count: left, withinMs }, moment)
    if (more.length === 0) break
    replays.push(...more)
  }
  return replays.toSorted((a, b) => a.at - b.at)
}

function originOf({ domain, nsSet }: Origin): Origin {
  return { domain, nsSet }
}

/** Whether one more question would change nothing that counts: what is asked for all the time costs nothing. */
function hasNoNeed(known: CorpusName, claim: Claim, { clock, parameters }: Core): boolean {
  const { askersMin, askedWithinMs } = parameters.corpus
  const [oldest] = known.askers
  return (
    known.askers.length >= askersMin &&
    oldest !== undefined &&
    clock.now() - oldest.at < askedWithinMs / 4 &&
    (known.claim === claim || isSameClaim(known.claim, claim))
  )
}

/** Askers that are remembered by their hash; when there are more, all are forgotten. */
const askersRemembered = 10_000

/** Names askers: by a keyed hash of their network. Mirrors have no name, since their questions are tests. */
function createAskers({ crypto, peers }: Core, secret: Uint8Array) {
  const hashes = new Map<string, string>()
  let mirrors: ReadonlySet<string> = new Set()
  return {
    refresh: (): void => {
      mirrors = new Set([...peers.met()].flatMap((id) => peers.find(id)?.ip ?? []))
    },
    of: (address: string): string | null => {
      if (mirrors.has(address)) return null
      const network = networkOf(address)
      const known = hashes.get(network)
      if (known !== undefined) return known
      if (hashes.size >= askersRemembered) hashes.clear()
      const hash = base64url(crypto.hmac('sha256', secret, utf8(network)).subarray(0, 12))
      hashes.set(network, hash)
      return hash
    },
  }
}

/** The filler names, as soon as it is known who is behind each. */
function createFiller(core: Core, origins: Origins, targets: readonly string[]) {
  const found = new Map<string, Replayable>()
  const waiting = targets.map((text) => parseTarget(text))
  const lookUp = async (): Promise<void> => {
    const open = waiting.filter(({ text }) => !found.has(text))
    for (const target of open) {
      const origin = await origins.of(target.host)
      if (origin !== null) found.set(target.text, { target: target.text, ...origin })
    }
  }
  let all: readonly Replayable[] = []
  const rhythm = repeat(core, 'looking up of filler names', {
    everyMs: core.parameters.peers.saveMs,
    run: async () => {
      if (found.size === waiting.length) return
      await lookUp()
      all = [...found.values()]
    },
  })
  return {
    all: () => all,
    find: (target: string): Replayable | null => found.get(target) ?? null,
    start: rhythm.start,
    stop: rhythm.stop,
  }
}

/** Brings what changed to the store, many names at a time. */
function createCorpusKeeper({ store, memory: { names } }: CorpusOptions) {
  const dirty = new Set<string>()
  const save = async (): Promise<void> => {
    while (dirty.size > 0) {
      const keys = [...dirty].slice(0, limits.storeChangesMax)
      for (const key of keys) dirty.delete(key)
      const changes = keys.map((key) => {
        const value = names.get(key)
        return value === undefined ? remove(corpusShelf, key) : put(corpusShelf, { key, value })
      })
      try {
        await store?.commit(changes)
      } catch (error) {
        for (const key of keys) dirty.add(key)
        throw error
      }
    }
  }
  return {
    changed: (key: string): void => {
      if (store !== null) dirty.add(key)
    },
    save,
  }
}
