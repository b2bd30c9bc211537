// The zones of the small Internet in memory, and what an authoritative server says from them (RFC 1034 §4.3.2, RFC 2308).

import type { Answer } from 'dns-packet'

/** The record types that the small Internet uses. */
export type ZoneRecordType = 'A' | 'AAAA' | 'CNAME' | 'TLSA' | 'TXT'

/**
 * What a name says of one type: addresses, one name (CNAME), associations as
 * `usage selector matching-type hex` (TLSA), or text; no data says that there is none. `ttl` in seconds.
 */
export interface RecordSet {
  readonly ttl: number
  readonly data: readonly string[]
  /** Answer so only to resolvers of this region; without it, to everybody who has no answer of their own. */
  readonly region?: string
}

/** One question, with the name in the letters that the asker wrote (0x20). */
export interface ZoneQuestion {
  readonly name: string
  readonly type: string
}

/** What the server says: the sections of a DNS message without its header. */
export interface ZoneAnswer {
  readonly status: 'NOERROR' | 'NXDOMAIN' | 'REFUSED'
  readonly answers: readonly Answer[]
  readonly authorities: readonly Answer[]
}

/** Names and their records, changeable while servers answer from them. */
export interface Zones {
  /** Answers for `apex` and everything below it from now on. */
  open(apex: string): void
  /** Adds or replaces the records of one type (and region) at a name of an open zone. */
  put(name: string, type: ZoneRecordType, set: RecordSet): void
  /** Removes the records of one type at a name, for every region. */
  remove(name: string, type: ZoneRecordType): void
  /** True when something was put for that type at the name, though it be that there is none. */
  has(name: string, type: string): boolean
  /** The answer for a resolver of `region` (null: of no known region). */
  answer(question: ZoneQuestion, region: string | null): ZoneAnswer
}

type HeldSet = RecordSet & { readonly type: ZoneRecordType }

/** How long a resolver may remember that there is nothing, in seconds: short, because the acts change records. */
const negativeTtl = 1

/** Aliases followed within one answer; beyond it, the answer ends where it is and the asker may go on. */
const aliasStepsMax = 16

/** An empty set of zones. */
export function createZones(): Zones {
  const apexes = new Set<string>()
  /** Per lower-case name. */
  const names = new Map<string, readonly HeldSet[]>()

  const apexOf = (name: string): string | null =>
    ancestry(name).find((ancestor) => apexes.has(ancestor)) ?? null
  const exists = (name: string): boolean =>
    apexes.has(name) || [...names.keys()].some((held) => `.${held}`.endsWith(`.${name}`))
  const find = (name: string, type: string, region: string | null): RecordSet | null => {
    const sets = names.get(name)?.filter((set) => set.type === type) ?? []
    const own = sets.find((set) => region !== null && set.region === region)
    return own ?? sets.find((set) => set.region === undefined) ?? null
  }
  const keep = (name: string, wanted: (set: HeldSet) => boolean): void => {
    const kept = names.get(name)?.filter(wanted) ?? []
    if (kept.length > 0) names.set(name, kept)
    else names.delete(name)
  }

  return {
    open: (apex) => void apexes.add(apex.toLowerCase()),
    put: (name, type, set) => {
      const key = name.toLowerCase()
      if (apexOf(key) === null) throw new Error(`no open zone holds ${name}`)
      keep(key, (held) => held.type !== type || held.region !== set.region)
      names.set(key, [...(names.get(key) ?? []), { ...set, type }])
    },
    remove: (name, type) => keep(name.toLowerCase(), (held) => held.type !== type),
    has: (name, type) => names.get(name.toLowerCase())?.some((set) => set.type === type) ?? false,
    answer: (question, region) => {
      const answers: Answer[] = []
      let owner = question.name
      for (let step = 0; step <= aliasStepsMax; step++) {
        const key = owner.toLowerCase()
        const apex = apexOf(key)
        if (apex === null)
          return { status: step === 0 ? 'REFUSED' : 'NOERROR', answers, authorities: [] }
        const found = find(key, question.type, region)
        if (found !== null && found.data.length > 0) {
          answers.push(
            ...found.data.map((data) => toAnswer(owner, question.type, { ...found, data })),
          )
          return { status: 'NOERROR', answers, authorities: [] }
        }
        const alias = find(key, 'CNAME', region)
        const target = alias?.data[0]
        if (found !== null || alias === null || target === undefined) {
          const status = exists(key) ? 'NOERROR' : 'NXDOMAIN'
          return { status, answers, authorities: [startOfAuthority(apex)] }
        }
        answers.push(toAnswer(owner, 'CNAME', { ttl: alias.ttl, data: target }))
        owner = target
      }
      return { status: 'NOERROR', answers, authorities: [] }
    },
  }
}

/** `name` and every name above it, nearest first. */
function ancestry(name: string): readonly string[] {
  const labels = name.split('.')
  return labels.map((_, i) => labels.slice(i).join('.'))
}

function startOfAuthority(apex: string): Answer {
  return {
    type: 'SOA',
    name: apex,
    ttl: negativeTtl,
    data: {
      mname: `ns.${apex}`,
      rname: `hostmaster.${apex}`,
      serial: 1,
      refresh: 3600,
      retry: 600,
      expire: 86_400,
      minimum: negativeTtl,
    },
  }
}

function toAnswer(name: string, type: string, record: { ttl: number; data: string }): Answer {
  const { ttl, data } = record
  switch (type) {
    case 'TLSA': {
      const [usage = '', selector = '', matchingType = '', hex = ''] = data.split(' ')
      return {
        type,
        name,
        ttl,
        data: {
          usage: Number(usage),
          selector: Number(selector),
          matchingType: Number(matchingType),
          certificate: Buffer.from(hex, 'hex'),
        },
      }
    }
    case 'TXT':
      return { type, name, ttl, data: [data] }
    case 'A':
    case 'AAAA':
    case 'CNAME':
      return { type, name, ttl, data }
    default:
      throw new Error(`the zones hold no ${type} records`)
  }
}
