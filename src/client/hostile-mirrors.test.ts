// Mirrors that lie, break and pretend: each abstains with its reason, and the verdict stands.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  createOrganisation,
  createWorld,
  type Scene,
  type WorldMirror,
} from '../../test/support/world.ts'
import type { HttpQuestion, HttpReply } from '../runtime/runtime.ts'

const site = '203.0.113.10'

function stage(count: number) {
  const { clock } = createWorld({ count: 0, scene: { addresses: [], tlsa: [], servers: {} } })
  const owner = createOrganisation(clock, 1)
  const honest: Scene = {
    addresses: [site],
    tlsa: [owner.tlsa],
    servers: { [site]: owner.server() },
  }
  return { honest, world: createWorld({ count, scene: honest }) }
}

function withText(reply: HttpReply, change: (text: string) => string): HttpReply {
  assert.ok(typeof reply.body === 'string')
  return { ...reply, body: change(reply.body) }
}

/** `reply` with the question changed on its way to the mirror: the mirror answers something else, truly signed. */
function answerTo(mirror: WorldMirror, change: Readonly<Record<string, unknown>>) {
  return async (question: HttpQuestion): Promise<HttpReply> => {
    const body = JSON.parse(new TextDecoder().decode(question.body ?? new Uint8Array())) as object
    const changed = new TextEncoder().encode(JSON.stringify({ ...body, ...change }))
    return mirror.mirror.handle({ ...question, body: changed })
  }
}

const replies: readonly (readonly [string, (reply: HttpReply) => HttpReply, RegExp])[] = [
  ['is no JSON', (reply) => ({ ...reply, body: 'hello' }), /not of the form/],
  ['is empty', (reply) => ({ ...reply, body: '' }), /not of the form/],
  ['is not UTF-8', (reply) => ({ ...reply, body: Uint8Array.of(0xff, 0xfe) }), /not of the form/],
  ['is 100 MB', (reply) => ({ ...reply, body: new Uint8Array(100_000_000) }), /larger than/],
  [
    'is a refusal by HTTP',
    (reply) => ({ ...reply, status: 403, body: '{"detail":"captcha"}' }),
    /status 403: captcha/,
  ],
  ['lacks the observation', (reply) => ({ ...reply, body: '{}' }), /not of the form/],
  [
    'has a broken signature',
    (reply) =>
      withText(reply, (text) =>
        text.replace(
          /(.)("[,}])/,
          (_, last: string, end: string) => (last === 'A' ? 'B' : 'A') + end,
        ),
      ),
    /signature|base64url/,
  ],
  [
    'lacks the descriptor',
    (reply) => withText(reply, (text) => text.replace(/,"descriptor":"[^"]*"/, '')),
    /descriptor/,
  ],
  [
    'has no statement',
    (reply) =>
      withText(reply, (text) => text.replace(/"observation":"[^"]*"/, '"observation":"x"')),
    /three parts/,
  ],
]

for (const [what, change, why] of replies) {
  test(`a mirror whose answer ${what} abstains with its reason`, async () => {
    const { honest, world } = stage(3)
    const [bad] = world.mirrors
    assert.ok(bad !== undefined)
    bad.tamper = change
    const report = await world.verify(honest)
    assert.equal(report.outcome, 'inconclusive')
    assert.equal(report.quorum.abstaining, 1)
    const said = report.reasons.find(
      (one) => one.code === 'vantage-abstains' && one.vantage === bad.entry.id,
    )
    assert.match(said?.text ?? '', why)
  })
}

const questions: readonly (readonly [string, Readonly<Record<string, unknown>>, RegExp])[] = [
  ['for another target', { target: 'https://other.example.test' }, /about "https:\/\/other/],
  ['with another nonce', { nonce: 'AAAAAAAAAAAAAAAAAAAAAA' }, /nonce/],
]
for (const [what, change, why] of questions) {
  test(`a mirror that answers ${what} abstains with its reason`, async () => {
    const { honest, world } = stage(3)
    const [bad] = world.mirrors
    assert.ok(bad !== undefined)
    const { mirror } = bad
    const other = answerTo(
      { ...bad, mirror: { ...mirror, handle: mirror.handle.bind(mirror) } },
      change,
    )
    Object.assign(bad, { mirror: { ...mirror, handle: other } })
    const report = await world.verify(honest)
    const said = report.reasons.find(
      (one) => one.code === 'vantage-abstains' && one.vantage === bad.entry.id,
    )
    assert.match(said?.text ?? '', why)
  })
}

test('a mirror that replays an old answer abstains', async () => {
  const { honest, world } = stage(3)
  const [bad] = world.mirrors
  assert.ok(bad !== undefined)
  let first: HttpReply | null = null
  bad.tamper = (reply) => (first ??= reply)
  assert.equal((await world.verify(honest)).outcome, 'corroborated')
  await world.clock.advance(1_000)
  const report = await world.verify(honest)
  assert.equal(report.outcome, 'inconclusive')
  assert.match(report.reasons.find((one) => one.vantage === bad.entry.id)?.text ?? '', /nonce/)
})

test('a mirror with the name of another is refused before it is asked', async () => {
  const { honest, world } = stage(4)
  const [bad, other] = world.mirrors
  assert.ok(bad !== undefined && other !== undefined)
  // At the address of one mirror another one answers.
  Object.assign(bad, { mirror: other.mirror })
  const before = bad.asked
  const report = await world.verify(honest)
  assert.equal(report.outcome, 'corroborated')
  assert.equal(bad.asked, before)
  assert.match(
    report.reasons.find((one) => one.vantage === bad.entry.id)?.text ?? '',
    /CA is another one/,
  )
})

test('the mirror renews its answer key and clients follow', async () => {
  const { honest, world } = stage(3)
  assert.equal((await world.verify(honest)).outcome, 'corroborated')
  const client = world.client(honest)
  assert.equal(await world.clock.runUntil(client.isTrusted('www.example.test')), true)
  for (const one of world.mirrors) one.mirror.renew()
  assert.equal(await world.clock.runUntil(client.isTrusted('www.example.test')), true)
})
