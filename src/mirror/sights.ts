// What this mirror has seen lately: one question in flight per target, kept no longer than its TTL or a minute (protocol §5).

import { invariant } from '../base/invariant.ts'
import { limits } from '../base/limits.ts'
import type { Handshake, Resolution, Sight } from '../observation/observation.ts'
import type { Target } from '../observation/target.ts'
import { deadline } from '../runtime/deadline.ts'
import type { Clock } from '../runtime/runtime.ts'
import type { Probe } from '../vantage/probe.ts'

/** Notes what was seen of a target in the mirror's log; the salt of its leaf (`leafOf`). */
export type Recorder = (target: string, sight: Omit<Sight, 'target'>) => string

/** A sight with its time, shared by everybody who asks while it is valid. */
export interface Seen {
  readonly sight: Omit<Sight, 'target'>
  /** Opens the leaf of this sight; null where no log is kept. */
  readonly salt: string | null
  /** Until when it may be given out, ms since 1970 UTC. */
  readonly exp: number
}

/** How a sight is wanted. */
export interface Want {
  readonly target: Target
  readonly handshakes: boolean
  readonly fresh: boolean
}

/** The cache of sights, and of handshakes with addresses that askers named. */
export interface Sights {
  /** What is known and still valid, without any work; null when work is needed. */
  peek(want: Want): Seen | null
  /** Looks, joining a look that is under way. */
  look(want: Want): Promise<Seen>
  /** Handshakes with `addresses`, each at most once within `limits.observationValidMs`, or afresh. */
  shake(target: Target, addresses: readonly string[], fresh: boolean): Promise<readonly Handshake[]>
  readonly size: number
}

/** `fresh` questions within this time of a look share it (protocol §5). */
const freshSharedMs = limits.dnsCacheTtlMinS * 1000

/** Sights by `probe`, bounded to `limits.cacheEntriesMax` of each kind. */
export function createSights(needs: {
  readonly clock: Clock
  readonly probe: Probe
  readonly record: Recorder | null
}): Sights {
  const { clock, probe } = needs
  const seen = createCache<Seen>(clock)
  const shaken = createCache<Handshake>(clock)

  // Nobody's patience but our own bounds a look: others may have joined it.
  const bounded = async <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const { signal, done } = deadline(clock, limits.lookTimeoutMs)
    return work(signal).finally(done)
  }
  const lookNow = async ({ target, handshakes }: Want): Promise<Seen> => {
    const look = await bounded((signal) => probe.look({ target, handshakes }, signal))
    const { target: _target, ...sight } = look.sight
    const salt = needs.record?.(target.text, sight) ?? null
    return { sight, salt, exp: sight.at + validMs(sight.dns) }
  }
  const shakeNow = async (target: Target, address: string): Promise<Handshake> => {
    const made = await bounded((signal) =>
      probe.shake(target, [{ address, origin: 'asked' }], signal),
    )
    const [only] = made.handshakes
    invariant(only !== undefined, 'each address that was asked for has a handshake reported')
    return only
  }
  return {
    peek: (want) => seen.get(keyOf(want), want.fresh ? freshSharedMs : null),
    look: (want) =>
      seen.getOrMake(keyOf(want), {
        maxAgeMs: want.fresh ? freshSharedMs : null,
        make: async () => {
          const value = await lookNow(want)
          return { value, exp: value.exp }
        },
      }),
    shake: (target, addresses, fresh) =>
      Promise.all(
        addresses.map((address) =>
          shaken.getOrMake(`${target.text} ${address}`, {
            maxAgeMs: fresh ? freshSharedMs : null,
            make: async () => ({
              value: await shakeNow(target, address),
              exp: clock.now() + limits.observationValidMs,
            }),
          }),
        ),
      ),
    get size() {
      return seen.size
    },
  }
}

function keyOf(want: Want): string {
  return want.handshakes ? want.target.text : `${want.target.text} dns`
}

/** The TTL caps of protocol §5: at most a minute, at least five seconds, absence at most half a minute. */
function validMs(dns: Resolution): number {
  const ttls = [dns.a, dns.aaaa, dns.authority].map(({ status, ttl }) => {
    if (status === 'ok') return ttl ?? limits.dnsCacheTtlMinS
    const isAbsence = status === 'nodata' || status === 'nxdomain'
    return isAbsence ? Math.min(ttl ?? limits.dnsCacheNegativeS, limits.dnsCacheNegativeS) : 0
  })
  const seconds = Math.max(limits.dnsCacheTtlMinS, Math.min(limits.dnsCacheTtlMaxS, ...ttls))
  return seconds * 1000
}

interface Entry<T> {
  readonly value: T
  readonly exp: number
  readonly madeAt: number
}

interface Cache<T> {
  get(key: string, maxAgeMs: number | null): T | null
  getOrMake(
    key: string,
    options: {
      readonly maxAgeMs: number | null
      readonly make: () => Promise<{ readonly value: T; readonly exp: number }>
    },
  ): Promise<T>
  readonly size: number
}

/** Values until they expire, the oldest forgotten first when there are too many, each made once at a time. */
function createCache<T>(clock: Clock): Cache<T> {
  const entries = new Map<string, Entry<T>>()
  const making = new Map<string, Promise<T>>()
  const get = (key: string, maxAgeMs: number | null): T | null => {
    const entry = entries.get(key)
    if (entry === undefined) return null
    const now = clock.now()
    if (entry.exp <= now) {
      entries.delete(key)
      return null
    }
    return maxAgeMs !== null && now - entry.madeAt >= maxAgeMs ? null : entry.value
  }
  const make = async (key: string, maker: () => Promise<{ value: T; exp: number }>): Promise<T> => {
    const madeAt = clock.now()
    const { value, exp } = await maker()
    entries.delete(key)
    entries.set(key, { value, exp, madeAt })
    const [oldest] = entries.keys()
    if (entries.size > limits.cacheEntriesMax && oldest !== undefined) entries.delete(oldest)
    return value
  }
  return {
    get,
    getOrMake: (key, options) => {
      const known = get(key, options.maxAgeMs)
      if (known !== null) return Promise.resolve(known)
      const underWay = making.get(key)
      if (underWay !== undefined) return underWay
      const made = make(key, options.make).finally(() => making.delete(key))
      making.set(key, made)
      return made
    },
    get size() {
      return entries.size
    },
  }
}
