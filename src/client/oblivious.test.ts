// Questions through relays, honest and not: who sees what, and what becomes of each lie.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  clientAddress,
  createOrganisation,
  createWorld,
  scriptedProbe,
  type Scene,
  type World,
  type WorldMirror,
} from '../../test/support/world.ts'
import { hex, utf8 } from '../base/bytes.ts'
import { limits } from '../base/limits.ts'
import { issueServer } from '../identity/issue.ts'
import { signStatement } from '../observation/jws.ts'
import { verifyDescriptor } from '../protocol/descriptor.ts'
import { nodeCrypto } from '../runtime/node/crypto.ts'
import type { HttpQuestion, HttpReply } from '../runtime/runtime.ts'
import { createGateway } from '../mirror/gateway.ts'
import { createDesk, type Ask } from './ask.ts'
import { createClient } from './client.ts'

const site = '203.0.113.10'
const name = 'www.example.test'
const asked: Ask = { target: `https://${name}`, fresh: false, asked: [], handshakes: true }

interface Heard extends HttpQuestion {
  readonly by: WorldMirror
  readonly reply: HttpReply
}

function stage(count: number, seed = 1) {
  const { clock } = createWorld({ count: 0, scene: { addresses: [], tlsa: [], servers: {} } })
  const owner = createOrganisation(clock, 1)
  const honest: Scene = {
    addresses: [site],
    tlsa: [owner.tlsa],
    servers: { [site]: owner.server() },
  }
  const world = createWorld({ count, scene: honest, seed })
  /** All that reached any mirror, with what it replied. */
  const heard: Heard[] = []
  for (const by of world.mirrors)
    by.tamper = (reply, question) => {
      heard.push({ ...question, by, reply })
      return reply
    }
  return { world, honest, heard }
}

/** A client of one gateway, with the relays that are given: by default two. */
function trio(relays = 2) {
  const { world, honest, heard } = stage(3)
  const [gateway, ...others] = world.mirrors
  const [first, second] = others
  assert.ok(gateway !== undefined && first !== undefined && second !== undefined)
  const desk = createDesk(world.runtime, {
    relays: others.slice(0, relays).map((one) => one.entry),
  })
  const ask = (given: { signal?: AbortSignal } = {}) =>
    world.clock.runUntil(
      desk.ask(gateway.entry, asked, given.signal ?? new AbortController().signal),
    )
  return { world, honest, heard, gateway, first, second, ask, desk }
}

type Result = Awaited<ReturnType<ReturnType<typeof trio>['ask']>>

function assertAnswered(result: Result): void {
  assert.ok('observation' in result, 'text' in result ? result.text : '')
  assert.equal(result.observation.status, 'answered')
}

function assertAbstains(result: Result, code: string, text: RegExp): void {
  assert.ok('code' in result, 'it answered')
  assert.equal(result.code, code)
  assert.match(result.text, text)
}

const isRelayed = (question: HttpQuestion): boolean => question.path.startsWith('/v1/relay/')
/** True when somebody who reads `bytes` can find `text` in them. */
const holds = (bytes: Uint8Array, text: string): boolean => hex(bytes).includes(hex(utf8(text)))
const bytesOf = (body: Uint8Array | string | null): Uint8Array =>
  typeof body === 'string' ? utf8(body) : (body ?? new Uint8Array())

test('no mirror sees both who asks and what is asked', async () => {
  const { world, honest, heard } = stage(5)
  const report = await world.verify(honest, { oblivious: true })
  assert.equal(report.outcome, 'corroborated')
  assert.equal(report.quorum.agreeing, 4)
  const fromClient = heard.filter((one) => one.peer.address === clientAddress)
  const fromRelays = heard.filter((one) => one.peer.address !== clientAddress)
  assert.ok(fromClient.length >= 8 && fromRelays.length >= 8)
  for (const one of fromClient) {
    assert.ok(isRelayed(one), one.path)
    for (const text of [name, 'example', '/v1/observe', 'eyJ'])
      if (one.method === 'POST')
        assert.ok(!holds(bytesOf(one.body), text) && !holds(bytesOf(one.reply.body), text))
  }
  for (const one of fromRelays) {
    assert.ok(['/v1/ohttp', '/.well-known/secure-mirror'].includes(one.path), one.path)
    assert.ok(!holds(bytesOf(one.body), clientAddress))
  }
})

test('a relay is of another region than its gateway, and every question has its own', async () => {
  const relays = new Set<string>()
  for (const seed of [1, 2, 3]) {
    const { world, honest, heard } = stage(10, seed)
    await world.verify(honest, { oblivious: true })
    for (const { by, path, method } of heard.filter(isRelayed)) {
      const gateway = world.mirrors.find((one) => path.endsWith(one.entry.id))
      assert.ok(gateway !== undefined && gateway !== by)
      const [from, to] = [by.entry.region, gateway.entry.region].map((one) => one?.split('-')[0])
      assert.notEqual(from, to)
      if (method === 'POST') relays.add(`${seed} ${by.entry.id}`)
    }
  }
  assert.ok(relays.size >= 6, `${relays.size} relays`)
})

test('neither the size of a question nor of its answer tells the length of the name or the number of addresses', async () => {
  const questions = new Set<number>()
  const answers = new Set<number>()
  for (const target of ['a.test', 'a-much-longer-name.of-a.service.example.test']) {
    const { world, honest, heard } = stage(3)
    if (target !== 'a.test')
      for (const one of world.mirrors) one.scene = { ...honest, addresses: [site, '203.0.113.11'] }
    await world.verify(honest, { oblivious: true, target })
    for (const { body, reply, method } of heard.filter(isRelayed)) {
      if (method === 'GET') continue
      questions.add(bytesOf(body).length)
      answers.add(bytesOf(reply.body).length)
    }
  }
  assert.deepEqual([...questions], [limits.obliviousRequestBlockBytes + 55])
  assert.deepEqual([...answers], [limits.obliviousResponseBlockBytes + 32])
})

test('an escalation goes through relays too, and an alarm is raised all the same', async () => {
  const { world, honest, heard } = stage(10)
  const owner = createOrganisation(world.clock, 9)
  for (const one of world.mirrors)
    one.scene = { addresses: [site], tlsa: [owner.tlsa], servers: { [site]: owner.server() } }
  const report = await world.verify(honest, { oblivious: true })
  assert.equal(report.outcome, 'contradicted')
  assert.ok(heard.filter((one) => one.path === '/v1/ohttp').length >= 10)
  assert.ok(!heard.some((one) => one.path === '/v1/observe'))
})

/** Changes what the client hears of a relay when it asks by `method`. */
function lie(relay: WorldMirror, change: (reply: HttpReply) => HttpReply, method = 'POST'): void {
  const before = relay.tamper
  relay.tamper = (reply, question) => {
    before?.(reply, question)
    return isRelayed(question) && question.method === method ? change(reply) : reply
  }
}

const flip = (reply: HttpReply, at: number): HttpReply => {
  const body = bytesOf(reply.body)
  const place = at < 0 ? body.length + at : at
  return { ...reply, body: body.with(place, (body[place] ?? 0) ^ 1) }
}
const json = (body: string): HttpReply => ({
  status: 200,
  contentType: 'application/json',
  cacheControl: '',
  body,
})
const keyProblem = JSON.stringify({
  type: 'https://iana.org/assignments/http-problem-types#ohttp-key',
})

const lies: readonly (readonly [string, (reply: HttpReply) => HttpReply, RegExp])[] = [
  ['changes the first byte', (reply) => flip(reply, 0), /not sealed by the mirror/],
  ['changes the last byte', (reply) => flip(reply, -1), /not sealed by the mirror/],
  [
    'cuts the answer off',
    (reply) => ({ ...reply, body: bytesOf(reply.body).subarray(0, 100) }),
    /not sealed by the mirror/,
  ],
  ['answers nothing', (reply) => ({ ...reply, body: '' }), /not sealed by the mirror/],
  ['answers itself', () => json('{"observation":"a.b.c"}'), /not sealed by the mirror/],
  ['answers 100 MB', (reply) => ({ ...reply, body: new Uint8Array(1e8) }), /larger than/],
  ['asks for a sign-in', () => ({ ...json('<html>'), status: 403 }), /status 403/],
  ['says that it is busy', () => ({ ...json('{}'), status: 503 }), /status 503/],
  [
    'says that the key is unknown',
    () => ({ ...json(keyProblem), status: 422 }),
    /does not know the key/,
  ],
]
for (const [what, change, why] of lies) {
  test(`with a relay that ${what}, the mirror is asked through another`, async () => {
    const { ask, first, second } = trio()
    lie(first, change)
    for (let i = 0; i < 4; i++) assertAnswered(await ask())
    assert.ok(first.asked > 0 && second.asked > first.asked)
  })
  test(`with no other relay than one that ${what}, the mirror abstains`, async () => {
    const { ask, first } = trio(1)
    lie(first, change)
    assertAbstains(await ask(), 'relay-failed', why)
  })
}

test('a relay that replays the answer to an earlier question is found out', async () => {
  const { ask, first } = trio(1)
  let earlier: HttpReply | null = null
  lie(first, (reply) => (earlier ??= reply))
  assertAnswered(await ask())
  assertAbstains(await ask(), 'relay-failed', /not sealed by the mirror/)
})

test('a relay that brings a question twice wins nothing', async () => {
  const { ask, first, gateway } = trio(1)
  const { mirror } = first
  const twice: typeof mirror.handle = async (question) => {
    const reply = await mirror.handle(question)
    return question.method === 'POST' ? mirror.handle(question) : reply
  }
  first.mirror = { ...mirror, handle: twice }
  assertAbstains(await ask(), 'relay-failed', /twice/)
  assert.equal(gateway.mirror.cached(), 1)
})

test('a relay that brings the question to another mirror is found out', async () => {
  const { ask, first, second, heard } = trio(1)
  const { mirror } = first
  const swapping: typeof mirror.handle = (question) =>
    mirror.handle(
      question.method === 'POST' ? { ...question, path: `/v1/relay/${second.entry.id}` } : question,
    )
  first.mirror = { ...mirror, handle: swapping }
  assertAbstains(await ask(), 'relay-failed', /does not know the key/)
  assert.ok(heard.some((one) => one.by === second && one.path === '/v1/ohttp'))
  assert.equal(second.mirror.cached(), 0)
})

test('a relay cannot give the gateway a key of its own', async () => {
  const { ask, first, second } = trio(1)
  for (const descriptor of [
    first.mirror.identity().descriptor,
    second.mirror.identity().descriptor,
    'a.b.c',
  ]) {
    first.tamper = null
    lie(first, (reply) => ({ ...reply, body: JSON.stringify({ descriptor }) }), 'GET')
    assertAbstains(await ask(), 'relay-failed', /descriptor/)
  }
  const { ask: askBoth, first: bad } = trio()
  const { descriptor } = bad.mirror.identity()
  lie(bad, (reply) => ({ ...reply, body: JSON.stringify({ descriptor }) }), 'GET')
  for (let i = 0; i < 4; i++) assertAnswered(await askBoth())
})

test('a silent relay is given up after a second, and another one is asked', async () => {
  const { ask, first, world } = trio()
  first.latencyMs = 'never'
  let late = 0
  for (let i = 0; i < 6; i++) {
    const began = world.clock.monotonic()
    assertAnswered(await ask())
    const tookMs = world.clock.monotonic() - began
    assert.ok(tookMs < limits.mirrorTimeoutMs)
    if (tookMs >= limits.relayPatienceMs) late += 1
  }
  // Each of the two is drawn first at times.
  assert.ok(late > 0 && late < 6)
})

test('a mirror that its relay does not list is asked through another', async () => {
  const { ask, first, second } = trio()
  first.known = []
  for (let i = 0; i < 4; i++) assertAnswered(await ask())
  assert.ok(first.relayed().refused > 0 && second.relayed().failed === 0)
})

test('a dead gateway abstains, with what the relay says', async () => {
  const { ask, gateway, first, second } = trio()
  gateway.latencyMs = 'dead'
  assertAbstains(await ask(), 'relay-failed', /status 502 \(relay-failed\)/)
  assert.deepEqual([first.relayed().failed, second.relayed().failed], [1, 1])
})

test('without another mirror nothing is asked, least of all directly', async () => {
  const { ask, gateway } = trio(0)
  assertAbstains(await ask(), 'relay-failed', /no mirror of another network/)
  assert.equal(gateway.asked, 0)
})

test('a question that is withdrawn goes to no second relay', async () => {
  const { ask, world, first, second } = trio()
  first.latencyMs = 'never'
  second.latencyMs = 'never'
  const controller = new AbortController()
  world.clock.after(500, () => controller.abort())
  assertAbstains(await ask({ signal: controller.signal }), 'aborted', /withdrawn/)
  assert.equal(first.asked + second.asked, 0)
})

test('a gateway that gives the whole answer to an earlier question is found out', async () => {
  const { ask, gateway } = trio(1)
  let earlier: HttpReply | null = null
  gateway.tamper = (reply, { path }) => (path === '/v1/ohttp' ? (earlier ??= reply) : reply)
  assertAnswered(await ask())
  assertAbstains(await ask(), 'relay-failed', /not sealed by the mirror/)
})

test('a gateway that seals an earlier observation anew is found out by the nonce', async () => {
  const { ask, gateway, world } = trio(1)
  answerInside(world, gateway, (observations) => observations[0] ?? '')
  assertAnswered(await ask())
  assertAbstains(await ask(), 'wrong-nonce', /nonce/)
})

for (const [what, change, code, why] of [
  ['no observation', () => 'hello', 'mirror-rejected', /not of the form/],
  ['a forged one', () => '{"observation":"a.b.c"}', 'malformed', /rejected/],
] as const)
  test(`a gateway that seals ${what} abstains, and no other relay is tried`, async () => {
    const { ask, gateway, heard, world } = trio()
    answerInside(world, gateway, change)
    assertAbstains(await ask(), code, why)
    assert.equal(heard.filter((one) => one.path === '/v1/ohttp').length, 1)
  })

/** Lets `gateway` seal what `change` makes of the answers that it has given, the newest last. */
function answerInside(
  world: World,
  gateway: WorldMirror,
  change: (answers: readonly string[]) => string,
): void {
  const key = gateway.mirror.identity().gatewayKey
  const { mirror } = gateway
  const answers: string[] = []
  const lying = createGateway(world.runtime, {
    keys: () => [key],
    answer: async (question) => {
      const reply = await mirror.handle(question)
      answers.push(String(reply.body))
      return { ...reply, body: change(answers) }
    },
  })
  gateway.mirror = {
    ...mirror,
    handle: (question) =>
      question.path === '/v1/ohttp' ? lying.answer(question) : mirror.handle(question),
  }
}

test('a gateway that has lost its key is asked with its new one', async () => {
  const { ask, gateway, heard, world } = trio(1)
  assertAnswered(await ask())
  gateway.restart()
  // For a minute its relay shows all who ask the same descriptor.
  assertAbstains(await ask(), 'relay-failed', /does not know the key/)
  await world.clock.advance(limits.relayDescriptorMs)
  assertAnswered(await ask())
  assert.ok(heard.some((one) => one.by === gateway && one.reply.status === 422))
})

test('a relay that has not asked before knows the new key at once', async () => {
  const { ask, gateway, first, second } = trio()
  assertAnswered(await ask())
  gateway.restart()
  assertAnswered(await ask())
  assert.ok(first.asked > 0 && second.asked > 0)
})

test('no key is taken from the mirror itself, who could make one for each asker', async () => {
  const { ask, gateway, heard, world } = trio(1)
  const shared = gateway.mirror.identity().gatewayKey
  assertAnswered(await ask())
  // It signs with another answer key, and sends the descriptor for it inside of its sealed answer.
  gateway.mirror.renew()
  assertAnswered(await ask())
  assertAnswered(await ask())
  const keysOf = () =>
    new Set(heard.filter((one) => one.path === '/v1/ohttp').map((one) => bytesOf(one.body)[0]))
  assert.deepEqual(keysOf(), new Set([shared.keyId]))
  await world.clock.advance(limits.sealingKeyMs)
  assertAnswered(await ask())
  assert.ok(keysOf().has(gateway.mirror.identity().gatewayKey.keyId))
})

test('a gateway that has renewed its key still opens what was sealed for the last one', async () => {
  const { ask, gateway, heard } = trio()
  assertAnswered(await ask())
  gateway.mirror.renew()
  assertAnswered(await ask())
  assert.ok(!heard.some((one) => one.reply.status === 422))
})

test('a retired key is taken no longer than its descriptor is believed', async () => {
  const { ask, gateway, heard, world } = trio()
  assertAnswered(await ask())
  const [{ body } = { body: null }] = heard.filter((one) => one.path === '/v1/ohttp')
  gateway.mirror.renew()
  const post = () =>
    world.clock.runUntil(
      Promise.resolve(
        gateway.mirror.handle({
          method: 'POST',
          path: '/v1/ohttp',
          contentType: 'message/ohttp-req',
          body,
          peer: { address: '198.18.1.1', port: 1 },
        }),
      ),
    )
  assert.equal((await post()).status, 200)
  await world.clock.advance(limits.descriptorValidMs + 1)
  gateway.mirror.renew()
  assert.equal((await post()).status, 422)
})

test('a gateway whose clock is three minutes off abstains, and says why', async () => {
  for (const minutes of [3, -3]) {
    const { ask, gateway } = trio()
    gateway.clockAheadMs = minutes * 60_000
    assertAbstains(
      await ask(),
      'mirror-rejected',
      /status 400: its date is to be within 120 seconds/,
    )
  }
})

test('a client whose clock is three minutes off learns it from every mirror', async () => {
  const { world, honest } = stage(3)
  const now = (): number => world.clock.now() + 180_000
  const client = createClient(
    { ...world.runtime, clock: { ...world.clock, now } },
    {
      mirrors: world.mirrors.map((one) => one.entry),
      probe: scriptedProbe(world.clock, () => honest),
      oblivious: true,
    },
  )
  const report = await world.clock.runUntil(client.verify(name))
  assert.equal(report.outcome, 'inconclusive')
  const said = report.reasons.filter((one) => /within 120 seconds of this clock/.test(one.text))
  assert.equal(said.length, 3)
})

for (const [what, ohttp] of [
  ['no key', { ohttp: null }],
  ['nothing of keys', { ohttp: undefined }],
  ['what is no key', { ohttp: 'AQAgAAAA' }],
] as const)
  test(`a gateway whose descriptor names ${what} is not asked`, async () => {
    const { ask, gateway, heard, world } = trio(1)
    const descriptor = signedWith(gateway, world, ohttp)
    const { mirror } = gateway
    gateway.mirror = {
      ...mirror,
      handle: (question) =>
        question.method === 'GET' ? json(JSON.stringify({ descriptor })) : mirror.handle(question),
    }
    assertAbstains(await ask(), 'mirror-rejected', /takes no sealed questions/)
    assert.ok(!heard.some((one) => one.path === '/v1/ohttp'))
  })

/** The descriptor of a mirror, truly signed by itself, with another key configuration. */
function signedWith(
  { authority, mirror, entry }: WorldMirror,
  { runtime, clock }: World,
  ohttp: { readonly ohttp: string | null | undefined },
): string {
  const expected = { id: mirror.id, now: clock.now() }
  const descriptor = verifyDescriptor(nodeCrypto, mirror.identity().descriptor, expected)
  const server = issueServer(runtime, authority, { names: [entry.ip] })
  const chain = [server.certificate.der, authority.certificate.der]
  const head = { type: 'smn-descriptor+jws', certificates: chain } as const
  return signStatement(server.key, head, JSON.stringify({ ...descriptor, ...ohttp }))
}

test('without relays a client sends nothing that is sealed', async () => {
  const { world, honest, heard } = stage(3)
  await world.verify(honest)
  assert.ok(heard.length > 0 && heard.every((one) => one.path === '/v1/observe'))
})
