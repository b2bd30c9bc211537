// A stub client of recursive resolvers (RFC 1034 §5.3.1): retries, several servers, one deadline, and an answer in every case.

import { invariant } from '../../base/invariant.ts'
import { limits } from '../../base/limits.ts'
import type { DnsAnswer } from '../../observation/observation.ts'
import { deadline } from '../../runtime/deadline.ts'
import type { Clock, Endpoint } from '../../runtime/runtime.ts'
import { exchange, type Asking, type ExchangeNeeds, type Said } from './exchange.ts'
import { isAnswer, isAskable, nonAnswer, type QueryType } from './message.ts'

export type { QueryType } from './message.ts'

/** Answers DNS questions. */
export interface Resolver {
  /**
   * The answer to one question; what goes wrong in the world is its status. Names are without a final dot.
   * @throws the reason of `signal`, when that aborts first
   */
  query(name: string, type: QueryType, signal: AbortSignal): Promise<DnsAnswer>
}

/** What a resolver needs of the world. */
export interface ResolverNeeds extends ExchangeNeeds {
  readonly clock: Clock
}

/** Which recursive resolvers to ask, in this order, and how long one question may take in all. */
export interface ResolverOptions {
  readonly servers: readonly Endpoint[]
  /** Default `limits.dnsTimeoutMs`. */
  readonly timeoutMs?: number
}

/** A resolver that asks `options.servers` in turn. Nothing is kept from one question to the next. */
export function createResolver(needs: ResolverNeeds, options: ResolverOptions): Resolver {
  const { servers, timeoutMs = limits.dnsTimeoutMs } = options
  invariant(servers.length > 0, 'a resolver has a server to ask')
  return {
    async query(name, type, signal) {
      signal.throwIfAborted()
      if (!isAskable(name)) return nonAnswer('nxdomain', 'DNS allows no such name')
      const { signal: inTime, done } = deadline(needs.clock, timeoutMs, signal)
      try {
        const answer = await askToTheEnd(name, async (asked) => {
          const tries = planTries(servers, asked, type)
          const said = await askInTurn(needs, tries, inTime)
          return said ?? answered(nonAnswer('timeout', `no answer within ${timeoutMs} ms`))
        })
        signal.throwIfAborted()
        return answer
      } finally {
        done()
      }
    },
  }
}

type Try = { readonly asking: Asking; readonly waitMs: number }

/** Every server in turn, again and again with growing waits; last over TCP, which goes through where datagrams do not. */
function planTries(servers: readonly Endpoint[], name: string, type: QueryType): readonly Try[] {
  const tries: Try[] = []
  for (let round = 0; round < limits.dnsTriesMax; round++) {
    const transport = round < limits.dnsTriesMax - 1 ? 'udp' : 'tcp'
    const waitMs = limits.dnsRetryMs * 2 ** round
    for (const server of servers) tries.push({ asking: { server, name, type, transport }, waitMs })
  }
  return tries
}

/**
 * The first answer to any of the tries. Each begins when the one before has failed or kept silent for its wait, and
 * those before go on listening: a slow answer is an answer. A server that has failed is not asked again. Null when
 * nobody has said anything before `signal` aborts, which ends it.
 */
function askInTurn(
  needs: ResolverNeeds,
  tries: readonly Try[],
  signal: AbortSignal,
): Promise<Said | null> {
  return new Promise((resolve, reject) => {
    const over = new AbortController()
    const untilOver = AbortSignal.any([signal, over.signal])
    const waiting = [...tries]
    const asked = new Set<Endpoint>()
    const failures = new Map<Endpoint, DnsAnswer>()
    let cancelWait = (): void => {}

    const end = (): void => {
      cancelWait()
      over.abort()
    }
    const giveUp = (): void => {
      end()
      resolve(summaryOf([...failures.values()]))
    }
    const hear = (server: Endpoint, said: Said): void => {
      if (untilOver.aborted) return
      if (said.kind === 'alias' || isAnswer(said.answer)) {
        end()
        resolve(said)
      } else {
        failures.set(server, said.answer)
        askNext()
      }
    }
    const askNext = (): void => {
      cancelWait()
      let next = waiting.shift()
      while (next !== undefined && failures.has(next.asking.server)) next = waiting.shift()
      if (next === undefined) {
        if (asked.size === failures.size) giveUp()
        return
      }
      const { asking, waitMs } = next
      asked.add(asking.server)
      cancelWait = needs.clock.after(waitMs, askNext)
      exchange(needs, asking, untilOver).then(
        (said) => hear(asking.server, said),
        (error: unknown) => {
          if (untilOver.aborted) return
          end()
          reject(error as Error)
        },
      )
    }
    if (signal.aborted) return giveUp()
    signal.addEventListener('abort', giveUp, { once: true })
    askNext()
  })
}

/** One failure for all: of those who spoke before those who could not be reached, with what each said. */
function summaryOf(failures: readonly DnsAnswer[]): Said | null {
  const chosen = failures.find((answer) => answer.status !== 'unreachable') ?? failures[0]
  if (chosen === undefined) return null
  const texts = new Set(failures.map((answer) => answer.error))
  return answered({ ...chosen, error: [...texts].join('; ').slice(0, errorCharsMax) })
}

const errorCharsMax = 300

function answered(answer: DnsAnswer): Said {
  return { kind: 'answer', answer }
}

/** Asks on for the last name where a server gave aliases without following them, in bounds. */
async function askToTheEnd(name: string, ask: (name: string) => Promise<Said>): Promise<DnsAnswer> {
  const cname: string[] = []
  let ttl = Infinity
  let ad = true
  for (let asked = name; ; asked = cname.at(-1) ?? name) {
    const said = await ask(asked)
    const part = said.kind === 'alias' ? said : said.answer
    cname.push(...part.cname)
    if (new Set([name.toLowerCase(), ...cname]).size <= cname.length)
      return nonAnswer('malformed', 'aliases go round')
    if (cname.length > limits.cnameStepsMax)
      return nonAnswer('malformed', `there are more than ${limits.cnameStepsMax} aliases`)
    ad &&= part.ad
    ttl = Math.min(ttl, part.ttl ?? ttl)
    if (said.kind === 'answer')
      return { ...said.answer, ad, cname, ttl: said.answer.ttl === null ? null : ttl }
  }
}
