// The mirrors that this one knows, as others may ask for them (R132): whole, by region or state, by bucket, or as a
// digest of all buckets (protocol §3, §4).

import { base64url } from '../base/bytes.ts'
import { limits } from '../base/limits.ts'
import { bucketsOf, listDigest } from '../membership/list-digest.ts'
import { signStatement, type StatementType } from '../observation/jws.ts'
import {
  listedOf,
  listedStates,
  type BootstrapSeen,
  type KnownMirror,
  type ListDigest,
  type MirrorList,
} from '../protocol/lists.ts'
import type { HttpReply, Runtime } from '../runtime/runtime.ts'
import { isRegionCode, registryOf } from '../verdict/regions.ts'
import type { MirrorIdentity } from './identity.ts'
import { json, problem } from './replies.ts'

/** Answers what is asked about other mirrors. */
export interface Lists {
  digest(): HttpReply
  /** `query` may name `region` and `status`. */
  list(query: string): HttpReply
  /** `bucket` is what follows `/v1/list/bucket/`. */
  bucket(bucket: string): HttpReply
  bootstrapSeen(): HttpReply
}

/** What the lists are made of; all are called anew when a list is drawn up. */
export interface ListsOptions {
  readonly identity: () => MirrorIdentity
  /** All mirrors that this one knows. */
  readonly known: () => readonly KnownMirror[]
  /** What `listDigest` makes of them, where somebody keeps it; computed unless given. */
  readonly digest?: (() => Uint8Array) | undefined
  /** The bootstrap files that it has seen. */
  readonly bootstraps: () => BootstrapSeen['files']
}

/** The list at one time, and the statements about it that have been asked for. */
interface Snapshot {
  readonly identity: MirrorIdentity
  readonly drawnUp: number
  readonly known: readonly KnownMirror[]
  /** The whole as it was given, of which `known` was made. */
  readonly given: readonly KnownMirror[]
  readonly digest: Uint8Array | null
  readonly statements: Map<string, string>
}

/** What a list may be narrowed down to. */
type Part = Pick<MirrorList, 'bucket' | 'region' | 'status'>

/** Lists that are drawn up at most every `limits.listRefreshMs`, so that a digest and its buckets belong together. */
export function createLists(
  needs: Pick<Runtime, 'clock' | 'crypto'>,
  options: ListsOptions,
): Lists {
  let latest: Snapshot | null = null
  const current = (): Snapshot => {
    const now = needs.clock.now()
    const identity = options.identity()
    // A wall clock may be set back: a list of the future is drawn up anew.
    const age = now - (latest?.drawnUp ?? 0)
    if (latest?.identity === identity && age >= 0 && age < limits.listRefreshMs) return latest
    const given = options.known()
    // In a large network hardly a list differs from the one before.
    const known =
      latest?.given === given ? latest.known : given.slice(0, limits.listEntriesMax).map(toListable)
    const digest = given.length > limits.listEntriesMax ? null : (options.digest?.() ?? null)
    latest = { identity, drawnUp: now, known, given, digest, statements: new Map() }
    return latest
  }
  const list = (part: Part): HttpReply => {
    const now = current()
    const statement = stated(now, ['list', part.bucket, part.region, part.status].join(' '), () =>
      sign(now, 'smn-list+jws', listOf(now, part)),
    )
    return json(200, JSON.stringify({ list: statement }), cacheControl)
  }
  return {
    digest: () => {
      const now = current()
      const digest = stated(now, 'digest', () =>
        sign(now, 'smn-list-digest+jws', digestOf(needs, now)),
      )
      const { descriptor } = now.identity
      return json(200, JSON.stringify({ digest, descriptor }), cacheControl)
    },
    list: (query) => {
      const part = readQuery(query)
      return typeof part === 'string' ? problem('question-malformed', part) : list(part)
    },
    bucket: (bucket) =>
      /^[0-9a-f]{2}$/.test(bucket)
        ? list({ bucket, region: null, status: null })
        : problem('not-found', 'a bucket is named by two hexadecimal digits, such as 7f'),
    bootstrapSeen: () => {
      const now = current()
      const seen = stated(now, 'seen', () => {
        const files = options.bootstraps().slice(0, limits.bootstrapsSeenMax)
        return sign(now, 'smn-bootstrap-seen+jws', { ...headOf(now), files } as BootstrapSeen)
      })
      return json(200, JSON.stringify({ seen }), cacheControl)
    },
  }
}

/** As long as the list stands, all get the same. */
const cacheControl = `max-age=${limits.listRefreshMs / 1000}`

/** The statement called `name`, made when it is first asked for. */
function stated(snapshot: Snapshot, name: string, make: () => string): string {
  const known = snapshot.statements.get(name)
  if (known !== undefined) return known
  const made = make()
  if (snapshot.statements.size < statementsMax) snapshot.statements.set(name, made)
  return made
}

/** Statements kept with one snapshot: all buckets, and the regions of the world in two states. */
const statementsMax = 1_024

function sign(
  { identity }: Snapshot,
  type: StatementType,
  content: MirrorList | ListDigest | BootstrapSeen,
): string {
  const head = { type, keyId: identity.answerKeyId }
  return signStatement(identity.answerKey, head, JSON.stringify(content))
}

function headOf({ identity, drawnUp }: Snapshot) {
  return { v: 1, iss: identity.id, iat: drawnUp } as const
}

/** Known mirrors by bucket: to look through ten thousand of them for each of 256 buckets would take seconds. */
const buckets = new WeakMap<readonly KnownMirror[], readonly (readonly KnownMirror[])[]>()

function bucketIn(known: readonly KnownMirror[], bucket: string): readonly KnownMirror[] {
  const all = buckets.get(known) ?? bucketsOf(known)
  buckets.set(known, all)
  return all[Number.parseInt(bucket, 16)] ?? []
}

function listOf(snapshot: Snapshot, part: Part): MirrorList {
  const { known } = snapshot
  const mirrors = (part.bucket === null ? known : bucketIn(known, part.bucket)).filter(
    (one) =>
      (part.region === null || isWithin(one.region, part.region)) &&
      (part.status === null || one.status === part.status),
  )
  return { ...headOf(snapshot), ...part, mirrors }
}

function digestOf(needs: Pick<Runtime, 'crypto'>, snapshot: Snapshot): ListDigest {
  const { known } = snapshot
  const whole = snapshot.digest ?? listDigest(needs.crypto, known.map(listedOf))
  return { ...headOf(snapshot), count: known.length, digest: base64url(whole) }
}

/** A region holds itself, and a registry all of its regions. */
function isWithin(region: string | null, wanted: string): boolean {
  return region === wanted || (!wanted.includes('-') && registryOf(region) === wanted)
}

/** Without what a list may not say, so that the digest is that of the list as it is read. */
function toListable(known: KnownMirror): KnownMirror {
  return { ...known, region: listedOf(known).region }
}

/** What the query of `/v1/list` asks for, or what is wrong with it. */
function readQuery(query: string): Part | string {
  const given = new URLSearchParams(query)
  const region = given.get('region')
  const status = given.get('status')
  if (region !== null && !isRegionCode(region))
    return 'region is a registry such as RIPE, or a registry and a country such as RIPE-DE'
  const state = listedStates.find((one) => one === status)
  if (status !== null && state === undefined) return `status is one of ${listedStates.join(', ')}`
  return { bucket: null, region, status: state ?? null }
}
