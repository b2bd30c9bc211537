// Reads a report: who agreed with the others, who dissented, and which dissents count (R77, R78, R111, R113; protocol §7).

import { agree, isSameClaim, sharedClaim, type Claim } from './claim.ts'
import type { Origin } from './independent.ts'
import type { Parameters } from './parameters.ts'

/** One answer of a report, after its signature has been verified. */
export interface ReportedAnswer {
  /** Id of the mirror that signed it. */
  readonly by: string
  /** When its DNS data was obtained, ms since 1970 UTC. */
  readonly at: number
  /** Null when it was no answer: busy, refused, or DNS failed there. */
  readonly claim: Claim | null
  /** Addresses of the target, for the literal profile. */
  readonly addresses: readonly string[]
}

/** How one mirror compares with the others of the report. */
export interface Comparison {
  readonly subject: string
  readonly outcome: 'agreement' | 'dissent'
  readonly claim: Claim
  /** What the others share. */
  readonly shared: Claim
}

/**
 * `default`: dissent is a claim that has nothing in common with what the others share, so that roll-over and content
 * networks are none. `literal`: the seed word by word, any difference, in addresses too (R77).
 */
export type DissentProfile = 'default' | 'literal'

/**
 * Compares each answer with what at least two others, and two thirds of all, share. Who gave no answer, and who has
 * no such others, is not compared: neither outcome. The second answer of one mirror is left out.
 */
export function compareAnswers(
  answers: readonly ReportedAnswer[],
  profile: DissentProfile,
  parameters: Parameters,
): readonly Comparison[] {
  const distinct = [...new Map(answers.toReversed().map((one) => [one.by, one])).values()].reverse()
  const { othersMin, othersShareMin } = parameters.dissent
  const needed = Math.max(othersMin, Math.ceil(othersShareMin * distinct.length))
  const compare = profile === 'literal' ? compareLiterally : compareByClaim
  return distinct.flatMap((answer) => {
    if (answer.claim === null) return []
    const others = distinct.filter((other) => other !== answer)
    const found = compare({ ...answer, claim: answer.claim }, others, { needed, parameters })
    return found === null ? [] : [found]
  })
}

type Claiming = ReportedAnswer & { readonly claim: Claim }

interface Rules {
  /** Others that must share a claim. */
  readonly needed: number
  readonly parameters: Parameters
}

function compareByClaim(
  { by, at, claim }: Claiming,
  others: readonly ReportedAnswer[],
  { needed, parameters }: Rules,
): Comparison | null {
  const { apartMs } = parameters.dissent
  const claims = others.flatMap((other) =>
    other.claim === null || Math.abs(other.at - at) > apartMs ? [] : [other.claim],
  )
  const shared = sharedClaim(claims, needed)
  if (shared === null) return null
  return { subject: by, outcome: agree(claim, shared) ? 'agreement' : 'dissent', claim, shared }
}

function compareLiterally(
  answer: Claiming,
  others: readonly ReportedAnswer[],
  { needed }: Rules,
): Comparison | null {
  const claiming = others.flatMap((one) =>
    one.claim === null ? [] : [{ ...one, claim: one.claim }],
  )
  const shared = claiming.find(
    (one) => claiming.filter((other) => isSameAnswer(one, other)).length >= needed,
  )
  if (shared === undefined) return null
  const outcome = isSameAnswer(answer, shared) ? 'agreement' : 'dissent'
  return { subject: answer.by, outcome, claim: answer.claim, shared: shared.claim }
}

function isSameAnswer(one: Claiming, other: Claiming): boolean {
  return isSameClaim(one.claim, other.claim) && isSameClaim(one.addresses, other.addresses)
}

/** What a second look says about a dissent. */
export type Recheck =
  /** The others' claim still holds, and the subject's does not. */
  | 'stands'
  /** The subject's claim is what DNS now says: it had the new record before the others (R78). */
  | 'propagation'
  /** Our own look failed, or DNS now says a third thing. */
  | 'unclear'

/** When to look again at what was compared at `at`. */
export function recheckAt(at: number, parameters: Parameters): number {
  return at + parameters.dissent.recheckMs
}

/** Judges a dissent by our own fresh look after `recheckAt`; only one that stands is noted. */
export function recheck(
  { claim, shared }: Pick<Comparison, 'claim' | 'shared'>,
  fresh: Claim | null,
): Recheck {
  if (fresh === null) return 'unclear'
  if (agree(claim, fresh)) return 'propagation'
  return agree(shared, fresh) ? 'stands' : 'unclear'
}

/** A comparison to be admitted, with who could have brought it about. */
export interface Comparing extends Origin {
  readonly subject: string
  readonly outcome: 'agreement' | 'dissent'
  /** When the report came, ms since 1970 UTC. */
  readonly at: number
  /** Whether the name is one of our replay corpus: many asked for it, and it has been stable. */
  readonly inCorpus: boolean
}

/** What is remembered of a comparison. Plain data. */
export interface Remembered extends Origin {
  readonly subject: string
  readonly outcome: 'agreement' | 'dissent'
  readonly at: number
  /** Whether it is in the reputation, and so can be withdrawn. */
  readonly counted: boolean
}

/** What a new comparison meets; kept by the caller, one list for each subject and one for each domain. */
export interface Past {
  /** Those of this subject that counted. */
  readonly ofSubject: readonly Remembered[]
  /** Dissents on this domain, the last of each subject. */
  readonly onDomain: readonly Remembered[]
}

/** What becomes of a comparison. */
export interface Admission {
  readonly verdict:
    /** It goes into the reputation: `noteComparison`. */
    | 'counts'
    /** The subject has had one such of this domain, or of these name servers, lately. */
    | 'repeated'
    /** The domain makes too many mirrors dissent: it is its owner who says different things (split view). */
    | 'unstable'
    /** Few ask for the name, or it changes: logged, and no more. */
    | 'outside-corpus'
  /** Earlier dissents on the domain that counted, and must not any more: `withdrawDissent` with their `at`. */
  readonly withdrawn: readonly Remembered[]
  /** The past to be kept, bounded and without what is too old. */
  readonly past: Past
}

/**
 * Decides whether a comparison counts. Signatures do not help against the owner of a domain who answers one mirror
 * differently and then reports it: what helps is that he has one shot at each mirror, and few mirrors altogether.
 * Agreements are held to the same rule, or reports about one's own name would wash dissents away.
 */
export function admitComparison(
  comparing: Comparing,
  past: Past,
  parameters: Parameters,
): Admission {
  const { inCorpus, ...rest } = comparing
  const recent = recentOf(past, comparing.at, parameters)
  const isDissent = comparing.outcome === 'dissent'
  const dissents = isDissent ? [...recent.onDomain, { ...rest, counted: false }] : recent.onDomain
  const verdict =
    isDissent && isUnstable(dissents, parameters)
      ? 'unstable'
      : !inCorpus
        ? 'outside-corpus'
        : recent.ofSubject.some((one) => isRepeated(one, comparing))
          ? 'repeated'
          : 'counts'
  const remembered = { ...rest, counted: verdict === 'counts' }
  const withdrawn = verdict === 'unstable' ? recent.onDomain.filter((one) => one.counted) : []
  return {
    verdict,
    withdrawn,
    past: {
      ofSubject: verdict === 'counts' ? [...recent.ofSubject, remembered] : recent.ofSubject,
      onDomain: isDissent
        ? withLatest(
            withdrawn.length > 0 ? recent.onDomain.map(withdraw) : recent.onDomain,
            remembered,
          )
        : recent.onDomain,
    },
  }
}

/** Without what is too old, and without the oldest of what is too much: a flood of one outcome does not hide the other. */
function recentOf(past: Past, now: number, parameters: Parameters): Past {
  const { oncePerMs, rememberedMax } = parameters.dissent
  const isRecent = (one: Remembered): boolean => now - one.at < oncePerMs
  const ofSubject = past.ofSubject.filter(isRecent)
  const latest = (outcome: Remembered['outcome']): readonly Remembered[] =>
    ofSubject.filter((one) => one.outcome === outcome).slice(1 - rememberedMax)
  return {
    ofSubject: [...latest('agreement'), ...latest('dissent')],
    onDomain: past.onDomain.filter(isRecent).slice(1 - rememberedMax),
  }
}

function isRepeated(one: Remembered, { outcome, domain, nsSet }: Comparing): boolean {
  return one.outcome === outcome && (one.domain === domain || one.nsSet === nsSet)
}

/** True when too many mirrors dissent on the domain of these dissents within some such time. */
function isUnstable(dissents: readonly Remembered[], parameters: Parameters): boolean {
  const { unstableMirrors, unstableWithinMs } = parameters.dissent
  return dissents.some(({ at: end }) => {
    const within = dissents.filter((one) => one.at <= end && end - one.at < unstableWithinMs)
    return new Set(within.map((one) => one.subject)).size >= unstableMirrors
  })
}

/**
 * `dissents` with `latest` in place of an earlier one of the same subject, unless that one counted and this one does
 * not: it may have to be withdrawn.
 */
function withLatest(dissents: readonly Remembered[], latest: Remembered): readonly Remembered[] {
  const earlier = dissents.find((one) => one.subject === latest.subject)
  if (earlier?.counted === true && !latest.counted) return dissents
  return [...dissents.filter((one) => one !== earlier), latest]
}

function withdraw(one: Remembered): Remembered {
  return { ...one, counted: false }
}
