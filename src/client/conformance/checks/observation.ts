// What an answer about a target must be, of whatever question (JWS, OBS, ASK, SHARED, ADDR, CACHE).

import { limits } from '../../../base/limits.ts'
import type { Observation, Resolution } from '../../../observation/observation.ts'
import { paths } from '../../../protocol/routes.ts'
import { firstFault, unless, type Check, type Trial } from '../check.ts'
import { observationIn, ownMachine, sightIn, type Look } from '../looks.ts'
import { newNonce, postOf, signatureFault, Untried, type Session } from '../session.ts'

/** Every statement about a target that the trial has, by one rule. */
function ofAll(
  clause: string,
  demand: string,
  faultOf: (observation: Observation, look: Look, session: Session) => string | null,
): Check {
  return {
    clause,
    demand,
    run: async ({ session, looks }) => {
      const all = await looks.all()
      const read = all.flatMap((look) =>
        look.observation === null ? [] : [{ look, observation: look.observation }],
      )
      if (read.length === 0) throw new Untried('there is no observation that can be read')
      return firstFault(read, ({ look, observation }) => faultOf(observation, look, session))
    },
  }
}

/** What all statements have in common. */
export const observationChecks: readonly Check[] = [
  {
    clause: 'OBS-1',
    demand: 'a question is answered with a statement',
    run: async ({ looks }) => {
      const { text, reply } = await looks.first()
      return unless(text !== null, `it answered ${reply.status} without an observation`)
    },
  },
  {
    clause: 'OBS-2',
    demand: 'the header holds what it must and nothing else',
    run: async ({ looks }) => {
      const all = await looks.all()
      if (all.length === 0) throw new Untried('there is no observation')
      return firstFault(all, ({ statement }) =>
        typeof statement === 'string'
          ? statement
          : unless(statement.type === 'smn-obs+jws', `its type is ${statement.type}`),
      )
    },
  },
  {
    clause: 'OBS-3',
    demand: 'it names an answer key of the descriptor',
    run: async (trial) => {
      const { keys } = await trial.session.descriptor()
      return firstFault(await statementsOf(trial), ({ keyId }) =>
        unless(
          keys.some((key) => key.keyId === keyId),
          `it names ${keyId ?? 'none'}`,
        ),
      )
    },
  },
  {
    clause: 'OBS-4',
    demand: 'its signature verifies',
    run: async (trial) => {
      const { keys } = await trial.session.descriptor()
      for (const statement of await statementsOf(trial)) {
        // A key that is not named is another clause's matter.
        if (!keys.some(({ keyId }) => keyId === statement.keyId)) continue
        const fault = await signatureFault(trial.session, statement)
        if (fault !== null) return fault
      }
      return null
    },
  },
  {
    clause: 'OBS-5',
    demand: 'it has its shape',
    run: async (trial) => {
      await statementsOf(trial)
      return firstFault(await trial.looks.all(), ({ observation, statement }) =>
        unless(observation !== null || typeof statement === 'string', 'it has another one'),
      )
    },
  },
  ofAll('OBS-6', 'it names the mirror as its author', ({ iss }, _look, { mirror }) =>
    unless(iss === mirror.id, `it names ${iss}`),
  ),
  ofAll('OBS-7', 'it is about the target that was asked', ({ target }, look) =>
    unless(target === look.target, `asked about ${look.target}, it is about ${target}`),
  ),
  ofAll('OBS-8', 'it carries the nonce of the question', ({ nonce }, look) =>
    unless(look.nonce === null || nonce === look.nonce, `it carries ${nonce ?? 'none'}`),
  ),
  ofAll('OBS-9', 'it was made now', ({ sent }, _look, { needs }) => {
    const apart = Math.round((sent - needs.clock.now()) / 1_000)
    return unless(
      Math.abs(apart) <= limits.clockSkewMs / 1_000,
      `its clock and ours differ by ${apart} s; one of the two is wrong`,
    )
  }),
  ofAll('OBS-10', 'it does not expire before it was made', ({ sent, exp }) =>
    unless(exp >= sent, 'it does'),
  ),
  ofAll('OBS-11', 'it has a sight, or an excuse', ({ status, sight, excuse }) => {
    const isAnswered = status === 'answered'
    return unless(
      isAnswered === (sight !== null) && isAnswered === (excuse === null),
      `its status is ${status}, with ${sight === null ? 'no' : 'a'} sight and ${excuse === null ? 'no' : 'an'} excuse`,
    )
  }),
  ofAll('OBS-12', 'its DNS data is at most 60 s old', ({ sent, sight }) => {
    const age = sight === null ? 0 : sent - sight.at
    return unless(age >= 0 && age <= limits.observationValidMs, `it is ${age / 1_000} s old`)
  }),
  {
    clause: 'OBS-13',
    demand: 'an answer for a nonce is not for caches',
    run: async ({ looks }) => {
      const { reply, text } = await looks.first()
      if (text === null) throw new Untried('there is no answer')
      return unless(directivesOf(reply).includes('no-store'), 'it may be kept')
    },
  },
]

async function statementsOf({ looks }: Trial) {
  const statements = (await looks.all()).flatMap(({ statement }) =>
    typeof statement === 'string' ? [] : [statement],
  )
  if (statements.length === 0) throw new Untried('there is no statement that can be read')
  return statements
}

function directivesOf({ fields }: Look['reply']): readonly string[] {
  return (fields.get('cache-control') ?? '').split(',').map((one) => one.trim().toLowerCase())
}

/** What a question can ask for, and what no question may be. */
export const askingChecks: readonly Check[] = [
  {
    clause: 'TGT-4',
    demand: 'a target in another text than its own is refused',
    run: ({ session }) =>
      session.refused(
        question(session, { target: `${session.target.text}/` }),
        'question-malformed',
      ),
  },
  {
    clause: 'ASK-1',
    demand: 'a nonce of another length, and none, are refused',
    run: async ({ session }) => {
      const nonce = newNonce(session.needs)
      for (const wrong of [nonce.slice(1), `${nonce}A`, undefined]) {
        const fault = await session.refused(
          question(session, { nonce: wrong }),
          'question-malformed',
        )
        if (fault !== null) return `a nonce of ${wrong?.length ?? 'no'} characters: ${fault}`
      }
      return null
    },
  },
  {
    clause: 'ASK-2',
    demand: 'the descriptor comes along where it is wanted',
    run: async ({ session, looks }) => {
      const { descriptor, text } = await looks.first()
      if (text === null) throw new Untried('there is no answer')
      if (descriptor === null) return 'it does not'
      return unless(descriptor === (await session.descriptorText()), 'it is not the current one')
    },
  },
  {
    clause: 'ASK-3',
    demand: 'no own handshakes are made where none are wanted',
    run: async ({ looks }) => {
      const { sight } = sightIn(await looks.bare())
      return unless(
        sight.handshakes.every(({ address }) => address === ownMachine),
        'there are some',
      )
    },
  },
  {
    clause: 'ASK-4',
    demand: 'an address that the asker names is reported',
    run: async ({ looks }) => {
      const made = await handshakeWithOwnMachine(looks)
      return unless(made !== undefined, `there is no word of ${ownMachine}`)
    },
  },
  {
    clause: 'ASK-5',
    demand: 'an address that is none is refused',
    run: ({ session }) =>
      session.refused(question(session, { asked: ['example'] }), 'question-malformed'),
  },
]

async function handshakeWithOwnMachine({ bare }: Trial['looks']) {
  const { sight } = sightIn(await bare())
  return sight.handshakes.find(({ address }) => address === ownMachine)
}

function question(session: Session, change: Readonly<Record<string, unknown>>) {
  const usual = { target: session.target.text, nonce: newNonce(session.needs) }
  return postOf(paths.observe, { ...usual, ...change })
}

/** The variant for everybody. */
export const sharedChecks: readonly Check[] = [
  {
    clause: 'SHARED-1',
    demand: 'an answer for everybody has no nonce',
    run: async ({ looks }) => {
      const [look] = await looks.shared()
      const { nonce } = observationIn(look)
      return unless(nonce === null, `it has ${nonce}`)
    },
  },
  {
    clause: 'SHARED-2',
    demand: 'it may be kept until it expires',
    run: async ({ looks }) => {
      const [look] = await looks.shared()
      const { exp, sent } = sightIn(look)
      const age = directivesOf(look.reply).find((one) => one.startsWith('max-age='))
      const seconds = Number(age?.slice('max-age='.length))
      if (Number.isNaN(seconds)) return 'it says nothing of how long'
      // It was signed when it was first asked for, which may be a while ago.
      const most = Math.min(limits.dnsCacheTtlMaxS, Math.ceil((exp - sent) / 1_000))
      return unless(seconds <= most, `it may be kept for ${seconds} s, and expires in ${most} s`)
    },
  },
  {
    clause: 'SHARED-3',
    demand: 'all askers get the same',
    run: async ({ session, looks }) => {
      const [one, other] = await looks.shared()
      const { exp } = sightIn(one)
      const second = sightIn(other)
      if (exp <= session.needs.clock.now() || second.exp !== exp)
        throw new Untried('it expired between two askers')
      return unless(one.text === other.text, 'two askers got different statements of one sight')
    },
  },
  {
    clause: 'SHARED-4',
    demand: 'a query without a target is refused',
    run: ({ session }) =>
      session.refused({ method: 'GET', path: paths.observe }, 'question-malformed'),
  },
]

/** Where the mirror does not go. */
export const addressChecks: readonly Check[] = [
  {
    clause: 'ADDR-1',
    demand: 'a private address is refused',
    run: async ({ session, looks }) => {
      notOnTestNetworks(session)
      return refusalFault(observationIn(await looks.hidden()), 'private-target')
    },
  },
  {
    clause: 'ADDR-2',
    demand: 'no connection is made to a private address that the asker names',
    run: async ({ session, looks }) => {
      notOnTestNetworks(session)
      const made = await handshakeWithOwnMachine(looks)
      if (made === undefined) throw new Untried(`there is no word of ${ownMachine}`)
      return unless(made.outcome === 'refused-address', `it reports ${made.outcome}`)
    },
  },
  {
    clause: 'ADDR-3',
    demand: 'a scheme that is not supported is refused',
    run: async ({ looks }) => {
      const observation = observationIn(await looks.upgrade())
      if (observation.status === 'answered') throw new Untried('smtp is supported')
      return refusalFault(observation, 'handshake-unsupported')
    },
  },
  {
    clause: 'ADDR-4',
    demand: 'a low port without TLS is refused',
    run: async ({ session, looks }) => {
      notOnTestNetworks(session)
      return refusalFault(observationIn(await looks.lowPort()), 'port-refused')
    },
  },
  {
    clause: 'ADDR-5',
    demand: 'a refusal is a signed answer and no HTTP error',
    run: async ({ session, looks }) => {
      notOnTestNetworks(session)
      const { reply } = await looks.hidden()
      return unless(reply.status === 200, `it answered ${reply.status}`)
    },
  },
]

function notOnTestNetworks({ allowPrivate }: Session): void {
  if (allowPrivate) throw new Untried('the mirror is of a test network')
}

function refusalFault({ status, excuse }: Observation, code: string): string | null {
  if (status !== 'refused') return `its status is ${status}`
  return unless(excuse?.code === code, `its excuse is ${excuse?.code ?? 'none'}`)
}

/** How long a sight is kept. */
export const cacheChecks: readonly Check[] = [
  {
    clause: 'CACHE-1',
    demand: 'a sight is kept no longer than its TTLs allow',
    run: async ({ looks }) => {
      const { exp, sight } = sightIn(await looks.first())
      const kept = (exp - sight.at) / 1_000
      const most = longestS(sight.dns)
      return unless(kept <= most, `it is kept for ${kept} s, and may be for ${most} s`)
    },
  },
  {
    clause: 'CACHE-2',
    demand: 'a fresh look is made where one is wanted',
    run: async ({ looks }) => {
      const before = sightIn(await looks.first())
      const after = sightIn(await looks.fresh())
      return unless(
        after.sight.at > before.sight.at,
        `its DNS data is ${(after.sent - after.sight.at) / 1_000} s old`,
      )
    },
  },
]

/** The most seconds that answers may be kept. */
function longestS({ a, aaaa, authority }: Resolution): number {
  const ttls = [a, aaaa, authority].map(({ status, ttl }) => {
    const isAbsence = status === 'nodata' || status === 'nxdomain'
    if (isAbsence) return Math.min(ttl ?? limits.dnsCacheNegativeS, limits.dnsCacheNegativeS)
    return status === 'ok' ? (ttl ?? limits.dnsCacheTtlMinS) : 0
  })
  return Math.max(limits.dnsCacheTtlMinS, Math.min(limits.dnsCacheTtlMaxS, ...ttls))
}
